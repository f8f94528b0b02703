"""Directories at ragged edges and in columns; what looks like one and is none."""

from __future__ import annotations

import pytest

from docmatix.core.documents import Box, Cell, Table
from tests.facts.fields.forms import Text, list_pairs, read, write_form

NAMES = ("Adler", "Beatriz", "Conti", "Dubois", "Engel", "Ferrari", "García", "Hoffmann", "Ibsen", "Jansen")
NUMBERS = ("4071", "5955", "2000", "8185", "4221", "7214", "3422", "5033", "8126", "2822")
RAGGED = (0, 17, 5, 31, 22, 9, 40, 3, 28, 13)


def set_entries(x: float, names: tuple[str, ...], numbers: tuple[str, ...], y: float = 80.0) -> list[Text]:
    """A column of entries whose numbers begin anywhere."""
    return [
        text
        for at, (name, number) in enumerate(zip(names, numbers, strict=True))
        for text in (Text(x, y + 13 * at, name), Text(x + 70 + RAGGED[at], y + 13 * at, number))
    ]


def test_numbers_at_ragged_edges_are_fields() -> None:
    assert list_pairs(read(write_form(*set_entries(60, NAMES, NUMBERS)))) == list(zip(NAMES, NUMBERS, strict=True))


@pytest.mark.parametrize("columns", [2, 3])
def test_several_columns_are_read_each_for_itself(columns: int) -> None:
    texts: list[Text] = []
    wanted: set[tuple[str, str]] = set()
    for column in range(columns):
        names = tuple(f"{'Alt Berg Carl'.split()[column]} {name}" for name in NAMES)
        numbers = NUMBERS[column:] + NUMBERS[:column]
        texts += set_entries(40 + 175 * column, names, numbers, y=80 + 4 * column)
        wanted.update(zip(names, numbers, strict=True))
    assert set(list_pairs(read(write_form(*texts)))) == wanted


def test_pages_that_rise_are_contents() -> None:
    numbers = tuple(str(3 * at + 1) for at in range(len(NAMES)))
    assert read(write_form(*set_entries(60, NAMES, numbers))) == []


def test_few_rows_at_ragged_edges_are_no_directory() -> None:
    assert read(write_form(*set_entries(60, NAMES[:4], NUMBERS[:4]))) == []


def test_a_third_column_that_is_no_entry_makes_a_table() -> None:
    texts = set_entries(60, NAMES, NUMBERS)
    texts += [Text(300, 80 + 13 * at, "in the annex") for at in range(len(NAMES))]
    assert read(write_form(*texts)) == []


def test_two_columns_set_tight_are_no_value() -> None:
    rows = ("Archive", "Legal affairs", "Purchasing", "Human resources")
    numbers = tuple(f"{rows[at % 4]} {number}" for at, number in enumerate(NUMBERS))
    assert read(write_form(*set_entries(60, NAMES, numbers))) == []


def test_entries_with_leaders_below_letters_are_no_table() -> None:
    texts: list[Text] = []
    wanted: set[tuple[str, str]] = set()
    for column, letter in enumerate("BF"):
        x, names = 60 + 250 * column, tuple(f"{letter}{name.lower()}" for name in NAMES)
        texts.append(Text(x, 66, letter, size=13, bold=True))
        for at, (name, number) in enumerate(zip(names, NUMBERS, strict=True)):
            texts += [
                Text(x, 80 + 13 * at, name),
                Text(x + 80, 80 + 13 * at, "." * 24),
                Text(x + 180, 80 + 13 * at, number),
            ]
        wanted.update(zip(names, NUMBERS, strict=True))
    page = write_form(*texts)
    box = Box(0.05, 60 / page.height_pt, 0.95, 215 / page.height_pt)
    rows = [["B", "", "F", ""], *([f"B{n}", k, f"F{n}", k] for n, k in zip(NAMES, NUMBERS, strict=True))]
    cells = tuple(
        Cell(row, column, 1, 1, text, box, row == 0)
        for row, texts in enumerate(rows)
        for column, text in enumerate(texts)
    )
    table = Table(box, cells, confidence=0.2)
    assert set(list_pairs(read(page, tables=[table]))) == wanted
