"""Headers that were taken for what stands above a table: one over all columns of values, or first lines of theirs; and
headers over a part of what they span."""

from __future__ import annotations

from itertools import groupby

from docmatix.core.documents import Page, Word, enclose
from docmatix.facts.tables.meaning.captions import is_caption
from docmatix.facts.tables.meaning.cell_grid import CellGrid, GridCell
from docmatix.facts.tables.meaning.kinds import TEXT, find_kind

SLACK = 0.008
"""How far the middle of a header may be from that of the columns below, as a share of the page's width."""
OFF_CENTRE = 0.15
"""Likewise, as a share of the way between the middles of the outer ones."""
MAX_WORDS = 10  # of a line above that goes on in the first row


def add_upper_header(page: Page, grid: CellGrid) -> tuple[int, ...]:
    """Takes the line right above a table into it if it is a header. Returns its words."""
    if grid.rows < 3 or grid.columns < 3 or len(grid.lines[0]) < 2:
        return ()
    edges = grid.find_edges(0), grid.find_edges(1)
    if edges[0] is None or edges[1] is None:
        return ()
    (top, bottom), (below, _) = edges[0], edges[1]
    height = min(cell.box.y1 - cell.box.y0 for cell in grid.lines[0])
    reach = top - max(1.3 * (below - bottom), 0.6 * height) - height
    near = [
        place
        for place, word in enumerate(page.words)
        if reach - 0.002 <= word.box.y0 and word.box.y1 <= top + 0.3 * height and word.box.y0 < top - 0.4 * height
        if grid.box.x0 - 0.01 <= word.box.x0 <= grid.box.x1
    ]
    lines = [list(line) for _, line in groupby(near, key=lambda place: round(page.words[place].box.y0, 3))]
    lines.sort(key=lambda line: page.words[line[0]].box.y0)
    if not lines or len(lines[-1]) > MAX_WORDS:
        return ()
    words = [page.words[place] for place in lines[-1]]
    text = " ".join(word.text for word in words)
    numbers = {word.line for word in words}
    if sum(word.line in numbers for word in page.words) > len(words):
        return ()  # a part of a line that reaches beyond the table
    if is_caption(text) or not all(_look_alike(word, grid.lines[0][-1]) for word in words):
        return ()
    if _add_row(grid, words, text) or _add_spans(grid, words) or _add_lines(grid, words, 0.6 * height):
        return tuple(lines[-1])
    return ()


def _look_alike(word: Word, cell: GridCell) -> bool:
    return word.bold == cell.bold and abs(word.size - cell.size) < 0.6


def _add_row(grid: CellGrid, words: list[Word], text: str) -> bool:
    """Adds a header centred over all columns but the first, above others that span columns."""
    if grid.ruled or grid.rows < 4 or any(cell.column == 0 or cell.column_span == 1 for cell in grid.lines[0]):
        return False
    single = [cell for cell in grid.cells if cell.column > 0 and cell.column_span == 1]
    box = enclose(word.box for word in words)
    middles = [
        (min(cell.box.x0 for cell in cells) + max(cell.box.x1 for cell in cells)) / 2
        for cells in (single, [cell for cell in grid.lines[1] if cell.column > 0])
        if cells
    ]
    ends = grid.lines[0][0].box, grid.lines[0][-1].box
    middles.append(sum(end.x0 + end.x1 for end in ends) / 4)
    middle = (box.x0 + box.x1) / 2
    reach = max(SLACK, OFF_CENTRE * (ends[1].x0 + ends[1].x1 - ends[0].x0 - ends[0].x1) / 2)
    over_values = any(abs(middle - other) < SLACK for other in middles[:-1]) or abs(middle - middles[-1]) < reach
    over_all = abs(middle - (grid.box.x0 + grid.box.x1) / 2) < SLACK
    if not over_values or over_all or find_kind(text) != TEXT:
        return False
    _insert_row(grid, [GridCell(0, 1, 1, grid.columns - 1, text, box, words[0].bold, words[0].size, TEXT)])
    return True


