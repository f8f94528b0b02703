"""Pairs that rest on words of which OCR is sure."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from docmatix.core.bounds import Bound
from docmatix.curation.filters.filter import Filter


class MinOcrConfidence(Filter):
    """OCR is sure enough of every word of the evidence: `unsure_ocr` below `min_score`. Kept if the score is unknown,
    as it is of words of the text layer and of pairs without evidence."""

    kind: Literal["min_ocr_confidence"] = "min_ocr_confidence"
    min_score: float = Field(0.6, ge=0, le=1)
    """Of the least sure word. Of the words of which Tesseract is less sure than 0.6, three in four are misread."""

    @property
    def bound(self) -> Bound:
        return Bound("ocr_confidence", "unsure_ocr", least=self.min_score)
