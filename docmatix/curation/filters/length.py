"""Bounds on the length of question and answer."""

from __future__ import annotations

import unicodedata
from typing import Literal

from docmatix.core.pairs import Pair
from docmatix.curation.filters.filter import Filter, FilterContext
from docmatix.text.pieces import split_pieces


class Length(Filter):
    """Question and answer are within bounds, in characters: `too_short`, `too_long`, `empty`. An answer of punctuation
    alone (`###`) is empty too, and so is one of other signs, such as a ticked box, unless a page prints it. Of Chinese,
    Japanese and Korean each character counts as two for what is too short."""

    kind: Literal["length"] = "length"
    min_question_chars: int = 8
    max_question_chars: int = 400
    min_answer_chars: int = 1
    max_answer_chars: int = 1200

    def judge(self, pair: Pair, context: FilterContext) -> str | None:
        question, answer = pair.question.strip(), pair.answer.strip()
        if not question or not answer:
            return "empty"
        if not split_pieces(answer) and not (_has_sign(answer) and context.prints(answer)):
            return "empty"
        if _measure(question) < self.min_question_chars or _measure(answer) < self.min_answer_chars:
            return "too_short"
        if len(question) > self.max_question_chars or len(answer) > self.max_answer_chars:
            return "too_long"
        return None


def _measure(text: str) -> int:
    # a whole question in Chinese has six characters
    return len(text) if text.isascii() else len(text) + sum(unicodedata.east_asian_width(c) in "WF" for c in text)


def _has_sign(text: str) -> bool:
    return any(unicodedata.category(character).startswith("S") for character in text)
