"""Bounds on scores."""

from __future__ import annotations

from docmatix.core.bounds import Bound
from docmatix.core.pairs import Scores


def test_a_bound_belongs_to_what_it_keeps_and_an_unknown_score_passes():
    least, most = Bound("agreement", "low", least=0.5), Bound("agreement", "high", most=0.5)
    assert [least.keeps(score) for score in (0.4, 0.5, 0.6, None)] == [False, True, True, True]
    assert [most.keeps(score) for score in (0.4, 0.5, 0.6, None)] == [True, True, False, True]
    assert least.judge(Scores(agreement=0.4)) == "low"
    assert least.judge(Scores(judged=0.4)) is None


def test_a_bound_is_told_in_words():
    assert Bound("agreement", "low", least=0.5).describe() == "at least 0.5"
    assert Bound("agreement", "low", least=0.25, most=1).describe() == "at least 0.25 and at most 1"
