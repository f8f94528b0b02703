"""The scores of one answer, and the types of answers."""

from __future__ import annotations

from typing import Any

import pytest
from anls import anls_score
from hypothesis import given
from hypothesis import strategies as st

from docmatix.evaluation.metrics import ANSWER_TYPES, NO_ANSWER, classify_answer, score_prediction
from docmatix.evaluation.predictions import PREDICTIONS, Example


def score(answers: str | tuple[str, ...], prediction: str | None, blind: str | None = None, **values: Any) -> Any:
    answers = (answers,) if isinstance(answers, str) else answers
    return score_prediction(Example("1", values.pop("question", "What?"), answers, **values), prediction, blind)


def test_scores_are_columns_of_the_table_of_predictions():
    assert set(score("12", "12", "13")) <= set(PREDICTIONS.names)


@pytest.mark.parametrize(
    ("prediction", "value"), [("The Coca", 0.0), ("CocaCola", 0.89), ("Coca cola", 1.0), ("Cola", 0.0), ("Cat", 0.0)]
)
def test_anls_has_the_values_of_the_example_of_the_challenge(prediction: str, value: float):
    answers = ("Coca Cola", "Coca Cola Company")
    found = score(answers, prediction)["anls"]
    assert round(found, 2) == value
    assert found == anls_score(prediction, list(answers), 0.5)


@given(st.lists(st.text(max_size=20), min_size=1, max_size=3), st.text(max_size=20))
def test_anls_is_that_of_the_package_for_any_text(answers: list[str], prediction: str):
    assert score(tuple(answers), prediction)["anls"] == anls_score(prediction, answers, 0.5)


def test_each_score_is_that_of_the_answer_it_is_closest_to():
    found = score(("Norway", "the kingdom of Norway", "12"), "Kingdom of Norway.")
    assert found["exact"] is True
    assert found["token_f1"] == found["agreement"] == 1.0
    assert score(("Norway", "Sweden"), "Sweden", "Norway")["blind_agreement"] == 1.0


def test_a_number_is_right_within_the_tolerance_and_wrong_beyond_it():
    assert score("1,250", "1260")["numeric"] == 1.0
    assert score("1,250", "1260")["exact"] is False
    assert score("1,250", "1350")["numeric"] == 0.0
    assert score("$1.25 million", "1250000 dollars")["numeric"] == 1.0
    assert score("12.5%", "12.5 kg")["numeric"] == 0.0
    assert score("1,250", "unknown")["numeric"] == 0.0
    assert score("Norway", "1250")["numeric"] is None
    assert score("12345", "12345", question="What is the invoice number?")["numeric"] is None


def test_without_a_prediction_all_is_wrong_even_where_nothing_is_expected():
    for answers in ("12", "", "not answerable", ()):
        found = score(answers, None)
        assert found["anls"] == found["token_f1"] == found["agreement"] == 0.0
        assert found["exact"] is False
        assert found["rule"] == NO_ANSWER
    assert score("12", None)["numeric"] == 0.0


def test_the_blind_answer_is_scored_beside_the_prediction_and_only_where_there_is_one():
    assert score("12", "12")["blind_anls"] is score("12", "12")["blind_agreement"] is None
    found = score("12", None, "12")
    assert found["blind_anls"] == found["blind_agreement"] == 1.0


def test_that_a_question_has_no_answer_is_an_answer():
    assert score("not answerable", "The document does not say.")["agreement"] == 1.0
    assert score("not answerable", "In 1998")["agreement"] == 0.0
    assert score("In 1998", "not answerable")["agreement"] == 0.0


@given(st.lists(st.text(max_size=20), max_size=3), st.none() | st.text(max_size=20), st.text(max_size=20))
def test_scores_of_any_text_are_between_0_and_1(answers: list[str], prediction: str | None, question: str):
    found = score(tuple(answers), prediction, prediction, question=question)
    assert all(0 <= value <= 1 for name, value in found.items() if name != "rule" and value is not None)


# --- types of answers -------------------------------------------------------------------------------------------------

TYPES = {
    "not_answerable": ["not answerable", "Not mentioned", "nicht angegeben", ""],
    "yes_no": ["Yes", "no.", "Ja", "Non", "sí", "是"],
    "date": [
        "March 5, 2020", "5 March 2020", "5. März 2020", "the 3rd of May 1999", "12/03/2020", "2020-03-12",
        "12.3.20", "May 2020", "Monday, 3 May 2021", "3 May 2021 at 10:30", "2 de mayo de 2021", "2020年3月5日",
        "12 Mar 2020",
    ],
    "percent": ["12.5%", "12,5 %", "7 percent", "7 Prozent"],
    "money": ["$12.50", "12 €", "EUR 1,250", "12 dollars", "USD 3"],
    "number": ["12", "two", "3 to 5 days", "about 15 employees", "1,250", "-3.5", "12 km", "15 employees"],
    "list": ["Alice, Bob and Carol", "red; green", "red\ngreen", "red, green, blue", "rot, grün und blau"],
    "short_text": [
        "Section 5", "Millport Harbor in 2024", "(555) 123-4567", "Dr. Amelia Rowe", "Paris, France", "INV-2020-11",
        "accounts payable", "北京大学", "No smoking",
    ],
    "long_text": [
        "The company sold more apples than pears in every year of the period under review.",
        "该公司在报告期内的每一年销售的苹果都多于梨，因此其收入持续增长。",
    ],
}  # fmt: skip


def test_every_type_has_cases():
    assert tuple(sorted(TYPES)) == tuple(sorted(ANSWER_TYPES))


@pytest.mark.parametrize(("answer", "kind"), [(answer, kind) for kind, answers in TYPES.items() for answer in answers])
def test_answers_have_a_type(answer: str, kind: str):
    assert classify_answer((answer,)) == kind


@pytest.mark.parametrize(
    ("question", "answer", "kind"),
    [
        ("In which year was it founded?", "1998", "date"),
        ("How many were sold?", "1998", "number"),
        ("In welchem Jahr?", "1998", "date"),
        ("What percentage of the area is forest?", "12.5", "percent"),
        ("What percentage is 12 km?", "12 km", "number"),
        ("What is the invoice number?", "12345", "short_text"),
        ("When does it start?", "10:30 am", "date"),
    ],
)
def test_the_question_decides_where_the_answer_leaves_it_open(question: str, answer: str, kind: str):
    assert classify_answer((answer,), question) == kind


def test_the_first_answer_gives_the_type():
    assert classify_answer(("12", "twelve of them all in all")) == "number"
    assert classify_answer(()) == "not_answerable"


@given(st.text(), st.text())
def test_any_answer_has_a_type(answer: str, question: str):
    assert classify_answer((answer,), question) in ANSWER_TYPES
