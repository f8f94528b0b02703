"""Rows of a table that name the rows below them."""

from __future__ import annotations

from collections import Counter
from itertools import pairwise

from docmatix.facts.tables.meaning.cell_grid import CellGrid, GridCell
from docmatix.facts.tables.meaning.kinds import CODE, DATE, NUMBER, PERIOD, TEXT
from docmatix.facts.tables.meaning.totals import is_total_name

MAX_SECTION_CHARS = 120


def find_sections(grid: CellGrid, header_rows: int) -> dict[int, GridCell]:
    """The rows that hold a name and nothing else, with rows of values below. In two columns that may as well be a value
    that was left out: there the name must span both, or look unlike the others."""
    body = range(header_rows, grid.rows)
    lone = {row: grid.lines[row][0] for row in body if _is_lone(grid, row)}
    usual = max((len(grid.lines[row]) for row in body), default=0)
    found: dict[int, GridCell] = {}
    fills = Counter(map(str, grid.fills[header_rows:]))
    usual_fill = fills.most_common(1)[0][0] if fills else ""
    plain = [cell for row in body if row not in lone for cell in grid.lines[row][:1]]
    regular = _are_regular(grid, header_rows, set(lone))
    for row, cell in lone.items():
        following = next((below for below in range(row + 1, grid.rows) if below not in lone), None)
        if following is None or usual < 2 or is_total_name(cell.text):
            continue
        spans = cell.column_span >= grid.columns > 1
        apart = cell.bold and 2 * sum(other.bold for other in plain) < len(plain)
        below = grid.own(following, cell.column)
        indented = below is not None and below.start - cell.start > 3.5 * grid.point
        filled = row < len(grid.fills) and str(grid.fills[row]) != usual_fill and grid.fills[row] is not None
        shouts = cell.text.isupper() and not any(other.text.isupper() for other in plain)
        evident = spans or apart or filled or shouts or cell.text.endswith((":", "："))
        evident |= indented and (not grid.ruled or grid.columns > 2)
        # names of rows whose values are left out: several in a row, or in a grid that has a place for each value
        same = row + 1 in lone and lone[row + 1].bold == cell.bold and lone[row + 1].column_span == cell.column_span
        empty = sum((other := grid.at(row, at)) is not None and not other.text for at in range(grid.columns))
        if evident or regular or (grid.columns > 2 and not same and (not grid.ruled or not empty)):
            found[row] = cell
    if len(found) > 0.7 * len(body):
        return {}
    return found


def _are_regular(grid: CellGrid, header_rows: int, lone: set[int]) -> bool:
    """Whether names stand alone above two rows or more each, the first of them above all, and few other rows have a
    place without a value: in a drawn grid, names whose values were left out would not."""
    if header_rows not in lone or len(lone) < (2 if grid.columns > 2 else 3):
        return False
    starts = sorted(lone)
    if any(after - before < 3 for before, after in pairwise([*starts, grid.rows])):
        return False
    rest = [len(grid.lines[row]) for row in range(header_rows, grid.rows) if row not in lone]
    return sum(count < grid.columns for count in rest) <= 0.2 * len(rest)


def _is_lone(grid: CellGrid, row: int) -> bool:
    cells = grid.lines[row]
    if len(cells) != 1 or cells[0].row_span > 1 or len(cells[0].text) > MAX_SECTION_CHARS:
        return False
    cell = cells[0]
    if cell.kind not in (TEXT, CODE, PERIOD, DATE):
        return False
    covered = any(
        (other := grid.at(row, column)) is not None and other.row < row and other.text for column in range(grid.columns)
    )
    # in the first column, over several, or centred over the table
    middle = (cell.box.x0 + cell.box.x1) / 2
    centred = abs(middle - (grid.box.x0 + grid.box.x1) / 2) < 0.08 * (grid.box.x1 - grid.box.x0)
    return not covered and (cell.column == 0 or cell.column_span > 1 or centred or _is_first_filled(grid, cell))


def _is_first_filled(grid: CellGrid, cell: GridCell) -> bool:
    """Whether names begin in a cell's column, as they do right of a column of numbers of the rows."""
    return cell.column == 1 and all(line[0].kind == NUMBER for line in grid.lines if line and line[0].column == 0)
