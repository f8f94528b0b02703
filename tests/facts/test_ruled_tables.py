"""Ruled tables: found where they are, filled with the page's words, and nothing else taken for one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pymupdf
import pytest
from hypothesis import given
from hypothesis import strategies as st

from docmatix.core.documents import Box, Document, Table, Word, make_table
from docmatix.facts.extraction import extract_document
from docmatix.facts.ruled_tables import MAX_RULES, Grid, _cross, _find_cells, _merge, fill_table, find_grids
from docmatix.pdf.drawings import Rule
from docmatix.pdf.settings import Extract
from tests import pdfs
from tests.museum import show, write_page

ROWS = (("Fruit", "2023", "2024"), ("Pears from Kent", "25", "46"), ("Plums", "32", "42"))


def find(pdf: bytes) -> tuple[Table, ...]:
    document = extract_document(pdf, settings=Extract(min_words=1))
    assert isinstance(document, Document)
    return document.pages[0].tables


def edit(pdf: bytes, **boxes: Any) -> bytes:
    document = pymupdf.open(stream=pdf)
    for page in document:
        if "cropbox" in boxes:
            page.set_cropbox(boxes["cropbox"])
        page.set_rotation(boxes.get("rotation", 0))
    return bytes(document.tobytes())


def test_a_ruled_table_is_found_in_its_place():
    (table,) = find(pdfs.write_table_pdf(ROWS, before="Harvests", after="All in tons."))
    assert table.rows == ROWS
    assert table.box == pytest.approx((54 / 612, 90 / 792, 414 / 612, 156 / 792), abs=0.003)


def test_a_document_carries_its_tables():
    document = extract_document(pdfs.write_table_pdf(ROWS), settings=Extract())
    assert isinstance(document, Document)
    assert document.pages[0].tables[0].rows == ROWS
    without = extract_document(pdfs.write_table_pdf(ROWS), settings=Extract(tables=False))
    assert isinstance(without, Document)
    assert without.pages[0].tables == ()


def test_a_table_on_a_cropped_page_is_in_the_place_where_it_is_shown():
    pdf = edit(pdfs.write_table_pdf(ROWS, before="Harvests"), cropbox=(30, 60, 530, 460))
    (table,) = find(pdf)
    assert table.rows == ROWS
    assert table.box == pytest.approx((24 / 500, 30 / 400, 384 / 500, 96 / 400), abs=0.004)


def test_a_table_that_lies_on_its_side_is_ignored():
    assert find(edit(pdfs.write_table_pdf(ROWS), rotation=90)) == ()


def test_a_table_that_a_rotated_page_sets_upright_is_found():
    document = pymupdf.open()
    page = document.new_page(width=792, height=612)
    page.set_rotation(90)
    turn = page.derotation_matrix
    for r, row in enumerate(ROWS):
        for c, cell in enumerate(row):
            box = pymupdf.Rect(54 + 120 * c, 90 + 22 * r, 174 + 120 * c, 112 + 22 * r)
            page.draw_rect(box * turn, width=0.7)
            page.insert_text(pymupdf.Point(box.x0 + 5, box.y1 - 7) * turn, cell, fontsize=10, rotate=90)
    (table,) = find(document.tobytes())
    assert table.rows == ROWS
    assert table.box == pytest.approx((54 / 612, 90 / 792, 414 / 612, 156 / 792), abs=0.003)


def test_prose_has_no_tables():
    assert find(pdfs.write_distinct_pdf(1)) == ()


def test_a_page_with_thousands_of_strokes_is_left_alone():
    document = pymupdf.open(stream=pdfs.write_table_pdf(ROWS))
    shape = document[0].new_shape()
    for number in range(5500):
        shape.draw_line((60, 300 + number / 20), (400, 300 + number / 20))
    shape.finish()
    shape.commit()
    assert find(document.tobytes()) == ()


def write_ruled_page(border: str, rows: Sequence[Sequence[str]] = ROWS, *, page: bytes = b"") -> bytes:
    """A table with cells of 120 by 20 points; `border` draws those of a cell that begins at 0, 0."""
    parts = []
    for r, row in enumerate(rows):
        for c, text in enumerate(row):
            x, y = 50 + 120 * c, 700 - 20 * r
            parts.append(f"q 1 0 0 1 {x} {y} cm {border} Q ".encode())
            parts.append(show(text, x=x + 6, y=y + 18, size=9))
    return write_page(*parts, page=page)


BORDERS = {
    "boxes": "0 0 120 20 re S",
    "polylines": "0 0 m 120 0 l 120 20 l 0 20 l 0 0 l S",
    "dashed lines": "[2 2] 0 d 0 0 m 120 0 l S 0 20 m 120 20 l S 0 0 m 0 20 l S 120 0 m 120 20 l S",
    "thin fillings": "0 -.5 120 1 re 0 19.5 120 1 re -.5 0 1 20 re 119.5 0 1 20 re f",
    "dots": "".join(
        [
            *(f"{x} {y} .5 .5 re " for y in (0, 20) for x in range(0, 120, 2)),
            *(f"{x} {y} .5 .5 re " for x in (0, 120) for y in range(20)),
            "f",
        ]
    ),
    "grey cells": ".9 g .5 .5 119 19 re f",
    "white cells": "1 g .5 .5 119 19 re f",
    "filled polygons": ".9 .9 1 rg .4 .4 m 119.6 .4 l 119.6 19.6 l .4 19.6 l h f",
    "a slanting scan": "0 .5 m 120 0 l S 0 20.5 m 120 20 l S 0 0 m .1 20 l S 120 0 m 120.1 20 l S",
    "a transformed unit": "q 120 0 0 20 0 0 cm .008 w 0 0 1 1 re S Q",
}


@pytest.mark.parametrize("kind", BORDERS)
def test_rules_are_found_however_they_are_drawn(kind: str):
    (table,) = find(write_ruled_page(BORDERS[kind]))
    assert table.rows == ROWS
    assert table.box == pytest.approx((50 / 612, 72 / 792, 410 / 612, 132 / 792), abs=0.003)


SHADINGS = {
    "a cell, then its paragraph": ".8 g .2 .2 119.6 19.6 re f 5 8 109.6 11.9 re f",
    "a paragraph that is a hair taller than its cell": ".8 g .2 .2 119.6 19.6 re f 5 .1 109.6 19.8 re f",
    "two paragraphs": ".7 .9 .9 rg .2 .2 119.6 19.6 re f 5 10 109 9 re f 5 1 109 9 re f",
    "with rules": ".8 g .2 .2 119.6 19.6 re f 5 8 109.6 11.9 re f 0 g 0 0 120 20 re S",
}


@pytest.mark.parametrize("kind", SHADINGS)
def test_a_paragraph_shaded_like_its_cell_is_no_cell_of_its_own(kind: str):
    """So does Word, five points from the sides of the cell; each row had two cells more."""
    (table,) = find(write_ruled_page(SHADINGS[kind]))
    assert table.rows == ROWS


def test_curves_and_slanting_lines_are_no_rules():
    for stroke in ("0 0 m 120 20 l S 0 20 m 120 0 l S", "0 0 m 40 20 80 20 120 0 c S 0 20 m 40 0 80 0 120 20 c S"):
        assert find(write_ruled_page(stroke)) == ()


def test_a_box_that_a_reader_drew_around_cells_divides_none_of_them():
    document = pymupdf.open(stream=pdfs.write_table_pdf(ROWS))
    page: Any = document[0]
    page.add_rect_annot(pymupdf.Rect(100, 80, 230, 200))
    page.add_line_annot((80, 60), (80, 300))
    (table,) = find(document.tobytes())
    assert table.rows == ROWS


# --- cells of rules ---------------------------------------------------------------------------------------------------


def draw_grid(rows: int, columns: int) -> list[Rule]:
    across = [Rule(0, 20 * row, 50 * columns, 20 * row) for row in range(rows + 1)]
    down = [Rule(50 * column, 0, 50 * column, 20 * rows) for column in range(columns + 1)]
    return [*across, *down]


def draw_frame(x0: float, y0: float, x1: float, y1: float) -> list[Rule]:
    return [Rule(x0, y0, x1, y0), Rule(x0, y1, x1, y1), Rule(x0, y0, x0, y1), Rule(x1, y0, x1, y1)]


def lay_out(rules: Sequence[Rule]) -> list[Grid]:
    return find_grids(rules, width_pt=600, height_pt=800)


def test_the_smallest_table_has_two_rows_and_two_columns():
    (grid,) = lay_out(draw_grid(2, 2))
    assert [len(row) for row in grid] == [2, 2]
    assert grid[1][0] == pytest.approx((0, 20 / 800, 50 / 600, 40 / 800), abs=1e-5)
    assert lay_out(draw_grid(1, 3)) == []


def test_a_cell_over_two_columns_leaves_a_gap():
    rules = [*draw_grid(2, 1), *draw_frame(50, 0, 150, 20), *draw_frame(50, 20, 100, 40), *draw_frame(100, 20, 150, 40)]
    ((first, second),) = lay_out(rules)
    assert [cell is None for cell in first] == [False, False, True]
    assert None not in second


def test_boxes_to_tick_are_no_tables():
    rules = [
        side for x in range(15) for y in range(15) for side in draw_frame(30 * x, 30 * y, 30 * x + 10, 30 * y + 10)
    ]
    assert lay_out(rules) == []


def test_a_page_with_thousands_of_rules_has_no_tables():
    assert lay_out([*draw_grid(3, 3), *(Rule(0, 200 + y / 10, 9, 200 + y / 10) for y in range(MAX_RULES))]) == []


PLACES = st.integers(0, 12).map(lambda number: number * 7.0)


@given(st.lists(st.tuples(st.booleans(), PLACES, PLACES, PLACES), min_size=6, max_size=60))
def test_cells_are_those_that_pdfplumber_finds(strokes: list[tuple[bool, float, float, float]]):
    from pdfplumber.table import edges_to_intersections, intersections_to_cells

    rules = [
        Rule(min(start, end), at, max(start, end), at) if across else Rule(at, min(start, end), at, max(start, end))
        for across, at, start, end in strokes
        if start != end
    ]
    across, down = _merge(rules)
    edges = [
        {"orientation": kind, "x0": rule.x0, "x1": rule.x1, "top": rule.y0, "bottom": rule.y1}
        for kind, group in (("h", across), ("v", down))
        for rule in group
    ]
    assert _find_cells(across, down, _cross(across, down)) == intersections_to_cells(
        edges_to_intersections(edges, 3, 3)
    )


# --- cells ------------------------------------------------------------------------------------------------------------


def make_grid(rows: int, columns: int) -> list[list[Box | None]]:
    return [
        [Box(c / columns, r / rows, (c + 1) / columns, (r + 1) / rows) for c in range(columns)] for r in range(rows)
    ]


def fill(cells: Sequence[Sequence[str]], grid: list[list[Box | None]] | None = None) -> Table | None:
    height, width = len(cells), len(cells[0])
    words = [
        Word(text, Box(c / width + 0.01, r / height + 0.01, c / width + 0.02, r / height + 0.02), r, 0)
        for r, row in enumerate(cells)
        for c, cell in enumerate(row)
        for text in cell.split()
    ]
    return fill_table(grid or make_grid(height, width), words)


def test_words_go_into_the_cell_that_holds_their_middle():
    table = fill([["a b", "c"], ["d", "e f"]])
    assert table == make_table(Box(0, 0, 1, 1), (("a b", "c"), ("d", "e f")))


def test_empty_rows_and_columns_are_left_out():
    table = fill([["a", "", "b"], ["", "", ""], ["c", "", "d"]])
    assert table is not None
    assert table.rows == (("a", "b"), ("c", "d"))


def test_a_cell_that_its_neighbour_spans_is_empty():
    grid = make_grid(2, 2)
    grid[0] = [Box(0, 0, 1, 0.5), None]
    table = fill([["both", ""], ["a", "b"]], grid)
    assert table is not None
    assert table.rows == (("both", ""), ("a", "b"))


def stack(cells: Sequence[Sequence[str]]) -> Table | None:
    """Two rows: the header, and one ruled row that holds all others."""
    words = [
        Word(text, Box(c / 2 + 0.1, 0.1 + r / 10, c / 2 + 0.2, 0.15 + r / 10), r, 0)
        for r, row in enumerate(cells)
        for c, text in enumerate(row)
    ]
    grid = [[Box(0, 0, 0.5, 0.2), Box(0.5, 0, 1, 0.2)], [Box(0, 0.2, 0.5, 1), Box(0.5, 0.2, 1, 1)]]
    return fill_table(grid, words)


def test_rows_of_numbers_that_no_rule_divides_are_divided():
    table = stack([["Year", "Tons"], ["2013", "269,360"], ["2014", "300,226"], ["2015", "312,010"]])
    assert table is not None
    assert table.rows == (("Year", "Tons"), ("2013", "269,360"), ("2014", "300,226"), ("2015", "312,010"))


def test_lines_of_words_in_a_cell_stay_together():
    table = stack([["Name", "Trade"], ["Anna", "ship"], ["Berg", "builder"]])
    assert table is not None
    assert table.rows == (("Name", "Trade"), ("Anna Berg", "ship builder"))


@pytest.mark.parametrize(
    "cells",
    [
        [["one", "row"]],
        [["one"], ["column"]],
        [["", ""], ["", ""]],
        [["a", "", ""], ["", "b", ""], ["", "", "c"]],
        [["word " * 90, "word " * 90], ["word " * 90, "word " * 90]],
    ],
    ids=["one row", "one column", "empty", "mostly empty", "a layout"],
)
def test_a_grid_that_is_not_a_table_is_none(cells):
    assert fill(cells) is None


def test_a_grid_without_cells_is_none():
    assert fill_table([], []) is None
    assert fill_table([[None, None]], []) is None
