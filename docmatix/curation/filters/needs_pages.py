"""Questions over several pages that no single one of them answers."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from docmatix.core.pairs import Pair
from docmatix.curation.filters.filter import Filter, FilterContext


class NeedsPages(Filter):
    """No page alone answers the question: `single_page_suffices` where the answer from the best one agrees above
    `max_score`. Kept if the score is unknown. The check `answer_again` computes it with `single_pages: true`."""

    kind: Literal["needs_pages"] = "needs_pages"
    kinds: tuple[str, ...] = ("multi_page",)
    """Kinds of questions that claim to need several pages; if empty, all. What a model wrote freely is `free`."""
    max_score: float = Field(0.5, ge=0, le=1)

    def judge(self, pair: Pair, context: FilterContext) -> str | None:
        known = context.scores.single_page_agreement
        if known is None or (self.kinds and pair.kind not in self.kinds):
            return None
        return "single_page_suffices" if known > self.max_score else None
