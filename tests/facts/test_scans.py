"""Nothing is said about words that OCR is not sure of."""

from __future__ import annotations

from dataclasses import replace

from docmatix.core.documents import UNKNOWN, Box, Fact, Page, Word, compose_text
from docmatix.facts.scans import mask_doubtful, unmask

PLACE = Box(0.1, 0.1, 0.2, 0.12)


def make_page(*words: tuple[str, float | None]) -> Page:
    made = tuple(Word(text, PLACE, 0, 0, confidence=confidence) for text, confidence in words)
    return Page(1, 612.0, 792.0, 0, 0.0, compose_text(made), made)


def test_letters_and_digits_of_doubtful_words_are_masked_and_their_marks_kept() -> None:
    page = mask_doubtful(make_page(("Total:", 0.3), ("1,50", 0.59), ("EUR", 0.6)), 0.6)
    assert page.text == f"{UNKNOWN * 5}: {UNKNOWN},{UNKNOWN * 2} EUR"
    assert [word.text for word in page.words] == page.text.split()


def test_a_doubtful_mark_is_masked_as_a_whole() -> None:
    assert mask_doubtful(make_page(("|", 0.1)), 0.6).text == UNKNOWN


def test_words_of_the_text_layer_and_sure_ones_stay() -> None:
    page = make_page(("Total:", None), ("1,50", 0.9))
    assert mask_doubtful(page, 0.6) is page


def test_the_words_are_shown_again_with_the_facts_that_were_found() -> None:
    page = make_page(("Total:", 0.3), ("1,50", 0.9))
    masked = mask_doubtful(page, 0.6)
    assert unmask(masked, page) == page


def test_no_blank_is_left_beside_a_masked_word() -> None:
    page = make_page(("Total:", 0.9), ("1,50", 0.3))
    blank = Fact("empty_field", "Total", "", (), (), (PLACE,))
    elsewhere = blank._replace(label_boxes=(Box(0.1, 0.5, 0.2, 0.52),))
    found = replace(mask_doubtful(page, 0.6), facts=(blank, elsewhere, blank._replace(kind="field")))
    assert unmask(found, page).facts == (elsewhere, blank._replace(kind="field"))
