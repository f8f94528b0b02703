"""Twins: a scan, as OCR has read it, and a document with a text layer that says the same.

OCR loses and misreads words and reads columns in another order, so that twins share 0.0 to 1.0 of their word 5-grams
(half of them less than 0.7) where copies of a layer share 0.85. But of the words of which OCR is sure, nearly all are
right: the other document has them, or it is another one. So candidates are found by their longer words, and compared
word by word.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, NamedTuple

from docmatix.text.minhash import SHINGLE_WORDS, WORD_NUMBERS, cut_words, divide_numbers, hash_bands

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from docmatix.text.near_duplicates import Numbers, Twins

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
"""Documents of the layer that agree in a band, the earliest, that a scan is compared with."""
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


def make_word_keys(words: NDArray[np.uint32]) -> NDArray[np.uint64]:
    """A 64-bit key for each band (`BANDS` x N) of those parts of the signatures that are of longer words (N x 64)."""
    return hash_bands(words, *divide_numbers(WORD_NUMBERS, BANDS))


def have_words(words: NDArray[np.uint32]) -> NDArray[np.bool_]:
    """Which of the documents have longer words at all."""
    import numpy as np

    found: NDArray[np.bool_] = (words != np.iinfo(np.uint32).max).any(axis=1)
    return found


def find_twins(scans: Numbers, others: Numbers, read: Callable[[int], WordBag], *, threshold: float) -> Twins:
    """Those pairs of a scan and another document that are twins, by their bags, which `read` gives by number."""
    import numpy as np

    from docmatix.text.near_duplicates import Twins

    found: list[tuple[int, int, float]] = []
    for scan, other in zip(scans.tolist(), others.tolist(), strict=True):
        similarity = compare_words(read(scan), read(other), threshold=threshold)
        if similarity is not None:
            found.append((max(scan, other), min(scan, other), similarity))
    later, earlier, similarities = zip(*found, strict=True) if found else ((), (), ())
    return Twins(np.array(later, np.int64), np.array(earlier, np.int64), np.array(similarities, np.float64))
