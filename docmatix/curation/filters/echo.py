"""Answers that repeat their question, and questions that contain their answer."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Literal

from pydantic import Field

from docmatix.core.pairs import Pair
from docmatix.curation.filters.filter import Filter, FilterContext
from docmatix.curation.terms import has_content
from docmatix.text.pieces import measure_overlap, split_pieces

_OFFERS = re.compile(r"(?i)\b(?:or|oder|ou|o|eller|или|lub)\b|还是|または|それとも|أم")
"""`Is it leased or owned?` must name its answer."""


class Echo(Filter):
    """The answer repeats the question (`answer_repeats_question`), or the question contains the answer
    (`gives_answer_away`)."""

    kind: Literal["echo"] = "echo"
    extractive_styles: tuple[str, ...] = ("extractive",)
    """Styles whose questions must not contain the answer; longer answers may well repeat words of the question."""
    min_overlap: float = Field(0.9, gt=0, le=1)

    def judge(self, pair: Pair, context: FilterContext) -> str | None:
        question, answer = split_pieces(pair.question), split_pieces(pair.answer)
        if not question or not answer:
            return None
        if _contains(answer, question) and len(question) > 2:
            return "answer_repeats_question"
        if len(question) >= 5 and measure_overlap(pair.question, pair.answer) >= self.min_overlap:
            return "answer_repeats_question"
        if pair.style not in self.extractive_styles or not has_content(pair.answer) or _OFFERS.search(pair.question):
            return None
        return "gives_answer_away" if _contains(question, answer) else None


def _contains(pieces: Sequence[str], part: Sequence[str]) -> bool:
    # no piece contains a line break
    return "\n" + "\n".join(part) + "\n" in "\n" + "\n".join(pieces) + "\n"
