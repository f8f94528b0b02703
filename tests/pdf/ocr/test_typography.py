"""Tight boxes around ink become those of a font, with sizes that a page has in common."""

from __future__ import annotations

import pymupdf
import pytest
from PIL import Image

from docmatix.pdf.ocr.engine import ReadWord
from docmatix.pdf.ocr.typography import SetWord, Sizes, set_words

DPI = 300
POINT = DPI / 72


def draw(*lines: tuple[str, float, str]) -> tuple[Image.Image, list[ReadWord]]:
    """A page of lines, each a text, its size and font, and its words as an engine would read them."""
    with pymupdf.open() as document:
        page = document.new_page(width=612, height=792)
        words = []
        for row, (text, size, font) in enumerate(lines):
            x, y = 72.0, 72.0 + 30 * row
            for each in text.split():
                page.insert_text((x, y), each, fontsize=size, fontname=font)
                end = x + pymupdf.get_text_length(each, fontname=font, fontsize=size)
                top = 0.5 if each.islower() and not set(each) & set("bdfhklt") else 0.72
                deep = 0.21 if set(each) & set("gjpqy|") else 0.0
                box = (x * POINT, (y - top * size) * POINT, end * POINT, (y + deep * size) * POINT)
                words.append(ReadWord(each, box, row, 0, 0.9))
                x = end + 0.3 * size
        pixmap = page.get_pixmap(dpi=DPI, colorspace=pymupdf.csGRAY, alpha=False)
        return Image.frombytes("L", (pixmap.width, pixmap.height), pixmap.samples), words


def set_lines(*lines: tuple[str, float, str]) -> list[SetWord]:
    picture, words = draw(*lines)
    return set_words(words, picture)


PROSE = ("The committee met on the first of March to discuss the plans", 10.0, "helv")


def test_words_of_a_size_have_it_whatever_letters_they_have() -> None:
    found = set_lines(("Minutes of the meeting", 16.0, "helv"), PROSE, ("sum more Apply gay", 10.0, "helv"))
    sizes = [round(one.size / POINT, 1) for one in found]
    assert len(set(sizes)) == 2
    assert sizes[0] == pytest.approx(16.0, rel=0.05)
    assert sizes[-1] == pytest.approx(10.0, rel=0.05)


def test_boxes_reach_from_above_the_line_to_below_it() -> None:
    found = set_lines(PROSE, ("sum Apply", 10.0, "helv"))
    low, high = found[-2:]
    assert low.box[1] == pytest.approx(high.box[1], abs=2)
    assert low.box[3] == pytest.approx(high.box[3], abs=2)
    assert (low.box[3] - low.box[1]) / POINT == pytest.approx(12.0, rel=0.1)


def test_bold_words_are_told_from_others_beside_them() -> None:
    found = set_lines(PROSE, ("Name of the applicant", 10.0, "hebo"), PROSE)
    assert [one.bold for one in found] == [False] * 12 + [True] * 4 + [False] * 12


def test_a_box_of_two_lines_is_cut_down_to_its_ink() -> None:
    picture, words = draw(PROSE, PROSE)
    x0, _, x1, y1 = words[0].box
    tall = words[0]._replace(box=(x0, words[0].box[1] - 60, x1, y1))
    assert set_words([tall, *words[1:]], picture)[0].box == pytest.approx(set_words(words, picture)[0].box, abs=2)


def test_a_bar_that_ends_at_the_line_is_a_letter() -> None:
    picture, words = draw(("I wish", 10.0, "helv"), ("one | two", 10.0, "helv"))
    words[0] = words[0]._replace(text="|")
    assert [one.word.text for one in set_words(words, picture)] == ["I", "wish", "one", "|", "two"]


def test_words_that_were_read_as_one_are_parted() -> None:
    picture, words = draw(("29,7 kg", 10.0, "helv"), PROSE)
    joined = words[0]._replace(text="29,7kg", box=(*words[0].box[:2], words[1].box[2], words[1].box[3]))
    assert [one.word.text for one in set_words([joined, *words[2:]], picture)][:3] == ["29,7", "kg", "The"]


def test_sizes_that_differ_by_what_measuring_does_are_one() -> None:
    settle = Sizes([(10.1, 400), (9.9, 300), (10.3, 20), (12.0, 30)])
    assert settle(9.9) == settle(10.3) == pytest.approx(10.0, abs=0.15)
    assert settle(12.1) == 12.0
    assert settle(20.0) == 20.0


@pytest.mark.parametrize("box", [(-8.0, -6.0, 90.0, 40.0), (560.0, 770.0, 640.0, 830.0), (-90.0, -60.0, -10.0, -20.0)])
def test_words_whose_boxes_reach_off_the_picture_are_set(box: tuple[float, float, float, float]) -> None:
    picture = Image.new("L", (612, 792), 255)
    for place in ((0, 0, 80, 30), (570, 780, 612, 792)):
        picture.paste(0, place)
    ((word, _, _, _),) = set_words([ReadWord("Minutes", box, 0, 0, 0.9)], picture)
    assert 0 <= word.box[0] <= word.box[2] <= 612


@pytest.mark.parametrize(("font", "is_widened"), [("cour", True), ("helv", False)])
def test_words_of_a_typewriter_have_the_white_around_their_letters(font: str, is_widened: bool) -> None:
    picture, words = draw((PROSE[0], 10.0, font), (PROSE[0], 10.0, font), ("Width: 1 1/2 inch", 10.0, font))
    tight = []
    for word in words:
        x0, y0, x1, y1 = word.box
        margin = (2.0 if word.text == "1" else 0.6) * POINT
        tight.append(word._replace(box=(x0 + margin, y0, x1 - margin, y1)))
    (before,) = (word.box for word in tight if word.text == "1")
    (after,) = (one.box for one in set_words(tight, picture) if one.word.text == "1")
    assert ((after[2] - after[0]) > 2 * (before[2] - before[0])) == is_widened
    assert is_widened or (after[0], after[2]) == (before[0], before[2])
