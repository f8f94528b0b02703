"""The font sizes and weights of words, looked up among MuPDF's spans by where the words stand."""

from __future__ import annotations

import math
import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence
from typing import Any

from docmatix.core.documents import Box, Word
from docmatix.pdf.fractions import Fractions

MAX_LOOKUPS = 5_000_000  # words times spans of a page, above which none is looked up (0.3 s if all are in one row)
_BOLD = re.compile("bold|black|heavy|semibold|demi", re.IGNORECASE)
_BOLD_FLAG = 16  # MuPDF's, of a span


def add_fonts(words: Sequence[Word], blocks: Iterable[dict[str, Any]], *, to_fractions: Fractions) -> tuple[Word, ...]:
    """The words with the size and weight of the smallest span that holds their middle; unchanged where none does.
    `blocks` are those of MuPDF's dictionary of the page, which must not be a PDFA twin's."""
    boxes: list[Box] = []
    fonts: list[tuple[float, bool]] = []
    bold_names: dict[str, bool] = {}
    spans = [span for block in blocks for line in block.get("lines", ()) for span in line["spans"]]
    for span, box in zip(spans, to_fractions.convert([span["bbox"] for span in spans]), strict=True):
        if box is not None:
            name = span["font"]
            if name not in bold_names:
                bold_names[name] = _BOLD.search(name) is not None
            boxes.append(box)
            bold = bool(span["flags"] & _BOLD_FLAG) or bold_names[name]
            fonts.append((min(max(round(8 * span["size"]) / 8, 0.0), 10_000.0), bold))
    if not words or not boxes or len(words) * len(boxes) > MAX_LOOKUPS:
        return tuple(words)
    nearest = _find_smallest(words, boxes)
    return tuple(
        [
            word if at is None else Word(word.text, word.box, word.line, word.block, *fonts[at])
            for word, at in zip(words, nearest, strict=True)
        ]
    )


def _find_smallest(words: Sequence[Word], boxes: Sequence[Box]) -> list[int | None]:
    """For each word the smallest box that holds its middle, the first of equal ones; None where none does."""
    middles = sorted([((y0 + y1) / 2, (x0 + x1) / 2, at) for at, (_, (x0, y0, x1, y1), *_) in enumerate(words)])
    heights = [y for y, _, _ in middles]
    nearest: list[int | None] = [None] * len(words)
    smallest = [math.inf] * len(words)
    for place, (x0, y0, x1, y1) in enumerate(boxes):
        area = (x1 - x0) * (y1 - y0)
        for _, x, at in middles[bisect_left(heights, y0) : bisect_right(heights, y1)]:
            if x0 <= x <= x1 and area < smallest[at]:
                nearest[at], smallest[at] = place, area
    return nearest
