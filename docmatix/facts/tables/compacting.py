"""Leaves out the rows and columns of a grid that have no text of their own: doubled lines, padding, blank rows."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence

from docmatix.facts.tables.found import FoundCell, FoundTable


def leave_out_empty(table: FoundTable) -> FoundTable:
    """The table with only those rows and columns in which a cell with text stands, or begins that spans others."""
    filled = [cell for cell in table.cells if cell.chunks]
    columns = _list_kept([(cell.column, cell.columns) for cell in filled])
    rows = _list_kept([(cell.row, cell.rows) for cell in filled])
    if len(columns) == len(table.xs) - 1 and len(rows) == len(table.ys) - 1:
        return table
    cells: list[FoundCell] = []
    for cell in table.cells:
        column, last_column = bisect_left(columns, cell.column), bisect_left(columns, cell.column + cell.columns)
        row, last_row = bisect_left(rows, cell.row), bisect_left(rows, cell.row + cell.rows)
        if column < last_column and row < last_row:
            cells.append(FoundCell(row, column, last_row - row, last_column - column, cell.chunks))
    table.xs, table.ys, table.cells = _pick(table.xs, columns), _pick(table.ys, rows), cells
    return table


def _list_kept(spans: Sequence[tuple[int, int]]) -> list[int]:
    kept = {start for start, length in spans if length == 1}
    for start, length in sorted(spans, key=lambda span: span[1]):
        if kept.isdisjoint(range(start, start + length)):
            kept.add(start)
    return sorted(kept)


def _pick(edges: Sequence[float], kept: Sequence[int]) -> list[float]:
    """The edges of the kept pieces; space between them goes to the one before."""
    return [*(edges[place] for place in kept), edges[-1] if kept[-1] + 2 >= len(edges) else edges[kept[-1] + 1]]
