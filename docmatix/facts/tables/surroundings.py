"""Text that belongs to a table without being in its grid: what names it, and what explains it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from docmatix.facts.tables.chunks import Chunk, Line, make_lines
from docmatix.facts.tables.found import FoundTable

NAME = re.compile(r"[^\W\d]{1,12}\.? (\d{1,3}|[IVX]{1,5}|[A-Z])([.-]\d{1,3})*[a-z]?\b.*")  # "Table 3.1", "Tab. IV"
NOTE = re.compile(r"[*†‡§¹²³⁴#]|\(?(\d{1,2}|[a-z*:])[)/]|(\w+ ){0,2}\w+ ?[:—]( |$)|\d{1,2} [^\W\d]|[^\w\s]{1,3}$")
CAPTION_GAP_EM = 1.8
NOTE_GAP_EM = 2.5  # where the first words say that it is one; else half as much
MAX_CAPTION_LINES = 4
MAX_NOTE_LINES = 10


def add_surroundings(tables: Sequence[FoundTable], chunks: Iterable[Chunk]) -> None:
    """Give each table the lines above it that name it and those below that explain it, each line to one table."""
    lines = make_lines(chunks)
    taken: set[Chunk] = set()
    for table in sorted(tables, key=lambda table: table.ys[0]):
        own = [chunk for cell in table.cells for chunk in cell.chunks]
        size = sorted(chunk.size for chunk in own)[len(own) // 2]
        top, bottom = min(chunk.y0 for chunk in own), max(chunk.y1 for chunk in own)
        top, bottom = min(top, table.ys[0]), max(bottom, table.ys[-1])
        beside = [line for line in (_clip(line, table, taken) for line in lines) if line]
        if not table.caption:
            table.caption = _find_caption([line for line in beside if line[0].y1 < top + 0.3 * size], top, size)
            taken.update(table.caption)
        below = [line for line in beside if line[0].y0 > bottom - 0.3 * size and line[0] not in taken]
        if not table.caption and below and below[0][0].y0 - bottom < CAPTION_GAP_EM * size:
            table.caption = _continue(below[:MAX_CAPTION_LINES]) if NAME.match(below[0][0].text) else []
            below = [line for line in below if line[0] not in table.caption]
        if not table.notes:
            table.notes = _find_notes(below, bottom, size)
        taken.update(table.caption, table.notes)


def _clip(line: Line, table: FoundTable, taken: set[Chunk]) -> Line:
    """The chunks of a line that are mostly above or below a table."""
    left, right = table.xs[0], table.xs[-1]
    return [
        chunk
        for chunk in line
        if min(chunk.x1, right) - max(chunk.x0, left) > 0.5 * min(chunk.x1 - chunk.x0, right - left)
        and chunk not in taken
    ]


def _find_caption(above: Sequence[Line], top: float, size: float) -> list[Chunk]:
    """From the nearest line above that has a name and a number; else the line right above, unless it ends a text."""
    edge = top
    near: list[Line] = []
    for line in reversed(above):
        if edge - line[0].y1 > CAPTION_GAP_EM * size or len(near) == MAX_CAPTION_LINES:
            break
        near.insert(0, line)
        edge = line[0].y0
        if NAME.match(line[0].text):
            return [chunk for other in near for chunk in other]
    if near and len(near[-1]) == 1 and near[-1][0].text[-1] not in ".;,":
        last = near[-1][0]
        alone = len(near) == 1 or last.y0 - near[-2][0].y1 > 0.5 * size or (last.bold and not near[-2][0].bold)
        return [last] if alone and len(last.words) <= 20 else []
    return []


def _find_notes(below: Sequence[Line], bottom: float, size: float) -> list[Chunk]:
    if not below or not is_note(below[0], size):
        return []
    if below[0][0].y0 - bottom > NOTE_GAP_EM * size * (1 if NOTE.match(below[0][0].text) else 0.5):
        return []
    kept = [below[0]]
    for line in below[1:MAX_NOTE_LINES]:
        gap = line[0].y0 - kept[-1][0].y1
        same = abs(line[0].size - kept[-1][0].size) < 0.1 * size
        if gap > 0.8 * size or not (is_note(line, size) or (same and gap < 0.4 * size)):
            break
        kept.append(line)
    return [chunk for line in kept for chunk in line]


def _continue(lines: Sequence[Line]) -> list[Chunk]:
    kept = [lines[0]]
    for line in lines[1:]:
        if line[0].y0 - kept[-1][0].y1 > 0.4 * line[0].size or abs(line[0].size - kept[-1][0].size) > 0.5:
            break
        kept.append(line)
    return [chunk for line in kept for chunk in line]


def is_note(line: Line, size: float) -> bool:
    """Whether a line below a table of letters of that size explains it: by a mark, by its first words, or smaller."""
    return line[0].size < 0.92 * size or NOTE.match(line[0].text) is not None
