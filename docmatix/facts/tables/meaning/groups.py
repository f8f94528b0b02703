"""Names of groups that are centred beside their rows are spread over them."""

from __future__ import annotations

from docmatix.facts.tables.meaning.cell_grid import CellGrid, GridCell
from docmatix.facts.tables.meaning.kinds import NUMBER


def spread_groups(grid: CellGrid, header_rows: int) -> None:
    """Cells of the first column that stand at the middle of several rows get these rows; a row that only holds such a
    name goes."""
    if grid.columns < 3 or grid.own(header_rows, 0) is not None:
        return
    body = range(header_rows, grid.rows)
    names = [cell for row in body if (cell := grid.own(row, 0)) is not None]
    lone = {cell.row for cell in names if len(grid.lines[cell.row]) == 1}
    rows = [row for row in body if row not in lone]
    if not names or 2 * len(names) > len(rows) or any(cell.kind == NUMBER or cell.column_span > 1 for cell in names):
        return
    if any(cell.row_span > 1 for cell in names) or any(grid.own(row, 1) is None for row in rows):
        return
    middles = {row: _find_middle(grid, row) for row in rows}
    pitch = (middles[rows[-1]] - middles[rows[0]]) / max(1, len(rows) - 1)
    spans = _find_spans(names, rows, middles, 0.3 * pitch)
    if spans is None:
        return
    for cell, (first, last) in zip(names, spans, strict=True):
        cell.row, cell.row_span = first, last - first + 1
    taken = {id(cell) for cell in names}
    grid.cells = [cell for cell in grid.cells if cell.column > 0 or cell.row < header_rows or id(cell) in taken]
    grid.index()
    for row in sorted(lone, reverse=True):
        grid.remove_row(row)


def _find_middle(grid: CellGrid, row: int) -> float:
    edges = [cell.box for cell in grid.lines[row] if cell.column > 0]
    return (min(box.y0 for box in edges) + max(box.y1 for box in edges)) / 2


def _find_spans(
    names: list[GridCell], rows: list[int], middles: dict[int, float], slack: float
) -> list[tuple[int, int]] | None:
    """The first and last row of each name, so that they take all rows in turn and each stands at the middle of its
    own."""
    spans = []
    start = 0
    for cell in names:
        middle = (cell.box.y0 + cell.box.y1) / 2
        ends = range(start, len(rows))
        if not ends:
            return None
        end = min(ends, key=lambda at: abs((middles[rows[start]] + middles[rows[at]]) / 2 - middle))
        if abs((middles[rows[start]] + middles[rows[end]]) / 2 - middle) > slack:
            return None
        spans.append((rows[start], rows[end]))
        start = end + 1
    return spans if start == len(rows) and any(first != last for first, last in spans) else None
