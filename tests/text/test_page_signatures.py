"""Which pages say the same, by their signatures."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest

from docmatix.core.documents import Box, Fact, Page, Word, compose_text, make_table
from docmatix.core.profiles import Profile
from docmatix.text.page_signatures import HASH_BYTES, MIN_WORDS, PAGE_SIGNATURE_BYTES, sign_page

TEXT = (
    "The supplier delivers the goods within thirty days of the order unless both parties have agreed otherwise in "
    "writing. Complaints about visible defects must reach the supplier no later than 14 days after delivery. The "
    "buyer pays each invoice within 30 days; after that interest of 4 percent above the base rate of the Bank of "
    "England is due. Goods remain the property of the supplier until they have been paid in full. Liability for slight "
    "negligence is excluded as far as the law permits. The courts of Leeds alone have jurisdiction over all disputes "
    "that arise from this contract, and the law of England applies to it."
)
TERMS = textwrap.fill(TEXT, 60)


def write_page(text: str, *, facts: Sequence[Fact] = (), **fields: object) -> Page:
    """A page read from its layer."""
    words = tuple(
        Word(word, Box(0.05 + 0.05 * place, 0.02 * line, 0.09 + 0.05 * place, 0.02 * line + 0.015), line, 0)
        for line, of_line in enumerate(text.splitlines())
        for place, word in enumerate(of_line.split())
    )
    page = Page(1, 595.0, 842.0, 0, 0.0, compose_text(words), words, facts=tuple(facts), profile=Profile(text=0.5))
    return replace(page, **fields)  # type: ignore[arg-type]


def compare(one: Page, other: Page) -> tuple[bool, bool, float]:
    """Whether their words are the same, what may be an answer is, and how similar they are."""
    signed, signed_too = sign_page(one), sign_page(other)
    assert signed is not None
    assert signed_too is not None
    assert len(signed) == len(signed_too) == PAGE_SIGNATURE_BYTES
    agree = np.frombuffer(signed, np.uint8) == np.frombuffer(signed_too, np.uint8)
    same, answers, numbers = np.split(agree, [HASH_BYTES, 2 * HASH_BYTES])
    return bool(same.all()), bool(answers.all()), float(numbers.mean())


def test_the_same_words_give_the_same_signature_wherever_they_stand():
    one = write_page(TERMS)
    moved = replace(one, number=7, words=tuple(word._replace(line=0, size=9.0) for word in one.words))
    assert sign_page(one) == sign_page(moved)


def test_a_word_in_other_words_is_nearly_the_same_page():
    same, answers, similarity = compare(write_page(TERMS), write_page(TEXT.replace("alone have", "solely have")))
    assert (same, answers) == (False, True)
    assert 0.85 <= similarity < 1


@pytest.mark.parametrize(
    ("printed", "instead"),
    [("30 days", "60 days"), ("Leeds", "York"), ("14 days", "14days"), ("Bank of", "Bank. of")],
)
def test_another_number_or_name_makes_another_page_however_similar(printed, instead):
    _, answers, similarity = compare(write_page(TERMS), write_page(TEXT.replace(printed, instead)))
    assert not answers
    assert similarity > 0.8


@pytest.mark.parametrize(
    ("printed", "instead"),
    [
        ("5mg", "50mg"),
        ("10am", "11am"),
        ("12eur", "90eur"),
        ("3rd", "4th"),
        ("12.5km", "12.6km"),
        ("x1", "x2"),
        ("½l", "¼l"),
    ],
)
def test_a_number_with_letters_joined_to_it_is_a_number(printed, instead):
    assert not compare(write_page(f"{TERMS} {printed}"), write_page(f"{TERMS} {instead}"))[1]


@pytest.mark.parametrize(
    ("printed", "instead"),
    [
        ("within thirty days", "within sixty days"),
        ("binnen dreißig tagen", "binnen fünfunddreißig tagen"),
        ("dans les trente jours", "dans les soixante-dix jours"),
    ],
)
def test_another_number_in_words_makes_another_page(printed, instead):
    assert not compare(write_page(f"{TERMS} {printed}"), write_page(f"{TERMS} {instead}"))[1]


def test_numbers_that_changed_places_make_another_page():
    swapped = TEXT.replace("14 days", "30 days").replace("within 30", "within 14")
    assert not compare(write_page(TERMS), write_page(swapped))[1]


def test_in_a_script_without_capitals_all_words_may_be_answers():
    text = " ".join(f"第{place}条款规定买方必须支付货款" for place in "一二三四五六七八九十")
    assert not compare(write_page(text), write_page(text.replace("买方", "卖方", 1)))[1]


def test_a_form_that_is_filled_in_with_other_words_is_another_page():
    def fill(position: str) -> Page:
        return write_page(f"{TERMS} position: {position}", facts=[Fact("field", "position", position, (), ())])

    assert not compare(fill("clerk"), fill("driver"))[1]


def test_a_box_that_is_ticked_makes_another_page():
    def tick(state: str) -> Page:
        return write_page(TERMS, facts=[Fact("checkbox", "consent", "", (state,), ())])

    assert not compare(tick("checked"), tick("unchecked"))[1]


def test_a_table_with_other_values_makes_another_page():
    def fill(value: str) -> Page:
        table = make_table(Box(0, 0.5, 1, 0.6), [["rate", "level"], ["base", value]])
        return write_page(f"{TERMS} rate level base {value}", tables=(table,))

    assert not compare(fill("high"), fill("low"))[1]


def number_page(head: str, last_line: str, *, sure: float = 0.9) -> Page:
    """A page with a running head of one word, and a page number as the last word of its last line."""
    found = write_page(f"{head}\n{TERMS}\n{last_line}")
    first, last = found.words[0], found.words[-1]
    heads = Fact("running_head", "", first.text, (), (first.box,), (), sure)
    return replace(found, facts=(heads, Fact("page_number", "", last.text, (), (last.box,), (), sure)))


def test_page_numbers_and_running_heads_do_not_count():
    one, other = ("Contract-17", "Page 3"), ("Contract-4711", "Page 12")
    assert compare(number_page(*one), number_page(*other)) == (True, True, 1.0)
    assert not compare(number_page(*one, sure=0.5), number_page(*other, sure=0.5))[1]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (("Contract", "balance due 1,250.00 3"), ("Contract", "balance due 9,980.00 3")),
        (("Contract no 17", "3"), ("Contract no 18", "3")),
    ],
)
def test_what_else_is_on_the_line_of_a_page_number_or_a_running_head_counts(one, other):
    assert not compare(number_page(*one), number_page(*other))[1]


@pytest.mark.parametrize(
    "unlike",
    [
        {"reason": "garbled"},
        {"text_from": "ocr"},
        {"image_share": 0.2},
        {"profile": Profile(drawing=0.2)},
        {"profile": None},
    ],
)
def test_a_page_of_which_words_do_not_tell_all_has_no_signature(unlike):
    assert sign_page(write_page(TERMS)) is not None
    assert sign_page(write_page(TERMS, **unlike)) is None


def test_a_page_of_few_words_or_of_one_again_and_again_has_no_signature():
    words = TERMS.split()
    assert sign_page(write_page(" ".join(words[:MIN_WORDS]))) is not None
    assert sign_page(write_page(" ".join(words[: MIN_WORDS - 1]))) is None
    assert sign_page(write_page("copy " * 500)) is None
    assert sign_page(write_page("")) is None
