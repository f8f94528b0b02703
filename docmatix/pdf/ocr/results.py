"""What is known of the picture of a page once OCR has looked at it, and its form as JSON."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import NamedTuple

from docmatix.core.documents import Box
from docmatix.pdf.drawings import FilledBox, Mark, Rule
from docmatix.pdf.ocr.engine import ReadWord
from docmatix.pdf.ocr.straightening import Straightening


class OcrWord(NamedTuple):
    """A word; its box in fractions of the straight picture, in which lines are level. `Straightening.to_page` places it
    on the page. `size` is that of its font in points; 0 where it is unknown."""

    text: str
    box: Box
    line: int
    block: int
    confidence: float
    size: float = 0.0
    bold: bool = False


class OcrReading(NamedTuple):
    """The words of a page, how its picture was straightened, and what else is seen in it. `quality` is how well the
    words read, 0..1. `rules`, `boxes` and `marks` are in points of the straight picture, `dpi` pixels to the inch."""

    words: tuple[OcrWord, ...]
    straightening: Straightening
    dpi: int
    quality: float
    blank: bool = False
    """Whether nothing is seen but noise and specks; then nothing was read."""
    rules: tuple[Rule, ...] = ()
    boxes: tuple[FilledBox, ...] = ()
    marks: tuple[Mark, ...] = ()
    picture_hash: int | None = None
    """Of the page's picture (`docmatix.pdf.picture_hash`), where it may have no text."""

    @property
    def confidence(self) -> float | None:
        """The engine's own, each character counting alike; None without words."""
        return weigh_confidence(self.words)


def weigh_confidence(words: Sequence[OcrWord | ReadWord]) -> float | None:
    """The mean confidence of words, each character counting alike; None without any."""
    length = sum(len(word.text) for word in words)
    return round(sum(word.confidence * len(word.text) for word in words) / length, 4) if length else None


def pack_reading(reading: OcrReading) -> str:
    """A reading as compact JSON."""
    done = reading.straightening
    packed = reading._replace(straightening=(done.width, done.height, done.turns, done.skew))  # type: ignore[arg-type]
    return json.dumps(packed, ensure_ascii=False, allow_nan=False, separators=(",", ":"))


def unpack_reading(text: str) -> OcrReading:
    """The reading that was packed. Raises ValueError for other texts."""
    match json.loads(text):
        case [
            list(words),
            [width, height, turns, skew],
            int(dpi),
            quality,
            bool(blank),
            list(rules),
            boxes,
            marks,
            look,
        ]:
            try:
                return OcrReading(
                    tuple(OcrWord(said, Box(*box), *rest) for said, box, *rest in words),
                    Straightening(width, height, turns, skew),
                    dpi,
                    quality,
                    blank,
                    tuple(Rule(*rule) for rule in rules),
                    tuple(
                        FilledBox(x0, y0, x1, y1, stroked, fill and tuple(fill))
                        for x0, y0, x1, y1, stroked, fill in boxes
                    ),
                    tuple(Mark(x0, y0, x1, y1, ring, fill and tuple(fill)) for x0, y0, x1, y1, ring, fill in marks),
                    None if look is None else int(look),
                )
            except TypeError as error:
                raise ValueError(f"not a reading: {error}") from None
    raise ValueError("not a reading")
