"""MinHash signatures of documents, and the choice of duplicates to leave out before a model is asked.

A signature begins with 128 numbers; the share of positions at which two agree estimates the Jaccard similarity of the
documents' sets of word 5-grams (standard error at 0.85: sqrt(0.85 * 0.15 / 128) = 0.03). 64 more do so for their sets
of longer words, whose order does not count: by these the twins of scans are found (`docmatix.text.twins`).
"""

from __future__ import annotations

import math
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

SHINGLE_NUMBERS = 128
WORD_NUMBERS = 64
SIGNATURE_LENGTH = SHINGLE_NUMBERS + WORD_NUMBERS
SHINGLE_WORDS = 5
MIN_SHINGLES = 20  # distinct ones; with fewer, forms that share a letterhead would all look the same

# Kept documents per bucket of a band that are compared with a later one. Only families of thousands of documents with
# shared boilerplate reach it; without it, each would be compared with every other.
MAX_BUCKET = 1024

_SEED = 42
# in scripts written without spaces, each character counts as a word: Thai to Khmer, kana, Han ideographs
_UNSPACED = "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
_WORDS = re.compile(rf"[{_UNSPACED}]|[^\W{_UNSPACED}]+")
MIN_WORD_CHARS = 4
"""Of a longer word. Shorter ones stand in any text of a language."""
PICTURE_BITS = 1024  # of the hash of a page's picture


@dataclass(frozen=True, slots=True)
class Duplicate:
    """Document `index` is left out in favour of the earlier, kept document `in_favour_of`."""

    index: int
    kind: Literal["duplicate", "near_duplicate"]
    in_favour_of: int
    similarity: float  # 1.0 for the same bytes, else the estimated Jaccard similarity, or that of `compare_words`


def sign_text(text: str) -> tuple[int, ...] | None:
    """The MinHash signature of a text, 192 unsigned 32-bit numbers, the same on every machine; None if it is too short.

    Case, punctuation and layout do not count. Digits do: invoices over different amounts differ.
    """
    if len(list(islice(_iterate_distinct(text), MIN_SHINGLES))) < MIN_SHINGLES:
        return None
    words = {word for word in cut_words(text) if len(word) >= MIN_WORD_CHARS}
    return sign_items(_iterate_shingles(text), SHINGLE_NUMBERS) + sign_items(sorted(words), WORD_NUMBERS)


def sign_pictures(hashes: Sequence[int]) -> tuple[int, ...] | None:
    """The signature of a document without text, from the hashes of its pages' pictures, of `PICTURE_BITS` bits, in
    order; None without any. Two have a similarity of 0.85 if 4 % of their bits differ."""
    if not hashes:
        return None
    # bits by twos: one by one, 8 % could differ, and forms of one template would be near
    items = (
        f"picture {page} {at} {bits >> at & 3}" for page, bits in enumerate(hashes) for at in range(0, PICTURE_BITS, 2)
    )
    return sign_items(items, SHINGLE_NUMBERS) + sign_items((), WORD_NUMBERS)


def sign_items(items: Iterable[str], numbers: int) -> tuple[int, ...]:
    """The MinHash of a set, so many unsigned 32-bit numbers; of an empty one the largest there are."""
    from rensa import RMinHash

    sketch = RMinHash(num_perm=numbers, seed=_SEED)
    remaining = iter(items)
    while batch := list(islice(remaining, 50_000)):
        sketch.update(batch)
    return tuple(sketch.digest())


def cut_words(text: str) -> Iterator[str]:
    """The words that are compared, without case and punctuation."""
    return (match[0] for match in _WORDS.finditer(text.casefold()))


def _iterate_shingles(text: str) -> Iterator[str]:
    window: list[str] = []
    for word in cut_words(text):
        window.append(word)
        if len(window) == SHINGLE_WORDS:
            yield " ".join(window)
            del window[0]


def _iterate_distinct(text: str) -> Iterator[str]:
    seen: set[str] = set()
    for shingle in _iterate_shingles(text):
        if shingle not in seen:
            seen.add(shingle)
            yield shingle


