"""The search for pages that say the same as an earlier one, among any number of documents, in a bounded memory but for
what is decided: 116 bytes a page that is left out at most, of which 32 stay until all shards are committed.

The rule, in the order of the plan and of the pages: a page of a document that stays is left out if an earlier one that
stays agrees with it in all that may be an answer, and has the same words or, with `near`, an estimated similarity of
the threshold or more; in favour of the first such. Of the pages that agree in what may be an answer, only the first
`MAX_BUCKET` that stay are compared with those of other words. Pages of documents that are left out do not count. The
order in which anything is read, the memory, and what was decided before about the first documents change nothing.

Pages that agree in what may be an answer are brought together by a hash of it, without whose equal no page is looked at
again. Then those with the same words count once, and the others of each group are compared; the members of one group,
not their shingles, are in memory together.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from docmatix.stages.support.compared_documents import Keys
from docmatix.stages.support.equal_keys import find_equal
from docmatix.storage.workspace import Column, Workspace
from docmatix.text.minhash import MAX_BUCKET, SHINGLE_NUMBERS
from docmatix.text.near_duplicates import Numbers
from docmatix.text.page_signatures import HASH_BYTES, PAGE_SIGNATURE_BYTES

_AT_ONCE = 1 << 18
_ROW_BYTES = 256  # of a page that is compared: its hashes, its number, its shingles, and what sorting them takes

Shingles = npt.NDArray[np.uint8]
ReadShingles = Callable[[Numbers], Iterable[tuple[Numbers, Shingles]]]
"""Gives the numbers of the MinHash of pages by their places, ascending, a few at a time."""


class PageHashes(NamedTuple):
    """The pages of some documents that can be compared, in order: how many each document has, their numbers, and the
    hashes of their words and of what may be an answer."""

    counts: npt.NDArray[np.int32]
    numbers: npt.NDArray[np.int32]
    words: Keys
    answers: Keys


def split_signatures(signatures: Shingles) -> tuple[Keys, Keys, Shingles]:
    """The hashes of words and of answers, and the shingles, of signatures (N x 144)."""
    hashes = np.ascontiguousarray(signatures[:, : 2 * HASH_BYTES]).view("<u8").astype(np.uint64)
    return hashes[:, 0], hashes[:, 1], signatures[:, 2 * HASH_BYTES : PAGE_SIGNATURE_BYTES]


class ComparedPages:
    """The pages of the documents of a plan that can be compared, in its order; a page goes by its place among them. Of
    documents that were decided about before, only hashes are here."""

    def __init__(self, workspace: Workspace) -> None:
        self.workspace = workspace
        self.known = 0
        """So many of the first are pages of documents that were decided about."""
        self.documents, self.numbers = workspace.column(np.int64), workspace.column(np.int32)
        self.words, self.answers = workspace.column(np.uint64), workspace.column(np.uint64)
        self.read_known: ReadShingles = lambda places: ()
        self._ends = workspace.column(np.int64)
        self._shingles = workspace.column(np.uint8, width=SHINGLE_NUMBERS)

    def __len__(self) -> int:
        return len(self.numbers)

    def add_known(self, found: PageHashes) -> None:
        """Add those of the next documents that were decided about; before any other is added."""
        self._add(found)
        self.known = len(self)

    def add(self, found: PageHashes, shingles: Shingles) -> None:
        """Add those of the next documents."""
        self._add(found)
        self._shingles.append(shingles)

    def _add(self, found: PageHashes) -> None:
        first = len(self._ends)
        self._ends.append(len(self) + np.cumsum(found.counts, dtype=np.int64))
        self.documents.append(np.repeat(np.arange(first, first + len(found.counts)), found.counts))
        self.numbers.append(found.numbers)
        self.words.append(found.words)
        self.answers.append(found.answers)

    def read(self, start: int, stop: int) -> PageHashes:
        """Those of the documents from `start` to before `stop`."""
        begin = int(self._ends.read(start - 1, start)[0]) if start else 0
        ends = self._ends.read(start, stop)
        end = int(ends[-1]) if len(ends) else begin
        counts = np.diff(ends, prepend=begin).astype(np.int32)
        return PageHashes(counts, *(column.read(begin, end) for column in (self.numbers, self.words, self.answers)))

    def read_shingles(self, places: Numbers) -> Shingles:
        """The numbers of the MinHash of pages in these places, ascending."""
        new = int(np.searchsorted(places, self.known))
        found = np.empty((len(places), SHINGLE_NUMBERS), dtype=np.uint8)
        for known, rows in self.read_known(places[:new]) if new else ():
            found[np.searchsorted(places, known)] = rows
        found[new:] = self._shingles.take(places[new:] - self.known)
        return found


class LeftOutPages(NamedTuple):
    """The pages that are left out, in order: of which documents, which ones, in favour of which, how similar."""

    documents: Numbers
    numbers: npt.NDArray[np.int32]
    favoured_documents: Numbers
    favoured_numbers: npt.NDArray[np.int32]
    similarity: npt.NDArray[np.float64]

    def select(self, some: slice) -> LeftOutPages:
        """Those pages alone."""
        return LeftOutPages(
            self.documents[some],
            self.numbers[some],
            self.favoured_documents[some],
            self.favoured_numbers[some],
            self.similarity[some],
        )


NO_PAGES = LeftOutPages(
    *(np.empty(0, np.int64), np.empty(0, np.int32), np.empty(0, np.int64), np.empty(0, np.int32), np.empty(0))
)


def find_duplicate_pages(
    pages: ComparedPages,
    left_out: npt.NDArray[np.bool_],
    *,
    near: bool,
    threshold: float,
    most_compared: int = MAX_BUCKET,
) -> LeftOutPages:
    """Which pages to leave out, of documents that are not decided about yet; `left_out` says which documents are."""
    workspace = pages.workspace
    wanted = workspace.array(len(pages), np.bool_)
    for start, documents in pages.documents.blocks(_AT_ONCE):
        wanted[start : start + len(documents)] = ~left_out[documents]
    touched = workspace.array(len(pages), np.bool_)
    for members, firsts in find_equal(
        pages.answers.blocks, wanted, workspace, known=pages.known, most_compared=len(pages) + 1
    ):
        touched[members] = True
        touched[firsts] = True
    needed = max(1, math.ceil(threshold * SHINGLE_NUMBERS - 1e-9)) if near else None
    found = [
        _decide(pages, answers, places, repeats, needed=needed, most_compared=most_compared)
        for answers, places, repeats in _gather(pages, touched)
    ]
    if not found:
        return NO_PAGES
    places, favoured, similarity = (np.concatenate(column) for column in zip(*found, strict=True))
    order = np.argsort(places)
    return _describe(pages, places[order], favoured[order], similarity[order])


def _describe(
    pages: ComparedPages, places: Numbers, favoured: Numbers, similarity: npt.NDArray[np.float64]
) -> LeftOutPages:
    others, back = np.unique(favoured, return_inverse=True)
    return LeftOutPages(
        pages.documents.take(places),
        pages.numbers.take(places),
        pages.documents.take(others)[back],
        pages.numbers.take(others)[back],
        similarity,
    )


def _gather(pages: ComparedPages, touched: npt.NDArray[np.bool_]) -> Iterator[tuple[Keys, Numbers, Column]]:
    """The touched pages by ranges of what may be an answer: hashes of it, ascending, with the places of the first pages
    that have the same words; then those that repeat them, each with the first."""
    room = max(64, pages.workspace.memory_bytes // 4 // _ROW_BYTES)
    bits = min(16, max(0, (int(np.count_nonzero(touched)) - 1) // room).bit_length())
    for part in range(1 << bits):
        repeats = pages.workspace.column(np.int64, width=2)
        distinct, waiting, count = _NONE, [], 0
        for start in range(0, len(pages), _AT_ONCE):
            places = np.flatnonzero(touched[start : start + _AT_ONCE]) + start
            if bits and len(places):
                places = places[pages.answers.take(places) >> np.uint64(64 - bits) == part]
            waiting.append((pages.answers.take(places), pages.words.take(places), places))
            count += len(places)
            if count > 2 * room:
                distinct, waiting, count = _keep_distinct(distinct, waiting, repeats), [], 0
        answers, _, places = _keep_distinct(distinct, waiting, repeats)
        yield answers, places, repeats
        repeats.remove()


_Rows = tuple[Keys, Keys, Numbers]
_NONE: _Rows = (np.empty(0, np.uint64), np.empty(0, np.uint64), np.empty(0, np.int64))


def _keep_distinct(distinct: _Rows, waiting: list[_Rows], repeats: Column) -> _Rows:
    """The first pages with the same words, by what may be an answer and by their places."""
    answers, words, places = (np.concatenate(column) for column in zip(distinct, *waiting, strict=True))
    order = np.lexsort((places, words, answers))
    answers, words, places = answers[order], words[order], places[order]
    opens = np.ones(len(places), dtype=bool)
    opens[1:] = (answers[1:] != answers[:-1]) | (words[1:] != words[:-1])
    firsts = places[opens]
    again = ~opens
    repeats.append(np.stack((places[again], firsts[np.cumsum(opens) - 1][again]), axis=1))
    answers, words, places = answers[opens], words[opens], firsts
    order = np.lexsort((places, answers))
    return answers[order], words[order], places[order]


_Decided = tuple[Numbers, Numbers, npt.NDArray[np.float64]]


def _decide(
    pages: ComparedPages, answers: Keys, places: Numbers, repeats: Column, *, needed: int | None, most_compared: int
) -> _Decided:
    """The new pages that are left out, in favour of which, and how similar they are."""
    before, favoured, similarity = np.empty(0, np.int64), np.empty(0, np.int64), np.empty(0)
    if needed is not None:
        before, favoured, similarity = _compare(pages, answers, places, needed=needed, most_compared=most_compared)
    found: list[_Decided] = [(before, favoured, similarity)]
    for _, rows in repeats.blocks(_AT_ONCE):
        own, others, alike = rows[:, 0], rows[:, 1].copy(), np.ones(len(rows))
        if len(before):
            # a page with the same words is as similar to all others as the first is
            at = np.minimum(np.searchsorted(before, others), len(before) - 1)
            passed = before[at] == others
            others[passed], alike[passed] = favoured[at[passed]], similarity[at[passed]]
        found.append((own, others, alike))
    own, others, alike = (np.concatenate(column) for column in zip(*found, strict=True))
    new = own >= pages.known
    return own[new], others[new], alike[new]


def _compare(pages: ComparedPages, answers: Keys, places: Numbers, *, needed: int, most_compared: int) -> _Decided:
    """Of pages that differ in their words, but in nothing that may be an answer, those that are similar to an earlier
    one that stays, ascending."""
    same = answers[1:] == answers[:-1]
    grouped = np.append(False, same) | np.append(same, False) if len(answers) else np.empty(0, np.bool_)
    places, opens = places[grouped], np.append(True, ~same)[grouped] if len(answers) else grouped
    chosen: dict[int, tuple[int, float]] = {}
    stay = _Staying(needed, most_compared)
    at_once = pages.workspace.rows_at_once(SHINGLE_NUMBERS, share=8)
    for start in range(0, len(places), at_once):
        some = places[start : start + at_once]
        order = np.argsort(some)
        rows = np.empty((len(some), SHINGLE_NUMBERS), dtype=np.uint8)
        rows[order] = pages.read_shingles(some[order])
        for place, row, opens_group in zip(some.tolist(), rows, opens[start : start + at_once].tolist(), strict=True):
            if opens_group:
                stay = _Staying(needed, most_compared)
            if (found := stay.find_similar(row)) is None:
                stay.add(place, row)
            else:
                chosen[place] = found
    left_out = sorted(chosen)
    return (
        np.array(left_out, dtype=np.int64),
        np.array([chosen[place][0] for place in left_out], dtype=np.int64),
        np.array([chosen[place][1] for place in left_out], dtype=np.float64),
    )


class _Staying:
    """The pages of one group that stay, the first of them."""

    def __init__(self, needed: int, most: int) -> None:
        self._needed, self._most = needed, most
        self._places: list[int] = []
        self._rows = np.empty((2, SHINGLE_NUMBERS), dtype=np.uint8)

    def find_similar(self, row: Shingles) -> tuple[int, float] | None:
        """The first that is similar enough, and how similar it is."""
        if not self._places:
            return None
        agree = (self._rows[: len(self._places)] == row).sum(axis=1)
        first = int((agree >= self._needed).argmax())
        return (self._places[first], int(agree[first]) / SHINGLE_NUMBERS) if agree[first] >= self._needed else None

    def add(self, place: int, row: Shingles) -> None:
        count = len(self._places)
        if count == self._most:
            return
        if count == len(self._rows):
            self._rows = np.concatenate((self._rows, np.empty_like(self._rows)))
        self._rows[count] = row
        self._places.append(place)
