"""What is kept of texts is bounded in bytes, not only in number: no long text is kept."""

from __future__ import annotations

from typing import Any

import pytest

from docmatix.facts.tables.judging import _read_plain
from docmatix.prompting.questions.field import _choose_form
from docmatix.prompting.questions.plain_texts import is_label
from docmatix.prompting.questions.question import make_topic
from docmatix.text.english import classify_answer, is_noun, is_quantity, spell_label
from docmatix.text.number_words import has_number_word
from docmatix.text.pieces import _cut_word, fold, piece_set, split_once
from docmatix.text.short_texts import MOST_KEPT_CHARS, keep_short

ONE_TEXT = [
    *(_read_plain, is_label, make_topic, classify_answer, is_noun, is_quantity, spell_label, has_number_word),
    *(_cut_word, fold, piece_set, split_once),
]


@pytest.mark.parametrize("function", ONE_TEXT, ids=lambda function: function.__name__)
def test_a_long_text_is_not_kept(function: Any) -> None:
    cache = function.__wrapped__
    cache.cache_clear()
    function("1" * (MOST_KEPT_CHARS + 1))
    assert cache.cache_info().currsize == 0
    assert function("12") == function("12")
    assert cache.cache_info().currsize == cache.cache_info().hits == 1


def test_nor_are_several_that_are_long_together() -> None:
    for function in (make_topic, _choose_form):
        cache: Any = getattr(function, "__wrapped__")  # noqa: B009, of a union of functions
        cache.cache_clear()
        function("a" * MOST_KEPT_CHARS, "en")
        assert cache.cache_info().currsize == 0
        function("a", "en")
        assert cache.cache_info().currsize == 1


def test_long_and_short_texts_have_the_same_answers() -> None:
    kept = keep_short(4)(str.upper)
    for size in (0, 1, MOST_KEPT_CHARS, MOST_KEPT_CHARS + 1):
        assert [kept("a" * size), kept("a" * size)] == ["A" * size] * 2
