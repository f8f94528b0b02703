"""Refusals, and answers that only sound like one."""

from __future__ import annotations

import pytest

from docmatix.core.pairs import Scores
from docmatix.curation.filters.filter import FilterContext
from docmatix.curation.filters.refusal import Refused
from tests.curation.judging import judge


@pytest.mark.parametrize(
    "answer",
    [
        "Unanswerable",
        "unanswerable.",
        "The question is unanswerable",
        "As an AI language model, I have no access to the file.",
        "I cannot answer this question.",
        "I’m sorry, but that is not something I know.",
        "Sorry, there is nothing on that.",
        "I don't have enough information to tell.",
        "The date is not mentioned in the document.",
        "The date isn't explicitly stated anywhere in the provided text.",
        "The document does not specify the date.",
        "The provided text doesn't explicitly mention a date.",
        "Not specified",
        "Not mentioned in the passage",
        "This cannot be determined from the page.",
        "It cannot be determined.",
        "There is not enough information to answer.",
        "There is no information about the total in the text.",
        "No information provided.",
    ],
)
def test_a_refusal_is_dropped(answer: str):
    assert judge(Refused(), "What is the date?", answer) == "refusal"


@pytest.mark.parametrize(
    "answer",
    [
        "Employees cannot carry over vacation days.",
        "Because the pump cannot be started without water.",
        "SQuAD 2.0 adds unanswerable questions.",
        "The fee is not included in the price.",
        "The warranty does not provide for repairs.",
        "Data that are not available to the public",
        "No answer was received by the court.",
        "He said that he could not attend.",
        "AI systems such as language models",
        "The sorry state of the roads",
        "No",
        "None",
        "N/A",
    ],
)
def test_an_answer_that_merely_sounds_negative_is_kept(answer: str):
    assert judge(Refused(), "What is said?", answer) is None


def test_a_refusal_that_is_printed_on_the_page_is_an_answer():
    context = FilterContext(scores=Scores(grounding=1.0))
    assert judge(Refused(), "What did Washington say?", "I cannot create a lie.") == "refusal"
    assert judge(Refused(), "What did Washington say?", "I cannot create a lie.", context) is None


def test_an_unanswerable_question_is_a_refusal_too():
    assert judge(Refused(), "Unanswerable", "42") == "refusal"