def _add_spans(grid: CellGrid, words: list[Word]) -> bool:
    """Adds headers that stand side by side over as many columns each, if those below repeat: years under each."""
    lower = [cell.text for cell in grid.lines[0] if cell.column > 0]
    chunks: list[list[Word]] = []
    for word in words:
        if chunks and word.box.x0 - chunks[-1][-1].box.x1 < grid.point * max(word.size, 8.0) * 0.7:
            chunks[-1].append(word)
        else:
            chunks.append([word])
    period = (grid.columns - 1) // len(chunks)
    if len(chunks) < 2 or period < 2 or len(lower) != grid.columns - 1 or period * len(chunks) != len(lower):
        return False
    if any(lower[at] != lower[at % period] for at in range(len(lower))) or len(set(lower)) != period:
        return False
    found = []
    for number, chunk in enumerate(chunks):
        first = 1 + number * period
        boxes = [cell.box for cell in grid.cells if first <= cell.column < first + period and cell.column_span == 1]
        box, area = enclose(word.box for word in chunk), enclose(boxes)
        if not area.x0 - SLACK <= (box.x0 + box.x1) / 2 <= area.x1 + SLACK:
            return False
        text = " ".join(word.text for word in chunk)
        found.append(GridCell(0, first, 1, period, text, box, chunk[0].bold, chunk[0].size, TEXT))
    _insert_row(grid, found)
    return True


def _insert_row(grid: CellGrid, cells: list[GridCell]) -> None:
    for cell in grid.cells:
        cell.row += 1
    grid.cells += cells
    grid.fills.insert(0, None)
    grid.header_rows += grid.header_rows > 0
    grid.box = enclose((grid.box, *(cell.box for cell in cells)))
    grid.index()


def _add_lines(grid: CellGrid, words: list[Word], reach: float) -> bool:
    """Adds the words above single headers to them: the first lines of those that take two."""
    found: dict[GridCell, list[Word]] = {}
    for word in words:
        middle = (word.box.x0 + word.box.x1) / 2
        over = [
            cell
            for cell in grid.lines[0]
            if cell.column > 0
            and cell.column_span == 1
            and cell.box.x0 - SLACK <= middle <= cell.box.x1 + SLACK
            and cell.box.y0 - word.box.y1 < reach
        ]
        if len(over) != 1:
            return False
        found.setdefault(over[0], []).append(word)
    if not found or len(found) == len(grid.lines[0]):
        return False
    for cell, above in found.items():
        cell.text = f"{' '.join(word.text for word in above)} {cell.text}"
        cell.box, cell.kind = enclose((cell.box, *(word.box for word in above))), find_kind(cell.text)
    return True


def widen_spans(grid: CellGrid, rows: int) -> None:
    """Makes headers that stand over a part of a header below stand over all of it."""
    changed = False
    for row in range(rows - 2, -1, -1):
        if len(grid.lines[row]) == 1 and len(grid.lines[row + 1]) > 1:
            changed |= _widen_lone(grid, row)
        for cell in grid.lines[row]:
            below = [
                one for one in grid.lines[row + 1] if one.column < cell.end_column and cell.column < one.end_column
            ]
            if cell.row_span > 1 or not below or all(one.column_span == 1 for one in below):
                continue
            start = min(cell.column, *(one.column for one in below))
            end = max(cell.end_column, *(one.end_column for one in below))
            others = [one for one in grid.lines[row] if one is not cell]
            if (start, end) == (cell.column, cell.end_column) or any(
                one.column < end and start < one.end_column for one in others
            ):
                continue
            grid.cells = [one for one in grid.cells if one.text or one.row != row or not start <= one.column < end]
            cell.column, cell.column_span = start, end - start
            changed = True
    if changed:
        grid.index()


def _widen_lone(grid: CellGrid, row: int) -> bool:
    """A header alone in its row, over the middle of all columns of values, is over all of them."""
    cell = grid.lines[row][0]
    below = [one.box for one in grid.lines[row + 1] if one.column > 0]
    if cell.column == 0 or cell.row_span > 1 or not below or cell.column_span >= grid.columns - 1:
        return False
    area = enclose(below)
    if abs(cell.box.x0 + cell.box.x1 - area.x0 - area.x1) / 2 > 1.5 * SLACK:
        return False
    grid.cells = [one for one in grid.cells if one is cell or one.row != row or one.column == 0]
    cell.column, cell.column_span = 1, grid.columns - 1
    return True
