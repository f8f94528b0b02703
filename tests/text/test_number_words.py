"""Words that are numbers."""

from __future__ import annotations

import pytest

from docmatix.text.number_words import has_number_word
from docmatix.verification.agreement.vocabulary import WORDS


@pytest.mark.parametrize(
    "word",
    [
        *("thirty", "(thirty)", "thirty-five", "Sixty,", "twelfth", "half", "millions", "two-thirds"),
        *("dreißig", "fünfunddreißig", "einundzwanzig", "zweihundert", "achtzehn", "vierzehn", "tausendfünfhundert"),
        *("trente", "dix-huit", "quatre-vingt-dix", "soixante-quinze", "mille"),
        *("treinta", "veintitrés", "doscientos", "trinta", "oitenta", "ventotto", "trentuno", "trecento", "duemila"),
        *("dertig", "vijfendertig", "trettio", "trettiofem", "trzydzieści", "pięć", "тридцать", "пятнадцать"),
    ],
)
def test_a_number_in_words_is_one(word):
    assert has_number_word(word)


@pytest.mark.parametrize(
    "word",
    ["the", "often", "tension", "weighty", "someone", "ein", "und", "einen", "eine", "un", "une", "uno", "en", ""],
)
def test_other_words_and_articles_are_none(word):
    assert not has_number_word(word)


def test_every_number_that_answers_are_compared_by_is_one():
    words = [word for series in WORDS["numbers"] for word in series["words"].split() if word != "_"]
    assert [word for word in words if not has_number_word(word)] == []
