"""Whether any of a great many ids came twice, in memory that does not grow with them."""

from __future__ import annotations

import hashlib
import tempfile
from array import array

import numpy as np

IDS_AT_ONCE = 16 << 20
"""Sorted together: 128 MiB. A dataset of ten million pairs is looked through once."""
MOST_NAMED = 5
"""Of ids that came twice, in a message."""
_BUFFERED = 1 << 16


class Identities:
    """Ids that were seen, 8 bytes of a hash for each, in a temporary file.

    Of ten million different ids two have the same hash with a probability of 3e-6, of a billion with 0.03: whoever asks
    which came twice has to compare the ids themselves.
    """

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
        """The hashes (`hash_identity`) that came more than once."""
        self._flush()
        passes = -(-self.count // self._at_once)
        twice: set[int] = set()
        for number in range(passes):
            twice |= set(self._select(number, passes))
        return twice

    def close(self) -> None:
        self._file.close()

    def _select(self, number: int, passes: int) -> list[int]:
        """Those that came twice among the hashes of one pass: no pass holds more than its share."""
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
