"""Pairs copied from the examples in the prompt."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field

from docmatix.core.pairs import Pair
from docmatix.curation.filters.filter import Filter, FilterContext
from docmatix.curation.terms import has_content
from docmatix.text.pieces import fold, measure_overlap, piece_set


class CopiesExample(Filter):
    """Question or answer is one of the examples that the prompt shows: `copies_example`.

    An answer that is printed on the page, or is only a yes or no, may equal an example by chance and is kept.
    """

    needs_examples: ClassVar[bool] = True

    kind: Literal["copies_example"] = "copies_example"
    min_overlap: float = Field(0.9, gt=0, le=1)
    """Jaccard similarity of the words, for texts of five words or more."""

    def judge(self, pair: Pair, context: FilterContext) -> str | None:
        texts = [pair.question]
        if not context.is_printed and has_content(pair.answer):
            texts.append(pair.answer)
        copied = any(self._is_copy(text, example) for text in texts for example in context.examples)
        return "copies_example" if copied else None

    def _is_copy(self, text: str, example: str) -> bool:
        if fold(text) == fold(example):
            return bool(fold(text))
        return len(piece_set(text)) >= 5 and measure_overlap(text, example) >= self.min_overlap
