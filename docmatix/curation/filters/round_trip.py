"""Questions whose second answer agrees with the first."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from docmatix.core.bounds import Bound
from docmatix.curation.filters.filter import Filter


class RoundTrip(Filter):
    """A second answer to the question agrees: `round_trip_failed` below `min_score`. Kept if the score is unknown."""

    kind: Literal["round_trip"] = "round_trip"
    min_score: float = Field(0.5, ge=0, le=1)

    @property
    def bound(self) -> Bound:
        return Bound("round_trip", "round_trip_failed", least=self.min_score)
