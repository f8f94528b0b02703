"""Pairs in the language of their document."""

from __future__ import annotations

from typing import Literal

from docmatix.core.pairs import Pair
from docmatix.curation.filters.filter import Filter, FilterContext
from docmatix.text.languages import is_in_language


class Language(Filter):
    """Question and answer are in the document's language, or in `language`: `wrong_language`.

    Texts too short to tell are kept; an answer is judged from `min_answer_chars`, unless it is printed on the page.
    Pairs made from facts have the language of their page, which may be another than the document's.
    """

    kind: Literal["language"] = "language"
    language: str | None = None
    """ISO 639-1; without it, the language of the document."""
    min_answer_chars: int = 60

    def judge(self, pair: Pair, context: FilterContext) -> str | None:
        language = self.language or (context.language if pair.evidence is None else None)
        if language is None:
            return None
        if is_in_language(pair.question, language) is False:
            return "wrong_language"
        if len(pair.answer) < self.min_answer_chars or context.is_printed:
            return None
        return "wrong_language" if is_in_language(pair.answer, language) is False else None
