"""Counting different texts: exact while few, near enough when many, and the same however they are divided."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from docmatix.dataset.distinct import ERROR, MAX_EXACT, DistinctCounter


def count(texts: list[str]) -> DistinctCounter:
    counter = DistinctCounter()
    for text in texts:
        counter.add(text)
    return counter


def number(count: int, start: int = 0) -> list[str]:
    return [f"question {each}" for each in range(start, start + count)]


@given(st.lists(st.text()))
def test_few_texts_are_counted_exactly(texts):
    assert len(count(texts * 2)) == len(set(texts))


def test_as_many_as_fit_are_exact_and_one_more_is_an_estimate():
    assert len(count(number(MAX_EXACT))) == MAX_EXACT
    assert count(number(MAX_EXACT)).exact
    assert not count(number(MAX_EXACT + 1)).exact


@pytest.mark.parametrize("many", [MAX_EXACT + 1, 10_000, 60_000, 200_000])
def test_many_texts_are_counted_within_four_standard_errors(many):
    assert len(count(number(many))) == pytest.approx(many, rel=4 * ERROR)


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 3000), st.integers(0, 3000), st.integers(0, 3000))
def test_what_is_merged_is_what_one_pass_counts_in_either_order(first, second, overlap):
    one, other = number(first), number(second, start=max(0, first - overlap))
    whole = count(one + other).to_json()
    forth, back = count(one), count(other)
    forth.merge(DistinctCounter.from_json(json.loads(json.dumps(count(other).to_json()))))
    back.merge(count(one))
    assert forth.to_json() == back.to_json() == whole


def test_a_counter_of_very_many_texts_stays_small():
    assert len(json.dumps(count(number(50_000)).to_json())) < 25_000
