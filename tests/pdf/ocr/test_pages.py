"""What was read is laid out where lines are level, and placed on the page as it is shown."""

from __future__ import annotations

from dataclasses import replace

import pytest

from docmatix.core.documents import Box, Cell, Fact, Page, Table
from docmatix.pdf.drawings import Rule
from docmatix.pdf.ocr.pages import lay_out, place_on_page
from docmatix.pdf.ocr.results import OcrReading, OcrWord
from docmatix.pdf.ocr.straightening import Straightening

SHOWN = Page(3, 612.0, 792.0, 90, 1.0, "", (), reason="no_text")
WORDS = (
    OcrWord("Total", Box(0.1, 0.1, 0.2, 0.12), 0, 0, 0.9, 10.06, True),
    OcrWord("due:", Box(0.21, 0.1, 0.28, 0.12), 0, 0, 0.8, 10.06),
    OcrWord("soon", Box(0.1, 0.13, 0.2, 0.15), 1, 0, 0.7),
)


def make_reading(straightening: Straightening) -> OcrReading:
    return OcrReading(WORDS, straightening, 100, 0.9, rules=(Rule(72.0, 100.0, 144.0, 100.0),))


def test_words_keep_what_is_known_of_them() -> None:
    page, drawing = lay_out(make_reading(Straightening(850, 1100)), SHOWN)
    assert page.text == "Total due:\nsoon"
    assert [(word.size, word.bold, word.confidence) for word in page.words] == [
        (10.0, True, 0.9),
        (10.0, False, 0.8),
        (0.0, False, 0.7),
    ]
    assert (page.number, page.width_pt, page.height_pt, page.ocr_confidence) == (3, 612.0, 792.0, 0.8077)
    assert drawing.rules == (Rule(72.0, 100.0, 144.0, 100.0),)


def test_a_page_that_lay_on_its_side_is_laid_out_upright() -> None:
    page, _ = lay_out(make_reading(Straightening(850, 1100, turns=1)), SHOWN)
    assert (page.width_pt, page.height_pt) == (792.0, 612.0)


def test_what_was_drawn_smaller_than_asked_for_has_larger_letters_and_rules() -> None:
    page, drawing = lay_out(make_reading(Straightening(425, 550)), SHOWN)
    assert page.words[0].size == pytest.approx(20.06, abs=0.1)
    assert drawing.rules == (Rule(144.0, 200.0, 288.0, 200.0),)


def test_every_box_is_placed_on_the_page_as_it_is_shown() -> None:
    straightening = Straightening(850, 1100, turns=1)
    laid, _ = lay_out(make_reading(straightening), SHOWN)
    box = laid.words[0].box
    fact = Fact("field", "Total", "soon", (), (box,), (box,))
    laid = replace(laid, tables=(Table(box, (Cell(0, 0, 1, 1, "soon", box),)),), facts=(fact,))
    placed = place_on_page(laid, straightening, SHOWN)
    there = straightening.to_page(box)
    assert there == Box(0.1, 0.8, 0.12, 0.9)
    assert (placed.words[0].box, placed.tables[0].box, placed.tables[0].cells[0].box) == (there, there, there)
    assert (placed.facts[0].boxes, placed.facts[0].label_boxes) == ((there,), (there,))
    assert (placed.width_pt, placed.height_pt, placed.rotation) == (612.0, 792.0, 90)
    assert placed.text == laid.text
