"""Which documents stay, among those that share a band with another: the greedy choice, component by component.

The rule, in the order of the plan: a document stays unless an earlier one that stays has an estimated similarity of the
threshold or more, or is its twin. It is left out in favour of the first that is similar, or else of the first twin.
Documents are compared if all numbers of a band agree, which is so for at least one band if they are similar; but in
each bucket of documents that agree in a band, only the first `MAX_BUCKET` of those that stay are compared with later
ones. So the time is linear in the number of documents, however large a family with shared boilerplate is.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from docmatix.text.minhash import MAX_BUCKET, SHINGLE_NUMBERS, Bands

SMALL = 64
"""Members of a component up to which each is compared with each, and all such components at once."""
_PAIRS_AT_ONCE = 1 << 14
_WHOLE = np.uint64(0x0101010101010101)

Numbers = npt.NDArray[np.int64]


class Twins(NamedTuple):
    """Pairs of twins, by number, with their similarity."""

    later: Numbers
    earlier: Numbers
    similarity: npt.NDArray[np.float64]

    def select(self, some: Any) -> Twins:
        """Those pairs alone."""
        return Twins(self.later[some], self.earlier[some], self.similarity[some])


class Choice(NamedTuple):
    """Who is left out, ascending, in favour of whom, and how similar they are."""

    left_out: Numbers
    favoured: Numbers
    similarity: npt.NDArray[np.float64]


NO_TWINS = Twins(np.empty(0, np.int64), np.empty(0, np.int64), np.empty(0))
NO_CHOICE = Choice(np.empty(0, np.int64), np.empty(0, np.int64), np.empty(0))


def choose_near(
    signatures: npt.NDArray[np.uint32],
    starts: Numbers,
    bands: Bands,
    *,
    decided: npt.NDArray[np.bool_],
    twins: Twins = NO_TWINS,
    most_compared: int = MAX_BUCKET,
    make_array: Callable[..., npt.NDArray[Any]] = np.full,
) -> Choice:
    """The choice among components: the rows of each follow one another, in the order of the plan, from one of `starts`
    to the next. Rows that are `decided` stay whatever they are like."""
    sizes = np.diff(starts)
    small = sizes <= min(SMALL, most_compared)
    small_rows = np.repeat(small, sizes)
    told = small_rows[twins.later] if len(twins.later) else np.empty(0, dtype=bool)
    chosen = _choose_in_small(signatures, starts[:-1][small], sizes[small], bands, decided, twins.select(told))
    for first, size in zip(starts[:-1][~small].tolist(), sizes[~small].tolist(), strict=True):
        inside = (twins.later >= first) & (twins.later < first + size)
        own = Twins(twins.later[inside] - first, twins.earlier[inside] - first, twins.similarity[inside])
        rows = slice(first, first + size)
        found = choose_in_family(
            signatures[rows],
            bands,
            decided=decided[rows],
            twins=own,
            most_compared=most_compared,
            make_array=make_array,
        )
        chosen.update({row + first: (other + first, likeness) for row, (other, likeness) in found.items()})
    left_out = np.array(sorted(chosen), dtype=np.int64)
    pairs = [chosen[row] for row in left_out.tolist()]
    return Choice(
        left_out,
        np.array([other for other, _ in pairs], np.int64),
        np.array([likeness for _, likeness in pairs], float),
    )


def _choose_in_small(
    signatures: npt.NDArray[np.uint32],
    firsts: Numbers,
    sizes: Numbers,
    bands: Bands,
    decided: npt.NDArray[np.bool_],
    twins: Twins,
) -> dict[int, tuple[int, float]]:
    sketch = _make_sketch(signatures)
    found: list[tuple[Numbers, Numbers, npt.NDArray[np.float64]]] = []
    for later, earlier in _pair_all(firsts, sizes):
        open_ = ~decided[later]
        open_ &= _differ(sketch, later, earlier) <= bands.most_different
        later, earlier = later[open_], earlier[open_]  # noqa: PLW2901
        agree = count_agreeing(signatures[later], signatures[earlier])
        near = agree >= bands.needed
        found.append((later[near], earlier[near], agree[near] / SHINGLE_NUMBERS))
    if not found and not len(twins.later):
        return {}
    kinds = [np.zeros(len(later), dtype=np.int8) for later, *_ in found] + [np.ones(len(twins.later), dtype=np.int8)]
    later, earlier, similarity = (np.concatenate(column) for column in zip(*found, twins, strict=True))
    order = np.lexsort((earlier, np.concatenate(kinds), later))
    chosen: dict[int, tuple[int, float]] = {}
    for row, other, likeness in zip(
        later[order].tolist(), earlier[order].tolist(), similarity[order].tolist(), strict=True
    ):
        if row not in chosen and other not in chosen:
            chosen[row] = other, likeness
    return chosen


def _pair_all(firsts: Numbers, sizes: Numbers) -> Iterator[tuple[Numbers, Numbers]]:
    """All pairs of rows of one component, of several components at once."""
    for size in np.unique(sizes).tolist():
        of_size = firsts[sizes == size]
        earlier, later = np.triu_indices(size, 1)
        at_once = max(1, _PAIRS_AT_ONCE // max(1, len(earlier)))
        for start in range(0, len(of_size) if size > 1 else 0, at_once):
            some = of_size[start : start + at_once, None]
            yield (some + later).ravel(), (some + earlier).ravel()


def choose_in_family(
    signatures: npt.NDArray[np.uint32],
    bands: Bands,
    *,
    decided: npt.NDArray[np.bool_],
    twins: Twins,
    most_compared: int,
    make_array: Callable[..., npt.NDArray[Any]],
) -> dict[int, tuple[int, float]]:
    """The choice in one large component: each row is compared with those that stay in its buckets."""
    count = len(signatures)
    groups, offsets = _divide_into_buckets(signatures, bands, most_compared, make_array)
    slots, filled = make_array(int(offsets[-1]), fill_value=0, dtype=np.int32), np.zeros(len(offsets) - 1, np.int32)
    low, high = _make_sketch(signatures)
    starts = offsets.tolist()
    fill: list[int] = filled.tolist()
    of_twins: dict[int, list[tuple[int, float]]] = {}
    for row, other, likeness in zip(*(column.tolist() for column in twins), strict=True):
        of_twins.setdefault(row, []).append((other, likeness))
    chosen: dict[int, tuple[int, float]] = {}
    for row in range(count):
        own = [group for group in groups[row].tolist() if group >= 0]
        if not decided[row]:
            there = [slots[starts[group] : starts[group] + fill[group]] for group in own if fill[group]]
            found = None
            if there:
                candidates = there[0] if len(there) == 1 else np.concatenate(there)
                different = np.bitwise_count(low[candidates] ^ low[row])
                different += np.bitwise_count(high[candidates] ^ high[row])
                found = _find_first(signatures, row, candidates[different <= bands.most_different], bands.needed)
            if found is None:
                found = next((each for each in sorted(of_twins.get(row, ())) if each[0] not in chosen), None)
            if found is not None:
                chosen[row] = found
                continue
        for group in own:
            if starts[group] + fill[group] < starts[group + 1]:
                slots[starts[group] + fill[group]] = row
                fill[group] += 1
    return chosen


def _find_first(
    signatures: npt.NDArray[np.uint32], row: int, candidates: npt.NDArray[np.int32], needed: int
) -> tuple[int, float] | None:
    """The first of the candidates that is similar enough."""
    ordered = np.unique(candidates)
    at_once = 16
    while len(ordered):
        agree = count_agreeing(signatures[ordered[:at_once]], signatures[row])
        near = np.flatnonzero(agree >= needed)
        if len(near):
            return int(ordered[near[0]]), int(agree[near[0]]) / SHINGLE_NUMBERS
        ordered, at_once = ordered[at_once:], 512
    return None


def _divide_into_buckets(
    signatures: npt.NDArray[np.uint32], bands: Bands, most_compared: int, make_array: Callable[..., npt.NDArray[Any]]
) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.int64]]:
    """For each row and band the number of its bucket, -1 where it would be alone, and where the slots of each begin."""
    count = len(signatures)
    groups = make_array((count, len(bands.starts)), fill_value=-1, dtype=np.int32)
    rooms: list[npt.NDArray[np.int64]] = []
    buckets = 0
    for band in range(len(bands.starts)):
        keys = np.concatenate(
            [bands.make_keys_of(band, signatures[start : start + (1 << 16)]) for start in range(0, count, 1 << 16)]
        )
        _, inverse, counts = np.unique(keys, return_inverse=True, return_counts=True)
        shared = counts > 1
        numbers = np.where(shared, np.cumsum(shared) - 1 + buckets, -1).astype(np.int32)
        groups[:, band] = numbers[inverse]
        rooms.append(np.minimum(counts[shared], most_compared))
        buckets += int(shared.sum())
    return groups, np.concatenate(([0], np.cumsum(np.concatenate(rooms)))).astype(np.int64)


def _make_sketch(signatures: npt.NDArray[np.uint32]) -> tuple[npt.NDArray[np.uint64], npt.NDArray[np.uint64]]:
    """The last bit of each number: where fewer bits differ than are allowed to, the numbers have to be looked at."""
    sketch = np.empty((len(signatures), SHINGLE_NUMBERS // 64), dtype=np.uint64)
    for start in range(0, len(signatures), 1 << 15):
        bits = (signatures[start : start + (1 << 15)] & 1).astype(np.bool_)
        sketch[start : start + (1 << 15)] = np.packbits(bits, axis=1).view(np.uint64)
    return np.ascontiguousarray(sketch[:, 0]), np.ascontiguousarray(sketch[:, 1])


def _differ(
    sketch: tuple[npt.NDArray[np.uint64], npt.NDArray[np.uint64]], first: Numbers, second: Numbers
) -> npt.NDArray[np.uint8]:
    low, high = sketch
    different: npt.NDArray[np.uint8] = np.bitwise_count(low[first] ^ low[second])
    different += np.bitwise_count(high[first] ^ high[second])
    return different


def count_agreeing(one: npt.NDArray[np.uint32], other: npt.NDArray[np.uint32]) -> npt.NDArray[np.int64]:
    """In how many numbers, of 128, each row of one agrees with that of the other."""
    # 16 sums of eight bytes at once in place of 128 sums of one
    eights = (one == other).view(np.uint64).sum(axis=-1, dtype=np.uint64)
    agreeing: npt.NDArray[np.int64] = ((eights * _WHOLE) >> np.uint64(56)).astype(np.int64)
    return agreeing
