"""Answers on pages that OCR has misread: found where it is unsure and the signs look alike, and nowhere else."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from docmatix.core.documents import Page
from docmatix.curation.confusions import DOUBTFUL, respell
from docmatix.curation.grounding import NEAR_CEILING, ground
from tests.curation.test_text_sources import write_page

CASES = [
    ("1O5", "105"),
    ("l05", "105"),
    ("10S", "105"),
    ("B8.50", "88.50"),
    ("I2,5OO", "12,500"),
    ("modem", "modern"),
    ("rnonth", "month"),
    ("5mith", "Smith"),
    ("Bi1l,", "Bill"),
]


def write(word: str, confidence: float | None = 0.5) -> Page:
    sure = None if confidence is None else 0.98
    return write_page(1, ("The", sure), ("value", sure), ("is", sure), (word, confidence), ("here", sure))


@pytest.mark.parametrize(("read", "answer"), CASES)
def test_what_looks_like_the_answer_is_near_where_ocr_is_unsure(read, answer):
    found = ground(answer, [write(read)])
    assert found.score == NEAR_CEILING
    assert [(each.quote, each.boxes) for each in found.evidence] == [(read, (write(read).words[3].box,))]


@pytest.mark.parametrize(("read", "answer"), CASES)
def test_it_is_not_where_ocr_is_sure_or_the_word_is_of_the_layer(read, answer):
    assert (ground(answer, [write(read, DOUBTFUL)]).score or 0) < 0.6
    assert (ground(answer, [write(read, None)]).score or 0) < 0.6


@pytest.mark.parametrize(
    ("read", "answer"),
    [
        ("106", "105"),
        ("1O6", "105"),
        ("IS", "15"),
        ("lOO", "100"),
        ("AI", "A1"),
        ("SO", "50"),
        ("11", "7l"),
        ("17|", "171"),
    ],
)
def test_a_figure_is_never_another_nor_made_of_letters_alone(read, answer):
    assert (ground(answer, [write(read)]).score or 0) < 0.6


@given(st.integers(0, 9999), st.integers(0, 9999), st.sampled_from([0.0, 0.5, 0.89]))
def test_no_digit_stands_for_another(read, answer, confidence):
    page = write(str(read), confidence)
    assert respell(page, str(answer)) is None


def test_a_sentence_with_a_misread_word_is_found_whole():
    page = write_page(1, *((word, 0.97) for word in "The rent is".split()), ("$l,5OO", 0.6), ("monthly", 0.96))
    found = ground("The rent is $1,500 monthly", [page])
    assert found.score == NEAR_CEILING
    assert found.evidence[0].quote == "The rent is $l,5OO monthly"


def test_what_stands_on_the_page_as_it_is_stays_printed():
    assert ground("1O5", [write("1O5")]).score == 1.0
