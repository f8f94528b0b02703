"""Scores below the bound, and unknown ones."""

from __future__ import annotations

from dataclasses import replace

import pytest

from docmatix.core.pairs import Scores
from docmatix.curation.filters import DEFAULT_FILTERS
from docmatix.curation.filters.agrees import Agrees
from docmatix.curation.filters.clarity import Clarity
from docmatix.curation.filters.filter import Filter, FilterContext, judge_pair
from docmatix.curation.filters.fluent import Fluent
from docmatix.curation.filters.grounded import Grounded
from docmatix.curation.filters.judged import JudgedWell
from docmatix.curation.filters.min_ocr_confidence import MinOcrConfidence
from docmatix.curation.filters.needs_pages import NeedsPages
from docmatix.curation.filters.not_blind import NotBlind
from docmatix.curation.filters.round_trip import RoundTrip
from tests.curation.judging import make_pair


@pytest.mark.parametrize(
    ("rule", "name", "reason"),
    [
        (Grounded(), "grounding", "ungrounded"),
        (MinOcrConfidence(), "ocr_confidence", "unsure_ocr"),
        (RoundTrip(), "round_trip", "round_trip_failed"),
        (Agrees(), "agreement", "disagrees"),
        (JudgedWell(), "judged", "judged_poor"),
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


@pytest.mark.parametrize(
    ("rule", "name", "reason"),
    [
        (NotBlind(), "blind_agreement", "answerable_blind"),
        (NeedsPages(kinds=()), "single_page_agreement", "single_page_suffices"),
    ],
)
def test_a_score_above_the_bound_drops_and_an_unknown_one_keeps(rule: Filter, name: str, reason: str):
    def verdict(score: float | None) -> str | None:
        return rule.judge(make_pair(), FilterContext(scores=Scores(**{name: score})))

    assert verdict(0.6) == reason
    assert verdict(0.5) is None
    assert verdict(None) is None


def test_only_kinds_that_claim_to_need_several_pages_must_need_them():
    one_suffices = FilterContext(scores=Scores(single_page_agreement=1.0))
    assert NeedsPages().judge(make_pair(), one_suffices) is None
    assert NeedsPages().judge(replace(make_pair(), kind="multi_page"), one_suffices) == "single_page_suffices"
    assert NeedsPages(kinds=("free",)).judge(make_pair(), one_suffices) == "single_page_suffices"


def test_what_only_marks_a_pair_is_dropped_on_request_alone():
    guessed = FilterContext(scores=Scores(blind_agreement=1.0, single_page_agreement=1.0, judge_spread=1.0))
    pair = replace(make_pair(), kind="multi_page")
    assert judge_pair(pair, guessed, DEFAULT_FILTERS) is None
    assert judge_pair(pair, guessed, [*DEFAULT_FILTERS, NotBlind()]) == "answerable_blind"
    assert judge_pair(pair, guessed, [*DEFAULT_FILTERS, NeedsPages()]) == "single_page_suffices"


def test_an_answer_that_is_not_printed_may_be_kept_for_being_found_again_on_the_pages():
    rule = Grounded(unless_agreement=0.8)
    pair = make_pair("By how much did revenue rise?", "12 %")

    def verdict(agreement: float | None, blind_agreement: float | None = None, *, rule: Filter = rule) -> str | None:
        scores = Scores(grounding=0.0, agreement=agreement, blind_agreement=blind_agreement)
        return rule.judge(pair, FilterContext(scores=scores))

    assert verdict(0.8) is None
    assert verdict(0.8, 0.1) is None
    assert verdict(0.8, 1.0) == "ungrounded"  # found without the pages too, it proves nothing of them
    assert verdict(0.7) == verdict(None) == verdict(1.0, rule=Grounded()) == "ungrounded"


def test_what_is_seen_and_not_read_need_not_be_printed():
    nowhere = FilterContext(scores=Scores(grounding=0.0))
    assert Grounded().judge(make_pair(style="visual"), nowhere) is None
    assert Grounded(exempt_styles=()).judge(make_pair(style="visual"), nowhere) == "ungrounded"
    assert Grounded(exempt_styles=("poetic",)).judge(make_pair(style="poetic"), nowhere) is None
