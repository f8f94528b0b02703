"""Tables from drawn grids: words into cells, cells with several rows or columns cut."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence

from docmatix.facts.tables.chunks import Chunk, make_lines
from docmatix.facts.tables.columns import Span
from docmatix.facts.tables.compacting import leave_out_empty
from docmatix.facts.tables.cutting import cut_columns, cut_rows, cut_spans
from docmatix.facts.tables.found import FoundCell, FoundTable
from docmatix.facts.tables.grids import Grid
from docmatix.facts.tables.headers import place_headers
from docmatix.pdf.drawings import Rule

STICKS_OUT_PT = 4.0
MIN_CELL_PT = 6.0  # less is padding between doubled lines


def read_grid(grid: Grid, chunks: Sequence[Chunk], across: Sequence[Rule] = ()) -> FoundTable | None:
    """The table of a grid with the chunks whose middles its cells contain; None without two rows and columns. `across`
    are rules that may part headers within a row of the grid."""
    left, top, right, bottom = grid.box
    cells = _list_slots(grid)
    rects = [grid.locate(cell) for cell in cells]
    held: list[list[Chunk]] = [[] for _ in cells]
    covering = {
        (row + down, column + aside): place
        for place, (row, column, rows, columns) in enumerate(cells)
        for down in range(rows)
        for aside in range(columns)
    }
    struck = 0
    for chunk in chunks:
        x, y = (chunk.x0 + chunk.x1) / 2, (chunk.y0 + chunk.y1) / 2
        if left <= x < right and top <= y < bottom:
            place = covering[bisect_right(grid.ys, y) - 1, bisect_right(grid.xs, x) - 1]
            held[place].append(chunk)
            struck += chunk.x0 < rects[place][0] - STICKS_OUT_PT or chunk.x1 > rects[place][2] + STICKS_OUT_PT
    found = [FoundCell(*cell, inside) for cell, inside in zip(cells, held, strict=True)]
    table = FoundTable(list(grid.xs), list(grid.ys), found, ruled=True, rules=list(grid.ys))
    table.struck = struck
    table.drawn = sum(x1 - x0 > MIN_CELL_PT and y1 - y0 > MIN_CELL_PT for x0, y0, x1, y1 in rects)
    if not any(held):
        return None
    table = cut_columns(cut_rows(cut_spans(leave_out_empty(table))))
    _part_headers(table, across)
    rows = {cell.row for cell in table.cells if cell.chunks}
    columns = {cell.column for cell in table.cells if cell.chunks}
    return table if len(rows) > 1 and len(columns) > 1 else None


def _part_headers(table: FoundTable, across: Sequence[Rule]) -> None:
    """Part the headers of the first row where short rules run through it."""
    top, bottom = table.ys[0] + 3, table.ys[1] - 3
    left, right = table.xs[0], table.xs[-1]
    if not any(top < rule.y0 < bottom and left - 3 < rule.x0 and rule.x1 < right + 3 for rule in across):
        return
    first = [cell for cell in table.cells if cell.row == 0]
    if any(cell.rows > 1 for cell in first):
        return
    columns = [Span(before, after) for before, after in zip(table.xs, table.xs[1:], strict=False)]
    placed, cuts = place_headers(make_lines(chunk for cell in first for chunk in cell.chunks), columns, across)
    if not cuts:
        return
    more = len(cuts)
    table.cells = [
        *(FoundCell(cell.row, cell.first, cell.rows, cell.last - cell.first + 1, cell.chunks) for cell in placed),
        *(cell._replace(row=cell.row + more) for cell in table.cells if cell.row),
    ]
    table.ys[1:1] = sorted(min(max(cut, table.ys[0]), table.ys[1]) for cut in cuts)


def _list_slots(grid: Grid) -> list[tuple[int, int, int, int]]:
    """The cells of a grid, and each place of it that no cell covers, since a table may be open at a corner."""
    covered = {
        (row + down, column + right)
        for row, column, rows, columns in grid.cells
        for down in range(rows)
        for right in range(columns)
    }
    bare = [
        (row, column, 1, 1)
        for row in range(len(grid.ys) - 1)
        for column in range(len(grid.xs) - 1)
        if (row, column) not in covered
    ]
    return [*grid.cells, *bare]
