"""Answers that a model finds again on the pages."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from docmatix.core.pairs import Pair
from docmatix.curation.filters.filter import Filter, FilterContext, judge_score


class Agrees(Filter):
    """Asked the question with the pages, and not the answer, a model gives it again: `disagrees` below `min_score`.
    Kept if the score is unknown. The check `answer_again` computes it."""

    kind: Literal["agrees"] = "agrees"
    min_score: float = Field(0.5, ge=0, le=1)

    def judge(self, pair: Pair, context: FilterContext) -> str | None:
        return judge_score(context.scores.agreement, self.min_score, "disagrees")
