"""Grammars of questions, and cleaning of replies."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from docmatix.prompting.questions.sentences.candidates import Candidate
from docmatix.prompting.questions.sentences.question_grammar import clean_question, question_grammar
from docmatix.prompting.questions.sentences.question_templates import find_template

CONTEXT = "The Riverside Library was founded on 12 March 1974 by Eleanor Hughes."


def make_candidate(answer: str, kind: str, context: str) -> Candidate:
    return Candidate(answer, kind, 1, 0, len(answer), context)


def read_pattern(grammar: str | None) -> re.Pattern[str]:
    found = re.fullmatch(r"%llguidance \{\}\nstart: /(.*)/", grammar or "")
    assert found is not None
    return re.compile(found.group(1))


def test_a_grammar_allows_exactly_the_questions_of_the_frame() -> None:
    pattern = read_pattern(question_grammar(make_candidate("12 March 1974", "date", CONTEXT)))
    assert pattern.fullmatch("When was the Riverside Library founded?")
    assert pattern.fullmatch("When was the Riverside Library founded by Eleanor Hughes?")
    assert not pattern.fullmatch("When was the Riverside Library?")
    assert not pattern.fullmatch("Who founded the Riverside Library?")


def test_marks_in_a_document_stay_literal_in_a_grammar() -> None:
    candidate = make_candidate("1974", "date", "The A+B.C&D~E trust was founded in 1974.")
    assert read_pattern(question_grammar(candidate)).fullmatch("When was the A+B.C&D~E trust founded?")


def test_a_candidate_without_a_frame_has_no_grammar() -> None:
    assert question_grammar(make_candidate("1974", "date", "It was founded in 1974.")) is None


@pytest.mark.parametrize(
    "reply",
    [
        "When was it built?",
        '"When was it built?"',
        "Question: When was it built?",
        "**Q1:** When was it built?",
        "1. When was it built? 2. Who built it?",
        "Sure! Here is one.\nQuestion: When was it built?\nAnswer: 1974",
        "  When   was it\tbuilt?  Thanks!",
    ],
)
def test_the_first_question_of_a_reply_is_taken_bare(reply: str) -> None:
    assert clean_question(reply) == "When was it built?"


def test_a_reply_without_a_question_is_cleaned_to_nothing() -> None:
    assert clean_question("The library was built in 1974.") == ""


@given(st.text())
def test_a_cleaned_question_is_one_line_and_cleaning_it_again_changes_nothing(reply: str) -> None:
    question = clean_question(reply)
    assert "\n" not in question
    assert question == "" or question.endswith("?")
    assert clean_question(question) == question


@given(st.text(max_size=20), st.text(max_size=20))
def test_a_grammar_is_one_line_of_a_valid_pattern_for_any_name(name: str, rest: str) -> None:
    context = f"The {name} trust was founded in 1974{rest}."
    grammar = question_grammar(make_candidate("1974", "date", context))
    if grammar is not None:
        template = find_template("1974", kind="date", context=context)
        assert template is not None
        full = " ".join((template.openings[0], *template.pieces)) + "?"
        assert read_pattern(grammar).fullmatch(full)
