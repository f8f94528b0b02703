"""Answers that stand on the page."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from docmatix.core.pairs import Pair
from docmatix.curation.filters.filter import Filter, FilterContext, judge_score


class Grounded(Filter):
    """The answer is on the pages: `ungrounded` below `min_score`. Kept if the score is unknown (a `Yes` is on no page,
    and on every one), and in styles whose answers are seen rather than read, such as where a stamp is, since no text
    supports those."""

    kind: Literal["grounded"] = "grounded"
    exempt_styles: tuple[str, ...] = ("visual",)
    min_score: float = Field(0.6, ge=0, le=1)
    """1.0 is printed as it is; below, the share of its words that stand close together (see `grounding`)."""

    def judge(self, pair: Pair, context: FilterContext) -> str | None:
        if pair.style in self.exempt_styles:
            return None
        return judge_score(context.scores.grounding, self.min_score, "ungrounded")
