"""Finds ruled tables with pdfplumber, on the pages that show signs of one.

pdfplumber is good at cells and slow: it parses the page again in Python, 250 ms against MuPDF's 5. So MuPDF first tells
where rules are drawn. A table of two rows and two columns has three rules each way, which cross in nine points; of 155
real pages (64 documents, at most 6 pages of each) 82 have that many and all 44 with a table are among them. More than
2,000 strokes are a chart: four such pages took 2 s each and held no table, and the richest page with one had 459.

What stands in a cell is taken from the words already read, so that a cell can be found in its page's text, and a table
whose place is misjudged (a box of the file contradicts another) comes out empty and is left out.
"""

from __future__ import annotations

import io
import logging
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from typing import Any

from docmatix.core.documents import Box, Page, Table, Word

MIN_CROSSINGS = 9
MAX_STROKES = 2000
MAX_CONTENT_BYTES = 2**20
"""Pages with a longer description are not looked at: listing their strokes would take longer than reading them."""

MAX_PAGES = 50
MAX_EFFORT = 25_000
"""Words and strokes of all pages of one document that pdfplumber is given: about 10 s."""

TOLERANCE_PT = 3.0
"""pdfplumber's own tolerance between the ends of rules that are meant to touch."""


def find_tables(pdf: bytes, document: Any, pages: Iterable[Page]) -> dict[int, tuple[Table, ...]]:
    """The tables of `pages`, from the top down, by page number; pages without one are not in the result.

    `document` is the open `pymupdf.Document` of `pdf`. Of a long document the first pages that show signs of a table
    are taken, up to `MAX_PAGES` and `MAX_EFFORT`. A page at which pdfplumber fails has no tables; a `MemoryError` is
    let through.
    """
    worth = dict(_choose_pages(document, pages))
    if not worth:
        return {}
    import pdfplumber

    # pdfminer logs a warning for every oddity of a font.
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
        # It cannot open what MuPDF repaired; what was found before stays.
        return found
    return found


# --- which pages ------------------------------------------------------------------------------------------------------


def _choose_pages(document: Any, pages: Iterable[Page]) -> Iterator[tuple[int, Page]]:
    effort = chosen = 0
    for page in pages:
        strokes = _list_strokes(document, page.number)
        if strokes and count_crossings(strokes) >= MIN_CROSSINGS and not _is_sideways(page):
            chosen += 1
            effort += len(page.words) + len(strokes)
            if chosen > MAX_PAGES or effort > MAX_EFFORT:
                return
            yield page.number, page


def _is_sideways(page: Page) -> bool:
    """Whether most words run up or down the displayed page: rows would be taken for columns."""
    long = [word.box for word in page.words if len(word.text) > 2]
    tall = sum((box.y1 - box.y0) * page.height_pt > (box.x1 - box.x0) * page.width_pt for box in long)
    return tall > len(long) / 2


def _list_strokes(document: Any, number: int) -> list[Any]:
    """The lines and rectangles of a page, as MuPDF's `get_cdrawings` gives them: none for a page that has too many."""
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
    """In how many different points horizontal and vertical rules meet; the sides of a rectangle are rules, too.

    Strokes are `("l", point, point)`, `("re", rectangle, ...)` or something else, which does not count.
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


# --- one page ---------------------------------------------------------------------------------------------------------


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
MAX_CELL_WORDS = 40
"""Mean words of a filled cell above which the rules frame paragraphs: a layout, not a table."""


def fill_table(grid: Sequence[Sequence[Box | None]], words: Iterable[Word]) -> Table | None:
    """A table from the boxes of its cells (None where a neighbour spans them) and the words of its page.

    A word belongs to the cell that holds its middle. Rows and columns without a word are left out. None if what is left
    is smaller than two by two, half empty, or no table but a layout.
    """
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
    """The rows within one ruled row, given the lines of its cells.

    Many tables rule off groups of rows only: then all filled cells have as many lines, and most of them are numbers.
    """
    filled = [lines for lines in cells if lines]
    heights = {len(lines) for lines in filled}
    numbers = sum(any(letter.isdigit() for letter in line) for lines in filled for line in lines)
    if len(filled) < 2 or len(heights) > 1 or 2 * numbers < sum(map(len, filled)):
        return [[" ".join(lines) for lines in cells]]
    return [[lines[index] if lines else "" for lines in cells] for index in range(heights.pop())]


def _middle(box: Box) -> tuple[float, float]:
    return (box.x0 + box.x1) / 2, (box.y0 + box.y1) / 2
