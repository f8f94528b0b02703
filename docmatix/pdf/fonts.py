"""The font sizes and weights of words, looked up among MuPDF's spans by where the words stand."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Any

from docmatix.core.documents import Box, Word
from docmatix.pdf.visibility import ToFractions

MAX_LOOKUPS = 5_000_000  # words times spans of a page, above which none is looked up (0.1 s, 80 MB)
_BOLD = re.compile("bold|black|heavy|semibold|demi", re.IGNORECASE)
_BOLD_FLAG = 16  # MuPDF's, of a span


def add_fonts(
    words: Sequence[Word], blocks: Iterable[dict[str, Any]], *, to_fractions: ToFractions
) -> tuple[Word, ...]:
    """The words with the size and weight of the smallest span that holds their middle; unchanged where none does.
    `blocks` are those of MuPDF's dictionary of the page, which must not be a PDFA twin's."""
    import numpy as np

    boxes: list[Box] = []
    fonts: list[tuple[float, bool]] = []
    for block in blocks:
        for line in block.get("lines", ()):
            for span in line["spans"]:
                box = to_fractions(span["bbox"])
                if box is not None:
                    boxes.append(box)
                    bold = bool(span["flags"] & _BOLD_FLAG) or _BOLD.search(span["font"]) is not None
                    fonts.append((min(max(round(8 * span["size"]) / 8, 0.0), 10_000.0), bold))
    if not words or not boxes or len(words) * len(boxes) > MAX_LOOKUPS:
        return tuple(words)
    places, spans = np.array([word.box for word in words]), np.array(boxes)
    x, y = (places[:, 0] + places[:, 2])[:, None] / 2, (places[:, 1] + places[:, 3])[:, None] / 2
    holds = (spans[:, 0] <= x) & (x <= spans[:, 2]) & (spans[:, 1] <= y) & (y <= spans[:, 3])
    areas = (spans[:, 2] - spans[:, 0]) * (spans[:, 3] - spans[:, 1])
    nearest = np.where(holds, areas, np.inf).argmin(axis=1).tolist()
    held = holds.any(axis=1).tolist()
    return tuple(
        Word(word.text, word.box, word.line, word.block, *fonts[at]) if found else word
        for word, at, found in zip(words, nearest, held, strict=True)
    )
