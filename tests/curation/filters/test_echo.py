"""Answers that repeat their question, and questions that contain their answer."""

from __future__ import annotations

from docmatix.curation.filters.echo import Echo
from docmatix.curation.filters.filter import FilterContext
from tests.curation.judging import judge, make_pair


def test_an_answer_that_repeats_the_question_is_dropped():
    question = "What is the capital of France?"
    for answer in (question, "What is the capital of France? Paris.", "what is the capital of france"):
        assert judge(Echo(), question, answer) == "answer_repeats_question"
    assert judge(Echo(), question, "The capital of France is Paris.") is None


def test_a_question_must_not_hold_its_extractive_answer():
    question = "Who is John Smith, the chief executive?"
    assert Echo().judge(make_pair(question, "John Smith"), FilterContext()) == "gives_answer_away"
    assert Echo().judge(make_pair(question, "John Smith", "abstractive"), FilterContext()) is None
    assert Echo().judge(make_pair(question, "Smithson"), FilterContext()) is None
    assert Echo().judge(make_pair(question, "He"), FilterContext()) is None


def test_a_choice_may_name_its_answer_and_a_yes_is_never_given_away():
    assert judge(Echo(), "Is the building leased or owned?", "leased") is None
    assert judge(Echo(), "Is the answer to question 3 yes, as printed?", "Yes") is None
