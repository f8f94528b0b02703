"""Ruled tables: found where they are, filled with the page's words, and nothing else taken for one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pymupdf
import pytest

from docmatix.core.documents import Box, Document, Table, Word
from docmatix.pdf.reading import open_pdf, read_document, read_page
from docmatix.pdf.settings import Extract
from docmatix.pdf.tables import MIN_CROSSINGS, count_crossings, fill_table, find_tables
from tests import pdfs

ROWS = (("Fruit", "2023", "2024"), ("Pears from Kent", "25", "46"), ("Plums", "32", "42"))


def find(pdf: bytes) -> dict[int, tuple[Table, ...]]:
    document: Any = open_pdf(pdf)
    return find_tables(pdf, document, [read_page(document, i, min_words=1) for i in range(document.page_count)])


def edit(pdf: bytes, **boxes: Any) -> bytes:
    document = pymupdf.open(stream=pdf)
    for page in document:
        if "cropbox" in boxes:
            page.set_cropbox(boxes["cropbox"])
        page.set_rotation(boxes.get("rotation", 0))
    return bytes(document.tobytes())


def test_a_ruled_table_is_found_in_its_place():
    (table,) = find(pdfs.write_table_pdf(ROWS, before="Harvests", after="All in tons."))[1]
    assert table.rows == ROWS
    assert table.box == pytest.approx((54 / 612, 90 / 792, 414 / 612, 156 / 792), abs=0.003)


def test_a_document_carries_its_tables():
    document = read_document(pdfs.write_table_pdf(ROWS), settings=Extract())
    assert isinstance(document, Document)
    assert document.pages[0].tables[0].rows == ROWS
    without = read_document(pdfs.write_table_pdf(ROWS), settings=Extract(tables=False))
    assert isinstance(without, Document)
    assert without.pages[0].tables == ()


def test_a_table_on_a_cropped_page_is_in_the_place_where_it_is_shown():
    pdf = edit(pdfs.write_table_pdf(ROWS, before="Harvests"), cropbox=(30, 60, 530, 460))
    (table,) = find(pdf)[1]
    assert table.rows == ROWS
    assert table.box == pytest.approx((24 / 500, 30 / 400, 384 / 500, 96 / 400), abs=0.004)


def test_a_table_that_lies_on_its_side_is_ignored():
    assert find(edit(pdfs.write_table_pdf(ROWS), rotation=90)) == {}


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
    (table,) = find(document.tobytes())[1]
    assert table.rows == ROWS
    assert table.box == pytest.approx((54 / 612, 90 / 792, 414 / 612, 156 / 792), abs=0.003)


def test_prose_and_a_broken_file_have_no_tables():
    assert find(pdfs.write_distinct_pdf(1)) == {}
    pdf = pdfs.write_table_pdf(ROWS)
    document = open_pdf(pdf)
    pages = [read_page(document, 0, min_words=1)]
    assert find_tables(b"%PDF-1.7 something else", document, pages) == {}


def test_a_page_with_thousands_of_strokes_is_left_alone():
    document = pymupdf.open(stream=pdfs.write_table_pdf(ROWS))
    shape = document[0].new_shape()
    for number in range(2500):
        shape.draw_line((60, 300 + number / 10), (400, 300 + number / 10))
    shape.finish()
    shape.commit()
    assert find(document.tobytes()) == {}


# --- signs ------------------------------------------------------------------------------------------------------------


def draw_grid(rows: int, columns: int) -> list[tuple[Any, ...]]:
    across = [("l", (0, 20 * row), (50 * columns, 20 * row)) for row in range(rows + 1)]
    down = [("l", (50 * column, 0), (50 * column, 20 * rows)) for column in range(columns + 1)]
    return [*across, *down]


@pytest.mark.parametrize(
    ("strokes", "crossings"),
    [
        (draw_grid(2, 2), 9),
        (draw_grid(3, 4), 20),
        ([("re", (0, 0, 100, 100), 1)], 4),
        ([("re", (100 * x, 30 * y, 100 * x + 100, 30 * y + 30), 1) for x in range(2) for y in range(2)], 9),
        ([("re", (0, 20 * y, 200, 20 * y + 0.7), 1) for y in range(9)], 0),
        ([("l", (0, 0), (100, 100)), ("c", (0, 0), (1, 1), (2, 2), (3, 3))], 0),
        ([], 0),
    ],
    ids=["two by two", "three by four", "a frame", "four boxes", "underlines", "a diagonal", "nothing"],
)
def test_crossings_are_counted_in_different_points(strokes, crossings):
    assert count_crossings(strokes) == crossings


def test_the_smallest_table_has_just_enough_crossings():
    assert count_crossings(draw_grid(2, 2)) == MIN_CROSSINGS


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
    assert table == Table(Box(0, 0, 1, 1), (("a b", "c"), ("d", "e f")))


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
