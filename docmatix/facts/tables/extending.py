"""Rows of a table that stand above or below its drawn grid."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

from docmatix.facts.tables.chunks import Chunk, Line, is_year
from docmatix.facts.tables.columns import Span, locate
from docmatix.facts.tables.found import FoundCell, FoundTable
from docmatix.facts.tables.headers import place_headers
from docmatix.facts.tables.trust import guess_header_rows
from docmatix.pdf.drawings import Rule

MAX_GAP_EM = 1.0
MIN_SHARE = 0.5  # of the columns, in which a line has something
MAX_HEADER_LINES = 5
OUTSIDE_PT = 3.0


def extend_grid(table: FoundTable, lines: Sequence[Line], across: Sequence[Rule]) -> set[Chunk]:
    """Add lines right below a grid that keep to its columns and have numbers, and above one without headers those that
    have none; the chunks that were added."""
    columns = [Span(before, after) for before, after in itertools.pairwise(table.xs)]
    added = _add_below(table, lines, columns)
    if guess_header_rows(table) == 0:
        added |= _add_above(table, lines, columns, across)
    return added


def _keeps_to_columns(line: Line, columns: Sequence[Span]) -> bool:
    if line[0].x0 < columns[0].start - OUTSIDE_PT or line[-1].x1 > columns[-1].end + OUTSIDE_PT:
        return False
    places = [locate(chunk, columns, slack=OUTSIDE_PT) for chunk in line]
    firsts = [first for first, _ in places]
    return len(line) >= max(2, MIN_SHARE * len(columns)) and len(set(firsts)) == len(firsts)


def _add_below(table: FoundTable, lines: Sequence[Line], columns: Sequence[Span]) -> set[Chunk]:
    added: set[Chunk] = set()
    for line in lines:
        bottom = table.ys[-1]
        if line[0].y0 < bottom - OUTSIDE_PT:
            continue
        apart = line[0].y0 - bottom > MAX_GAP_EM * line[0].size
        if apart or not _keeps_to_columns(line, columns) or not any(chunk.is_number for chunk in line[1:]):
            break
        if any(len(set(locate(chunk, columns, slack=OUTSIDE_PT))) > 1 for chunk in line):
            break
        row = len(table.ys) - 1
        table.cells += [FoundCell(row, locate(chunk, columns)[0], 1, 1, [chunk]) for chunk in line]
        table.ys.append(max(chunk.y1 for chunk in line) + 1)
        added.update(line)
    return added


def _add_above(table: FoundTable, lines: Sequence[Line], columns: Sequence[Span], across: Sequence[Rule]) -> set[Chunk]:
    above: list[Line] = []
    top = table.ys[0]
    for line in reversed(lines):
        if line[0].y1 > top + OUTSIDE_PT:
            continue
        inside = line[0].x0 > columns[0].start - OUTSIDE_PT and line[-1].x1 < columns[-1].end + OUTSIDE_PT
        if top - line[0].y1 > MAX_GAP_EM * line[0].size or not inside or len(above) == MAX_HEADER_LINES:
            break
        crosses = len(line) == 1 and locate(line[0], columns, slack=OUTSIDE_PT)[0] == 0 and line[0].x1 > columns[0].end
        if crosses or any(chunk.is_number and not is_year(chunk.text) for chunk in line):
            break
        above.insert(0, line)
        top = min(chunk.y0 for chunk in line)
    if not any(_keeps_to_columns(line, columns) for line in above):
        return set()
    placed, cuts = place_headers(above, columns, across)
    rows = len(cuts) + 1
    table.cells = [
        *(FoundCell(cell.row, cell.first, cell.rows, cell.last - cell.first + 1, cell.chunks) for cell in placed),
        *(cell._replace(row=cell.row + rows) for cell in table.cells),
    ]
    table.ys = [top - 1, *sorted(cuts), *table.ys]
    return {chunk for line in above for chunk in line}
