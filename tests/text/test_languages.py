"""Languages of short and long texts."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from docmatix.text.languages import detect_language, detect_main_language, is_in_language, reads_english

QUESTIONS = {
    "en": "How many layers does the encoder have?",
    "de": "Wann wurde der Vertrag unterzeichnet?",
    "fr": "Quand le contrat a-t-il été signé ?",
    "es": "¿Cuándo se firmó el contrato?",
    "it": "Quando è stato firmato il contratto?",
    "nl": "Wie heeft de brief ondertekend?",
    "pl": "Jaka jest łączna kwota?",
    "ja": "合計金額はいくらですか",
    "zh": "总金额是多少",
    "ar": "ما هو المبلغ الإجمالي؟",
    "fa": "چه کسی نامه را امضا کرد؟",
    "ko": "총 금액은 얼마입니까?",
}


@pytest.mark.parametrize(("language", "question"), QUESTIONS.items())
def test_a_question_has_a_language_and_is_not_in_another(language: str, question: str):
    assert detect_language(question) == language
    assert is_in_language(question, language) is True
    assert is_in_language(question, "de" if language == "en" else "en") is False


@pytest.mark.parametrize("text", ["", "   ", "$3.5 million", "1,234.50", "Table 3", "John Smith", "?!", "\x00\ud800"])
def test_too_little_text_has_no_language(text: str):
    assert detect_language(text) is None
    assert is_in_language(text, "fr") is None


@pytest.mark.parametrize(
    "name",
    [
        "Société Générale de Belgique",
        "Deutsche Gesellschaft für Internationale Zusammenarbeit",
        "Banca Monte dei Paschi di Siena",
        "Juan Carlos García Fernández",
        "Władysław Szczepański",
    ],
)
def test_a_foreign_name_does_not_make_a_question_foreign(name: str):
    assert is_in_language(f"Who is {name}?", "en") is not False
    assert is_in_language(f"What is the address of {name}?", "en") is not False


def test_twin_languages_are_not_held_against_each_other():
    norwegian = "Hva er det totale beløpet i denne avtalen?"
    assert detect_language(norwegian) == "no"
    assert is_in_language(norwegian, "da") is True
    assert is_in_language(norwegian, "de") is False


def test_a_long_text_costs_no_more_than_its_beginning():
    english = "The quick brown fox jumps over the lazy dog near the river. " * 200
    assert detect_language(english + "Der schnelle braune Fuchs springt. " * 100_000) == "en"


@given(st.text(max_size=200))
def test_any_text_has_at_most_one_two_letter_language_and_always_the_same(text: str):
    language = detect_language(text)
    assert language is None or len(language) == 2
    assert detect_language(text) == language


def test_a_table_of_english_words_is_in_no_rare_language():
    rows = "\n".join(
        f"Pre-Pawn Redemption Returned/Disposed Long Gun Handgun Totals {n}1,{n}04 {n}7" for n in range(40)
    )
    assert detect_language("State Permit Handgun Long Gun Other Multiple Admin\n" + rows) in ("en", None)
    stock = "\n".join(f"SKU {n} Hex bolt zinc M{n} Qty {n * 7} Unit Price Total Amount Tax" for n in range(40))
    assert detect_language(stock) in ("en", None)


def test_a_document_in_two_languages_has_none_and_one_with_a_foreign_page_has_its_own():
    english = "The fee for a berth depends on the length of the ship and on the days that it stays in the harbour. "
    french = "Le prix d'une place dépend de la longueur du navire et de la durée du séjour de son équipage au port. "
    assert detect_main_language(english * 300 + french * 300) is None
    assert detect_main_language(english * 500 + french * 20) == "en"
    assert detect_main_language(french * 5) == "fr"


@pytest.mark.parametrize(
    ("text", "english"),
    [
        (
            "The fee for a berth depends on the length of the ship and on the days that it stays in the harbour. " * 3,
            True,
        ),
        ("Le prix d'une place dépend de la longueur du navire et de la durée du séjour dans le port. " * 3, False),
        ("Die Gebühr hängt von der Länge des Schiffes und von den Tagen ab, die es im Hafen ist. " * 3, False),
        ("Item Qty Price Total " * 50, None),
        ("", None),
    ],
)
def test_a_page_is_english_by_the_words_that_every_sentence_needs(text: str, english: bool | None):
    assert reads_english(text) is english
