"""Reading the picture of a page: which way up, at which resolution, and how well."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from PIL import ImageDraw

from docmatix.pdf.ocr.engine import ReadWord
from docmatix.pdf.ocr.none import NoOcr
from docmatix.pdf.ocr.reading import (
    DEFAULT_DPI,
    MAX_DPI,
    MIN_DPI,
    choose_dpi,
    read_picture,
)
from docmatix.pdf.ocr.results import OcrReading, weigh_confidence
from docmatix.pdf.ocr.straightening import straighten
from tests.pdf.ocr.pictures import PROSE, FakeEngine, draw_prose

if TYPE_CHECKING:
    from PIL.Image import Image


def read(*, turned: int = 0, engine: FakeEngine | NoOcr | None = None) -> OcrReading:
    """A page of prose that lies `turned` quarter turns clockwise in the scanner, its lower half empty."""

    def draw(dpi: int) -> Image:
        return straighten(draw_prose(dpi, lines=18), turned, 0.0)

    return read_picture(draw, engine or FakeEngine())


def text(reading: OcrReading) -> str:
    return " ".join(word.text for word in reading.words)


@pytest.mark.parametrize("turned", [0, 1, 2, 3])
def test_a_page_that_lies_any_way_up_is_read_upright(turned: int) -> None:
    reading = read(turned=turned)
    assert text(reading) == PROSE
    assert reading.straightening.turns == -turned % 4


@pytest.mark.parametrize("turned", [0, 1, 2, 3])
def test_an_engine_that_knows_which_way_up_a_page_is_is_believed(turned: int) -> None:
    reading = read(turned=turned, engine=FakeEngine(turns=-turned % 4))
    assert (text(reading), reading.straightening.turns) == (PROSE, -turned % 4)


def test_an_engine_that_is_wrong_about_it_is_found_out_by_what_it_reads() -> None:
    assert text(read(engine=FakeEngine(turns=1))) == PROSE


def test_boxes_are_shares_of_the_straight_picture_and_lie_on_the_page() -> None:
    reading = read(turned=1)
    first = reading.words[0]
    assert (first.box.x0, first.box.y0) == (0.0, 0.0)
    # what is at the top left of the page when it is read was scanned at its top right
    placed = reading.straightening.to_page(first.box)
    assert placed.x1 == pytest.approx(1.0)
    assert placed.y0 == pytest.approx(0.0)


def test_an_engine_that_is_unsure_of_its_words_makes_a_poor_reading() -> None:
    reading = read(engine=FakeEngine(confidence=0.3))
    assert (reading.confidence, reading.quality) == (0.3, 0.3)


class ReadsDots(FakeEngine):
    """Reads the three dots below a page of prose, too."""

    def read(self, picture: Image, *, dpi: int) -> list[ReadWord]:
        scale = picture.width / 612
        dots = ReadWord("...", (100 * scale, 698 * scale, 110 * scale, 700 * scale), 99, 1, 0.9)
        return [*super().read(picture, dpi=dpi), dots]


@pytest.mark.parametrize(("left", "confidence"), [(None, 0.9), (112, 0.3), (200, 0.9)])
def test_dots_beside_ink_that_cannot_be_read_are_doubtful(left: int | None, confidence: float) -> None:
    def draw(dpi: int) -> Image:
        page, scale = draw_prose(dpi, lines=18), dpi / 72
        for x in (100, 104, 108):
            ImageDraw.Draw(page).rectangle([round(side * scale) for side in (x, 698, x + 2, 700)], fill=0)
        if left is not None:
            zigzag = [(round((left + 4 * at) * scale), round((692 + 8 * (at % 2)) * scale)) for at in range(20)]
            ImageDraw.Draw(page).line(zigzag, fill=0, width=round(scale))
        return page

    *_, dots = read_picture(draw, ReadsDots(turns=0)).words
    assert (dots.text, dots.confidence) == ("...", confidence)


def test_without_ocr_there_are_no_words() -> None:
    reading = read(engine=NoOcr())
    assert (reading.words, reading.blank) == ((), False)


@pytest.mark.parametrize("engine", [NoOcr(), FakeEngine()])
def test_a_blank_page_is_said_to_be_blank_and_not_read(engine: FakeEngine | NoOcr) -> None:
    reading = read_picture(lambda dpi: draw_prose(dpi, lines=0), engine)
    assert (reading.words, reading.blank) == ((), True)


def test_small_letters_are_drawn_larger_and_large_ones_smaller() -> None:
    assert choose_dpi(7.0) > choose_dpi(9.0) > choose_dpi(20.0)
    assert (choose_dpi(1.0), choose_dpi(500.0)) == (MAX_DPI, MIN_DPI)
    assert choose_dpi(None) == DEFAULT_DPI


def test_confidence_counts_characters_not_words() -> None:
    box = (0.0, 0.0, 1.0, 1.0)
    words = [ReadWord("a", box, 0, 0, 0.1), ReadWord("bcdefghij", box, 0, 0, 0.9)]
    assert weigh_confidence(words) == pytest.approx(0.82)
    assert weigh_confidence([]) is None
