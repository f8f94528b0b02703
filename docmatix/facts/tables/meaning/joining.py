"""Joins signs and wrapped lines in cells of their own to what they belong to, and columns that are aligned apart."""

from __future__ import annotations

import re
from itertools import pairwise

from docmatix.core.documents import enclose
from docmatix.facts.tables.meaning.cell_grid import CellGrid, GridCell
from docmatix.facts.tables.meaning.kinds import NUMBER, find_kind, is_wordy
from docmatix.text.hyphens import HYPHENS, join_lines
from docmatix.text.numbers import CURRENCY, has_digit

# --- signs ------------------------------------------------------------------------------------------------------------

_BEFORE = re.compile(rf"(?:{CURRENCY}|[-–−+(<>≤≥±~]|{CURRENCY} ?[(-])", re.IGNORECASE)
_AFTER = re.compile(rf"(?:%|‰|{CURRENCY}|\)|\)%|%\)|pp|bps?|[*†‡]+|[¹²³⁰⁴-⁹]+|\([a-z\d]\)|[a-e])", re.IGNORECASE)


_CURRENCY_ALONE = re.compile(CURRENCY, re.IGNORECASE)


def join_signs(grid: CellGrid) -> None:
    """Currencies, brackets and percent signs in columns of their own are joined to the numbers beside them, and a
    currency before the number of a single row."""
    for line in grid.lines[1:]:
        for cell, other in pairwise(line):
            beside = cell.end_column == other.column and other.column_span == 1 and cell.column > 0
            if beside and other.kind == NUMBER and _CURRENCY_ALONE.fullmatch(cell.text):
                peers = [one for one in grid.cells if one.column == cell.column and one.text and one.row > 0]
                if sum(_CURRENCY_ALONE.fullmatch(one.text) is not None for one in peers) < 0.5 * len(peers):
                    other.text, other.box = f"{cell.text} {other.text}", enclose((cell.box, other.box))
                    grid.cells.remove(cell)
    grid.index()
    for column in reversed(range(grid.columns)):
        cells = [cell for cell in grid.cells if cell.text and cell.column == column and cell.column_span == 1]
        body = [cell for cell in cells if cell.row >= max(1, grid.header_rows)]
        if not body or len(cells) > len(body) or grid.columns < 3:
            continue
        before = all(_BEFORE.fullmatch(cell.text) for cell in body)
        after = all(_AFTER.fullmatch(cell.text) for cell in body)
        for step, fits in ((1, before), (-1, after)):
            others = [grid.own(cell.row, column + step) for cell in body] if fits else []
            if others and sum(other is not None and has_digit(other.text) for other in others) > 0.7 * len(others):
                _join_column(grid, column, step)
                break


_RATE = re.compile(r"\d{1,2}(?:[.,]\d{1,2})? ?% ?:?")


def join_rates(grid: CellGrid) -> None:
    """In the sums below a table, a rate that stands a space behind the name of a sum is a part of it: `VAT 20 %`, as is
    the colon behind either."""
    usual = max((len(line) for line in grid.lines), default=0)
    for row in reversed(range(1, grid.rows)):
        line = grid.lines[row]
        if usual < 3 or 2 * len(line) > usual + 2 or len(line) > 4:
            break
        for cell, other in reversed(list(pairwise(line[:-1]))):
            gap = (other.box.x0 - cell.box.x1) / grid.point
            colon = other.text in (":", "：")
            rate = _RATE.fullmatch(other.text) is not None and is_wordy(cell.text) and gap < 0.6 * max(cell.size, 6.0)
            if (colon or rate) and cell.end_column <= other.column and cell.row_span == other.row_span:
                cell.text = f"{cell.text}{'' if colon else ' '}{other.text}"
                cell.column_span = other.end_column - cell.column
                cell.box, cell.kind = enclose((cell.box, other.box)), find_kind(cell.text)
                grid.cells.remove(other)
                kept = (one is cell or one.text or one.row != row for one in grid.cells)
                grid.cells = [one for one, keep in zip(grid.cells, kept, strict=True) if keep]
    grid.index()


def _join_column(grid: CellGrid, column: int, step: int) -> None:
    for cell in [cell for cell in grid.cells if cell.column == column and cell.column_span == 1]:
        other = grid.own(cell.row, column + step)
        if not cell.text:
            continue
        if other is None:
            empty = grid.at(cell.row, column + step)
            if empty is not None and empty.row == cell.row and not empty.text:
                grid.cells.remove(empty)
            cell.column += step  # a lone sign is all that the neighbour says
            continue
        close = (other.box.x0 - cell.box.x1 if step > 0 else cell.box.x0 - other.box.x1) < 0.003
        first, last = (cell, other) if step > 0 else (other, cell)
        space = "" if cell.text in "()%)" or close else " "
        other.text = f"{first.text}{space}{last.text}"
        other.box, other.kind = enclose((cell.box, other.box)), find_kind(other.text)
        grid.cells.remove(cell)
    grid.index()
    grid.remove_column(column)


