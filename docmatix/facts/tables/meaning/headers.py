"""How many rows at the top of a table are headers, and what they say of each column."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

from docmatix.facts.tables.meaning.cell_grid import CellGrid, GridCell
from docmatix.facts.tables.meaning.kinds import BLANK, CODE, DATE, NUMBER, PERIOD, TEXT, UNIT, find_unit
from docmatix.text.numbers import has_digit

MAX_HEADER_ROWS = 8


class Headers(NamedTuple):
    """`rows` at the top are headers. `sure` (0..1): how far what speaks for that agrees."""

    rows: int
    sure: float


def find_headers(grid: CellGrid) -> Headers:
    """How many rows at the top are headers: those before the first row of numbers, or those that look unlike others."""
    if grid.rows < 2:
        return Headers(0, 0.3)
    numeric = find_numeric_columns(grid)
    looks = _count_by_looks(grid)
    if numeric:
        first = next((row for row in range(grid.rows) if _is_data(grid, row, numeric)), grid.rows)
        rows = _end_with_names(grid, _leave_out_sections(grid, first, looks))
        rows = _leave_out_sections(grid, rows, 0 if rows < first else looks)
        if all(len(line) == 1 and line[0].end_column == 1 for line in grid.lines[:rows]):
            rows = 0  # names of rows without numbers
        if rows == 0:
            return _judge_headless(grid, looks)
        if grid.columns == 2 and not looks and _has_figures(grid, rows):
            return Headers(0, 0.8)  # names and values throughout
        lone = [cell for cell in grid.lines[rows - 1] if cell.column > 0]
        if grid.columns == 2 and not looks and len(lone) == 1 and lone[0].text.isdecimal():
            return Headers(rows, 0.45)  # a year above numbers, or a number like a year
        sure = 1.0 if looks or not _has_figures(grid, rows) else 0.4
        if rows >= grid.rows or rows > MAX_HEADER_ROWS:
            return Headers(min(1, grid.rows - 1), 0.3)
        if looks and looks < rows and is_full(grid, looks - 1) and grid.header_rows == looks:
            sure = 0.6  # rows of words below what looks like the header
        if grid.header_rows and grid.header_rows != rows:
            sure = min(sure, 0.8)
        return Headers(rows, sure)
    if grid.columns == 2 and grid.lines[0][0].text.endswith(":"):
        return Headers(0, 0.8)
    if looks:
        return Headers(looks, 0.9 if looks == grid.header_rows or not grid.header_rows else 0.8)
    if grid.header_rows:
        if _has_figures(grid, 1):
            return Headers(0, 0.5) if grid.columns == 2 else Headers(grid.header_rows, 0.4)
        return Headers(grid.header_rows, 0.75)
    return Headers(1, 0.6) if _looks_like_names(grid) else Headers(0, 0.4)


def find_numeric_columns(grid: CellGrid) -> set[int]:
    """The columns whose cells are mostly numbers, below what may be headers."""
    found = set()
    held: list[list[str]] = [[] for _ in range(grid.columns)]
    for cell in grid.cells:
        if cell.text and cell.column_span == 1:
            held[cell.column].append(cell.kind)
    for column, kinds in enumerate(held):
        numbers, others = kinds.count(NUMBER), sum(map(kinds.count, (TEXT, CODE, UNIT)))
        blanks = kinds.count(BLANK)
        if numbers >= 1 and numbers + min(blanks, numbers) >= 0.5 * len(kinds) and numbers >= others - 2:
            found.add(column)
    return found


def _is_data(grid: CellGrid, row: int, numeric: set[int]) -> bool:
    """Whether a row has numbers where the columns have numbers. Years above numbers are a header, as are the numbers
    of the columns themselves."""
    cells = [cell for cell in grid.lines[row] if cell.column in numeric]
    numbers = [cell for cell in cells if cell.kind == NUMBER]
    if not numbers:
        blanks = [cell for cell in cells if cell.kind == BLANK]
        return row > 0 and len(blanks) > 1 and len(blanks) == len(cells)
    if is_numbering(grid.lines[row]):
        return False
    others = sum(cell.kind in (TEXT, UNIT, PERIOD) for cell in cells)
    return 2 * len(numbers) >= others or row > 3


def is_numbering(cells: Sequence[GridCell]) -> bool:
    """Whether a row counts the columns: `(1) (2) (3)`, `a b c`."""
    texts = [cell.text.strip("()[]. ") for cell in cells]
    if len(texts) < 3:
        return False
    if all(text.isdecimal() and len(text) < 3 for text in texts):
        numbers = [int(text) for text in texts]
        return numbers[0] in (0, 1, 2) and numbers == list(range(numbers[0], numbers[0] + len(numbers)))
    return texts == [chr(ord("a") + place) for place in range(len(texts))] or texts == [
        chr(ord("A") + place) for place in range(len(texts))
    ]


def _leave_out_sections(grid: CellGrid, first: int, looks: int) -> int:
    """The rows before `first` without those that name a section of what follows: alone in their row, below a row with
    more."""
    rows = first
    while rows > 1:
        cells = grid.lines[rows - 1]
        wide = [cell for cell in cells if cell.column_span > 1 or cell.column > 0]
        above = max((len(line) for line in grid.lines[: rows - 1]), default=0)
        if len(cells) != 1 or above < 2 or rows <= looks:
            break
        if wide and (wide[0].column > 0 or find_unit(wide[0].text) or wide[0].kind == PERIOD):
            break  # over the columns of numbers only: a header of theirs
        rows -= 1
    return rows


def _end_with_names(grid: CellGrid, rows: int) -> int:
    """The header rows without those that have a name in the first column, below a row that has all headers: they are
    rows whose values are words."""
    full = False
    for row in range(1, rows):
        name, above = grid.own(row, 0), grid.own(row - 1, 0)
        full |= is_full(grid, row - 1)
        line = grid.lines[row]
        if name is None or above is None or name.column_span > 1 or len(line) < 2 or is_numbering(line):
            continue
        wraps = not grid.ruled and not grid.has_rule_below(row - 1) and len(grid.lines[row - 1]) > 1
        wraps &= name.box.y0 - above.box.y1 < 0.5 * (name.box.y1 - name.box.y0)
        values = [cell.kind for cell in grid.lines[row][1:]]
        wraps &= not any(map(has_digit, (cell.text for cell in line)))
        if full and not wraps and not all(kind in (PERIOD, UNIT) for kind in values):
            return row
    return rows


def _count_by_looks(grid: CellGrid) -> int:
    """How many rows at the top are set apart from all others: in bold, or by the colour behind them."""
    limit = min(MAX_HEADER_ROWS, grid.rows - 1)
    bold = [all(cell.bold for cell in line) and bool(line) for line in grid.lines]
    counts = []
    top = next((row for row in range(limit + 1) if not bold[row]), limit + 1)
    if 0 < top <= limit and 2 * sum(bold[top:]) < len(bold) - top:
        counts.append(_end_with_sections(grid, top))
    if grid.fills and grid.fills[0] is not None:
        top = next((row for row in range(limit + 1) if grid.fills[row] != grid.fills[0]), limit + 1)
        rest = grid.fills[top:]
        if top <= limit and (grid.fills[0] not in rest or 4 * rest.count(grid.fills[0]) < len(rest)):
            counts.append(_end_with_sections(grid, top))
    return max(counts, default=0)


def _end_with_sections(grid: CellGrid, rows: int) -> int:
    while rows > 1 and len(grid.lines[rows - 1]) == 1 and grid.lines[rows - 1][0].column == 0:
        if max(len(line) for line in grid.lines[: rows - 1]) < 2:
            break
        rows -= 1
    return rows


def _judge_headless(grid: CellGrid, looks: int) -> Headers:
    """A table whose first row has numbers: its header may be numbers, if it looks like one."""
    if grid.columns == 2 and grid.lines[0][0].text.endswith(":"):
        return Headers(0, 0.8)
    if looks and (not grid.header_rows or looks == grid.header_rows):
        return Headers(looks, 0.7)
    if grid.header_rows:
        return Headers(grid.header_rows, 0.45)
    return Headers(0, 0.8 if grid.columns == 2 else 0.5)


def _has_figures(grid: CellGrid, rows: int) -> bool:
    """Whether what may be headers are mostly digits, as values are: dates, codes, amounts."""
    cells = [cell for line in grid.lines[:rows] if not is_numbering(line) for cell in line if cell.column > 0]
    return any(cell.kind not in (PERIOD, UNIT, BLANK) and is_figure(cell.text) for cell in cells)


def is_figure(text: str) -> bool:
    digits = sum(map(str.isdigit, text))
    if any(sign in "≤≥<>＜＞" for sign in text):
        return False  # a class of values, as headers name
    return digits > 3 and 2 * digits >= sum(map(str.isalnum, text))


def is_full(grid: CellGrid, row: int) -> bool:
    """Whether a row has something for all columns but the first, which may have no header."""
    covered = {column for cell in grid.lines[row] for column in range(cell.column, cell.end_column)}
    return covered >= set(range(1, grid.columns))


def _looks_like_names(grid: CellGrid) -> bool:
    """Whether the first row of a table of words names columns: each once, short, and none of them below."""
    first = grid.lines[0]
    texts = [cell.text.casefold() for cell in first]
    below = {cell.text.casefold() for line in grid.lines[1:] for cell in line}
    if len(first) < grid.columns or len(set(texts)) < len(texts) or below & set(texts):
        return False
    if any(cell.kind in (NUMBER, DATE, CODE, BLANK) or cell.text.endswith(":") for cell in first):
        return False
    lengths = [len(cell.text) for line in grid.lines[1:] for cell in line if cell.column > 0]
    mean = sum(lengths) / max(1, len(lengths))
    if grid.columns == 2:
        kinds = Counter(line[-1].kind for line in grid.lines[1:] if len(line) == 2)
        return len(texts[1]) < 25 and (mean > 1.5 * len(texts[1]) or kinds[TEXT] < 0.4 * sum(kinds.values()))
    return max(map(len, texts)) <= max(30, 2 * mean)


def find_inner_headers(grid: CellGrid, rows: int) -> list[int]:
    """The rows below the first of values that are headers again: words or periods where all other rows have numbers,
    without a name of their own, or set apart, or the same as above."""
    numeric = find_numeric_columns(grid)
    if len(numeric) < 2 or not rows:
        return []
    first = [cell.text.casefold() for cell in grid.lines[rows - 1]]
    plain_bold = 2 * sum(all(cell.bold for cell in line) for line in grid.lines[rows:]) < grid.rows - rows
    found = []
    for row in range(rows + 1, grid.rows - 1):
        line = grid.lines[row]
        cells = [cell for cell in line if cell.column in numeric]
        if len(cells) < max(2, 0.6 * len(numeric)) or any(cell.kind not in (TEXT, PERIOD, UNIT) for cell in cells):
            continue
        name = grid.own(row, 0) if 0 not in numeric else None
        apart = plain_bold and all(cell.bold for cell in line)
        filled = row < len(grid.fills) and grid.fills[row] is not None and grid.fills[row] == grid.fills[rows - 1]
        if name is None or apart or filled or [cell.text.casefold() for cell in line] == first:
            found.append(row)
    return found


# --- what they say ----------------------------------------------------------------------------------------------------


class ColumnNames(NamedTuple):
    """The headers above each column, outermost first; what spans them all; what they say the numbers are in."""

    paths: list[tuple[str, ...]]
    title: str
    unit: str


def name_columns(grid: CellGrid, rows: int) -> ColumnNames:
    """The header texts above each column. A header in several lines that stand in rows of their own is one text; what
    spans the whole table is its title, or its unit."""
    title, unit = "", ""
    skipped: set[int] = set()
    for row in range(rows):
        cells = grid.lines[row]
        values = [cell for cell in cells if cell.column > 0 or cell.column_span > 1]
        larger = row + 1 < rows and _is_title(cells, grid.lines[row + 1])
        if larger:
            title = cells[0].text
            skipped.add(row)
        elif len(cells) == 1 and row + 1 < rows and (says := find_unit(cells[0].text)):
            unit = says
            skipped.add(row)
        elif is_numbering(cells) and row > 0:
            skipped.add(row)
        elif len(cells) == 1 and cells[0].column == 0 and cells[0].column_span == grid.columns > 1:
            skipped.add(row)
            says = find_unit(cells[0].text)
            title, unit = (title, says or unit) if says else (title or cells[0].text, unit)
        elif values and len(values) == len(cells) and row > 0:
            units = {find_unit(cell.text) for cell in values}
            if len(units) == 1 and (says := units.pop()) and sum(cell.column_span for cell in values) > 1:
                unit = says
                skipped.add(row)
    return ColumnNames([_name_column(grid, rows, column, skipped) for column in range(grid.columns)], title, unit)


def _is_title(cells: Sequence[GridCell], below: Sequence[GridCell]) -> bool:
    """Whether a row above the header is the title of the table: one cell in larger print."""
    return len(cells) == 1 and bool(below) and cells[0].size > 1.12 * max(cell.size for cell in below) > 0


def _name_column(grid: CellGrid, rows: int, column: int, skipped: set[int]) -> tuple[str, ...]:
    cells: list[GridCell] = []
    for row in range(rows):
        cell = grid.at(row, column)
        if cell is not None and cell.text and row not in skipped and cell not in cells:
            cells.append(cell)
    path: list[str] = []
    for number, cell in enumerate(cells):
        if number and _is_one_text(grid, cells[number - 1], cell):
            path[-1] = f"{path[-1]} {cell.text}" if not path[-1].endswith("-") else path[-1] + cell.text
        elif not path or path[-1] != cell.text:
            path.append(cell.text)
    return tuple(path)


def _is_one_text(grid: CellGrid, upper: GridCell, lower: GridCell) -> bool:
    """Whether a header goes on in the row below: over the same columns, as close as lines of one text."""
    if (upper.column, upper.column_span) != (lower.column, lower.column_span) or lower.row != upper.end_row:
        return False
    if (
        upper.column_span > 1
        or lower.kind not in (TEXT, CODE, UNIT)
        or upper.kind == PERIOD
        or upper.bold != lower.bold
        or grid.ruled
    ):
        return False
    if any(upper.box.y1 - 0.002 <= y <= lower.box.y0 + 0.002 for y in grid.rules):
        return False
    height = min(upper.box.y1 - upper.box.y0, lower.box.y1 - lower.box.y0)
    return lower.box.y0 - upper.box.y1 < 0.6 * height
