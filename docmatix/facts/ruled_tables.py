"""Finds ruled tables as pdfplumber would, from the rules that MuPDF lists (`docs/design/pdf.md`).

The text of a cell comes from the words already read, so that it can be found in its page's text.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain, groupby
from typing import Any

from docmatix.core.documents import Box, Page, Table, Word, make_table
from docmatix.pdf.drawings import Rule
from docmatix.text.hyphens import PageWords, join_lines

MIN_CROSSINGS = 9  # of a table of two rows and two columns
MAX_RULES = 5000  # of a page: hundreds of small tables then take 0.6 s, and a large one 0.1 s
MAX_CROSSINGS = 20_000  # of a page; a table of 1,000 rows and 20 columns
TOLERANCE_PT = 3.0  # pdfplumber's own, between lines that nearly coincide, and between ends that are meant to touch

Grid = list[list[Box | None]]  # the cells of a table by row; None where a neighbour spans them


def find_grids(rules: Sequence[Rule], *, width_pt: float, height_pt: float) -> list[Grid]:
    """The tables that the rules of a displayed page draw, their cells in fractions of it."""
    if len(rules) > MAX_RULES:
        return []
    across, down = _merge(rules)
    crossed = _cross(across, down)
    if not MIN_CROSSINGS <= sum(map(int.bit_count, crossed)) <= MAX_CROSSINGS:
        return []
    from pdfplumber.table import Table as Cells
    from pdfplumber.table import cells_to_tables

    cells = _find_cells(across, down, crossed)
    return [
        [[cell and _place(cell, width_pt, height_pt) for cell in row.cells] for row in Cells(None, group).rows]
        for group in cells_to_tables(_leave_out_lone(cells))
    ]


def fill_grids(grids: Iterable[Grid], page: Page) -> tuple[Table, ...]:
    """The tables that grids make with the words of their page, top down."""
    if _is_sideways(page):
        return ()
    tables = (fill_table(grid, page.words) for grid in grids)
    return tuple(
        sorted((table for table in tables if table is not None), key=lambda table: (table.box.y0, table.box.x0))
    )


def _is_sideways(page: Page) -> bool:
    """Whether most words run up or down the displayed page, so that rows would be taken for columns."""
    long = [word.box for word in page.words if len(word.text) > 2]
    tall = sum((box.y1 - box.y0) * page.height_pt > (box.x1 - box.x0) * page.width_pt for box in long)
    return tall > len(long) / 2


def _merge(rules: Sequence[Rule]) -> tuple[list[Rule], list[Rule]]:
    """The lines across from top to bottom, and those down from left to right: lines that nearly coincide put in one
    place, their pieces joined, and what is too short then left out."""
    if len(rules) < 6:  # the least that make two rows and two columns
        return [], []
    from pdfplumber.table import merge_edges

    edges = merge_edges([_make_edge(rule) for rule in rules], *[TOLERANCE_PT] * 4)
    merged = [Rule(edge["x0"], edge["top"], edge["x1"], edge["bottom"]) for edge in edges]
    across = [rule for rule in merged if rule.y0 == rule.y1 and rule.x1 - rule.x0 >= TOLERANCE_PT]
    down = [rule for rule in merged if rule.x0 == rule.x1 and rule.y1 - rule.y0 >= TOLERANCE_PT]
    return sorted(across, key=lambda rule: (rule.y0, rule.x0)), sorted(down)


def _make_edge(rule: Rule) -> dict[str, Any]:
    x0, y0, x1, y1 = rule
    width, height = x1 - x0, y1 - y0
    kind = "v" if height else "h"
    return {"orientation": kind, "x0": x0, "top": y0, "x1": x1, "bottom": y1, "width": width, "height": height}


def _cross(across: Sequence[Rule], down: Sequence[Rule]) -> list[int]:
    """For each line across, the set of lines down that meet it, as bits."""
    import numpy as np

    if not across or not down:
        return []
    left, y, right, _ = (column[:, None] for column in np.array(across).T)
    x, top, _, bottom = (column[None, :] for column in np.array(down).T)
    slack = TOLERANCE_PT
    meets = (left - slack <= x) & (x <= right + slack) & (top - slack <= y) & (y <= bottom + slack)
    return [int.from_bytes(row.tobytes(), "little") for row in np.packbits(meets, axis=1, bitorder="little")]


def _find_cells(
    across: Sequence[Rule], down: Sequence[Rule], crossed: Sequence[int]
) -> list[tuple[float, float, float, float]]:
    """The smallest rectangle below and to the right of each crossing: what pdfplumber's `intersections_to_cells` finds,
    in 1 ms rather than 30 for a table of 350 cells."""
    met = [0] * len(down)
    for row, columns in enumerate(crossed):
        for column in _list_bits(columns):
            met[column] |= 1 << row
    nearest: dict[tuple[float, float], tuple[float, float]] = {}
    for row, columns in enumerate(crossed):
        y = across[row].y0
        for column in _list_bits(columns):
            x = down[column].x0
            right = columns >> column + 1 << column + 1
            below = met[column] >> row + 1 << row + 1 if right else 0
            for other in _list_bits(below):
                shared = _list_bits(right & crossed[other]) if across[other].y0 > y else iter(())
                corner = next(((across[other].y0, down[bit].x0) for bit in shared if down[bit].x0 > x), None)
                if corner is not None:
                    # where two lines end in one crossing, either may have the nearest corner
                    nearest[x, y] = min(corner, nearest.get((x, y), corner))
                    break
    return [(x, y, right, bottom) for (x, y), (bottom, right) in sorted(nearest.items())]


def _list_bits(bits: int) -> Iterator[int]:
    while bits:
        lowest = bits & -bits
        yield lowest.bit_length() - 1
        bits ^= lowest


def _leave_out_lone(cells: Sequence[tuple[float, float, float, float]]) -> list[tuple[float, float, float, float]]:
    """The cells that touch another: `cells_to_tables` is slow with hundreds of boxes to tick."""
    corners = [((x0, y0), (x0, y1), (x1, y0), (x1, y1)) for x0, y0, x1, y1 in cells]
    counts = Counter(chain.from_iterable(corners))
    return [cell for cell, mine in zip(cells, corners, strict=True) if any(counts[corner] > 1 for corner in mine)]


def _place(cell: Sequence[float], width_pt: float, height_pt: float) -> Box:
    x0, y0, x1, y1 = cell
    fractions = (x0 / width_pt, y0 / height_pt, x1 / width_pt, y1 / height_pt)
    return Box(*(round(min(max(fraction, 0.0), 1.0), 5) for fraction in fractions))


MIN_FILLED_SHARE = 0.5
MAX_CELL_WORDS = 40  # mean of filled cells, above which the rules frame paragraphs: a layout rather than a table


def fill_table(grid: Sequence[Sequence[Box | None]], words: Sequence[Word]) -> Table | None:
    """A table from the boxes of its cells (None where a neighbour spans them) and its page's words. A word belongs to
    the cell that contains its middle; rows and columns without words are dropped. None if the rest is smaller than two
    by two, half empty, or a layout."""
    boxes = [box for row in grid for box in row if box is not None]
    if not boxes:
        return None
    x0, y0, x1, y1 = zip(*boxes, strict=True)
    frame = Box(min(x0), min(y0), max(x1), max(y1))
    known = PageWords(words)
    inside = [(word, *_middle(word.box)) for word in words]
    inside = [(word, x, y) for word, x, y in inside if frame.x0 <= x < frame.x1 and frame.y0 <= y < frame.y1]

    def read(box: Box | None, beside: Sequence[tuple[Word, float, float]]) -> list[str]:
        if box is None:
            return []
        held = (word for word, x, y in beside if box.x0 <= x < box.x1 and box.y0 <= y < box.y1)
        return [" ".join(word.text for word in line) for _, line in groupby(held, key=lambda word: word.line)]

    width = max(map(len, grid))
    rows: list[list[list[str]]] = []
    for row in grid:
        # first the words of the row: each cell looking at each word of the table took longer than finding the cells
        top, bottom = min((box.y0 for box in row if box), default=0.0), max((box.y1 for box in row if box), default=0.0)
        beside = [held for held in inside if top <= held[2] < bottom]
        rows.append([read(box, beside) for box in row] + [[]] * (width - len(row)))
    cells = [row for lines in rows for row in _split_row(lines, known) if any(row)]
    columns = [column for column in zip(*cells, strict=True) if any(column)]
    filled = sum(bool(cell) for column in columns for cell in column)
    if len(cells) < 2 or len(columns) < 2 or filled < MIN_FILLED_SHARE * len(cells) * len(columns):
        return None
    if len(inside) > MAX_CELL_WORDS * filled:
        return None
    return make_table(frame, zip(*columns, strict=True))


def _split_row(cells: Sequence[Sequence[str]], known: PageWords) -> list[list[str]]:
    """The rows within one ruled row, given the lines of its cells: many tables only rule off groups of rows, in which
    all filled cells have as many lines, mostly numbers."""
    filled = [lines for lines in cells if lines]
    heights = {len(lines) for lines in filled}
    numbers = sum(any(letter.isdigit() for letter in line) for lines in filled for line in lines)
    if len(filled) < 2 or len(heights) > 1 or 2 * numbers < sum(map(len, filled)):
        return [[join_lines(lines, known) for lines in cells]]
    return [[lines[index] if lines else "" for lines in cells] for index in range(heights.pop())]


def _middle(box: Box) -> tuple[float, float]:
    return (box.x0 + box.x1) / 2, (box.y0 + box.y1) / 2
