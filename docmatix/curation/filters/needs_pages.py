"""Questions over several pages that no single one of them answers."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from docmatix.core.bounds import Bound
from docmatix.core.pairs import Pair
from docmatix.curation.filters.filter import Filter, FilterContext


class NeedsPages(Filter):
    """No page alone answers the question: `single_page_suffices` where the answer from the best one agrees above
    `max_score`. Kept if the score is unknown. The check `answer_again` computes it with `single_pages: true`."""

    kind: Literal["needs_pages"] = "needs_pages"
    kinds: tuple[str, ...] = ("multi_page",)
    """Kinds of questions that claim to need several pages; if empty, all. No question of this version has the kind
    `multi_page`: what a model wrote freely is `free`."""
    max_score: float = Field(0.5, ge=0, le=1)

    @property
    def bound(self) -> Bound:
        return Bound("single_page_agreement", "single_page_suffices", most=self.max_score)

    def judge(self, pair: Pair, context: FilterContext) -> str | None:
        return None if self.kinds and pair.kind not in self.kinds else super().judge(pair, context)
