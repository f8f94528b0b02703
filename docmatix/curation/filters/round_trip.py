"""Questions whose second answer agrees with the first."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from docmatix.core.pairs import Pair
from docmatix.curation.filters.filter import Filter, FilterContext, judge_score


class RoundTrip(Filter):
    """A second answer to the question agrees: `round_trip_failed` below `min_score`. Kept if the score is unknown."""

    kind: Literal["round_trip"] = "round_trip"
    min_score: float = Field(0.5, ge=0, le=1)

    def judge(self, pair: Pair, context: FilterContext) -> str | None:
        return judge_score(context.scores.round_trip, self.min_score, "round_trip_failed")
