"""Second answers: how long to give them, and what one says that says nothing."""

from __future__ import annotations

from dataclasses import replace

import pytest

from docmatix.core.pairs import Reply
from docmatix.prompting.windows import Window
from docmatix.verification.check import CheckedPair
from docmatix.verification.second_answers import describe_form, read_second_answer
from tests.curation.judging import make_pair


def read(said: str, *, answer: str = "12 May 2021", finish_reason: str = "stop") -> tuple[float | None, str | None]:
    checked = CheckedPair(replace(make_pair(), answer=answer), Window("d-1", "d", ()), language="en")
    found = read_second_answer(checked, Reply("r", said, "m", finish_reason, 9, 9))
    return found.score, found.reason


@pytest.mark.parametrize(
    ("answer", "form"),
    [
        ("42 kg", "Answer in a few words."),
        ("The pumps were replaced in May, because the old ones had been leaking since the winter.", "one or two"),
        ("The pumps were replaced. " * 20, "several sentences"),
    ],
)
def test_the_form_says_how_long_the_answer_is(answer, form):
    assert form in describe_form(answer)


def test_the_same_answer_in_another_form_agrees_and_another_one_does_not():
    assert read("2021-05-12") == (1.0, None)
    assert read("It is dated 12 May 2021.")[0] == 1.0
    assert read("13 May 2021")[0] == 0.0


def test_a_reply_without_words_leaves_the_score_unknown():
    assert read("") == (None, "empty_reply")
    assert read("<think>It may be</think>") == (None, "empty_reply")
    assert read("<think>It may be", finish_reason="length") == (None, "truncated")
    assert read("12 Ma", finish_reason="length") == (None, "truncated")


def test_to_say_that_the_pages_do_not_answer_disagrees():
    assert read("not answerable") == (0.0, None)


def test_thoughts_are_no_part_of_the_answer():
    assert read("<think>13 May 2021? No.</think>12 May 2021") == (1.0, None)
