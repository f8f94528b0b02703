"""Doubts numbers that show otherwise than they were read, although the engine is sure: `21.8 %` became `218%`, and of
`11 l` it made `111`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from itertools import pairwise
from typing import Any

from docmatix.pdf.ocr.engine import ReadWord

DOUBTED = 0.3
"""The confidence that is left to such a number: nothing is asked about it."""
MIN_SIDE, MAX_SIDE = 0.06, 0.5  # of a point or comma, of the height of the number
MIN_SPACE = 0.5  # of the height, from which white parts two words: beside a 1 there is 0.4
_LOW = 0.5  # how far down a point or comma begins at least, of the height of the number
_SEPARATORS = re.compile(r"[.,;:·•…'’]")
_NUMBER = re.compile(r"\W*\d[\d\W]*")
_STROKES = frozenset("1lI|")
_ONES = re.compile(r"[\d.,]*1[\d.,]*")


def doubt_numbers(words: Iterable[ReadWord], dark: Any) -> Iterator[ReadWord]:
    """The words, with the confidence cut of numbers that lost a point or a space, and of a lone stroke behind a number,
    which may be `l` for litres. `dark` is where the picture has ink, as an array of booleans; boxes are around the ink
    of words."""
    before: ReadWord | None = None
    for word in words:
        yield word._replace(confidence=min(word.confidence, DOUBTED)) if _is_doubtful(word, before, dark) else word
        before = word


def _is_doubtful(word: ReadWord, before: ReadWord | None, dark: Any) -> bool:
    x0, y0, x1, y1 = (round(side) for side in word.box)
    if word.text in _STROKES:
        return (
            before is not None
            and (before.block, before.line) == (word.block, word.line)
            and _NUMBER.fullmatch(before.text) is not None
            and x0 - before.box[2] < 2 * (y1 - y0)
        )
    if not _NUMBER.fullmatch(word.text) or sum(map(str.isdigit, word.text)) < 2:
        return False
    ink = dark[y0 : y1 + 1, x0 : x1 + 1]
    return count_low_marks(ink) > len(_SEPARATORS.findall(word.text)) or (
        _ONES.fullmatch(word.text) is not None and has_space(ink)
    )


def count_low_marks(ink: Any) -> int:
    """How many small marks stand alone at the foot of a line, between others."""
    import numpy as np

    ink = _trim(ink)
    high, count = len(ink), 0
    # white on both sides parts a mark from its neighbours; the first and the last are no point within a number
    for start, end in _list_letters(ink)[1:-1]:
        inked = np.flatnonzero(ink[:, start:end].any(axis=1))
        wide, tall = end - start, inked[-1] - inked[0] + 1
        small = all(MIN_SIDE * high <= side <= MAX_SIDE * high for side in (wide, tall))
        count += bool(small and inked[0] >= _LOW * high)
    return count


def has_space(ink: Any) -> bool:
    """Whether white as wide as a space parts two letters."""
    ink = _trim(ink)
    letters = _list_letters(ink)
    return any(after[0] - one[1] >= MIN_SPACE * len(ink) for one, after in pairwise(letters))


def _trim(ink: Any) -> Any:
    import numpy as np

    rows = np.flatnonzero(ink.any(axis=1))
    return ink[rows[0] : rows[-1] + 1] if len(rows) else ink[:0]


def _list_letters(ink: Any) -> list[tuple[int, int]]:
    """The columns of each piece that white parts from the next."""
    import numpy as np

    edges = np.flatnonzero(np.diff(np.pad(ink.any(axis=0), 1).astype(np.int8))).tolist()
    return list(zip(edges[::2], edges[1::2], strict=True))
