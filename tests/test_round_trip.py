"""The round trip: which replies are allowed, and when one is the answer."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from docmatix.round_trip import score_round_trip, to_grammar

CONTEXT = "The Riverside Library was founded on 12 March 1974 by Eleanor Hughes."


def read_choices(grammar: str) -> list[str]:
    start, _, choices = grammar.partition("\nstart: ")
    assert start == "%llguidance {}"
    return [json.loads(choice) for choice in choices.split(" | ")]


def test_the_reply_is_held_to_phrases_of_the_context() -> None:
    choices = read_choices(to_grammar(CONTEXT, question="When was the Riverside Library founded?"))
    assert "12 March 1974" in choices
    assert all(choice in CONTEXT for choice in choices)


def test_phrases_of_the_question_are_no_choice() -> None:
    choices = read_choices(to_grammar(CONTEXT, question="When was the Riverside Library founded?"))
    assert not any("Library" in choice for choice in choices)


def test_the_answer_is_always_a_choice() -> None:
    assert "founded on 12 March" in read_choices(to_grammar(CONTEXT, question="", answer="founded on 12 March"))


def test_the_choices_of_a_row_are_its_values() -> None:
    grammar = to_grammar("Region: North | Revenue: $4,200 | Units: 31", question="What is the revenue of North?")
    assert read_choices(grammar) == ["$4,200", "31"]


@given(st.text(max_size=200).filter(lambda text: "|" not in text), st.text(max_size=50))
def test_any_context_gives_a_grammar_of_quoted_choices(context: str, question: str) -> None:
    assert all(isinstance(choice, str) for choice in read_choices(to_grammar(context, question=question)))


@pytest.mark.parametrize(
    ("answer", "reply"),
    [
        ("$4,200", "4200"),
        ("the Riverside Library", "Riverside library."),
        ("12 March 1974", "12 March, 1974\nbecause the text says so"),
        ("45%", "45 %"),
    ],
)
def test_spelling_makes_no_difference(answer: str, reply: str) -> None:
    assert score_round_trip(answer, reply) == 1.0


def test_a_reply_that_holds_more_scores_by_its_shared_words() -> None:
    assert score_round_trip("Eleanor Hughes", "by Eleanor Hughes") == pytest.approx(0.8)


@pytest.mark.parametrize(("answer", "reply"), [("12 March 1974", "12 March 1975"), ("3.5", "35"), ("12", "12 of 40")])
def test_numbers_have_to_match(answer: str, reply: str) -> None:
    assert score_round_trip(answer, reply) == 0.0


@given(st.text(max_size=80), st.text(max_size=80))
def test_a_score_is_a_share_and_an_answer_scores_full_against_itself(answer: str, reply: str) -> None:
    assert 0.0 <= score_round_trip(answer, reply) <= 1.0
    if any(map(str.isalpha, answer.strip().split("\n")[0])) and "\n" not in answer.strip():
        assert score_round_trip(answer, answer) in {0.0, 1.0}
