"""Finds ids that came more than once among a great many, in memory that does not grow with them."""

from __future__ import annotations

import hashlib
import tempfile
from array import array
from collections.abc import Callable, Iterable

import numpy as np

IDS_AT_ONCE = 16 << 20  # sorted together, in 128 MiB; enough for a dataset of ten million pairs
MOST_NAMED = 5  # of ids that came twice, in messages
_BUFFERED = 1 << 16


class Identities:
    """Ids that were seen, 8 bytes of a hash for each, in a temporary file."""

    def __init__(self, *, at_once: int = IDS_AT_ONCE) -> None:
        self._file = tempfile.TemporaryFile()  # noqa: SIM115 -- goes with the object
        self._buffer = array("Q")
        self._at_once = at_once
        self.count = 0

    def add(self, identity: str) -> None:
        self._buffer.append(hash_identity(identity))
        self.count += 1
        if len(self._buffer) >= _BUFFERED:
            self._flush()

    def find_twice(self) -> set[int]:
        """The hashes that came more than once; two of a billion different ids collide with a probability of 0.03."""
        self._flush()
        passes = -(-self.count // self._at_once)
        return {each for number in range(passes) for each in self._select(number, passes)}

    def locate_twice(self, read: Callable[[], Iterable[tuple[str, str]]]) -> list[tuple[str, list[str]]]:
        """The ids that came more than once, most frequent first, each with its places; `read` gives ids and places."""
        places: dict[str, list[str]] = {}
        if twice := self.find_twice():
            for identity, place in read():
                if hash_identity(identity) in twice:
                    places.setdefault(identity, []).append(place)
        again = [(identity, found) for identity, found in places.items() if len(found) > 1]
        return sorted(again, key=lambda each: (-len(each[1]), each[0]))

    def close(self) -> None:
        self._file.close()

    def _select(self, number: int, passes: int) -> list[int]:
        """Those that came twice among the hashes of one pass, which holds its share of all."""
        self._file.seek(0)
        chosen = []
        while block := self._file.read(8 * _BUFFERED):
            hashes = np.frombuffer(block, dtype=np.uint64)
            chosen.append(hashes if passes == 1 else hashes[hashes % np.uint64(passes) == number])
        found = np.sort(np.concatenate(chosen))
        again: list[int] = np.unique(found[1:][found[1:] == found[:-1]]).tolist()
        return again

    def _flush(self) -> None:
        self._file.seek(0, 2)
        self._file.write(self._buffer.tobytes())
        self._buffer = array("Q")


def hash_identity(identity: str) -> int:
    """64 bits of an id."""
    return int.from_bytes(hashlib.blake2b(identity.encode(), digest_size=8).digest())
