"""Tables that go on over pages: the second part gets the headers of the first, and its open sections."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from itertools import groupby
from typing import NamedTuple

from docmatix.core.documents import Box, Page, Table
from docmatix.facts.tables.meaning.building import rebuild_grid
from docmatix.facts.tables.meaning.captions import Surroundings
from docmatix.facts.tables.meaning.cell_grid import CellGrid
from docmatix.facts.tables.meaning.headers import ColumnNames, Headers, name_columns
from docmatix.facts.tables.meaning.kinds import NUMBER
from docmatix.facts.tables.meaning.reading import read_grid
from docmatix.facts.tables.meaning.row_names import RowNames, name_rows
from docmatix.facts.tables.meaning.trust import judge_distinct

MARGIN = 0.07
"""The share of a page at its top and foot that holds running heads and page numbers."""
MAX_LINES_BETWEEN = 3  # below the first part and above the second, besides margins, caption and notes
FOOT, HEAD = 0.7, 0.35
"""How far down the first part ends at least, and the second begins at most."""
SLACK = 0.012
"""By how much columns may shift from page to page, as a share of its width."""
_CONTINUED = re.compile(
    r"\b(?:continued|cont(?:['’]?d)?\b\.?|fortsetzung|forts\b\.?|suite|continuación|cont\.|segue|seguito|continua\w*|"
    r"continuação|vervolg|ciąg dalszy|c\.? ?d\.)",
    re.IGNORECASE,
)
_NUMBER = re.compile(r"^\W*[^\W\d_]+\.? ?(?:n[ro°º]\.? ?)?([A-Z]{0,2}[-.]?\d+(?:[.-]\d+)*)", re.IGNORECASE)


class _Last(NamedTuple):
    """The last table of a page, of which the next may know nothing."""

    page: Page
    table: Table


class _Part(NamedTuple):
    """What the next page has to know of a table."""

    page: Page
    table: Table
    grid: CellGrid
    header: tuple[tuple[str, ...], ...]
    columns: ColumnNames
    names: RowNames
    base: float
    """What it is trusted without the faults of its rows."""


def join_continued(pages: Sequence[Page], tables: Sequence[Sequence[Table]]) -> list[tuple[Table, ...]]:
    """The tables of each page; those that go on with the last of the page before say so, and have its headers where
    they have none of their own."""
    joined: list[tuple[Table, ...]] = []
    before: _Part | _Last | None = None
    for page, found in zip(pages, tables, strict=True):
        parts = list(found)
        part: _Part | None = None
        if before is not None and parts and page.number == before.page.number + 1:
            first = min(range(len(parts)), key=lambda at: parts[at].box.y0)
            table = parts[first]
            if table.caption and _is_on_both(table.caption, before.page, page):
                table = replace(table, caption="")  # a running head
            if _may_continue(before.table, page, table):
                known = before if isinstance(before, _Part) else _describe(before.page, before.table)
                part = _continue(known, page, table) if known is not None else None
            if part is not None:
                parts[first] = part.table
        last = max(range(len(parts)), key=lambda at: parts[at].box.y1, default=None)
        if last is None:
            before = None
        elif part is not None and parts[last] is part.table:
            before = part
        else:
            before = _Last(page, parts[last])
        joined.append(tuple(parts))
    return joined


def _describe(page: Page, table: Table) -> _Part | None:
    """What can go on: a table with a header down to the foot of its page."""
    if not table.cells or table.box.y1 < FOOT:
        return None
    if _count_lines(page, table.box.y1, 1 - MARGIN, table.notes) > MAX_LINES_BETWEEN:
        return None
    grid = rebuild_grid(page, table)
    rows = _count_header_rows(table)
    if rows == 0 or rows >= grid.rows:
        return None
    names = name_rows(grid, rows)
    base = min(1.0, table.confidence / max(0.2, _judge_names(names)))
    return _Part(page, table, grid, _list_header(table), name_columns(grid, rows), names, base)


def _may_continue(before: Table, page: Page, table: Table) -> bool:
    """Whether a table stands at the head of a page, under no name but that of the one before."""
    if not table.cells or table.box.y0 > HEAD:
        return False
    caption = (table.caption,) if table.caption else ()
    if _count_lines(page, MARGIN, table.box.y0, caption) > MAX_LINES_BETWEEN:
        return False
    return _captions_agree(before.caption, table.caption)


def _continue(before: _Part, page: Page, table: Table) -> _Part | None:
    """The table as the second part of the one before; None if it is another."""
    grid = rebuild_grid(page, table)
    if grid.columns != before.grid.columns or not _columns_agree(before.grid, grid):
        return None
    repeated = _count_repeated(before.header, grid)
    if not repeated and not _begins_with_data(before, grid, table):
        return None
    if repeated and _has_title(before, page, table):
        return None
    names = name_rows(grid, repeated, before=before.names)
    surroundings = Surroundings(table.caption or before.table.caption, table.notes, before.table.unit)
    confidence = round(0.95 * before.base * _judge_names(names), 3)
    headers = Headers(repeated, 1.0)
    read = read_grid(grid, headers, surroundings, columns=before.columns, names=names, confidence=confidence)
    read = replace(read, unit=read.unit or before.table.unit, continues=True)
    return _Part(page, read, grid, before.header, before.columns, names, before.base)


def _has_title(before: _Part, page: Page, table: Table) -> bool:
    """Whether a line above a repeated header is the title of another table: neither the caption of the page before, nor
    on both pages, where none says that the table goes on."""
    words = [word for word in page.words if word.box.y0 > MARGIN and word.box.y1 < table.box.y0 + 0.002]
    lines = [" ".join(word.text for word in line) for _, line in groupby(words, key=lambda word: word.line)]
    if any(_CONTINUED.search(line) for line in lines):
        return False
    known = {" ".join(word.text for word in line) for _, line in groupby(before.page.words, key=lambda word: word.line)}
    return any(line not in before.table.caption and line not in known for line in lines)


def _judge_names(names: RowNames) -> float:
    paths = list(names.paths.values())
    if not paths:
        return 0.2
    return (1 - len(names.nameless) / len(paths)) * judge_distinct(len(set(paths)) / len(paths))


def _is_on_both(caption: str, *pages: Page) -> bool:
    """Whether a line that is called a caption stands at the top of both pages."""
    tops = (
        [" ".join(word.text for word in line) for _, line in groupby(page.words, key=lambda word: word.line)][:3]
        for page in pages
    )
    return all(any(line in caption or caption in line for line in lines) for lines in tops)


def _count_lines(page: Page, top: float, bottom: float, known: Sequence[str]) -> int:
    """The lines of text between two heights, without those that are known."""
    texts = " ".join(known)
    words = [word for word in page.words if word.box.y0 > top - 0.002 and word.box.y1 < bottom + 0.002]
    lines = (" ".join(word.text for word in line) for _, line in groupby(words, key=lambda word: word.line))
    return sum(line not in texts for line in lines)


def _captions_agree(one: str, other: str) -> bool:
    """Whether a second part may be called so: as the first, or as what goes on; or it has no name."""
    if not other or one == other or _CONTINUED.search(other):
        return True
    numbers = _NUMBER.match(one), _NUMBER.match(other)
    return all(numbers) and numbers[0].group(1) == numbers[1].group(1)  # type: ignore[union-attr]


def _columns_agree(one: CellGrid, other: CellGrid) -> bool:
    """Whether most columns begin, end or are centred at the same place on both pages."""
    alike = 0
    mine, theirs = _find_extents(one), _find_extents(other)
    for column in range(one.columns):
        if column not in mine or column not in theirs:
            alike += 1
            continue
        (a0, a1), (b0, b1) = mine[column], theirs[column]
        alike += min(abs(a0 - b0), abs(a1 - b1), abs(a0 + a1 - b0 - b1) / 2) < SLACK
    return alike >= 0.8 * one.columns


def _find_extents(grid: CellGrid) -> dict[int, tuple[float, float]]:
    """Where the texts of each column begin and end."""
    boxes: defaultdict[int, list[Box]] = defaultdict(list)
    for cell in grid.cells:
        if cell.column_span == 1 and cell.text:
            boxes[cell.column].append(cell.box)
    return {at: (min([box.x0 for box in own]), max([box.x1 for box in own])) for at, own in boxes.items()}


def _count_header_rows(table: Table) -> int:
    return max((cell.row + cell.row_span for cell in table.cells if cell.header), default=0)


def _list_header(table: Table) -> tuple[tuple[str, ...], ...]:
    rows = _count_header_rows(table)
    return tuple(
        tuple(_fold(cell.text) for cell in table.cells if cell.row == row and cell.text) for row in range(rows)
    )


def _fold(text: str) -> str:
    return " ".join(_CONTINUED.sub("", text).casefold().replace("()", "").split())


def _count_repeated(header: tuple[tuple[str, ...], ...], grid: CellGrid) -> int:
    """How many rows at the top repeat the header of the page before: all of its rows, or its last ones."""
    rows = [tuple(_fold(cell.text) for cell in line) for line in grid.lines[: len(header)]]
    for start in range(len(header)):
        wanted = header[start:]
        if tuple(rows[: len(wanted)]) == wanted and grid.rows > len(wanted):
            return len(wanted)
    return 0


def _begins_with_data(before: _Part, grid: CellGrid, table: Table) -> bool:
    """Whether the first row is one like those of the page before, and no header of another table."""
    first = grid.lines[0]
    header = [cell for cell in before.grid.cells if cell.row < len(before.header) and cell.text]
    body = [cell for cell in before.grid.cells if cell.row >= len(before.header) and cell.text]
    numeric = {
        column
        for column in range(grid.columns)
        if (kinds := [cell.kind for cell in body if cell.column == column]) and kinds.count(NUMBER) > 0.6 * len(kinds)
    }
    cells = [cell for cell in first if cell.column in numeric]
    if cells:
        return 2 * sum(cell.kind == NUMBER for cell in cells) >= len(cells)
    if header and all(cell.bold for cell in header):
        return not all(cell.bold for cell in first) or len(first) == 1
    return _count_header_rows(table) == 0 or len(first) == 1 or table.confidence < 0.7
