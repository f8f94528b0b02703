"""Boxes to write in, each drawn for itself, with their label on the left or above."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence

from docmatix.facts.fields.candidates import Candidate
from docmatix.facts.fields.chunks import PROSE_WIDTH, Chunk, Layout
from docmatix.facts.fields.labels import ends_with_colon, is_label, is_value, join, reads_on, strip_label
from docmatix.pdf.drawings import FilledBox

MIN_PT, MAX_PT = 9.0, 48.0  # the height of one
MAX_BOXES = 120


def find_input_fields(layout: Layout, blocked: Collection[Chunk]) -> Iterator[Candidate]:
    """The fields of boxes that hold nothing but a value, or nothing."""
    boxes = _list_inputs(layout)
    if not boxes or len(boxes) > MAX_BOXES:
        return
    found = []
    for box in boxes:
        inside = layout.in_column(box.x0, box.y0, box.x1, box.y1)
        if any(chunk.x0 < box.x0 - 2 or chunk.x1 > box.x1 + 2 or chunk in blocked for chunk in inside):
            continue
        rows = {chunk.row for chunk in inside}
        if len(rows) < len(inside):
            continue  # a shaded row of a table
        label = _find_label(layout, box, boxes)
        if label is None or len(rows) > 3 or label in inside or label in blocked:
            continue
        if not box.stroked and label.middle < box.y0 and layout.right_of(label) is not None:
            continue
        found.append((box, label, inside))
    for box, label, inside in found:
        alike = sum(abs((other.y1 - other.y0) - (box.y1 - box.y0)) <= 1 for other, _, _ in found)
        trust = 0.8 if alike >= 2 else 0.6 if inside or ends_with_colon(label.text) else 0.4
        value = [token for chunk in inside for token in chunk.tokens]
        if not value:
            yield Candidate("empty_field", label.tokens, (), trust, area=(box.x0, box.y0, box.x1, box.y1))
        elif is_value(join(value)) and not reads_on(join(value)):
            yield Candidate("field", label.tokens, value, trust + 0.05)


def _list_inputs(layout: Layout) -> list[FilledBox]:
    """Boxes with a frame that are one line or two high, touch no other, and are all of one fill."""
    found: list[FilledBox] = []
    seen: set[tuple[int, ...]] = set()
    for box in layout.drawing.boxes:
        high, wide = box.y1 - box.y0, box.x1 - box.x0
        light = box.fill is None or (len(box.fill) < 4 and min(box.fill) > 0.8 and max(box.fill) - min(box.fill) < 0.1)
        if MIN_PT <= high <= MAX_PT and 2 * high <= wide <= 0.8 * layout.width and light and (box.stroked or box.fill):
            key = (round(box.x0 / 2), round(box.y0 / 2), round(box.x1 / 2), round(box.y1 / 2))
            if key not in seen:
                seen.add(key)
                found.append(box)
        if len(found) > MAX_BOXES:
            return []
    found.sort(key=lambda box: box.y0)
    touching: set[int] = set()
    for at, box in enumerate(found):
        for number in range(at + 1, len(found)):
            if found[number].y0 >= box.y1 + 1:
                break
            if _touch(box, found[number]):
                touching |= {at, number}
    return [box for at, box in enumerate(found) if at not in touching]


def _touch(one: FilledBox, other: FilledBox) -> bool:
    across = min(one.x1, other.x1) - max(one.x0, other.x0)
    along = min(one.y1, other.y1) - max(one.y0, other.y0)
    return across > -1 and along > -1


def _find_label(layout: Layout, box: FilledBox, boxes: Sequence[FilledBox]) -> Chunk | None:
    """The text left of a box at the height of its first line, else the line right above its left edge."""
    middle = (box.y0 + box.y1) / 2
    left = [
        chunk
        for chunk in layout.in_column(box.x0 - 220, box.y0, box.x0 + 1, box.y1)
        if chunk.x1 <= box.x0 + 1 and chunk.y0 <= middle <= chunk.y1 and not _is_inside(chunk, boxes)
    ]
    if left:
        chunk = max(left, key=lambda chunk: chunk.x1)
        if _is_framed(layout, chunk, box):
            return None  # the boxes of a diagram
        between = any(
            other is not box and chunk.x1 < other.x1 < box.x0 and other.y0 < middle < other.y1 for other in boxes
        )
        if not between and box.x0 - chunk.x1 < 16 * chunk.size and _can_name(chunk):
            return chunk
    above = [
        chunk
        for chunk in layout.in_column(box.x0 - 3, box.y0 - 14, box.x1, box.y0)
        if abs(chunk.x0 - box.x0) <= 8 and chunk.middle < box.y0 and not _is_inside(chunk, boxes)
    ]
    if above:
        chunk = max(above, key=lambda chunk: chunk.y1)
        if box.y0 - chunk.y1 < 0.7 * chunk.size and _can_name(chunk):
            return chunk
    return None


def _can_name(chunk: Chunk) -> bool:
    return not chunk.in_prose and chunk.width <= PROSE_WIDTH and is_label(strip_label(chunk.text))


def _is_inside(chunk: Chunk, boxes: Sequence[FilledBox]) -> bool:
    x = (chunk.x0 + chunk.x1) / 2
    return any(box.x0 <= x <= box.x1 and box.y0 <= chunk.middle <= box.y1 for box in boxes)


def _is_framed(layout: Layout, chunk: Chunk, box: FilledBox) -> bool:
    """Whether a label stands in a small box of its own."""
    return any(
        other.x0 <= chunk.x0 and other.x1 >= chunk.x1 and other.y0 <= chunk.middle <= other.y1
        for other in layout.drawing.boxes
        if other.x1 <= box.x0 + 1 and other.y1 - other.y0 <= MAX_PT
    )
