"""Scores below the bound, and unknown ones."""

from __future__ import annotations

import pytest

from docmatix.core.pairs import Scores
from docmatix.curation.filters.clarity import Clarity
from docmatix.curation.filters.filter import Filter, FilterContext
from docmatix.curation.filters.fluent import Fluent
from docmatix.curation.filters.grounded import Grounded
from docmatix.curation.filters.min_ocr_confidence import MinOcrConfidence
from docmatix.curation.filters.round_trip import RoundTrip
from tests.curation.judging import make_pair


@pytest.mark.parametrize(
    ("rule", "name", "reason"),
    [
        (Grounded(), "grounding", "ungrounded"),
        (MinOcrConfidence(), "ocr_confidence", "unsure_ocr"),
        (RoundTrip(), "round_trip", "round_trip_failed"),
        (Fluent(min_score=0.5), "fluency", "not_fluent"),
        (Clarity(), "clarity", "unclear"),
    ],
)
def test_a_score_below_the_bound_drops_and_an_unknown_one_keeps(rule: Filter, name: str, reason: str):
    def verdict(score: float | None) -> str | None:
        return rule.judge(make_pair(), FilterContext(scores=Scores(**{name: score})))

    assert verdict(0.3) == reason
    assert verdict(0.6) is None
    assert verdict(None) is None


def test_what_is_seen_and_not_read_need_not_be_printed():
    nowhere = FilterContext(scores=Scores(grounding=0.0))
    assert Grounded().judge(make_pair(style="visual"), nowhere) is None
    assert Grounded(exempt_styles=()).judge(make_pair(style="visual"), nowhere) == "ungrounded"
    assert Grounded(exempt_styles=("poetic",)).judge(make_pair(style="poetic"), nowhere) is None
