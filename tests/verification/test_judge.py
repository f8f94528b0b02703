"""The judge: what counts as a rating, and the score of one."""

from __future__ import annotations

import json
import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from docmatix.core.pairs import Reply
from docmatix.prompting.windows import Window
from docmatix.verification.check import CheckedPair
from docmatix.verification.judge import RUBRIC, Judge, Weights, ratings_schema, read_ratings, score_ratings
from tests.curation.judging import make_pair

NAMES = [each.name for each in RUBRIC]
GOOD = {name: {"reason": "stands there", "rating": 5} for name in NAMES}


def say(content: Any) -> str:
    return json.dumps(content)


def read(said: str, finish_reason: str = "stop") -> Any:
    checked = CheckedPair(make_pair(), Window("d-1", "d", ()))
    return Judge(kind="judge").read_reply(checked, Reply("r", said, "m", finish_reason, 9, 9))


def test_a_rating_is_read_in_the_order_of_the_rubric_whatever_the_order_of_the_reply():
    ratings = read_ratings(say(dict(reversed(GOOD.items()))))
    assert ratings is not None
    assert [each.criterion for each in ratings] == NAMES
    assert {(each.rating, each.reason) for each in ratings} == {(5, "stands there")}


@pytest.mark.parametrize(
    "around", ["{}", "```json\n{}\n```", "```\n{}\n```", "<think>Let me see: 1?</think>{}", "  {}\n"]
)
def test_thoughts_and_a_fence_around_the_object_change_nothing(around):
    assert read(around.replace("{}", say(GOOD))).score == 1.0


@pytest.mark.parametrize(
    "said",
    [
        "",
        "5",
        "The pair is good: 5 out of 5.",
        "[5, 5, 5, 5, 5]",
        say({**GOOD, "grounded": 5}),
        say({**GOOD, "grounded": {"rating": 5}}),
        say({**GOOD, "grounded": {"reason": "x", "rating": "5"}}),
        say({**GOOD, "grounded": {"reason": "x", "rating": 4.5}}),
        say({**GOOD, "grounded": {"reason": "x", "rating": True}}),
        say({**GOOD, "grounded": {"reason": "x", "rating": 0}}),
        say({**GOOD, "grounded": {"reason": "x", "rating": 6}}),
        say({**GOOD, "grounded": {"reason": None, "rating": 5}}),
        say({name: GOOD[name] for name in NAMES[1:]}),
        say({**GOOD, "overall": {"reason": "x", "rating": 5}}),
        say(GOOD) + say(GOOD),
        say(GOOD) + " And so on.",
        say([GOOD]),
        say(GOOD)[:-1] + ', "grounded": {"reason": "x", "rating": 1}}',
        '{"grounded": {"reason": "x", "rating": 1}, ' + say(GOOD)[1:],
        say(GOOD).replace('"rating": 5', '"rating": 1, "rating": 5', 1),
        say({**GOOD, "grounded": {"reason": "\ud800", "rating": 5}}),
        '{"grounded": NaN}',
        '{"grounded": ' + "[" * 900 + "]" * 900 + "}",
        "[" * 100_000,
    ],
)
def test_anything_else_is_no_rating(said):
    assert read_ratings(said) is None
    found = read(said)
    assert (found.score, found.reason, found.ratings) == (None, "unreadable_ratings", ())


def test_a_rating_that_was_cut_off_says_so_and_one_that_is_whole_counts_all_the_same():
    assert read(say(GOOD)[:-9], "length").reason == "truncated"
    assert read(say(GOOD), "length").score == 1.0


@given(st.lists(st.integers(1, 5), min_size=5, max_size=5))
def test_the_score_is_within_0_and_1_and_no_better_than_the_grounding(marks):
    said = {name: {"reason": "", "rating": mark} for name, mark in zip(NAMES, marks, strict=True)}
    ratings = read_ratings(say(said))
    assert ratings is not None
    score = score_ratings(ratings, Weights())
    assert 0 <= score <= (marks[0] - 1) / 4
    if len(set(marks)) == 1:
        assert score == (marks[0] - 1) / 4


def test_weights_say_what_counts():
    ratings = read_ratings(say({**GOOD, "useful": {"reason": "", "rating": 1}}))
    assert ratings is not None
    assert score_ratings(ratings, Weights(useful=0)) == 1.0
    assert score_ratings(ratings, Weights(grounded=0, complete=0, unambiguous=0, well_formed=0)) == 0.0


def test_weights_that_count_nothing_are_refused():
    with pytest.raises(ValidationError, match="more than 0"):
        Judge(kind="judge", weights=Weights.model_validate(dict.fromkeys(NAMES, 0)))
    with pytest.raises(ValidationError):
        Weights(grounded=-1)


@pytest.mark.parametrize("weight", [math.inf, math.nan, 1e308])
def test_weights_of_which_no_mean_can_be_taken_are_refused(weight):
    with pytest.raises(ValidationError):
        Weights(grounded=weight)


def test_the_schema_asks_for_what_is_read_reasons_first():
    schema = ratings_schema()
    assert schema["required"] == NAMES == list(Weights.model_fields)
    assert list(schema["properties"]["grounded"]["properties"]) == ["reason", "rating"]
