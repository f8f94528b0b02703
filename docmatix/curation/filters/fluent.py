"""Questions whose words a language model expects."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from docmatix.core.pairs import Pair
from docmatix.curation.filters.filter import Filter, FilterContext, judge_score


class Fluent(Filter):
    """The model finds the question likely enough: `not_fluent` below `min_score`. Kept if the score is unknown."""

    kind: Literal["fluent"] = "fluent"
    min_score: float = Field(0.5, ge=0, le=1)

    def judge(self, pair: Pair, context: FilterContext) -> str | None:
        return judge_score(context.scores.fluency, self.min_score, "not_fluent")
