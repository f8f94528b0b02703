"""Where options are ticked or not: glyphs of boxes and rings, and small squares and rings that are drawn, with what is
drawn or written in them."""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from docmatix.facts.fields.candidates import Area
from docmatix.facts.fields.chunks import Chunk, Layout, Token
from docmatix.pdf.drawings import FilledBox, Mark

_TICKED = frozenset("☑☒🗹🗷🗸⊠⮽")
_UNTICKED = frozenset("☐🞎❏❐❑❒▢")
_MAYBE_TICKED, _MAYBE_UNTICKED = frozenset("■●◉⦿◼⬛✓✔✗✘√⚫▣◙"), frozenset("□○◯◻⬜❍⚪◌")
_BRACKETS = re.compile(r"\[(?P<square>[xX✓✔✗✘]?)\]|\((?P<round>[xX✓✔])\)")
_TICKS = re.compile(r"[xX✓✔✗✘√×☓╳]")
_GLYPHS = re.escape("".join(sorted(_TICKED | _UNTICKED | _MAYBE_TICKED | _MAYBE_UNTICKED)))
_MAY_HOLD = re.compile(rf"[{_GLYPHS}]|\[[xX✓✔✗✘]?\s?\]|\([xX✓✔]?\s?\)")
MAX_BOXES = 400
MAX_SIDE = 18.0  # points of a box to tick


class Tick(NamedTuple):
    """Where an option is ticked or not. `tokens` are those of its glyph."""

    area: Area
    checked: bool
    tokens: tuple[Token, ...]
    trust: float


def find_glyphs(layout: Layout, *, has_drawn: bool) -> Iterator[Tick]:
    sure: list[Tick] = []
    maybe: list[tuple[Tick, Chunk]] = []
    for chunk in layout.chunks:
        if not _MAY_HOLD.search(chunk.text):
            continue
        skip = -1
        for at, token in enumerate(chunk.tokens):
            if at <= skip or len(token.text) > 3:
                continue
            area = (token.x0, token.y0, token.x1, token.y1)
            text = token.text
            if text in _TICKED or text in _UNTICKED:
                sure.append(Tick(area, text in _TICKED, (token,), 0.85))
            elif match := _BRACKETS.fullmatch(text):
                checked = bool(match.group("square") or match.group("round"))
                maybe.append((Tick(area, checked, (token,), 0.75), chunk))
            elif text in ("[", "(") and at + 1 < len(chunk.tokens) and chunk.tokens[at + 1].text in ("]", ")"):
                skip = at + 1
                both = (token, chunk.tokens[at + 1])
                maybe.append((Tick((token.x0, token.y0, both[1].x1, token.y1), False, both, 0.75), chunk))
            elif text in _MAYBE_TICKED or text in _MAYBE_UNTICKED:
                maybe.append((Tick(area, text in _MAYBE_TICKED, (token,), 0.6), chunk))
    yield from sure
    yield from _confirm(maybe, sure=bool(sure) or has_drawn)


def _confirm(maybe: Sequence[tuple[Tick, Chunk]], *, sure: bool) -> Iterator[Tick]:
    """Signs that may be bullets as well: those that stand beside each other or at one edge, ticked and not."""
    for mark, chunk in maybe:
        alike = [
            (other, one)
            for other, one in maybe
            if other is not mark and (one.row == chunk.row or abs(other.area[0] - mark.area[0]) <= 2)
        ]
        text = mark.tokens[0].text
        if len(text) > 1 or text in "[(":
            # a cross in round brackets alone is a sign that a table explains
            if any(other.checked != mark.checked for other, _ in alike) or text.startswith("[") or not mark.checked:
                yield mark
            continue
        mixed = any(other.checked != mark.checked and _is_kin(other, mark) for other, _ in alike)
        in_row = any(one.row == chunk.row and _is_kin(other, mark) for other, one in alike) and not mark.checked
        if mixed or in_row or (sure and text in "□◻⬜✓✔✗✘"):
            yield mark._replace(trust=0.75 if mixed else 0.6)


_RINGS = frozenset("●◉⦿⚫◙○◯❍⚪◌")


def _is_kin(one: Tick, other: Tick) -> bool:
    texts = (one.tokens[0].text, other.tokens[0].text)
    return any(text in "✓✔✗✘√" for text in texts) or (texts[0] in _RINGS) == (texts[1] in _RINGS)


