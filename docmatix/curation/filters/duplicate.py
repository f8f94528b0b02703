"""Questions that their document already has."""

from __future__ import annotations

from itertools import islice
from typing import Literal

from pydantic import Field

from docmatix.core.pairs import Pair
from docmatix.curation.filters.filter import Filter, FilterContext
from docmatix.curation.terms import has_content
from docmatix.text.pieces import is_number, measure_overlap, piece_set


class Duplicate(Filter):
    """The document already has this question, or a similar one with the same answer: `duplicate`.

    Questions with different numbers are not similar (`in 2018`, `in 2019`), and a shared yes or no does not count.
    """

    kind: Literal["duplicate"] = "duplicate"
    min_overlap: float = Field(0.7, gt=0, le=1)
    """Jaccard similarity of two questions' words from which they count as one, if their answers are the same."""
    max_compared: int = Field(200, ge=1)
    """How many kept pairs with the same answer are compared, the latest first."""

    def judge(self, pair: Pair, context: FilterContext) -> str | None:
        if context.earlier.has_question(pair.question):
            return "duplicate"
        if not has_content(pair.answer):
            return None
        same_answer = islice(context.earlier.with_answer(pair.answer), self.max_compared)
        return "duplicate" if any(self._is_similar(pair.question, one.question) for one in same_answer) else None

    def _is_similar(self, question: str, other: str) -> bool:
        differing = piece_set(question) ^ piece_set(other)
        return not any(map(is_number, differing)) and (measure_overlap(question, other) >= self.min_overlap)
