"""MinHash signatures of documents, and the bands of them by which similar ones are found.

A signature begins with 128 numbers; the share of positions at which two agree estimates the Jaccard similarity of the
documents' sets of word 5-grams (standard error at 0.85: sqrt(0.85 * 0.15 / 128) = 0.03). 64 more do so for their sets
of longer words, whose order does not count: by these the twins of scans are found (`docmatix.text.twins`).
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice, tee
from operator import itemgetter
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

SHINGLE_NUMBERS = 128
WORD_NUMBERS = 64
SIGNATURE_LENGTH = SHINGLE_NUMBERS + WORD_NUMBERS
SHINGLE_WORDS = 5
MIN_SHINGLES = 20  # distinct ones; with fewer, forms that share a letterhead would all look the same

MAX_BUCKET = 1024
"""Documents that stay, in a bucket of those that agree in a band, that are compared with a later one: the first. Only
families of thousands with shared boilerplate reach it; without it, each would be compared with every other."""

_SEED = 42
# in scripts written without spaces, each character counts as a word: Thai to Khmer, kana, Han ideographs
_UNSPACED = "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
_WORDS = re.compile(rf"[{_UNSPACED}]|[^\W{_UNSPACED}]+")
MIN_WORD_CHARS = 4
"""Of a longer word. Shorter ones stand in any text of a language."""
PICTURE_BITS = 1024  # of the hash of a page's picture


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
    return map(itemgetter(0), _WORDS.finditer(text.casefold()))


def _iterate_shingles(text: str) -> Iterator[str]:
    ahead = tee(cut_words(text), SHINGLE_WORDS)
    return map(" ".join, zip(*(islice(words, at, None) for at, words in enumerate(ahead)), strict=False))


def _iterate_distinct(text: str) -> Iterator[str]:
    seen: set[str] = set()
    for shingle in _iterate_shingles(text):
        if shingle not in seen:
            seen.add(shingle)
            yield shingle


class Bands:
    """The numbers of a signature, cut into so many bands that similar signatures agree in the whole of at least one."""

    def __init__(self, threshold: float) -> None:
        self.needed = max(1, math.ceil(threshold * SHINGLE_NUMBERS - 1e-9))
        """So many of the numbers of two similar signatures agree."""
        self.most_different = SHINGLE_NUMBERS - self.needed
        self.starts, self.sizes = divide_numbers(SHINGLE_NUMBERS, self.most_different + 1)

    def make_keys(self, signatures: NDArray[np.uint32]) -> NDArray[np.uint64]:
        """A 64-bit key for each band of each signature (bands x N)."""
        return hash_bands(signatures, self.starts, self.sizes)

    def make_keys_of(self, band: int, signatures: NDArray[np.uint32]) -> NDArray[np.uint64]:
        """Those of one band."""
        keys: NDArray[np.uint64] = hash_bands(signatures, [self.starts[band]], [self.sizes[band]])[0]
        return keys


def divide_numbers(numbers: int, bands: int) -> tuple[list[int], list[int]]:
    """The first number and the size of each band; the first ones are larger by one where it does not come out even."""
    sizes = [numbers // bands + (band < numbers % bands) for band in range(bands)]
    return [sum(sizes[:band]) for band in range(bands)], sizes


def hash_bands(signatures: NDArray[np.uint32], starts: Sequence[int], sizes: Sequence[int]) -> NDArray[np.uint64]:
    """A 64-bit hash of each band of each signature (bands x N): equal bands have equal ones, and hardly any others."""
    import numpy as np

    keys = np.zeros((len(starts), len(signatures)), dtype=np.uint64)
    first, end = starts[0], starts[-1] + sizes[-1]
    at_once = 2048  # so that all of it stays in the cache of the processor
    shifted = np.empty(at_once, dtype=np.uint64)
    for begin in range(0, len(signatures), at_once):
        columns = np.ascontiguousarray(signatures[begin : begin + at_once, first:end].T).astype(np.uint64)
        for band, (start, size) in enumerate(zip(starts, sizes, strict=True)):
            key = keys[band, begin : begin + at_once]
            for column in columns[start - first : start - first + size]:
                key ^= column
                key *= np.uint64(0x9E3779B97F4A7C15)
                key ^= np.right_shift(key, np.uint64(29), out=shifted[: len(key)])
    return keys
