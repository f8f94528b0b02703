"""Words broken at a line's end: what joins, with or without its hyphen, and what stays two words."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from docmatix.core.documents import Box, Word
from docmatix.text.hyphens import PageWords, join_lines, join_words, mend_word

BOX = Box(0, 0, 1, 1)


def know(*texts: str) -> PageWords:
    return PageWords([Word(text, BOX, 0, 0) for text in texts])


@pytest.mark.parametrize(
    ("before", "after", "whole"),
    [
        ("Preva-", "lence", "Prevalence"),
        ("unemploy-", "ment,", "unemployment,"),
        ("(preva-", "lence)", "(prevalence)"),
        ("Schles\u2010", "wig", "Schleswig"),
        ("Schles\u00ac", "wig", "Schleswig"),
        ("PREVA-", "LENCE", "PREVALENCE"),
        ("Zusammen-", "fassung", "Zusammenfassung"),
        ("неболь-", "шой", "небольшой"),
        ("high-", "er", "higher"),
    ],
)
def test_a_hyphen_that_marks_the_break_goes(before: str, after: str, whole: str):
    assert mend_word(before, after) == whole


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("Baden-", "Baden"),
        ("Jean-", "Paul"),
        ("USB-", "C"),
        ("e-", "mail"),
        ("self-", "employed"),
        ("well-", "known"),
        ("state-of-the-", "art"),
        ("main-", "d’œuvre"),
        ("Trace-", "Monkey"),
    ],
)
def test_a_hyphen_of_the_word_stays(before: str, after: str):
    assert mend_word(before, after) == before + after


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("2019-", "2020"),
        ("1,200-", "1,300"),
        ("COVID-19-", "related"),
        ("short-", "and"),
        ("Vor-", "und"),
        ("-", "item"),
        ("--", "item"),
        ("plain", "words"),
        ("ends-", "-starts"),
        ("AB-", "12"),
    ],
)
def test_what_is_no_broken_word_stays_two(before: str, after: str):
    assert mend_word(before, after) is None


def test_the_spelling_elsewhere_on_the_page_decides():
    assert mend_word("long-", "term", know("a", "Long-term,")) == "long-term"
    assert mend_word("counter-", "part", know("counter-part")) == "counter-part"
    assert mend_word("self-", "ishness", know("selfishness")) == "selfishness"
    assert mend_word("NASA-", "ESA", know("nasaesa")) == "NASAESA"


def test_a_soft_hyphen_always_goes():
    assert mend_word("self\u00ad", "employed", know("self-employed")) == "selfemployed"
    assert mend_word("Baden\u00ad", "Baden") == "BadenBaden"


def test_lines_are_joined_with_spaces_and_broken_words_without():
    lines = ["the rate of unemploy-", "ment among self-", "employed people in 2019-", "2020"]
    assert join_lines(lines) == "the rate of unemployment among self-employed people in 2019- 2020"
    assert join_lines(["Unem-", "ploy-", "ment"]) == "Unemployment"


def test_hyphens_within_a_line_are_left_alone():
    words = [Word("pre-", BOX, 0, 0), Word("and", BOX, 0, 0), Word("post-war", BOX, 1, 0), Word("ti-", BOX, 2, 0)]
    assert join_words(words) == "pre- and post-war ti-"
    assert join_words([Word("a-", BOX, 0, 0), Word("lign", BOX, 0, 0)]) == "a- lign"


@given(st.lists(st.text("aB-\u00ad2 ", max_size=8), max_size=5))
def test_joining_loses_nothing_but_hyphens_and_spaces(lines: list[str]):
    joined = join_lines(lines)
    kept = [letter for letter in "".join(lines) if letter not in "-\u00ad "]
    assert [letter for letter in joined if letter not in "-\u00ad "] == kept


def test_lines_of_chinese_and_japanese_are_joined_without_a_space():
    assert join_lines(["年初未分配利润（亏损以“－”号填", "列）"]) == "年初未分配利润（亏损以“－”号填列）"
    assert join_lines(["感染症の", "予防"]) == "感染症の予防"
    assert join_lines(["价格 EUR", "合计"]) == "价格 EUR 合计"
