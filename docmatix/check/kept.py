"""What the dataset must hold: the samples that `curate` kept, in the order of the plan."""

from __future__ import annotations

import hashlib
import json
import tempfile
from collections.abc import Mapping, Sequence
from typing import Any

from docmatix.config import Pack
from docmatix.pdf.rendering import PageImage
from docmatix.stages.pack import compose_row
from docmatix.stages.support.output_files import OutputFile

_DIGEST_BYTES = 16


class KeptSamples:
    """A digest of each kept sample, in a temporary file."""

    def __init__(self) -> None:
        self._file = tempfile.TemporaryFile()  # noqa: SIM115 -- goes with the object
        self._starts: dict[int, int | None] = {}
        self._count = 0

    def begin(self, shard: int) -> None:
        self._starts[shard] = self._count

    def skip(self, shard: int) -> None:
        """The shard cannot be read, so what the dataset should have of it is unknown."""
        self._starts[shard] = None

    def add(self, pairs: Sequence[Mapping[str, Any]], *, settings: Pack) -> None:
        self._file.seek(0, 2)
        self._file.write(digest_sample(pairs, settings=settings))
        self._count += 1

    def expect(self, output: OutputFile) -> list[bytes] | None:
        """The digests of a file's rows in their order; None if a shard was skipped."""
        found: list[bytes] = []
        for each in output.ranges:
            start = self._starts.get(each.shard)
            if start is None:
                return None
            self._file.seek((start + each.first) * _DIGEST_BYTES)
            block = self._file.read(each.count * _DIGEST_BYTES)
            found += [block[at : at + _DIGEST_BYTES] for at in range(0, len(block), _DIGEST_BYTES)]
        return found

    def close(self) -> None:
        self._file.close()


class RowOrder:
    """Whether rows come in the expected order; some may be left out."""

    def __init__(self, expected: list[bytes] | None) -> None:
        self._places: dict[bytes, list[int]] = {}
        for place, digest in enumerate(expected or ()):
            self._places.setdefault(digest, []).append(place)
        self._at = -1
        self.left_out = len(expected or ())

    def find_trouble(self, digest: bytes) -> str | None:
        """What is wrong with the next row, as the end of a sentence; None if it may come next."""
        places = self._places.get(digest)
        if places is None:
            return "is not what curate kept for this file."
        place = next((place for place in places if place > self._at), None)
        if place is None:
            return "is there twice or out of order."
        self._at = place
        self.left_out -= 1
        return None


def digest_sample(pairs: Sequence[Mapping[str, Any]], *, settings: Pack) -> bytes:
    """The digest of the row that `pack` must write for a sample's kept pairs."""
    images = [PageImage(b"", 0, 0, "L") for _ in pairs[0]["page_numbers"]]
    return digest_row(compose_row([dict(pair) for pair in pairs], images, settings))


def digest_row(row: Mapping[str, Any]) -> bytes:
    """The digest of a row of the dataset without its images."""
    content = {name: value for name, value in row.items() if name != "images"}
    return hashlib.blake2b(json.dumps(content, sort_keys=True).encode(), digest_size=_DIGEST_BYTES).digest()
