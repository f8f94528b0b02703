"""Which questions can be understood on their own."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from docmatix.prompting.questions.sentences.clarity import score_clarity

CONTEXT = "The Riverside Library was founded on 12 March 1974 by Eleanor Hughes."


def test_a_specific_question_of_the_sentence_is_clear() -> None:
    assert score_clarity("When was the Riverside Library founded?", answer="12 March 1974", context=CONTEXT) == 1.0


@pytest.mark.parametrize(
    "question",
    [
        "The Riverside Library was founded.",
        "When?",
        "When was it founded by Eleanor Hughes?",
        "When was this library founded?",
        "What does the text say about the Riverside Library?",
        "What happened on 12 March 1974 in the Riverside Library?",
        "Tell me when the Riverside Library was founded?",
    ],
)
def test_a_hopeless_question_scores_nothing(question: str) -> None:
    assert score_clarity(question, answer="12 March 1974", context=CONTEXT) == 0.0


@pytest.mark.parametrize(
    "question",
    [
        "Who founded the Riverside Library?",
        "How much was the Riverside Library founded?",
        "Was the Riverside Library founded by Eleanor Hughes?",
        "When was the famous astronomical observatory of Greenwich destroyed?",
        "When was the Riverside Library founded when was the Riverside Library founded?",
    ],
)
def test_a_doubtful_question_falls_below_the_threshold(question: str) -> None:
    assert score_clarity(question, answer="12 March 1974", context=CONTEXT) < 0.6


def test_a_question_about_something_vague_is_less_clear() -> None:
    vague = score_clarity("How many minutes does the work take?", answer="15", context="The work takes 15 minutes.")
    clear = score_clarity(
        "How many minutes does the ferry take?", answer="15", context="The ferry takes 15 minutes to Lyon."
    )
    assert vague < 0.6 <= clear


@pytest.mark.parametrize(
    ("question", "answer", "context"),
    [
        ("How many seats does the Boeing 737 (MAX 8) have?", "178", "The Boeing 737 (MAX 8) has 178 seats."),
        ("How many seats does the Boeing 737 MAX 8 have?", "178 seats", "The Boeing 737 (MAX 8) has 178 seats."),
        ("What is the weight of pump HA-12(b)?", "34.5 kg", "The weight of pump HA-12(b) is 34.5 kg."),
        ("What is the weight of the HA 12 pump?", "34.5 kg", "The HA-12 pump has a weight of 34.5 kg."),
        (
            "What was the US budget for Amtrak in 2010?",
            "$3 billion",
            "In 2010 the US budget for Amtrak was $3 billion.",
        ),
        ("How many patients did the IT study of Phase I enrol?", "40", "The IT study of Phase I enrolled 40 patients."),
        (
            "What does ISO 9001:2015 require of Dunmore Ltd?",
            "an audit",
            "ISO 9001:2015 requires an audit of Dunmore Ltd.",
        ),
    ],
)
def test_brackets_digits_and_short_names_make_no_question_unclear(question: str, answer: str, context: str) -> None:
    assert score_clarity(question, answer=answer, context=context) >= 0.8


def test_a_pronoun_in_small_letters_is_still_one() -> None:
    context = "The club sent us a pump in 1974."
    assert score_clarity("When did the club of Dunmore send us a pump?", answer="1974", context=context) == 0.0
    assert score_clarity("When did I send the pump to Dunmore?", answer="1974", context=context) == 0.0


def test_an_expansion_has_to_stand_before_its_acronym() -> None:
    context = "It uses Optical Character Recognition (OCR) first."
    assert score_clarity("What does OCR stand for?", answer="Optical Character Recognition", context=context) == 1.0
    assert score_clarity("What does OCR stand for?", answer="first", context=context) < 0.6


@given(st.text(max_size=300), st.text(max_size=80), st.text(max_size=300))
def test_clarity_is_a_share_for_any_text(question: str, answer: str, context: str) -> None:
    assert 0.0 <= score_clarity(question, answer=answer, context=context) <= 1.0
