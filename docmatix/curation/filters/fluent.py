"""Questions whose words a language model expects."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from docmatix.core.bounds import Bound
from docmatix.curation.filters.filter import Filter


class Fluent(Filter):
    """The model finds the question likely enough: `not_fluent` below `min_score`. Kept if the score is unknown."""

    kind: Literal["fluent"] = "fluent"
    min_score: float = Field(0.5, ge=0, le=1)

    @property
    def bound(self) -> Bound:
        return Bound("fluency", "not_fluent", least=self.min_score)
