"""Finds ruled tables with pdfplumber, on pages whose rules cross often enough (`docs/design/pdf.md`).

The text of a cell comes from the words already read, so that it can be found in its page's text.
"""

from __future__ import annotations

import io
import logging
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from typing import Any

from docmatix.core.documents import Box, Page, Table, Word

MIN_CROSSINGS = 9  # of a table of two rows and two columns
MAX_STROKES = 2000  # more are a chart
MAX_CONTENT_BYTES = 2**20  # listing the strokes of a longer content stream takes longer than reading the page
MAX_PAGES = 50
MAX_WORDS_AND_STROKES = 25_000  # of all pages of a document that pdfplumber is given: about 10 s
TOLERANCE_PT = 3.0  # pdfplumber's own, between ends of rules that are meant to touch


def find_tables(pdf: bytes, document: Any, pages: Iterable[Page]) -> dict[int, tuple[Table, ...]]:
    """The tables of `pages`, top down, by page number; pages without tables are left out. `document` is the open
    `pymupdf.Document` of `pdf`; only the first likely pages of a long one are searched. A page on which pdfplumber
    fails has no tables; a `MemoryError` is raised."""
    worth = dict(_choose_pages(document, pages))
    if not worth:
        return {}
    import pdfplumber

    # pdfminer logs a warning for every odd font
    logging.getLogger("pdfminer").setLevel(logging.ERROR)
    found: dict[int, tuple[Table, ...]] = {}
    try:
        with pdfplumber.open(io.BytesIO(pdf), pages=list(worth)) as plumber:
            for sheet in plumber.pages:
                tables = _find_on_page(sheet, worth[sheet.page_number])
                if tables:
                    found[sheet.page_number] = tables
                sheet.close()
    except MemoryError:
        raise
    except Exception:
        # it cannot open what MuPDF has repaired; tables found so far count
        return found
    return found


def _choose_pages(document: Any, pages: Iterable[Page]) -> Iterator[tuple[int, Page]]:
    size = chosen = 0
    for page in pages:
        strokes = _list_strokes(document, page.number)
        if strokes and count_crossings(strokes) >= MIN_CROSSINGS and not _is_sideways(page):
            chosen += 1
            size += len(page.words) + len(strokes)
            if chosen > MAX_PAGES or size > MAX_WORDS_AND_STROKES:
                return
            yield page.number, page


def _is_sideways(page: Page) -> bool:
    """Whether most words run up or down the displayed page, so that rows would be taken for columns."""
    long = [word.box for word in page.words if len(word.text) > 2]
    tall = sum((box.y1 - box.y0) * page.height_pt > (box.x1 - box.x0) * page.width_pt for box in long)
    return tall > len(long) / 2


def _list_strokes(document: Any, number: int) -> list[Any]:
    """A page's lines and rectangles, as MuPDF's `get_cdrawings` returns them; none if there are too many."""
    try:
        page = document.load_page(number - 1)
        if len(page.read_contents()) > MAX_CONTENT_BYTES:
            return []
        strokes = [item for path in page.get_cdrawings() for item in path.get("items", ())]
    except MemoryError:
        raise
    except Exception:
        return []
    return strokes if len(strokes) <= MAX_STROKES else []


def count_crossings(strokes: Iterable[Sequence[Any]]) -> int:
    """The number of points where horizontal and vertical rules meet, the sides of rectangles included.

    Strokes are `("l", point, point)` or `("re", rectangle, ...)`; others do not count.
    """
    import numpy as np

    across: set[tuple[float, float, float]] = set()
    down: set[tuple[float, float, float]] = set()
    for stroke in strokes:
        if stroke[0] == "l":
            corners = (*stroke[1], *stroke[2])
        elif stroke[0] == "re":
            corners = tuple(stroke[1])
        else:
            continue
        (x0, x1), (y0, y1) = sorted(corners[0::2]), sorted(corners[1::2])
        wide, high = x1 - x0 >= 8, y1 - y0 >= 5
        if y1 - y0 <= TOLERANCE_PT and wide:
            across.add(((y0 + y1) / 2, x0, x1))
        elif x1 - x0 <= TOLERANCE_PT and high:
            down.add(((x0 + x1) / 2, y0, y1))
        elif stroke[0] == "re" and wide and high:
            across |= {(y0, x0, x1), (y1, x0, x1)}
            down |= {(x0, y0, y1), (x1, y0, y1)}
    if not across or not down:
        return 0
    y, left, right = (column[:, None] for column in np.array(sorted(across)).T)
    x, top, bottom = (column[None, :] for column in np.array(sorted(down)).T)
    slack = TOLERANCE_PT
    meets = (left - slack <= x) & (x <= right + slack) & (top - slack <= y) & (y <= bottom + slack)
    rows, columns = np.nonzero(meets)
    points = np.stack([y[rows, 0], x[0, columns]]) / TOLERANCE_PT
    return len(np.unique(points.round(), axis=1).T)


