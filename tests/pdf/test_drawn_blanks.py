"""Glyphs with ink that the text layer calls blank, or something that vanishes."""

from __future__ import annotations

import pytest

from docmatix.pdf.characters import SOFT_HYPHEN
from tests.pdf.content import read_text, show, write_font, write_map

U = "\ufffd"
MEANINGS = {chr(code): chr(code) for code in range(0x20, 0x7F)}


def read_with(meanings: dict[str, str], text: str, *, differences: str = "") -> str:
    font = write_font("Helvetica", differences=differences, to_unicode=6)
    return read_text(show(text), font, objects=[write_map({**MEANINGS, **meanings})])


@pytest.mark.parametrize("blank", [" ", "\u00a0", "\u2009", "\t", "\u3000", "\u202f", "\u2003", "\u3164", "\uffa0"])
def test_a_digit_that_the_file_calls_a_blank_is_unknown(blank):
    assert read_with({"9": blank}, "They had 1987 men in 2019") == f"They had 1{U}87 men in 201{U}"
    assert read_with({".": blank, "-": blank}, "It fell by -3.2 percent") == f"It fell by {U}3{U}2 percent"


def test_a_drawn_blank_has_the_meaning_of_its_glyphs_name():
    assert read_with({"9": " "}, "They had 1987 men", differences="57/nine") == "They had 1987 men"


@pytest.mark.parametrize("mark", [SOFT_HYPHEN, "\u0301", "\u0327"])
def test_a_digit_that_the_file_calls_a_hyphen_or_an_accent_is_unknown(mark):
    assert read_with({"9": mark}, "They had 1987 men in 2019") == f"They had 1{U}87 men in 201{U}"


def test_real_blanks_hyphens_and_lines_to_write_on_stay():
    assert read_with({" ": "\u00a0"}, "They had 1987 men") == "They had 1987 men"
    assert read_with({"-": SOFT_HYPHEN}, "The years 1987-1989") == "The years 1987-1989"
    assert read_with({"_": " "}, "Name: _ Date: _").split() == ["Name:", "Date:"]


def test_what_unicode_has_not_assigned_is_unknown():
    assert read_with({"9": "\u0378"}, "They had 1987 men") == f"They had 1{U}87 men"


def test_names_of_ranges_and_lists_are_followed():
    for body in (b"<20> <37> <0020> <38> <38> <0038> <39> <39> <0020>", b"<20> <38> <0020> <39> <39> [<00A0>]"):
        count = body.count(b"> <") // 2
        ranges = b"%d beginbfrange %b <3A> <7E> <003A> endbfrange" % (count + 1, body)
        text = b"1 begincodespacerange <00> <FF> endcodespacerange " + ranges
        stream = b"<</Length %d>>\nstream\n%b\nendstream" % (len(text), text)
        font = write_font("Helvetica", to_unicode=6)
        assert read_text(show("They had 1987 men"), font, objects=[stream]) == f"They had 1{U}87 men"
