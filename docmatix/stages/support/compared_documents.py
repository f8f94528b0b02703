"""The documents that `dedup` compares, as columns on disk: ids, keys of bands, signatures, and who is left out."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from docmatix.storage.workspace import Column, Workspace
from docmatix.text.minhash import SHINGLE_NUMBERS, Bands
from docmatix.text.near_duplicates import Numbers
from docmatix.text.twins import BANDS as WORD_BANDS
from docmatix.text.twins import have_words, make_word_keys

ID_BYTES = 32
SIGNED, SCANNED, WORDED, KNOWN_LEFT_OUT = 1, 2, 4, 8
READ_AT_ONCE = 1 << 13
_ADDED_AT_ONCE = 1 << 13

Flags = npt.NDArray[np.uint8]
Keys = npt.NDArray[np.uint64]
Signatures = npt.NDArray[np.uint32]
ReadSignatures = Callable[[Numbers], Iterable[tuple[Numbers, Signatures]]]
"""Gives the signatures of documents by their numbers, ascending, a few at a time."""


class LeftOut(NamedTuple):
    """The documents that are left out, ascending: whether as a near duplicate, in favour of which, how similar."""

    numbers: Numbers
    near: npt.NDArray[np.bool_]
    favoured: Numbers
    similarity: npt.NDArray[np.float64]

    def select(self, some: Any) -> LeftOut:
        """Those documents alone."""
        return LeftOut(self.numbers[some], self.near[some], self.favoured[some], self.similarity[some])


NOBODY = LeftOut(np.empty(0, np.int64), np.empty(0, bool), np.empty(0, np.int64), np.empty(0))


class Documents:
    """What is known of the documents of a plan, in its order. The first ones may have been decided about before: of
    those only keys are here, and their signatures are read where a new one may be like them."""

    def __init__(self, workspace: Workspace, bands: Bands) -> None:
        self.workspace, self.bands = workspace, bands
        self.count = self.known = 0
        self.ids = workspace.column(f"S{ID_BYTES}")
        self.flags = workspace.column(np.uint8)
        self.keys = [workspace.column(np.uint64) for _ in bands.starts]
        self.word_keys = [workspace.column(np.uint64) for _ in range(WORD_BANDS)]
        self.left_out = NOBODY
        """Of those that are known."""
        self.read_known: ReadSignatures = lambda numbers: ()
        self._shingles, self._words = (workspace.column(np.uint32, width=width) for width in (SHINGLE_NUMBERS, 64))
        self._waiting: list[tuple[npt.NDArray[np.bytes_], Signatures, Flags]] = []
        self._added = 0

    def add_known(
        self, ids: npt.NDArray[np.bytes_], flags: Flags, keys: Iterable[Keys], word_keys: Iterable[Keys]
    ) -> None:
        """Add the next documents of those that were decided about before; before any other is added."""
        self.ids.append(ids)
        self.flags.append(flags)
        for column, content in zip([*self.keys, *self.word_keys], [*keys, *word_keys], strict=True):
            column.append(content)
        self.count = self.known = self.count + len(ids)

    def add(
        self,
        ids: npt.NDArray[np.bytes_],
        signatures: Signatures,
        signed: npt.NDArray[np.bool_],
        scanned: npt.NDArray[np.bool_],
    ) -> None:
        """Add the next documents; rows of `signatures` (N x 192) count if `signed`; OCR has read `scanned`."""
        self._waiting.append((ids, signatures, signed * np.uint8(SIGNED) | scanned * np.uint8(SCANNED)))
        self._added += len(ids)
        self.count += len(ids)
        if self._added >= _ADDED_AT_ONCE:
            self.flush()

    def flush(self) -> None:
        """Put on disk what was added."""
        if not self._waiting:
            return
        ids, signatures, flags = (np.concatenate(column) for column in zip(*self._waiting, strict=True))
        self._waiting, self._added = [], 0
        signed = (flags & SIGNED).astype(bool)
        words = signatures[:, SHINGLE_NUMBERS:]
        self.ids.append(ids)
        self.flags.append(flags | (signed & have_words(words)) * np.uint8(WORDED))
        self._shingles.append(signatures[:, :SHINGLE_NUMBERS])
        self._words.append(words)
        for columns, keys in ((self.keys, self.bands.make_keys(signatures)), (self.word_keys, make_word_keys(words))):
            for column, content in zip(columns, keys, strict=True):
                column.append(content)

    def iterate_shingles(self, numbers: Numbers) -> Iterator[tuple[Numbers, Signatures]]:
        """The signatures of documents of these numbers, ascending, a few at a time."""
        for found, rows in self._iterate(numbers, self._shingles):
            yield found, rows[:, :SHINGLE_NUMBERS]

    def read_words(self, numbers: Numbers) -> Signatures:
        """The parts of signatures that are of longer words."""
        pieces = [rows[:, -64:] for _, rows in self._iterate(numbers, self._words)]
        return np.concatenate(pieces) if pieces else _none(64)

    def _iterate(self, numbers: Numbers, column: Column) -> Iterator[tuple[Numbers, Signatures]]:
        new = int(np.searchsorted(numbers, self.known))
        if new:
            yield from self.read_known(numbers[:new])
        for start in range(new, len(numbers), READ_AT_ONCE):
            some = numbers[start : start + READ_AT_ONCE]
            yield some, column.take(some - self.known)


def _none(width: int) -> Signatures:
    return np.empty((0, width), dtype=np.uint32)
