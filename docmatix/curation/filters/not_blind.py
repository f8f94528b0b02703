"""Questions that take the pages to answer."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from docmatix.core.bounds import Bound
from docmatix.curation.filters.filter import Filter


class NotBlind(Filter):
    """Asked the question alone, a model does not give the answer: `answerable_blind` above `max_score`. Kept if the
    score is unknown. The check `answer_blind` computes it; of a question for yes or no, half are guessed."""

    kind: Literal["not_blind"] = "not_blind"
    max_score: float = Field(0.5, ge=0, le=1)

    @property
    def bound(self) -> Bound:
        return Bound("blind_agreement", "answerable_blind", most=self.max_score)
