"""Pairs that a judge finds good."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from docmatix.core.bounds import Bound
from docmatix.curation.filters.filter import Filter


class JudgedWell(Filter):
    """A model that judges the pair by a rubric finds it good enough: `judged_poor` below `min_score`. Kept if the score
    is unknown. The check `judge` computes it: 0 is a rating of 1 throughout, 1 of 5."""

    kind: Literal["judged"] = "judged"
    min_score: float = Field(0.5, ge=0, le=1)

    @property
    def bound(self) -> Bound:
        return Bound("judged", "judged_poor", least=self.min_score)