def choose_duplicates(
    doc_ids: NDArray[np.bytes_],
    signatures: NDArray[np.uint32],
    signed: NDArray[np.bool_],
    *,
    exact: bool,
    near: bool,
    threshold: float,
    twins: Mapping[int, Sequence[tuple[int, float]]] | None = None,
) -> list[Duplicate]:
    """Which of N documents to leave out, by number, ascending; rows of `signatures` (N x 128) count if `signed`.
    Greedy, in order: a document stays unless an earlier one that stays has the same id (`exact`), or an estimated
    similarity of `threshold` or more or is among its `twins` (`near`), which have the earlier documents with their
    similarity. Ten million take 7 GB of memory."""
    twins = twins or {} if near else {}
    first = _find_first(doc_ids) if exact else {}
    finder = _NearFinder(signatures, signed, threshold=threshold) if near else None
    left_out: dict[int, Duplicate] = {}
    for index in sorted({*first, *(finder.suspects if finder else ()), *twins}):
        duplicate = None
        if index in first:
            original = first[index]
            # an original that was itself left out passes its copies on to the document that replaced it
            duplicate = replace(left_out.get(original, Duplicate(index, "duplicate", original, 1.0)), index=index)
        elif finder:
            duplicate = finder.find(index) or _find_kept(index, twins.get(index, ()), left_out)
        if duplicate is not None:
            left_out[index] = duplicate
        elif finder:
            finder.keep(index)
    return list(left_out.values())


def _find_kept(index: int, twins: Iterable[tuple[int, float]], left_out: Mapping[int, Duplicate]) -> Duplicate | None:
    kept = ((other, similarity) for other, similarity in sorted(twins) if other not in left_out)
    return next((Duplicate(index, "near_duplicate", other, similarity) for other, similarity in kept), None)


def _find_first(doc_ids: NDArray[np.bytes_]) -> dict[int, int]:
    """For each document that repeats an id, the first document with that id."""
    import numpy as np

    _, first, inverse = np.unique(doc_ids, return_index=True, return_inverse=True)
    origin = first[inverse.reshape(-1)]
    repeated = np.flatnonzero(origin != np.arange(len(doc_ids)))
    return dict(zip(repeated.tolist(), origin[repeated].tolist(), strict=True))


class _NearFinder:
    """The kept documents by the bands in which they agree with others; `suspects` agree with any in some band."""

    def __init__(self, signatures: NDArray[np.uint32], signed: NDArray[np.bool_], *, threshold: float) -> None:
        import numpy as np

        self._signatures = signatures
        self._needed = max(1, math.ceil(threshold * SHINGLE_NUMBERS - 1e-9))
        bands = np.array_split(np.arange(SHINGLE_NUMBERS), SHINGLE_NUMBERS - self._needed + 1)
        rows = np.flatnonzero(signed)
        shared = np.zeros(len(signatures), dtype=bool)
        self._groups: list[Any] = []
        for band in bands:
            groups = np.full(len(signatures), -1, dtype=np.int32)
            groups[rows] = group_equal(signatures[:, band[0] : band[-1] + 1], rows)
            shared |= groups >= 0
            self._groups.append(groups)
        self.suspects: list[int] = np.flatnonzero(shared).tolist()
        self._kept: list[defaultdict[int, list[int]]] = [defaultdict(list) for _ in bands]

    def find(self, index: int) -> Duplicate | None:
        import numpy as np

        buckets = (kept.get(int(groups[index])) for kept, groups in zip(self._kept, self._groups, strict=True))
        candidates = sorted({other for bucket in buckets if bucket for other in bucket})
        if not candidates:
            return None
        agree = (self._signatures[candidates] == self._signatures[index]).sum(axis=1)
        similar = np.flatnonzero(agree >= self._needed)
        if not len(similar):
            return None
        best = int(similar[0])
        return Duplicate(index, "near_duplicate", candidates[best], int(agree[best]) / SHINGLE_NUMBERS)

    def keep(self, index: int) -> None:
        for kept, groups in zip(self._kept, self._groups, strict=True):
            group = int(groups[index])
            if group >= 0 and len(kept[group]) < MAX_BUCKET:
                kept[group].append(index)


def group_equal(columns: NDArray[np.uint32], rows: NDArray[np.intp]) -> NDArray[np.int32]:
    """A group number for each of `rows`, equal for equal values in `columns`, -1 for unique values."""
    # by a 64-bit hash: a collision only costs a comparison
    import numpy as np

    keys = np.zeros(len(rows), dtype=np.uint64)
    for column in range(columns.shape[1]):
        keys = (keys ^ columns[rows, column].astype(np.uint64)) * np.uint64(0x9E3779B97F4A7C15)
        keys ^= keys >> np.uint64(29)
    _, inverse, counts = np.unique(keys, return_inverse=True, return_counts=True)
    groups: NDArray[np.int32] = np.where(counts[inverse] > 1, inverse, -1).astype(np.int32)
    return groups
