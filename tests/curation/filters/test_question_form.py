"""Questions that ask, and statements that do not."""

from __future__ import annotations

import pytest

from docmatix.curation.filters.filter import FilterContext
from docmatix.curation.filters.question_form import QuestionForm
from tests.curation.judging import judge


@pytest.mark.parametrize(
    "question",
    [
        "What is the total?",
        "The total is what amount?",
        "What is the total",
        "List the three objectives.",
        "Describe Figure 3.",
        "Please name the author of the report.",
        "In which year was the company founded",
        "According to the table, what was the revenue",
        "ما هو المبلغ الإجمالي؟",
        "合計金額はいくらですか？",
        "¿Cuál es el importe total",
        "Ποιο είναι το σύνολο\u037e",
        "Answer in one word: who signed it? Use capitals.",
    ],
)
def test_questions_and_requests_are_questions(question: str):
    assert judge(QuestionForm(), question) is None


@pytest.mark.parametrize(
    "question", ["The total is $5.", "Revenue by region", "State of New York", "May 2019", "Report 2020", "???", "..."]
)
def test_a_statement_or_heading_is_not_a_question(question: str):
    assert judge(QuestionForm(), question) == "not_a_question"


@pytest.mark.parametrize("question", ["What is the difference between a", "Which of the two is larger, the hall or"])
def test_a_question_that_is_cut_off_is_not_a_question(question: str):
    assert judge(QuestionForm(), question) == "not_a_question"


@pytest.mark.parametrize("question", ["What is the fund used for", "Who is the report from", "Name what it is made of"])
def test_a_question_may_end_in_a_preposition(question: str):
    assert judge(QuestionForm(), question) is None


def test_without_a_mark_other_languages_get_the_benefit_of_the_doubt():
    assert judge(QuestionForm(), "合計金額はいくらですか", context=FilterContext(language="ja")) is None