def _find_on_page(sheet: Any, page: Page) -> tuple[Table, ...]:
    try:
        left, top, right, bottom = sheet.cropbox
        grids = [
            [[_place(cell, left, top, right - left, bottom - top) for cell in row.cells] for row in grid.rows]
            for grid in sheet.find_tables()
        ]
    except MemoryError:
        raise
    except Exception:
        return ()
    tables = (fill_table(grid, page.words) for grid in grids)
    return tuple(
        sorted((table for table in tables if table is not None), key=lambda table: (table.box.y0, table.box.x0))
    )


def _place(cell: Sequence[float] | None, left: float, top: float, width: float, height: float) -> Box | None:
    if cell is None:
        return None
    x0, y0, x1, y1 = cell
    fractions = ((x0 - left) / width, (y0 - top) / height, (x1 - left) / width, (y1 - top) / height)
    return Box(*(round(min(max(fraction, 0.0), 1.0), 5) for fraction in fractions))


MIN_FILLED_SHARE = 0.5
MAX_CELL_WORDS = 40  # mean of filled cells, above which the rules frame paragraphs: a layout rather than a table


def fill_table(grid: Sequence[Sequence[Box | None]], words: Iterable[Word]) -> Table | None:
    """A table from the boxes of its cells (None where a neighbour spans them) and its page's words. A word belongs to
    the cell that contains its middle; rows and columns without words are dropped. None if the rest is smaller than two
    by two, half empty, or a layout."""
    boxes = [box for row in grid for box in row if box is not None]
    if not boxes:
        return None
    x0, y0, x1, y1 = zip(*boxes, strict=True)
    frame = Box(min(x0), min(y0), max(x1), max(y1))
    inside = [(word, *_middle(word.box)) for word in words]
    inside = [(word, x, y) for word, x, y in inside if frame.x0 <= x < frame.x1 and frame.y0 <= y < frame.y1]

    def read(box: Box | None) -> list[str]:
        if box is None:
            return []
        held = (word for word, x, y in inside if box.x0 <= x < box.x1 and box.y0 <= y < box.y1)
        return [" ".join(word.text for word in line) for _, line in groupby(held, key=lambda word: word.line)]

    width = max(map(len, grid))
    rows = [[read(box) for box in row] + [[]] * (width - len(row)) for row in grid]
    cells = [row for lines in rows for row in _split_row(lines) if any(row)]
    columns = [column for column in zip(*cells, strict=True) if any(column)]
    filled = sum(bool(cell) for column in columns for cell in column)
    if len(cells) < 2 or len(columns) < 2 or filled < MIN_FILLED_SHARE * len(cells) * len(columns):
        return None
    if len(inside) > MAX_CELL_WORDS * filled:
        return None
    return Table(frame, tuple(zip(*columns, strict=True)))


def _split_row(cells: Sequence[Sequence[str]]) -> list[list[str]]:
    """The rows within one ruled row, given the lines of its cells: many tables only rule off groups of rows, in which
    all filled cells have as many lines, mostly numbers."""
    filled = [lines for lines in cells if lines]
    heights = {len(lines) for lines in filled}
    numbers = sum(any(letter.isdigit() for letter in line) for lines in filled for line in lines)
    if len(filled) < 2 or len(heights) > 1 or 2 * numbers < sum(map(len, filled)):
        return [[" ".join(lines) for lines in cells]]
    return [[lines[index] if lines else "" for lines in cells] for index in range(heights.pop())]


def _middle(box: Box) -> tuple[float, float]:
    return (box.x0 + box.x1) / 2, (box.y0 + box.y1) / 2
