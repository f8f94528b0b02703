"""Seeded draws, which depend on the seed and the items alone, never on a clock or on earlier draws."""

from __future__ import annotations

import hashlib
import heapq
from collections.abc import Callable, Iterable
from typing import Generic, TypeVar

Item = TypeVar("Item")


def hash_seeded(seed: int, *key: object) -> bytes:
    """32 bytes that follow from the seed and a key. Datasets and stored replies depend on these exact bytes."""
    return hashlib.sha256("\n".join(map(str, (seed, *key))).encode()).digest()


def draw(items: Iterable[Item], count: int, *, seed: int, key: Callable[[Item], str]) -> list[Item]:
    """The `count` items with the smallest hash of seed and key, in their order; one pass, `count` in memory."""
    marked = ((hash_seeded(seed, key(item)), number, item) for number, item in enumerate(items))
    return [item for _, _, item in sorted(heapq.nsmallest(count, marked, key=lambda m: m[:2]), key=lambda m: m[1])]


def draw_places(total: int, count: int, *, seed: int) -> list[int]:
    """`count` distinct numbers below `total`, ascending; all of them if there are no more."""
    if total <= count:
        return list(range(total))
    places: set[int] = set()
    number = 0
    while len(places) < count:
        places.add(int.from_bytes(hash_seeded(seed, number)[:8]) * total >> 64)
        number += 1
    return sorted(places)


def draw_seed(seed: int, place: str, number: int) -> int:
    """A 31-bit sampling seed from the build's seed, what is asked about, and the number of the draw."""
    return int.from_bytes(hash_seeded(seed, place, number)[:4]) & 0x7FFFFFFF


def draw_unit(seed: int, *key: object) -> float:
    """A number strictly between 0 and 1."""
    return ((int.from_bytes(hash_seeded(seed, *key)[:8]) >> 11) + 0.5) / 2**53


class Smallest(Generic[Item]):
    """The `count` items with the smallest hash of seed and key, in whatever order they are offered."""

    def __init__(self, count: int, *, seed: int) -> None:
        self._count, self._seed = count, seed
        self._heap: list[tuple[int, str, Item]] = []
        self._there: set[str] = set()

    def add(self, key: str, item: Item) -> None:
        """Offer an item; a key offered before has no effect."""
        self.offer(hash_seeded(self._seed, key), key, item)

    def offer(self, digest: bytes, key: str, item: Item) -> None:
        """`add` with the key's hash, for an item offered to several draws."""
        rank = -int.from_bytes(digest)
        full = len(self._heap) >= self._count
        # nearly every item of a large run ends here
        if (full and (not self._heap or rank < self._heap[0][0])) or key in self._there:
            return
        if full:
            _, gone, _ = heapq.heapreplace(self._heap, (rank, key, item))
            self._there.discard(gone)
        else:
            heapq.heappush(self._heap, (rank, key, item))
        self._there.add(key)

    def items(self) -> list[Item]:
        """The drawn items, the smallest hash first."""
        return [item for *_, item in sorted(self._heap, key=lambda entry: (-entry[0], entry[1]))]
