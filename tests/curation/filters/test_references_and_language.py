"""Questions about the text, and pairs in another language."""

from __future__ import annotations

from dataclasses import replace

import pytest

from docmatix.core.pairs import Evidence, Scores
from docmatix.curation.filters.filter import FilterContext
from docmatix.curation.filters.language import Language
from docmatix.curation.filters.references import References
from tests.curation.judging import judge, make_pair


@pytest.mark.parametrize(
    ("question", "reason"),
    [
        ("What does the passage say about fees?", "refers_to_text"),
        ("According to the text, who signed?", "refers_to_text"),
        ("Who signed, based on the provided context?", "refers_to_text"),
        ("Who signed in the text above?", "refers_to_text"),
        ("According to the document, who signed?", None),
        ("What is in the table on this page?", None),
        ("Who wrote about the rites of passage?", None),
    ],
)
def test_a_question_should_not_speak_of_the_text_it_was_made_from(question: str, reason: str | None):
    assert judge(References(), question) == reason


def test_a_pair_in_another_language_than_its_document_is_dropped():
    english, french = FilterContext(language="en"), FilterContext(language="fr")
    question, answer = "Quand le contrat a-t-il été signé ?", "12.3.2019"
    assert judge(Language(), question, answer, english) == "wrong_language"
    assert judge(Language(), question, answer, french) is None
    assert judge(Language(), question, answer) is None
    assert judge(Language(language="en"), question, answer, french) == "wrong_language"


def test_a_long_answer_in_another_language_is_dropped_unless_it_is_printed():
    english = FilterContext(language="en")
    answer = "le contrat a été signé par les deux parties au mois de mars et prend effet un an plus tard"
    assert judge(Language(), "When was the contract signed?", answer, english) == "wrong_language"
    printed = replace(english, scores=Scores(grounding=1.0))
    assert judge(Language(), "When was the contract signed?", answer, printed) is None


def test_a_pair_made_from_facts_has_the_language_of_its_page_where_the_document_has_another():
    question, made = "What is the title of the figure on the second page?", Evidence(1, "An example", ())
    pair = replace(make_pair(question, "An example"), evidence=(made,))
    latin = FilterContext(language="la", scores=Scores(grounding=1.0))
    assert judge(Language(), question, "An example", latin) == "wrong_language"
    assert Language().judge(pair, latin) is None
    assert Language(language="fr").judge(pair, latin) == "wrong_language"
