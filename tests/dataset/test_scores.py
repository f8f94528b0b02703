"""Counts of scores, and the estimate of a share from those that were drawn."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from docmatix.dataset.scores import ScoreCounts, estimate_share, measure_scores


def test_scores_spread_over_tenths_and_one_is_apart():
    counts = ScoreCounts()
    for score in (0.0, 0.3, 0.29999, 0.999, 1.0, None):
        counts.add_pair(measure_scores({"agreement": score, "no score": 1.0}))
    assert counts.summarise() == {
        "agreement": {"pairs": 5, "mean": 0.5198, "by_tenth": {"0.0": 1, "0.3": 2, "0.9": 1, "1.0": 1}}
    }


@given(st.lists(st.none() | st.floats(0, 1, width=32)), st.integers(0, 20))
def test_counts_add_up_wherever_pairs_are_cut(scores: list[float | None], cut: int):
    def count(some: list[float | None]) -> ScoreCounts:
        counts = ScoreCounts()
        for score in some:
            counts.add_pair(measure_scores({"judged": score}))
        return counts

    total = ScoreCounts()
    for some in (scores[:cut], scores[cut:]):
        total.add(count(some).to_json())
    assert total.to_json() == count(scores).to_json()


@pytest.mark.parametrize(
    ("found", "of", "low", "high"), [(9, 10, 0.596, 0.982), (90, 100, 0.826, 0.945), (0, 10, 0.0, 0.278), (0, 0, 0, 1)]
)
def test_a_share_is_estimated_with_its_interval(found, of, low, high):
    assert estimate_share(found, of) == pytest.approx((low, high), abs=0.001)
