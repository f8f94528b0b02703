"""Answers that a model finds again on the pages."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from docmatix.core.bounds import Bound
from docmatix.curation.filters.filter import Filter


class Agrees(Filter):
    """Asked the question with the pages, and not the answer, a model gives it again: `disagrees` below `min_score`.
    Kept if the score is unknown. The check `answer_again` computes it."""

    kind: Literal["agrees"] = "agrees"
    min_score: float = Field(0.5, ge=0, le=1)

    @property
    def bound(self) -> Bound:
        return Bound("agreement", "disagrees", least=self.min_score)
