"""Builds the grid of a table from what geometry says of it, or from a table that was read before."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence
from itertools import pairwise
from operator import itemgetter

from docmatix.core.documents import Box, Page, Table, Word, enclose
from docmatix.facts.tables.meaning.cell_grid import CellGrid, Color, GridCell
from docmatix.facts.tables.meaning.joining import join_half_columns, join_rates, join_signs, join_wrapped_rows
from docmatix.facts.tables.meaning.kinds import find_kind
from docmatix.facts.tables.raw import RawTable
from docmatix.text.hyphens import PageWords, join_lines
from docmatix.text.numbers import is_note_mark

MAX_SPACE = 0.45
"""The widest gap between groups of digits, in heights of a line."""
MAX_GAP = 1.2
"""The widest gap between words, those of justified lines among them."""


def build_grid(page: Page, raw: RawTable, known: PageWords, fills: Sequence[tuple[Box, Color]] = ()) -> CellGrid:
    """The grid of a raw table with the texts of its cells; signs in columns of their own and lines that go on in the
    next row are joined."""
    aspect = page.width_pt / page.height_pt
    cells = []
    for cell in raw.cells:
        place = (cell.row, cell.column, max(1, cell.row_span), max(1, cell.column_span))
        if not cell.words:
            cells.append(GridCell(*place, "", cell.box))
            continue
        if len(cell.words) == 1:  # as most cells of figures
            word = page.words[cell.words[0]]
            text = word.text
            bold = word.bold or not any(map(str.isalnum, text))
            cells.append(GridCell(*place, text, word.box, bold, word.size, find_kind(text), first_x=word.box.x0))
            continue
        words = leave_out_marks(page.words, cell.words)
        text = join_lines(list_lines(words), known)
        box = enclose([word.box for word in words])
        size = max([word.size for word in words])
        bold = not any(not word.bold and any(map(str.isalnum, word.text)) for word in words)
        parted = are_parted(words, aspect)
        cells.append(GridCell(*place, text, box, bold, size, find_kind(text), parted, _find_start(words)))
    grid = CellGrid(raw.box, cells, raw.ruled, raw.rows_ruled, raw.header_rows, raw.trust, 1 / page.width_pt)
    _leave_out_empty(grid)
    grid.fills = [_find_fill(grid, row, fills) for row in range(grid.rows)]
    join_signs(grid)
    join_rates(grid)
    join_half_columns(grid)
    join_wrapped_rows(grid)
    return grid


def rebuild_grid(page: Page, table: Table) -> CellGrid:
    """The grid of a table that was read before, without the rules and colours behind it."""
    area = table.box
    top, bottom = area.y0 - 0.01, area.y1 + 0.01
    placed = [(word, (word.box.x0 + word.box.x1) / 2, (word.box.y0 + word.box.y1) / 2) for word in page.words]
    inside = sorted([held for held in placed if top <= held[2] <= bottom], key=itemgetter(2))
    heights = [y for _, _, y in inside]
    cells = []
    for cell in table.cells:
        x0, y0, x1, y1 = cell.box
        near = inside[bisect_left(heights, y0) : bisect_right(heights, y1)] if cell.text else []
        words = [word for word, x, _ in near if x0 <= x <= x1]
        bold = bool(words) and all(word.bold for word in words)
        size = max((word.size for word in words), default=0.0)
        place = (cell.row, cell.column, cell.row_span, cell.column_span)
        kind = find_kind(cell.text)
        cells.append(GridCell(*place, cell.text, cell.box, bold, size, kind, first_x=_find_start(words)))
    ruled = any(not cell.text for cell in table.cells)  # other grids have no empty cells
    return CellGrid(area, cells, ruled, trust=table.confidence, point=1 / page.width_pt)


def _find_start(words: Sequence[Word]) -> float | None:
    """Where the first line of a cell begins."""
    if not words:
        return None
    if len(words) == 1:
        return words[0].box.x0
    first = min(words, key=lambda word: word.box.y0).box
    middle = (first.y0 + first.y1) / 2
    return min([word.box.x0 for word in words if word.box.y0 < middle])


def are_parted(words: Sequence[Word], aspect: float) -> bool:
    """Whether two numbers stand side by side with more than a space between them, or words with a gap. `aspect`: the
    page's width over its height."""
    for before, word in pairwise(words):
        gap = (word.box.x0 - before.box.x1) * aspect / max(word.box.y1 - word.box.y0, 1e-6)
        digits = before.text[-1].isdigit() and word.text[0].isdigit()
        if word.line == before.line and gap > (MAX_SPACE if digits else MAX_GAP):
            middle = (before.box.x1 + word.box.x0) / 2
            if digits or not any(other.box.x0 < middle < other.box.x1 for other in words):
                return True  # no gap of a justified line, which others go over
    return False


def leave_out_marks(words: Sequence[Word], places: Sequence[int]) -> list[Word]:
    """The words of a cell without the raised marks of footnotes behind them."""
    kept: list[Word] = []
    for place in places:
        raised = place - 1 in places and is_note_mark(words, place)
        if not (raised or (kept and words[place].text.strip("¹²³⁰⁴⁵⁶⁷⁸⁹⁽⁾,ᵃᵇᶜᵈᵉᶠ†‡") == "")):
            kept.append(words[place])
    return kept


def list_lines(words: Iterable[Word]) -> list[str]:
    """The lines of a cell's words, by where they stand: what is one line of the page is one here, and what overlaps."""
    lines: list[str] = []
    before: Word | None = None
    for word in words:
        if before is None:
            lines.append(word.text)
        else:
            one, other = before.box, word.box
            shared = min(one.y1, other.y1) - max(one.y0, other.y0)
            beside = other.x0 >= one.x0 and 2 * shared > min(one.y1 - one.y0, other.y1 - other.y0)
            if beside or (word.line == before.line and other.x0 > one.x0 and shared > 0):
                lines[-1] += f" {word.text}"
            else:
                lines.append(word.text)
        before = word
    return lines


def _leave_out_empty(grid: CellGrid) -> None:
    """Rows and columns in which no text begins go."""
    for row in reversed(range(grid.rows)):
        if not grid.lines[row]:
            grid.remove_row(row)
    grid.remove_empty_columns()


def _find_fill(grid: CellGrid, row: int, fills: Sequence[tuple[Box, Color]]) -> Color | None:
    """The colour behind the first cell of a row, None for white."""
    if not fills or not grid.lines[row]:
        return None
    box = grid.lines[row][-1].box
    x, y = (box.x0 + box.x1) / 2, (box.y0 + box.y1) / 2
    held = [color for area, color in fills if area.x0 <= x <= area.x1 and area.y0 <= y <= area.y1]
    return held[-1] if held and min(held[-1]) < 0.99 else None
