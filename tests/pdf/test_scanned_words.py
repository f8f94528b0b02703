"""What OCR reads of a page takes the place of its text layer, or stands beside it, and never twice."""

from __future__ import annotations

from dataclasses import replace

import pytest

from docmatix.core.documents import Box, Page, Refusal, Word, compose_text
from docmatix.pdf.drawings import Drawing
from docmatix.pdf.ocr.results import OcrReading, OcrWord, pack_reading
from docmatix.pdf.ocr.straightening import Straightening
from docmatix.pdf.scanned_words import Scanned, take_reading
from docmatix.pdf.settings import Extract

PROSE = "The committee met on the first of March to discuss the report of the treasurer."
SCAN = Page(1, 612.0, 792.0, 0, 1.0, "", (), reason="no_text", text_from="none", route_reason="no_layer")


def read_words(text: str, *, y: float = 0.1, confidence: float = 0.9) -> tuple[OcrWord, ...]:
    """Words of one line across the page."""
    words = text.split()
    wide = 0.8 / len(words)
    return tuple(
        OcrWord(word, Box(0.1 + at * wide, y, 0.1 + (at + 0.9) * wide, y + 0.02), 0, 0, confidence)
        for at, word in enumerate(words)
    )


def take(page: Page, words: tuple[OcrWord, ...] = (), *, blank: bool = False, turns: int = 0) -> Scanned:
    size = (1275, 1650) if turns % 2 == 0 else (1650, 1275)
    reading = OcrReading(words, Straightening(*size, turns), 150, 0.9, blank)
    return take_reading(page, pack_reading(reading), Drawing(), settings=Extract())


def test_the_words_of_a_scan_become_the_pages() -> None:
    taken = take(SCAN, read_words(PROSE))
    assert taken.page.text == PROSE
    assert (taken.page.text_from, taken.page.route_reason, taken.page.reason) == ("ocr", "no_layer", None)
    assert taken.page.ocr_confidence == pytest.approx(0.9)
    assert taken.shown == SCAN


def test_a_bad_layer_is_replaced_whole() -> None:
    words = (Word("Xqzj", Box(0.1, 0.1, 0.2, 0.12), 0, 0), Word("vkwp", Box(0.2, 0.1, 0.3, 0.12), 0, 0))
    page = replace(SCAN, words=words, text=compose_text(words), reason="garbled", route_reason="garbled")
    assert take(page, read_words(PROSE)).page.text == PROSE


@pytest.mark.parametrize(
    ("text", "reason"), [("only three words", "no_text"), ("", "no_text"), ("qzx vkj xqz jvk wpf " * 30, "garbled")]
)
def test_what_does_not_read_leaves_the_page_a_picture(text: str, reason: str) -> None:
    page = replace(SCAN, reason=None) if reason == "garbled" else SCAN
    taken = take(page, read_words(text) if text else ())
    assert (taken.page.text_from, taken.page.reason) == ("none", reason)
    assert taken.page.words == page.words
    assert taken.page.is_image_only
    assert taken.straightening is None


def test_what_the_engine_is_not_sure_of_at_all_leaves_the_page_a_picture() -> None:
    # Chinese read with an English model: letters that follow each other as in some language
    taken = take(SCAN, read_words(PROSE, confidence=0.3))
    assert (taken.page.text_from, taken.page.reason, taken.page.words) == ("none", "no_text", ())
    assert take(SCAN, read_words(PROSE, confidence=0.5)).page.text_from == "ocr"


def test_a_scan_of_nothing_is_blank_and_no_picture_to_be_shown() -> None:
    taken = take(SCAN, blank=True)
    assert taken.page.reason == "blank"
    assert not taken.page.is_image_only


@pytest.mark.parametrize("answer", ["", "{}", "[1, 2]", '[[["a"]], [1, 1, 0, 0], 100, 0.5, false, [], [], [], null]'])
def test_what_is_no_reading_costs_its_page_alone(answer: str) -> None:
    taken = take_reading(SCAN, answer, Drawing(), settings=Extract())
    assert (taken.page.reason, taken.page.route_reason) == ("ocr_failed", "ocr_malformed")


@pytest.mark.parametrize(("failure", "reason"), [("timeout", "ocr_failed"), ("internal_error", "internal_error")])
def test_a_page_that_ocr_fails_at_says_why(failure: str, reason: str) -> None:
    taken = take_reading(SCAN, Refusal(failure, "30 s"), Drawing(), settings=Extract())
    assert (taken.page.reason, taken.page.route_reason) == (reason, f"ocr_{failure}")


def page_with_stamp() -> Page:
    words = tuple(Word(word.text, word.box, 0, 0) for word in read_words(PROSE))
    return Page(
        1, 612.0, 792.0, 0, 0.1, compose_text(words), words, text_from="layer", route_reason="pictures_without_words"
    )


def test_the_words_of_a_stamp_come_after_those_of_the_layer_and_none_comes_twice() -> None:
    page = page_with_stamp()
    taken = take(page, (*read_words(PROSE)[:3], *read_words("RECEIVED 12 MARCH", y=0.5)))
    assert taken.page.text == f"{PROSE}\n\nRECEIVED 12 MARCH"
    assert [word.confidence for word in taken.page.words[-3:]] == [0.9] * 3
    assert {word.confidence for word in taken.page.words[:-3]} == {None}
    assert (taken.page.text_from, taken.page.reason) == ("layer", None)
    assert taken.page.ocr_confidence == pytest.approx(0.9)
    lines = [word.line for word in taken.page.words]
    assert lines == sorted(lines)


def test_lines_of_a_picture_that_nobody_is_sure_of_are_left_out() -> None:
    page = page_with_stamp()
    taken = take(page, read_words("Ge) ety iF re", y=0.5, confidence=0.3))
    assert taken.page == page


def test_pictures_without_words_leave_a_page_as_it_was() -> None:
    page = page_with_stamp()
    assert take(page).page == page
    failed = take_reading(page, Refusal("crashed", ""), Drawing(), settings=Extract()).page
    assert (failed.reason, failed.words, failed.route_reason) == (None, page.words, "ocr_crashed")


def test_the_straight_frame_of_a_scan_on_its_side_is_upright() -> None:
    page = replace(SCAN, width_pt=792.0, height_pt=612.0)
    taken = take(page, read_words(PROSE), turns=1)
    assert (taken.page.width_pt, taken.page.height_pt) == (612.0, 792.0)
    assert (taken.shown.width_pt, taken.shown.height_pt) == (792.0, 612.0)
