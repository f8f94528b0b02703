"""Counts distinct texts in fixed memory: exactly while they are few, then with a HyperLogLog sketch.

The state depends on the *set* of texts alone, so that files counted separately add up, in any order, to one pass over
all of them.
"""

from __future__ import annotations

import base64
import hashlib
import math
from typing import Any

import numpy as np

_BITS = 14
_REGISTERS = 1 << _BITS
MAX_EXACT = _REGISTERS // 8  # texts counted exactly: at 8 bytes each, they take as much memory as the registers

# relative standard error beyond `MAX_EXACT`: 0.8 % (Flajolet et al., "HyperLogLog", 2007)
ERROR = 1.04 / math.sqrt(_REGISTERS)


def hash_text(text: str) -> int:
    """The 64 bits by which a text is counted."""
    return int.from_bytes(hashlib.blake2b(text.encode(errors="replace"), digest_size=8).digest())


class DistinctCounter:
    """A set of texts that knows only its size; at most 16 KB."""

    def __init__(self) -> None:
        self._hashes: set[int] | None = set()
        self._registers = bytearray()

    def add(self, text: str) -> None:
        """Add a text; adding it again has no effect."""
        self.add_hash(hash_text(text))

    def merge(self, other: DistinctCounter) -> None:
        """Add every text of another counter."""
        if other._hashes is not None:
            for value in other._hashes:
                self.add_hash(value)
        else:
            self._grow()
            self._registers = bytearray(np.maximum(_as_array(self._registers), _as_array(other._registers)).tobytes())

    def __len__(self) -> int:
        """The number of distinct texts; an estimate with `ERROR` beyond `MAX_EXACT`."""
        return self._estimate() if self._hashes is None else len(self._hashes)

    @property
    def exact(self) -> bool:
        return self._hashes is not None

    def to_json(self) -> dict[str, str]:
        """`exact` or `registers`, in base64."""
        if self._hashes is None:
            return {"registers": base64.b64encode(self._registers).decode()}
        return {"exact": base64.b64encode(b"".join(value.to_bytes(8) for value in sorted(self._hashes))).decode()}

    @classmethod
    def from_json(cls, content: dict[str, Any]) -> DistinctCounter:
        counter = cls()
        if "registers" in content:
            counter._hashes, counter._registers = None, bytearray(base64.b64decode(content["registers"]))
        else:
            packed = base64.b64decode(content["exact"])
            counter._hashes = {int.from_bytes(packed[at : at + 8]) for at in range(0, len(packed), 8)}
        return counter

    def add_hash(self, value: int) -> None:
        """Add a text by its `hash_text`."""
        if self._hashes is not None:
            self._hashes.add(value)
            if len(self._hashes) > MAX_EXACT:
                self._grow()
            return
        register, rest = value >> (64 - _BITS), value & ((1 << (64 - _BITS)) - 1)
        rank = 64 - _BITS - rest.bit_length() + 1
        self._registers[register] = max(self._registers[register], rank)

    def _grow(self) -> None:
        if self._hashes is not None:
            hashes, self._hashes, self._registers = self._hashes, None, bytearray(_REGISTERS)
            for value in hashes:
                self.add_hash(value)

    def _estimate(self) -> int:
        """Ertl's estimator ("New cardinality estimation algorithms for HyperLogLog sketches", 2017), which is unbiased;
        the original one is 5 % off between 40,000 and 80,000."""
        highest = 64 - _BITS
        counts = [0] * (highest + 2)
        for rank in self._registers:
            counts[rank] += 1
        z = _REGISTERS * _tau(1 - counts[highest + 1] / _REGISTERS)
        for count in reversed(counts[1 : highest + 1]):
            z = (z + count) / 2
        z += _REGISTERS * _sigma(counts[0] / _REGISTERS)
        return round(_REGISTERS**2 / (2 * math.log(2)) / z)


def _as_array(registers: bytearray) -> np.ndarray[Any, np.dtype[np.uint8]]:
    return np.frombuffer(registers, dtype=np.uint8)


def _sigma(x: float) -> float:
    if x == 1:
        return math.inf
    total, weight, before = x, 1.0, -1.0
    while total != before:
        x, before = x * x, total
        total += x * weight
        weight *= 2
    return total


def _tau(x: float) -> float:
    if x in (0, 1):
        return 0.0
    total, weight, before = 1 - x, 1.0, -1.0
    while total != before:
        x, before = math.sqrt(x), total
        weight /= 2
        total -= (1 - x) ** 2 * weight
    return total / 3
