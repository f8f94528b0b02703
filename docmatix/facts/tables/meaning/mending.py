"""Mends headers that geometry got wrong: fields above the table that were taken for them, and spanning headers that
were joined with the first of those below."""

from __future__ import annotations

from statistics import median

from docmatix.core.documents import enclose
from docmatix.facts.tables.meaning.cell_grid import CellGrid, GridCell
from docmatix.facts.tables.meaning.headers import Headers, is_figure, is_full
from docmatix.facts.tables.meaning.kinds import CODE, DATE, NUMBER, PERIOD, TEXT, UNIT, find_kind
from docmatix.text.numbers import has_digit

MAX_ROWS_ABOVE = 10
RUNNING_HEAD = 0.08
"""The share of a page at its top that holds running heads."""


def cut_above(grid: CellGrid) -> None:
    """Leaves out what stands above the first row that names all columns, where that is none of the table: a running
    head, a title, labels and their values."""
    for row in range(min(MAX_ROWS_ABOVE, grid.rows - 3) + 1):
        if _names_all(grid, row) and not _is_running_head(grid, row):
            if row and not any(cell.row < row < cell.end_row for cell in grid.cells) and _is_other(grid, row):
                _cut(grid, row)
                _remove_spanned_columns(grid)
                area = enclose(cell.box for cell in grid.cells)
                grid.box = grid.box._replace(x0=max(grid.box.x0, area.x0), x1=min(grid.box.x1, area.x1))
            return


def _remove_spanned_columns(grid: CellGrid) -> None:
    """The columns go in which no cell of one column stands: only what stood above the table did."""
    single = {cell.column for cell in grid.cells if cell.text and cell.column_span == 1}
    for column in reversed(range(grid.columns)):
        if column not in single:
            for cell in grid.cells:
                if cell.column == column and cell.column_span > 1:
                    cell.column, cell.column_span = column + 1, cell.column_span - 1
            grid.remove_column(column)


def _names_all(grid: CellGrid, row: int) -> bool:
    """Whether a row has words over all columns of the rows below, and these have figures."""
    cells = grid.lines[row]
    if len(cells) < 2 or any(cell.kind not in (TEXT, PERIOD, UNIT) for cell in cells):
        return False
    if any(cell.text.endswith(":") or ": " in cell.text or is_figure(cell.text) for cell in cells if cell.kind == TEXT):
        return False
    below = [cell for line in grid.lines[row + 1 :] for cell in line]
    covered = {column for cell in cells for column in range(cell.column, cell.end_column)}
    if any(len(line) > len(cells) for line in grid.lines[row + 1 :]):
        return False
    if {cell.column for cell in below if cell.column_span == 1} - {0} - covered:
        return False
    if grid.columns == 2 or len(cells) == 2:
        apart = cells[0].bold and not all(cell.bold for cell in below[:6])
        filled = row < len(grid.fills) - 1 and grid.fills[row] not in (None, grid.fills[row + 1])
        if not (apart or filled or grid.has_rule_below(row)):
            return False
    figured = [any(map(has_digit, (cell.text for cell in line))) for line in grid.lines[row + 1 : row + 7]]
    return 2 * sum(figured) >= len(figured)


def _is_other(grid: CellGrid, rows: int) -> bool:
    """Whether the rows above a full header are none of the table: no headers over some of its columns, and no rows."""
    upper = [cell for line in grid.lines[:rows] for cell in line]
    header = grid.lines[rows]
    if max(len(line) for line in grid.lines[:rows]) > len(header) or not upper:
        return False
    if _is_running_head(grid, 0):
        return True
    size = max(cell.size for cell in header)
    if any(len(line) == 1 and line[0].column == 0 and line[0].size > 1.15 * size > 0 for line in grid.lines[:rows]):
        return True
    labels = sum(cell.text.endswith(":") or ": " in cell.text for cell in upper)
    numbers = sum(cell.kind in (NUMBER, DATE) for cell in upper)
    figures = sum(cell.kind in (TEXT, CODE) and sum(map(str.isdigit, cell.text)) > 3 for cell in upper)
    return labels > rows // 2 or (figures > 1 and figures >= numbers)


def _is_running_head(grid: CellGrid, row: int) -> bool:
    """Whether a row stands at the top of the page, apart from the next."""
    here, below = grid.find_edges(row), grid.find_edges(row + 1)
    if here is None or below is None or here[1] > RUNNING_HEAD:
        return False
    return below[0] - here[1] > 1.5 * (here[1] - here[0])


def shift_headers(grid: CellGrid, headers: Headers) -> None:
    """Puts headers over columns in order, where there are as many as columns with cells, but they stand between them: a
    header may be centred over a wide column whose cells begin at its left."""
    if headers.rows != 1 or grid.ruled or any(cell.column_span > 1 or cell.row_span > 1 for cell in grid.lines[0]):
        return
    held = sorted({cell.column for line in grid.lines[1:] for cell in line if cell.column_span == 1})
    places = [cell.column for cell in grid.lines[0]]
    if len(held) != len(places) or len(held) < 3 or held == places:
        return
    if any(abs(column - place) > 1 for column, place in zip(held, places, strict=True)):
        return
    for cell, column in zip(grid.lines[0], held, strict=True):
        cell.column = column
    grid.index()
    for column in reversed([place for place in places if place not in held]):
        grid.remove_column(column)


