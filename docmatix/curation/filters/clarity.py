"""Questions that can be understood on their own."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from docmatix.core.pairs import Pair
from docmatix.curation.filters.filter import Filter, FilterContext, judge_score


class Clarity(Filter):
    """The question can be understood on its own: `unclear` below `min_score`. Kept if the score is unknown."""

    kind: Literal["clarity"] = "clarity"
    min_score: float = Field(0.6, ge=0, le=1)

    def judge(self, pair: Pair, context: FilterContext) -> str | None:
        return judge_score(context.scores.clarity, self.min_score, "unclear")
