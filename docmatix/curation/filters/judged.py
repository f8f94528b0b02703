"""Pairs that a judge finds good."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from docmatix.core.pairs import Pair
from docmatix.curation.filters.filter import Filter, FilterContext, judge_score


class JudgedWell(Filter):
    """A model that judges the pair by a rubric finds it good enough: `judged_poor` below `min_score`. Kept if the score
    is unknown. The check `judge` computes it: 0 is a rating of 1 throughout, 1 of 5."""

    kind: Literal["judged"] = "judged"
    min_score: float = Field(0.5, ge=0, le=1)

    def judge(self, pair: Pair, context: FilterContext) -> str | None:
        return judge_score(context.scores.judged, self.min_score, "judged_poor")