def find_drawn(layout: Layout) -> Iterator[Tick]:
    """Small squares and rings, with what is drawn or written in them."""
    boxes = layout.drawing.boxes
    squares = [box for box in dict.fromkeys(boxes) if _is_small_square(box.x0, box.y0, box.x1, box.y1)]
    if any(_is_coloured(box.fill) for box in squares):
        return  # the key of a chart
    ordered = sorted(squares, key=lambda box: box.x0)
    xs = [box.x0 for box in ordered]
    squares = [box for box in squares if not _is_in_grid(box, _list_near(box, ordered, xs))]
    rings = [
        FilledBox(mark.x0, mark.y0, mark.x1, mark.y1, mark.fill is None, mark.fill)
        for mark in layout.drawing.marks
        if mark.is_round and _is_small_square(mark.x0, mark.y0, mark.x1, mark.y1)
    ]
    if not 0 < len(squares) + len(rings) <= MAX_BOXES:
        return
    outer: list[FilledBox] = []
    shapes = sorted([*squares, *rings], key=lambda box: box.x0)
    xs = [box.x0 for box in shapes]
    for box in [*squares, *rings]:
        near = _list_near(box, shapes, xs)
        if not any(other is not box and _holds(other, box) and _is_larger(other, box) for other in near):
            same = next((one for one in outer if _holds(one, box) or _holds(box, one)), None)
            if same is None:
                outer.append(box)
    round_ones = {(ring.x0, ring.y0) for ring in rings}
    for box in outer:
        if not box.stroked and _is_dark(box.fill):
            continue  # a bullet
        ring = (box.x0, box.y0) in round_ones
        if box.fill is not None and not box.stroked and not ring and not _is_framed(box, boxes):
            continue
        if box.fill is not None and not _is_dark(box.fill) and not _is_light(box.fill):
            continue
        inside = list(layout.in_column(box.x0, box.y0, box.x1, box.y1))
        tokens = [token for chunk in inside for token in chunk.tokens if _is_in(token, box)]
        if any(not _TICKS.fullmatch(token.text) and token.text not in _MAYBE_TICKED for token in tokens):
            continue
        inner = [other for other in boxes if other is not box and _is_larger(box, other) and _holds(box, other)]
        strokes = [
            mark
            for mark in layout.drawing.marks
            if (_is_stroke_in(mark, box) if not mark.is_round else _is_dark(mark.fill) and _is_dot_in(mark, box))
        ]
        dark = any(_is_dark(other.fill) for other in inner) or (box.stroked and _is_dark(box.fill))
        checked = bool(tokens) or bool(strokes) or dark
        trust = 0.6 if ring else 0.75
        yield Tick((box.x0, box.y0, box.x1, box.y1), checked, tuple(tokens), trust)


def _is_small_square(x0: float, y0: float, x1: float, y1: float) -> bool:
    width, height = x1 - x0, y1 - y0
    return 4.5 <= width <= MAX_SIDE and 4.5 <= height <= MAX_SIDE and abs(width - height) <= 0.2 * max(width, height)


def _list_near(box: FilledBox, boxes: Sequence[FilledBox], xs: Sequence[float]) -> Sequence[FilledBox]:
    """Those of small boxes from the left, which begin at `xs`, that may touch or hold one."""
    return boxes[bisect_left(xs, box.x0 - 2 * MAX_SIDE) : bisect_right(xs, box.x1 + 2)]


def _is_coloured(fill: Sequence[float] | None) -> bool:
    return fill is not None and len(fill) == 3 and max(fill) - min(fill) > 0.15 and min(fill) < 0.8


def _is_in_grid(box: FilledBox, squares: Sequence[FilledBox]) -> bool:
    """Whether a square touches others, as the cells of a small table do."""
    return any(
        (abs(other.x0 - box.x1) < 1 and abs(other.y0 - box.y0) < 1)
        or (abs(other.x1 - box.x0) < 1 and abs(other.y0 - box.y0) < 1)
        or (abs(other.y0 - box.y1) < 1 and abs(other.x0 - box.x0) < 1)
        or (abs(other.y1 - box.y0) < 1 and abs(other.x0 - box.x0) < 1)
        for other in squares
    )


def _is_larger(one: FilledBox, other: FilledBox) -> bool:
    return one.x1 - one.x0 > other.x1 - other.x0 + 0.5


def _holds(one: FilledBox, other: FilledBox) -> bool:
    x, y = (other.x0 + other.x1) / 2, (other.y0 + other.y1) / 2
    return one.x0 <= x <= one.x1 and one.y0 <= y <= one.y1


def _is_in(token: Token, box: FilledBox) -> bool:
    x, y = (token.x0 + token.x1) / 2, (token.y0 + token.y1) / 2
    return box.x0 - 1 <= x <= box.x1 + 1 and box.y0 - 2 <= y <= box.y1 + 2


def _is_stroke_in(mark: Mark, box: FilledBox) -> bool:
    x, y = (mark.x0 + mark.x1) / 2, (mark.y0 + mark.y1) / 2
    size = box.x1 - box.x0
    inside = box.x0 - 1 <= x <= box.x1 + 0.4 * size and box.y0 - 0.4 * size <= y <= box.y1 + 1
    return inside and 0.3 * size <= mark.x1 - mark.x0 <= 1.8 * size


def _is_dot_in(mark: Mark, box: FilledBox) -> bool:
    x, y = (mark.x0 + mark.x1) / 2, (mark.y0 + mark.y1) / 2
    return box.x0 < x < box.x1 and box.y0 < y < box.y1 and mark.x1 - mark.x0 < box.x1 - box.x0 - 0.5


def _is_dark(fill: Sequence[float] | None) -> bool:
    if not fill:
        return False
    return sum(fill) / len(fill) < 0.6 if len(fill) < 4 else fill[3] + sum(fill[:3]) / 3 > 0.4


def _is_light(fill: Sequence[float]) -> bool:
    return min(fill) > 0.85 if len(fill) < 4 else max(fill) < 0.15


def _is_framed(box: FilledBox, boxes: Sequence[FilledBox]) -> bool:
    """Whether a filled square has a frame of its own, stroked or a larger square behind it."""
    return any(other is not box and _holds(other, box) and other.x1 - other.x0 <= 22 for other in boxes)
