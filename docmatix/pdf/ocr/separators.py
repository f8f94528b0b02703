"""Doubts numbers that show more points and commas than were read: `21.8 %` became `218%`, and the engine was sure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any

from docmatix.pdf.ocr.engine import ReadWord

DOUBTED = 0.3
"""The confidence that is left to such a number: nothing is asked about it."""
MIN_SIDE, MAX_SIDE = 0.06, 0.5  # of a point or comma, of the height of the number
_LOW = 0.5  # how far down a point or comma begins at least, of the height of the number
_SEPARATORS = re.compile(r"[.,;:·•…'’]")
_NUMBER = re.compile(r"\W*\d[\d\W]*")


def doubt_lost_points(words: Iterable[ReadWord], dark: Any) -> Iterator[ReadWord]:
    """The words, and of those that are numbers the ones that lost a point with their confidence cut. `dark` is where
    the picture has ink, as an array of booleans; boxes are around the ink of words."""
    for word in words:
        if _NUMBER.fullmatch(word.text) and sum(map(str.isdigit, word.text)) > 1:
            x0, y0, x1, y1 = (round(side) for side in word.box)
            if count_low_marks(dark[y0 : y1 + 1, x0 : x1 + 1]) > len(_SEPARATORS.findall(word.text)):
                yield word._replace(confidence=min(word.confidence, DOUBTED))
                continue
        yield word


def count_low_marks(ink: Any) -> int:
    """How many small marks stand alone at the foot of a line, between others."""
    import numpy as np

    if not ink.any():
        return 0
    rows = np.flatnonzero(ink.any(axis=1))
    ink = ink[rows[0] : rows[-1] + 1]
    high = len(ink)
    columns = np.flatnonzero(np.diff(np.pad(ink.any(axis=0), 1).astype(np.int8)))
    count = 0
    # white on both sides parts a mark from its neighbours; the first and the last are no point within a number
    for start, end in list(zip(columns[::2], columns[1::2], strict=True))[1:-1]:
        inked = np.flatnonzero(ink[:, start:end].any(axis=1))
        wide, tall = end - start, inked[-1] - inked[0] + 1
        small = all(MIN_SIDE * high <= side <= MAX_SIDE * high for side in (wide, tall))
        count += bool(small and inked[0] >= _LOW * high)
    return count
