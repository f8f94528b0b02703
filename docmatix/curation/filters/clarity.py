"""Questions that can be understood on their own."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from docmatix.core.bounds import Bound
from docmatix.curation.filters.filter import Filter


class Clarity(Filter):
    """The question can be understood on its own: `unclear` below `min_score`. Kept if the score is unknown."""

    kind: Literal["clarity"] = "clarity"
    min_score: float = Field(0.6, ge=0, le=1)

    @property
    def bound(self) -> Bound:
        return Bound("clarity", "unclear", least=self.min_score)
