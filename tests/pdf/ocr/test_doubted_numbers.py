"""Numbers that show otherwise than they were read are doubted, and no others."""

from __future__ import annotations

import numpy as np
import pymupdf
import pytest
from PIL import Image

from docmatix.pdf.ocr.doubted_numbers import DOUBTED, doubt_numbers
from docmatix.pdf.ocr.engine import ReadWord
from docmatix.pdf.ocr.straightening import find_ink


def doubt(shown: str, read: str, *, font: str = "helv", dpi: int = 290) -> float:
    """The confidence left to a number that is printed at 9 points, and read with 0.95."""
    with pymupdf.open() as document:
        page = document.new_page(width=200, height=40)
        page.insert_text((20, 25), shown, fontsize=9, fontname=font)
        pixmap = page.get_pixmap(dpi=dpi, colorspace=pymupdf.csGRAY, alpha=False)
    ink = find_ink(Image.frombytes("L", (pixmap.width, pixmap.height), pixmap.samples))
    box = Image.fromarray(ink).getbbox()
    assert box is not None
    (word,) = doubt_numbers([ReadWord(read, box, 0, 0, 0.95)], ink)
    return word.confidence


FONTS = pytest.mark.parametrize("font", ["helv", "tiro", "cour", "tibo"])


@FONTS
@pytest.mark.parametrize(
    ("shown", "read"), [("21.8 %", "218%"), ("9.9 %", "99%"), ("1,204.50", "1,20450"), ("4,5", "45")]
)
def test_a_number_that_lost_its_point_is_doubted(font: str, shown: str, read: str) -> None:
    assert doubt(shown, read, font=font) == DOUBTED


@FONTS
@pytest.mark.parametrize(
    "shown", ["21.8 %", "1,204.50", "2018", "52,317", "(4.70)", "12/2019", "11:45", "$10,460.00", "-3.9"]
)
def test_a_number_that_was_read_whole_is_not(font: str, shown: str) -> None:
    assert doubt(shown, shown, font=font) == 0.95


def test_words_are_left_alone() -> None:
    assert doubt("No. 21", "No 21") == 0.95
    assert doubt("v2.1b", "v21b") == 0.95


def test_a_point_at_the_end_of_a_sentence_is_none_within_a_number() -> None:
    assert doubt("2018.", "2018") == 0.95


@pytest.mark.parametrize("font", ["helv", "tiro", "cour"])
def test_a_number_that_took_in_the_letter_behind_it_is_doubted(font: str) -> None:
    assert doubt("11 l", "111", font=font) == DOUBTED
    assert doubt("111", "111", font=font) == 0.95
    assert doubt("1,111", "1,111", font=font) == 0.95


@pytest.mark.parametrize(
    ("before", "word", "confidence"),
    [("21", "1", DOUBTED), ("21", "l", DOUBTED), ("over", "1", 0.95), ("21", "7", 0.95)],
)
def test_a_lone_stroke_behind_a_number_is_doubted(before: str, word: str, confidence: float) -> None:
    ink = np.zeros((40, 200), dtype=bool)
    words = [ReadWord(before, (10, 5, 40, 25), 0, 0, 0.95), ReadWord(word, (52, 5, 58, 25), 0, 0, 0.95)]
    assert [each.confidence for each in doubt_numbers(words, ink)] == [0.95, confidence]


def test_a_number_in_the_next_column_is_not() -> None:
    ink = np.zeros((40, 400), dtype=bool)
    words = [ReadWord("21", (10, 5, 40, 25), 0, 0, 0.95), ReadWord("1", (252, 5, 258, 25), 0, 0, 0.95)]
    assert [each.confidence for each in doubt_numbers(words, ink)] == [0.95, 0.95]
