"""Where a filter draws the line in a score, so that it is applied, explained and plotted from one place."""

from __future__ import annotations

from dataclasses import dataclass

from docmatix.core.pairs import Scores


@dataclass(frozen=True, slots=True)
class Bound:
    """Pairs whose `score` (a field of `Scores`) is below `least` or above `most`, whichever is given, are dropped for
    `reason`."""

    score: str
    reason: str
    least: float | None = None
    most: float | None = None

    def keeps(self, value: float | None) -> bool:
        """Whether a score passes; an unknown one does."""
        if value is None:
            return True
        return (self.least is None or value >= self.least) and (self.most is None or value <= self.most)

    def judge(self, scores: Scores) -> str | None:
        """None, or the reason to drop a pair with these scores."""
        return None if self.keeps(getattr(scores, self.score)) else self.reason

    def describe(self) -> str:
        """`at least 0.5` or `at most 0.5`."""
        told = [f"at least {self.least:g}"] if self.least is not None else []
        return " and ".join([*told, *([f"at most {self.most:g}"] if self.most is not None else [])])
