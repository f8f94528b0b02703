"""Answers that stand on the page."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from docmatix.core.bounds import Bound
from docmatix.core.pairs import Pair, Scores
from docmatix.curation.filters.filter import Filter, FilterContext


class Grounded(Filter):
    """The answer is on the pages: `ungrounded` below `min_score`. Kept if the score is unknown (a `Yes` is on no page,
    and on every one), and in styles whose answers are seen rather than read, such as where a stamp is, since no text
    supports those: what checks them is the filter `agrees`, if `answer_again` shows its model the pages."""

    kind: Literal["grounded"] = "grounded"
    exempt_styles: tuple[str, ...] = ("visual",)
    min_score: float = Field(0.6, ge=0, le=1)
    """1.0 is printed as it is; below, the share of its words that stand close together (see `grounding`)."""
    unless_agreement: float | None = Field(None, ge=0, le=1)
    """Keep what is not printed, such as a difference of two figures, where `agreement` is at least this, and
    `blind_agreement`, if known, less."""

    @property
    def bound(self) -> Bound:
        return Bound("grounding", "ungrounded", least=self.min_score)

    def judge(self, pair: Pair, context: FilterContext) -> str | None:
        if pair.style in self.exempt_styles or self._is_found_again(context.scores):
            return None
        return super().judge(pair, context)

    def _is_found_again(self, scores: Scores) -> bool:
        """Whether a model arrived at the same answer, and not without the pages."""
        bound = self.unless_agreement
        if bound is None or scores.agreement is None or scores.agreement < bound:
            return False
        return scores.blind_agreement is None or scores.blind_agreement < bound
