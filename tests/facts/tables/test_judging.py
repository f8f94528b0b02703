"""What stands in columns without being a table."""

from __future__ import annotations

import pytest

from tests.facts.tables.setting import find, set_rows, write

NOT_TABLES = {
    "bullets": ([["•", f"the {name} of the year"] for name in ("apples", "pears", "plums", "figs", "dates")], (50, 70)),
    "numbered items": ([[f"{n}.", "some item of text"] for n in range(1, 7)], (50, 80)),
    "contents": (
        [[f"Chapter of {name}", str(page)] for name, page in zip("abcdefg", range(3, 70, 9), strict=False)],
        (50, 400),
    ),
    "fields": ([["Name:", "Anna Smith"], ["Date:", "3.4.2020"], ["Number:", "4711"], ["Total:", "12.50"]], (50, 150)),
    "axis": ([[str(value), "" if value % 40 else "Exports"] for value in range(100, -1, -10)], (50, 150)),
    "code": (
        [["if (a[i] == 0)", "{ x = 1; }"], ["else", "{ x = 2; }"], ["while (b)", "{ --b; }"], ["y = x;", "// z"]],
        (50, 200),
    ),
    "headings": ([["1.2", "The labour market"], ["1.2.1", "Wages"]], (50, 100)),
    "address": ([["Acme Ltd", "Tel. 030 1234"], ["12 High Street", "info at acme"]], (50, 300)),
}


@pytest.mark.parametrize("kind", NOT_TABLES)
def test_what_only_stands_in_columns_is_no_table(kind: str) -> None:
    rows, lefts = NOT_TABLES[kind]
    assert find(write(set_rows(rows, lefts))) == []


def test_two_columns_of_names_and_numbers_with_a_header_are_a_table() -> None:
    rows = [["Country", "Million EUR"], ["Algeria", "6.19"], ["Egypt", "8.80"], ["Jordan", "4.20"], ["Syria", "33.42"]]
    assert len(find(write(set_rows(rows, (50, 200))))) == 1


def test_a_header_and_a_row_of_numbers_are_a_table() -> None:
    rows = [["Products", "Butter", "Margarine", "Low fat"], ["Turnover", "6028", "1385", "836"]]
    assert len(find(write(set_rows(rows, (50, 150, 250, 350))))) == 1
