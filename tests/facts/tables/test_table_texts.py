"""Texts of cells are as printed: broken words mended, signs kept, marks of footnotes left out; signs in columns of
their own stand with their numbers."""

from __future__ import annotations

import pytest

from docmatix.core.documents import Box, Word
from docmatix.facts.tables.meaning.building import leave_out_marks, list_lines
from tests.facts.tables.raw_tables import find_cell, find_path, read


def test_a_word_that_is_broken_at_a_line_s_end_is_mended():
    table = read(("", "Sales"), ("Frozen vege-\ntables", "12"), ("Long-\nTerm loans", "14"), ("Bread", "3"))
    assert find_path(table, "12")[-1] == "Frozen vegetables"
    assert find_path(table, "14")[-1] == "Long-Term loans"


@pytest.mark.parametrize(
    "value", ["(240.00)", "−12,5 %", "1 234,50", "+0.3", "–5", "12.5*", "< 0.1", "€ 1.200,–", "[4.0-10.0]"]
)
def test_signs_points_and_brackets_are_kept(value: str):
    assert find_path(read(("", "Sales"), ("North", value), ("South", "14"), ("West", "3")), value) == ("Sales", "North")


def test_currencies_in_a_column_of_their_own_stand_before_their_numbers():
    table = read(
        ("", ("2020", 2)), ("Sales", "$", "1,200"), ("Costs", "$", "900"), ("Profit", "$", "300"), header_rows=1
    )
    assert find_path(table, "$ 1,200") == ("2020", "Sales")
    assert max(cell.column for cell in table.cells) == 1


def test_percent_signs_in_a_column_of_their_own_stand_behind_their_numbers():
    table = read(("", ("Share", 2)), ("North", "12", "%"), ("South", "14", "%"), header_rows=1)
    assert find_path(table, "14%") == ("Share", "South")


def test_a_raised_mark_is_no_part_of_a_number():
    words = [Word("320", Box(0.1, 0.2, 0.12, 0.214), 0, 0, 10.0), Word("1", Box(0.121, 0.2, 0.124, 0.208), 0, 0, 6.0)]
    assert [word.text for word in leave_out_marks(words, [0, 1])] == ["320"]
    plain = [words[0], Word("125", Box(0.121, 0.2, 0.14, 0.214), 0, 0, 10.0)]
    assert len(leave_out_marks(plain, [0, 1])) == 2


def test_words_of_one_height_are_one_line_even_if_the_page_has_them_in_two():
    words = [Word("long-", Box(0.1, 0.2, 0.15, 0.214), 0, 0), Word("term", Box(0.16, 0.201, 0.2, 0.215), 1, 0)]
    assert list_lines(words) == ["long- term"]
    assert list_lines([words[0], words[1]._replace(box=Box(0.1, 0.22, 0.15, 0.234))]) == ["long-", "term"]


def test_a_header_set_apart_from_its_column_is_its_own():
    table = read(("Article", "", "Sales", ""), ("Gloves", "", "", "12"), ("Helmets", "", "", "13"), header_rows=1)
    assert find_path(table, "13") == ("Sales", "Helmets")
    assert find_cell(table, "Sales").header


def test_a_currency_before_the_number_of_one_row_stands_with_it():
    table = read(
        ("Item", "Number", "Price", "Amount"),
        ("Lamps", "2", "12.00", "24.00"),
        ("Chairs", "1", "30.00", "30.00"),
        ("Total", "", "R$", "54.00"),
    )
    assert find_path(table, "R$ 54.00") == ("Amount", "Total")
