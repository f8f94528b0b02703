"""What is painted several times is there once, and what is there several times stays so."""

from __future__ import annotations

import pymupdf
import pytest

from tests.pdf.content import read_text, show

LINE = "The total amount of the invoice is 1,234.56 euros."


@pytest.mark.parametrize(
    "shifts",
    [
        [(0.0, 0.0)],
        [(0.3, 0.0), (0.6, 0.0)],
        [(0.0, 0.4)],
        [(0.25, 0.25), (-0.25, 0.25), (0.25, -0.25)],
        [(1.2, -1.2)],
    ],
    ids=["the same place", "fake bold", "upward", "outline", "shadow"],
)
def test_a_line_painted_several_times_is_one_line(shifts):
    copies = "".join(show(LINE, 72 + x, 700 + y) for x, y in shifts)
    assert read_text(show(LINE) + copies + show("The next line.", y=680)).split("\n")[0] == LINE


def test_a_page_painted_twice_is_read_once():
    page = show("Amount due") + show("19.50", 300) + show("Please pay at once.", y=680)
    assert read_text(page + page).split() == "Amount due 19.50 Please pay at once.".split()


def test_letters_painted_twice_one_by_one_are_one():
    content, x = "", 72.0
    for letter in "Total 5577":
        content += show(letter, x) + show(letter, x + 1.2)
        x += pymupdf.get_text_length(letter, "helv", 11)
    assert read_text(content) == "Total 5577"


@pytest.mark.parametrize("shifts", [(0.3,), (1.0,), (0.25, 0.5)])
def test_words_painted_twice_one_by_one_are_one(shifts):
    content, x = "", 72.0
    for word in "Total 1,150 of all 2 items in 2019".split():
        content += show(word, x) + "".join(show(word, x + shift) for shift in shifts)
        x += pymupdf.get_text_length(f"{word} ", "helv", 11)
    assert read_text(content) == "Total 1,150 of all 2 items in 2019"


def test_a_short_word_painted_twice_is_one():
    assert read_text(show("it", 72, size=11) + show("it", 72.4, size=11)) == "it"


def test_a_line_whose_first_painting_is_in_pieces_is_read_whole():
    pieces = show("Sp", 72) + show("ci", 72 + pymupdf.get_text_length("Spe", "helv", 11))
    assert read_text(pieces + show("Special row", 72, 700)).split() == ["Special", "row"]


def test_what_comes_twice_on_purpose_stays_twice():
    text = "The ferry ferry left at 11:11 on 22.22 with 1100 men had had bookkeeper coco"
    assert read_text(show(text)) == text
    cells = "".join(show("0.00", 72 + 60 * column, 700 - 14 * row) for column in range(4) for row in range(3))
    assert read_text(cells).split() == ["0.00"] * 12
    # one below the other, closer than their height
    assert read_text(show("42", y=700) + show("42", y=692)).split() == ["42", "42"]


def test_another_text_in_the_same_place_keeps_its_letters():
    both = show("Name of the applicant") + show("Anna Miller of Thun", 73)
    assert sorted(" ".join(read_text(both).split()).split()) == sorted(
        "Name of the applicant Anna Miller of Thun".split()
    )