def cut_fields(grid: CellGrid, headers: Headers) -> Headers:
    """Leaves out rows above the last row of the header that are none of the table: labels and their values (`Account
    no.: 43625`), and what stands far above."""
    for last in range(min(MAX_ROWS_ABOVE, grid.rows - 2), 0, -1):
        if not _is_header(grid, last) or any(cell.row < last < cell.end_row for cell in grid.cells):
            continue
        upper = [cell for line in grid.lines[:last] for cell in line]
        labels = sum(": " in cell.text or cell.text.endswith(":") for cell in upper)
        figures = any(cell.kind != PERIOD and is_figure(cell.text) for cell in upper)
        if last < headers.rows:
            if labels or figures:
                return _cut(grid, last)
        elif all(line and ":" in line[0].text for line in grid.lines[:last]):
            return _cut(grid, last)
    for row in range(headers.rows - 2, -1, -1):
        if not grid.ruled and _is_far(grid, row, headers.rows) and _is_header(grid, headers.rows - 1):
            rest = _cut(grid, row + 1)
            return rest._replace(rows=headers.rows - row - 1)
    return headers


def _is_header(grid: CellGrid, row: int) -> bool:
    """Whether a row may be the header of what follows: words in all columns, and numbers below."""
    cells = grid.lines[row]
    if not is_full(grid, row) or len(cells) < 3 or any(cell.kind not in (TEXT, PERIOD, UNIT) for cell in cells):
        return False
    if any(cell.text.endswith(":") or ": " in cell.text or is_figure(cell.text) for cell in cells if cell.kind == TEXT):
        return False
    below = grid.lines[row + 1]
    return any(cell.kind not in (TEXT, UNIT) for cell in below) or len(below) >= len(cells) - 1


def _is_far(grid: CellGrid, row: int, header_rows: int) -> bool:
    """Whether a row stands further from the next than rows of the table do."""
    edges = [grid.find_edges(at) for at in range(grid.rows)]
    gaps = [
        below[0] - here[1]
        for here, below in zip(edges[header_rows - 1 :], edges[header_rows:], strict=False)
        if here is not None and below is not None
    ]
    here, below = edges[row], edges[row + 1]
    if here is None or below is None or not gaps:
        return False
    return below[0] - here[1] > max(1.6 * min(below[1] - below[0], here[1] - here[0]), 2.5 * median(gaps))


def _cut(grid: CellGrid, rows: int) -> Headers:
    grid.cells = [cell for cell in grid.cells if cell.row >= rows]
    for cell in grid.cells:
        cell.row -= rows
    grid.fills = grid.fills[rows:]
    grid.header_rows = max(0, grid.header_rows - rows)
    grid.box = grid.box._replace(y0=min(cell.box.y0 for cell in grid.cells))
    grid.index()
    return Headers(1, 0.9)


def part_spanning_headers(grid: CellGrid, headers: Headers) -> Headers:
    """Parts `Plan 2019`, `2020`, `Actual 2019`, `2020` into two headers, each over its years, whichever rows they stand
    in."""
    if not 1 <= headers.rows <= 2 or grid.columns < 5:
        return headers
    uppers = [cell for line in grid.lines[: headers.rows] for cell in line if cell.column > 0]
    texts: list[list[str]] = [[] for _ in range(grid.columns - 1)]
    for cell in uppers:
        texts[cell.column - 1] += cell.text.split()
    if not all(texts):
        return headers
    for period in range(2, len(texts) // 2 + 1):
        if len(texts) % period:
            continue
        firsts = texts[::period]
        rest = [texts[start + 1 : start + period] for start in range(0, len(texts), period)]
        tail = _find_common_end(firsts)
        if not tail or len({tuple(map(tuple, group)) for group in rest}) > 1 or min(map(len, firsts)) <= len(tail):
            continue
        names = [" ".join(first[: -len(tail)]) for first in firsts]
        if len(set(names)) == len(names):
            _set_spans(grid, headers.rows, uppers, names, [" ".join(tail), *map(" ".join, rest[0])])
            return headers._replace(rows=2)
    return headers


def _find_common_end(texts: list[list[str]]) -> list[str]:
    """The words that all texts end with."""
    count = 0
    while count < min(map(len, texts)) and len({text[-1 - count] for text in texts}) == 1:
        count += 1
    return texts[0][len(texts[0]) - count :]


def _set_spans(grid: CellGrid, rows: int, uppers: list[GridCell], names: list[str], lower: list[str]) -> None:
    """Two rows of headers above the columns of values, in place of what stood there: `names`, each over all of
    `lower`."""
    done = rows == 2 and all(
        any(cell.row == 0 and cell.text == name and cell.column_span == len(lower) for cell in uppers) for name in names
    )
    if done:
        return
    box = enclose(cell.box for cell in uppers)
    middle = (box.y0 + box.y1) / 2
    grid.cells = [cell for cell in grid.cells if cell.row >= rows or cell.column == 0]
    for cell in grid.cells:
        if rows == 1 and cell.row >= 1:
            cell.row += 1
        elif rows == 1:
            cell.row_span = 2
    look = uppers[0]
    for at, name in enumerate(names):
        first = 1 + at * len(lower)
        for column, text in enumerate([name, *lower], first - 1):
            start, span = (first, len(lower)) if column < first else (column, 1)
            inks = [cell.box for cell in uppers if start <= cell.column < start + span] or [box]
            ink = enclose(inks)
            ink = ink._replace(y1=middle) if column < first else ink._replace(y0=middle)
            place = (0 if column < first else 1, start, 1, span)
            grid.cells.append(GridCell(*place, text, ink, look.bold, look.size, find_kind(text)))
    if rows == 1 and grid.fills:
        grid.fills.insert(0, grid.fills[0])
    grid.index()
