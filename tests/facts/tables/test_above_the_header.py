"""What stands above the first row that names all columns is none of the table, unless it is a header."""

from __future__ import annotations

import pytest

from tests.facts.tables.raw_tables import Text, find_path, read

NAMES: tuple[tuple[Text, ...], ...] = (
    ("Name", "Office", "Phone"),
    ("Adams", "Archive", "4178"),
    ("Baker", "Press", "3693"),
    ("Clark", "Stores", "2959"),
    ("Davis", "Press", "1021"),
)


@pytest.mark.parametrize(
    "above",
    [
        [("Holder Ann Adams", "Account 5511 2083", ""), ("Branch 44666", "Period 01.12.2022", "")],
        [("Holder:", "Ann Adams", "Account:"), ("Branch:", "North", "")],
    ],
    ids=["fields", "fields with colons"],
)
def test_fields_are_none_of_the_table(above: list[tuple[Text, ...]]):
    table = read(*above, *NAMES)
    assert find_path(table, "3693") == ("Phone", "Baker")
    assert min(cell.row for cell in table.cells) == 0
    assert [cell.text for cell in table.cells if cell.header] == ["Name", "Office", "Phone"]


def test_a_running_head_is_none_of_the_table_nor_are_its_columns():
    gap: list[tuple[Text, ...]] = [("", "", "", "")] * 3
    table = read(("Ministry of Transport", "", "", "2"), *gap, *(row for row in NAMES), top=0.03, rules=(0, 4))
    assert find_path(table, "3693") == ("Phone", "Baker")
    assert max(cell.column for cell in table.cells) == 2
    assert table.box.y0 > 0.08


def test_headers_over_others_are_of_the_table():
    table = read(("", ("Staff", 2)), *NAMES)
    assert find_path(table, "3693") == ("Staff", "Phone", "Baker")


def test_rows_above_a_header_that_comes_again_are_of_the_table():
    table = read(
        *NAMES, *NAMES[:1], ("Evans", "Archive", "8812"), ("Frank", "Press", "7723"), ("Green", "Press", "661")
    )
    assert find_path(table, "3693") == ("Phone", "Baker")


def test_headers_between_wide_columns_are_put_over_them_in_order():
    table = read(
        ("", "Goods", "Count", "Price", "Sum"),
        ("Paper for copiers", "10", "", "90.78", "907.80"),
        ("White board", "16", "", "49.58", "793.28"),
        ("Printer", "14", "", "279.87", "3,918.18"),
    )
    assert find_path(table, "16") == ("Count", "White board")
    assert find_path(table, "793.28") == ("Sum", "White board")
