"""The words of a page by its lines of text, with their edges in points: once a page, for all who look for gaps."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from operator import ne
from typing import NamedTuple

from docmatix.core.documents import Page, Word


class TextLine(NamedTuple):
    """Words of one line in reading order, and what each has, in as many places. Points of the displayed page."""

    start: int
    """The place of its first word among those of the page."""
    words: tuple[Word, ...]
    texts: tuple[str, ...]
    x0s: Sequence[float]
    y0s: Sequence[float]
    x1s: Sequence[float]
    y1s: Sequence[float]
    sizes: tuple[float, ...]
    bolds: tuple[bool, ...]
    text: str


def list_text_lines(page: Page) -> list[TextLine]:
    """The lines of a page's words, as reading numbers them."""
    words = tuple(page.words)
    if not words:
        return []
    width, height = page.width_pt, page.height_pt
    texts, boxes, lines, _, sizes, bolds, _ = zip(*words, strict=True)
    left, top, right, bottom = zip(*boxes, strict=True)
    x0s, x1s = [x * width for x in left], [x * width for x in right]
    y0s, y1s = [y * height for y in top], [y * height for y in bottom]
    starts = [0, *(at for at, differs in enumerate(map(ne, lines, lines[1:]), 1) if differs), len(words)]
    return [
        TextLine(
            start,
            words[start:end],
            texts[start:end],
            x0s[start:end],
            y0s[start:end],
            x1s[start:end],
            y1s[start:end],
            sizes[start:end],
            bolds[start:end],
            " ".join(texts[start:end]),
        )
        for start, end in pairwise(starts)
    ]
