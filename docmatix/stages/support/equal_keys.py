"""What has equal keys among any number of documents, in a bounded memory, and what belongs together by that.

Keys lie on disk, a column each. They are sorted with the numbers of their documents in their last bits, in ranges of
keys where all of them would take too much.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from docmatix.stages.support.compared_documents import Keys
from docmatix.storage.workspace import Workspace
from docmatix.text.minhash import MAX_BUCKET
from docmatix.text.near_duplicates import Numbers

SORTED_AT_ONCE = 1 << 18


def find_equal(
    iterate_keys: Callable[[int], Iterator[tuple[int, Keys]]],
    wanted: npt.NDArray[np.bool_],
    workspace: Workspace,
    *,
    known: int = 0,
    most_compared: int = MAX_BUCKET,
) -> Iterator[tuple[Numbers, Numbers]]:
    """Wanted documents, each with the first that has an equal key, as far as that is another one; keys count by their
    first bits, about 39 of them with a million documents. Where some are `known`, only those that share a key with a
    new one, the first `most_compared` of them."""
    total = int(np.count_nonzero(wanted))
    place = max(1, (len(wanted) - 1).bit_length())
    low = np.uint64((1 << place) - 1)
    room = max(64, workspace.memory_bytes // 32)
    bits = min(16, max(0, (2 * total - 1) // room).bit_length()) if total > room else 0
    # where all fit, there is no range to divide; else a range has room for twice what it should have
    packed = np.empty(total if not bits else min(total, room), dtype=np.uint64)
    for part in range(1 << bits):
        filled = 0
        for start, keys in iterate_keys(workspace.rows_at_once(64)):
            rows = np.flatnonzero(wanted[start : start + len(keys)])
            content = keys[rows]
            if bits:
                inside = (content >> np.uint64(64 - bits)) == part
                rows, content = rows[inside], content[inside] << np.uint64(bits)
            content = content & ~low | (rows + start).astype(np.uint64)
            if filled + len(content) > len(packed):
                if not known:  # of equal ones, one is enough for those that follow
                    yield from _emit(packed[:filled], low)
                    firsts = packed[:filled][~find_repeats(packed[:filled], low)]
                    filled = len(firsts)
                    packed[:filled] = firsts
                if filled + len(content) > len(packed) // 2:
                    packed = np.concatenate((packed[:filled], np.empty(len(packed) + len(content), dtype=np.uint64)))
            packed[filled : filled + len(content)] = content
            filled += len(content)
        yield from _emit_new(packed[:filled], low, known, most_compared) if known else _emit(packed[:filled], low)


def find_repeats(packed: Keys, low: np.uint64) -> npt.NDArray[np.bool_]:
    """Which of sorted keys are the same as the one before."""
    same = np.zeros(len(packed), dtype=bool)
    for start in range(1, len(packed), SORTED_AT_ONCE):
        end = min(start + SORTED_AT_ONCE, len(packed))
        same[start:end] = packed[start:end] ^ packed[start - 1 : end - 1] <= low
    return same


def _emit(packed: Keys, low: np.uint64) -> Iterator[tuple[Numbers, Numbers]]:
    """Sorts the keys, and gives the numbers of those that repeat one, each with that of the first."""
    packed.sort()
    same = find_repeats(packed, low)
    first = 0
    for start in range(0, len(packed), SORTED_AT_ONCE):
        repeats = same[start : start + SORTED_AT_ONCE]
        firsts = np.where(repeats, 0, np.arange(start, start + len(repeats)))
        firsts[0] = firsts[0] or first
        firsts = np.maximum.accumulate(firsts)
        first = int(firsts[-1])
        at = np.flatnonzero(repeats)
        if len(at):
            yield _read_numbers(packed[at + start], low), _read_numbers(packed[firsts[at]], low)


def _emit_new(packed: Keys, low: np.uint64, known: int, most: int) -> Iterator[tuple[Numbers, Numbers]]:
    """As `_emit` does, of keys that a new document has."""
    packed.sort()
    begins = np.flatnonzero(~find_repeats(packed, low))
    if not len(begins):
        return
    ends = np.append(begins[1:], len(packed))
    shared = (ends - begins > 1) & (_read_numbers(packed[ends - 1], low) >= known)
    begins, sizes = begins[shared], (ends - begins)[shared]
    bounds = [0, *(np.flatnonzero(np.diff(np.cumsum(sizes) // SORTED_AT_ONCE)) + 1).tolist(), len(sizes)]
    for start, end in pairwise(bounds):
        at = spread(begins[start:end], sizes[start:end])
        rank = at - np.repeat(begins[start:end], sizes[start:end])
        numbers = _read_numbers(packed[at], low)
        firsts = _read_numbers(packed[at - rank], low)
        some = (rank > 0) & ((rank < most) | (numbers >= known))
        if some.any():
            yield numbers[some], firsts[some]


def _read_numbers(packed: Keys, low: np.uint64) -> Numbers:
    numbers: Numbers = (packed & low).astype(np.int64)
    return numbers


def spread(begins: Numbers, sizes: Numbers) -> Numbers:
    """All the places of ranges that begin here and are so large, one range after the other."""
    places: Numbers = np.arange(int(sizes.sum())) + np.repeat(begins - (np.cumsum(sizes) - sizes), sizes)
    return places


class Components:
    """Documents that belong together, by union-find: the parent of each is an earlier one, or itself."""

    def __init__(self, workspace: Workspace, count: int) -> None:
        self._parents = workspace.array(count, np.uint32 if count < 1 << 32 else np.uint64)
        self.touched = workspace.array(count, np.bool_)
        """Those that were united with any."""
        for start in range(0, count, SORTED_AT_ONCE):
            end = min(start + SORTED_AT_ONCE, count)
            self._parents[start:end] = np.arange(start, end)

    def unite(self, one: Numbers, other: Numbers) -> None:
        self.touched[one] = True
        self.touched[other] = True
        while len(one):
            one, other = self.find(one), self.find(other)
            differ = one != other
            high, low = np.maximum(one, other)[differ], np.minimum(one, other)[differ]
            np.minimum.at(self._parents, high, low.astype(self._parents.dtype))
            one, other = high, low

    def find(self, numbers: Numbers) -> Numbers:
        """The first of those that each belongs with."""
        found = self._parents[numbers]
        while True:
            above = self._parents[found]
            if np.array_equal(above, found):
                break
            found = above
        self._parents[numbers] = found
        return found.astype(np.int64)
