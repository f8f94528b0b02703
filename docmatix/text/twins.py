"""Twins: a scan, as OCR has read it, and a document with a text layer that says the same.

OCR loses and misreads words and reads columns in another order, so that twins share 0.0 to 1.0 of their word 5-grams
(half of them less than 0.7) where copies of a layer share 0.85. But of the words of which OCR is sure, nearly all are
right: the other document has them, or it is another one. So candidates are found by their longer words, and compared
word by word.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Mapping
from itertools import groupby
from operator import itemgetter
from typing import TYPE_CHECKING, NamedTuple

from docmatix.text.minhash import SHINGLE_WORDS, WORD_NUMBERS, cut_words, group_equal

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

SURE = 0.95
"""The confidence from which a word counts as read right. Of Tesseract's words at 200 dpi 82 % have it, 0.8 % of them
misread, mostly in their punctuation, which does not count here."""
MIN_COVER = 0.7
"""The share of the words of one that the other must have, both ways: a scan of one page is no twin of ten."""
MIN_LIKENESS = 0.6
"""The estimated similarity of the longer words of candidates. Twins have 0.7 to 1.0, other documents up to 0.4."""
BANDS = 12
"""Of 5 or 6 numbers each: 99 % of the twins of similarity 0.8 agree in one of them, of 0.7 still 87 %."""
MAX_COMPARED = 64
MAX_CANDIDATES = 8
"""Candidates for one scan, the earliest: more are copies of each other."""


class WordBag(NamedTuple):
    """The words of a document as 32-bit hashes, ascending: all of them, and those of which OCR or the layer is sure."""

    words: NDArray[np.uint32]
    sure: NDArray[np.uint32]


def make_bag(words: Iterable[tuple[str, float | None]]) -> WordBag:
    """The bag of words with their confidence, None for those of a layer: 8 bytes a word."""
    import numpy as np

    found: list[int] = []
    sure: list[int] = []
    for word, confidence in words:
        hashed = [zlib.crc32(piece.encode()) for piece in cut_words(word)]
        found += hashed
        if confidence is None or confidence >= SURE:
            sure += hashed
    return WordBag(np.sort(np.array(found, dtype=np.uint32)), np.sort(np.array(sure, dtype=np.uint32)))


def compare_words(scan: WordBag, other: WordBag, *, threshold: float) -> float | None:
    """The share of the words of both that both have, if they are twins: the other has as many of the scan's sure words
    as texts share whose 5-grams have a similarity of `threshold`. None if they are not."""
    if not len(scan.sure) or not len(other.words):
        return None
    common = _count_common(scan.words, other.words)
    if common < MIN_COVER * max(len(scan.words), len(other.words)):
        return None
    if _count_common(scan.sure, other.words) < _share_words(threshold) * len(scan.sure) - 1e-9:
        return None
    return common / (len(scan.words) + len(other.words) - common)


def _share_words(threshold: float) -> float:
    """The share of words that two texts have in common whose sets of 5-grams have this Jaccard similarity."""
    shared: float = (2 * threshold / (1 + threshold)) ** (1 / SHINGLE_WORDS)
    return shared


def _count_common(one: NDArray[np.uint32], other: NDArray[np.uint32]) -> int:
    """How many words two bags share, counting each as often as both have it."""
    import numpy as np

    (ours, our_counts), (theirs, their_counts) = (np.unique(each, return_counts=True) for each in (one, other))
    _, mine, yours = np.intersect1d(ours, theirs, assume_unique=True, return_indices=True)
    return int(np.minimum(our_counts[mine], their_counts[yours]).sum())


def find_candidates(
    words: NDArray[np.uint32], signed: NDArray[np.bool_], scanned: NDArray[np.bool_]
) -> list[tuple[int, int]]:
    """Scans with the documents of the layer that may be their twins, by number, ascending. `words` (N x 64) are those
    parts of the signatures. A scan is compared with at most `BANDS` times `MAX_COMPARED` documents."""
    import numpy as np

    empty = np.iinfo(np.uint32).max
    rows = np.flatnonzero(signed & (words != empty).any(axis=1))
    found: dict[int, set[int]] = {}
    for band in np.array_split(np.arange(WORD_NUMBERS), BANDS):
        groups = group_equal(words[:, band[0] : band[-1] + 1], rows)
        shared = groups >= 0
        order = np.lexsort((rows[shared], groups[shared]))
        pairs = zip(groups[shared][order].tolist(), rows[shared][order].tolist(), strict=True)
        for _, members in groupby(pairs, key=itemgetter(0)):
            numbers = [number for _, number in members]
            layers = [number for number in numbers if not scanned[number]][:MAX_COMPARED]
            for scan in numbers if layers else ():
                if scanned[scan]:
                    like = (words[layers] == words[scan]).mean(axis=1) >= MIN_LIKENESS
                    found.setdefault(scan, set()).update(np.array(layers)[like].tolist())
    return [(scan, other) for scan in sorted(found) for other in sorted(found[scan])[:MAX_CANDIDATES]]


def find_twins(
    candidates: Iterable[tuple[int, int]], bags: Mapping[int, WordBag], *, threshold: float
) -> dict[int, list[tuple[int, float]]]:
    """For each document the earlier ones that are its twins, with their similarity."""
    twins: dict[int, list[tuple[int, float]]] = {}
    for scan, other in candidates:
        similarity = compare_words(bags[scan], bags[other], threshold=threshold)
        if similarity is not None:
            twins.setdefault(max(scan, other), []).append((min(scan, other), similarity))
    return twins
