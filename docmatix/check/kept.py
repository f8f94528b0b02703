"""What the dataset must hold: the samples that `curate` kept, in the order of the plan."""

from __future__ import annotations

import hashlib
import json
import tempfile
from collections.abc import Mapping, Sequence
from typing import Any

from docmatix.config import Pack
from docmatix.pdf.rendering import PageImage
from docmatix.stages.pack import OutputFile, compose_row


class KeptSamples:
    """A 16-byte digest of each kept sample, in a temporary file."""

    SIZE = 16

    def __init__(self) -> None:
        self._file = tempfile.TemporaryFile()  # noqa: SIM115 -- goes with the object
        self._starts: dict[int, int | None] = {}
        self._count = 0

    def begin(self, shard: int) -> None:
        self._starts[shard] = self._count

    def skip(self, shard: int) -> None:
        """The shard cannot be read: nothing is known of what should be in the dataset."""
        self._starts[shard] = None

    def add(self, pairs: Sequence[Mapping[str, Any]], *, settings: Pack) -> None:
        self._file.seek(0, 2)
        self._file.write(digest_sample(pairs, settings=settings))
        self._count += 1

    def expect(self, output: OutputFile) -> list[bytes] | None:
        """The digests of a file's rows in their order; None where they are not known."""
        found: list[bytes] = []
        for each in output.ranges:
            start = self._starts.get(each.shard)
            if start is None:
                return None
            self._file.seek((start + each.first) * self.SIZE)
            block = self._file.read(each.count * self.SIZE)
            found += [block[at : at + self.SIZE] for at in range(0, len(block), self.SIZE)]
        return found

    def close(self) -> None:
        self._file.close()


class RowOrder:
    """Whether rows come in the order in which they are expected; some may be left out."""

    def __init__(self, expected: list[bytes] | None) -> None:
        self._places: dict[bytes, list[int]] = {}
        for place, digest in enumerate(expected or ()):
            self._places.setdefault(digest, []).append(place)
        self._at = -1
        self.left_out = len(expected or ())

    def find_trouble(self, digest: bytes) -> str | None:
        """What is wrong with the next row, as the end of a sentence; None if it is one that may come next."""
        places = self._places.get(digest)
        if places is None:
            return "is not what curate kept for this file."
        place = next((place for place in places if place > self._at), None)
        if place is None:
            return "is there twice or out of place."
        self._at = place
        self.left_out -= 1
        return None


def digest_sample(pairs: Sequence[Mapping[str, Any]], *, settings: Pack) -> bytes:
    """16 bytes of the row that `pack` must write for a sample's kept pairs, its images aside."""
    images = [PageImage(b"", 0, 0, "L") for _ in pairs[0]["page_numbers"]]
    return digest_row(compose_row([dict(pair) for pair in pairs], images, settings))


def digest_row(row: Mapping[str, Any]) -> bytes:
    """16 bytes of a row of the dataset, its images aside."""
    content = {name: value for name, value in row.items() if name != "images"}
    return hashlib.blake2b(json.dumps(content, sort_keys=True).encode(), digest_size=16).digest()