def join_half_columns(grid: CellGrid) -> None:
    """A column of nothing but a header, beside one of nothing but cells, is one with it: they are aligned apart."""
    if grid.ruled:
        return
    column = 0
    while column + 1 < grid.columns:
        left, right = (
            [cell for cell in grid.cells if cell.text and cell.column == at and cell.column_span == 1]
            for at in (column, column + 1)
        )
        ends = [max((cell.end_row for cell in half), default=0) for half in (left, right)]
        starts = [min((cell.row for cell in half), default=0) for half in (left, right)]
        apart = (ends[0] <= starts[1] and ends[0] <= 3) or (ends[1] <= starts[0] and ends[1] <= 3)
        if left and right and apart and min(len(left), len(right)) < max(len(left), len(right)):
            for cell in left:
                cell.column = column + 1
            kept = (cell.text or cell.column_span > 1 or cell.column not in (column, column + 1) for cell in grid.cells)
            grid.cells = [cell for cell, keep in zip(grid.cells, kept, strict=True) if keep]
            grid.index()
            grid.remove_column(column)
        else:
            column += 1


# --- lines that go on in the next row ---------------------------------------------------------------------------------

_LEANING = frozenset(
    "of and or the for in on to from with by at per und oder der die das des den dem für von vom zu zur zum "
    "mit aus bei im et ou de du la le les pour par sur avec en au aux y o e del al el los las para por con "
    "di da do dos della dei delle su van het een voor met op uit w z na od i lub oraz dla ze we incl. excl. "
    "inkl. exkl. bzw.".split()
)


def leans_on(text: str) -> bool:
    """Whether a text plainly goes on: an open bracket, a comma, a preposition at its end."""
    if text.count("(") > text.count(")"):
        return True
    return (text.endswith((",", "&", "/", *HYPHENS)) and len(text) > 2) or text.rpartition(" ")[2] in _LEANING


def goes_on(before: str, after: str) -> bool:
    """Whether a text goes on with another: it leans on it, or the other begins within a sentence."""
    if not before or not after or before.endswith((":", ";", ".")) or not is_wordy(before):
        return False
    closing = after.count(")") > after.count("(")
    return leans_on(before) or closing or (after[0].islower() and len(after) > 2 and " " not in after[:2])


def join_wrapped_rows(grid: CellGrid) -> None:
    """Rows that hold only the rest of the texts above, and names that stand alone because they go on below, are joined.
    Only where no rule parts them, and they stand as close as lines of one text do."""
    row = max(1, grid.header_rows)
    while row + 1 < grid.rows or row < grid.rows:
        if row >= max(2, grid.header_rows + 1) and _is_rest(grid, row):
            for cell in grid.lines[row]:
                above = grid.own(row - 1, cell.column)
                assert above is not None
                _append(grid, above, cell, at_end=True)
            grid.remove_row(row)
            continue
        if row + 1 < grid.rows and _is_begun(grid, row):
            cell = grid.lines[row][0]
            below = grid.own(row + 1, cell.column)
            assert below is not None
            _append(grid, below, cell, at_end=False)
            grid.remove_row(row)
            continue
        row += 1


def _is_rest(grid: CellGrid, row: int) -> bool:
    cells, above = grid.lines[row], grid.lines[row - 1]
    if len(cells) >= len(above) or any(cell.kind == NUMBER for cell in cells):
        return False
    for cell in cells:
        other = grid.own(row - 1, cell.column)
        if other is None or other.column != cell.column or cell.column_span != other.column_span:
            return False
        if other.bold != cell.bold or not goes_on(other.text, cell.text):
            return False
    return _are_close(grid, row - 1, leaning=all(leans_on(grid.owners[row - 1, cell.column].text) for cell in cells))


def _is_begun(grid: CellGrid, row: int) -> bool:
    cells, below = grid.lines[row], grid.lines[row + 1]
    if len(cells) != 1 or len(below) < 2:
        return False
    cell, other = cells[0], grid.own(row + 1, cells[0].column)
    if other is None or other.column != cell.column or cell.column_span > other.column_span:
        return False
    # a section's name stands out, and what it names does not lean on it
    goes = cell.bold == other.bold and goes_on(cell.text, other.text)
    return goes and _are_close(grid, row, leaning=leans_on(cell.text))


def _are_close(grid: CellGrid, row: int, *, leaning: bool) -> bool:
    """Whether no rule parts a row from the next, and they stand as close as lines of one text; as rows do, if one leans
    on the other."""
    if grid.ruled or grid.has_rule_below(row):
        return False
    here, below = grid.find_edges(row), grid.find_edges(row + 1)
    if here is None or below is None:
        return False
    cells = grid.lines[row] + grid.lines[row + 1]
    height = min(cell.box.y1 - cell.box.y0 for cell in cells)
    return below[0] - here[1] < (1.0 if leaning else 0.5) * height


def _append(grid: CellGrid, cell: GridCell, other: GridCell, *, at_end: bool) -> None:
    cell.text = join_lines([cell.text, other.text] if at_end else [other.text, cell.text])
    cell.box, cell.kind = enclose((cell.box, other.box)), find_kind(cell.text)
    grid.cells.remove(other)
