"""The search for duplicates among any number of documents, in a bounded memory: the choice of `dedup`.

The rule, in the order of the plan: a document is left out if an earlier one has the same id (`exact`), in favour of the
first that has, or of what that one is left out for; else by the rule of `docmatix.text.near_duplicates` (`near`). The
order in which anything is read, the memory, and what was decided before about the first documents change nothing.

Keys of bands lie on disk, a column each. Those of one band are sorted at a time, with the numbers of their documents in
their last bits, and documents with equal ones are united. Signatures are then brought together by components, which are
decided independently of each other.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from docmatix.storage.workspace import Column, Workspace
from docmatix.text.minhash import MAX_BUCKET, SHINGLE_NUMBERS, Bands, hash_bands
from docmatix.text.near_duplicates import NO_CHOICE, NO_TWINS, Choice, Numbers, Twins, choose_near
from docmatix.text.twins import BANDS as WORD_BANDS
from docmatix.text.twins import MAX_CANDIDATES, MAX_COMPARED, MIN_LIKENESS, have_words, make_word_keys

ID_BYTES = 32
SIGNED, SCANNED, WORDED, KNOWN_LEFT_OUT = 1, 2, 4, 8
_ADDED_AT_ONCE = 1 << 13
_READ_AT_ONCE = 1 << 13
_SORTED_AT_ONCE = 1 << 18
_MOST_PARTS = 256
"""Files that signatures are divided into, all of them open at once."""

Flags = npt.NDArray[np.uint8]
Keys = npt.NDArray[np.uint64]
Signatures = npt.NDArray[np.uint32]
ReadSignatures = Callable[[Numbers], Iterable[tuple[Numbers, Signatures]]]
"""Gives the signatures of documents by their numbers, ascending, a few at a time."""
CompareTwins = Callable[[Numbers, Numbers], Twins]
"""Of pairs of a scan and another document those that are twins."""


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
        for start in range(new, len(numbers), _READ_AT_ONCE):
            some = numbers[start : start + _READ_AT_ONCE]
            yield some, column.take(some - self.known)


def find_duplicates(
    documents: Documents,
    *,
    exact: bool,
    near: bool,
    compare_twins: CompareTwins | None = None,
    most_compared: int = MAX_BUCKET,
) -> LeftOut:
    """Which documents to leave out, of those that are not decided about yet."""
    documents.flush()
    if documents.count == documents.known:
        return NOBODY
    copies, originals = _find_copies(documents) if exact else (NOBODY.numbers, NOBODY.numbers)
    chosen = NO_CHOICE
    if near:
        twins = _find_twins(documents, compare_twins) if compare_twins is not None else NO_TWINS
        chosen = _choose_near(documents, copies, twins, most_compared=most_compared)
    return _pass_on(documents.left_out, chosen, copies, originals)


def _pass_on(known: LeftOut, chosen: Choice, copies: Numbers, originals: Numbers) -> LeftOut:
    """The choice with the exact copies: those of an original that is left out pass on to what stands for it."""
    before = LeftOut(
        np.concatenate((known.numbers, chosen.left_out)),
        np.concatenate((known.near, np.ones(len(chosen.left_out), dtype=bool))),
        np.concatenate((known.favoured, chosen.favoured)),
        np.concatenate((known.similarity, chosen.similarity)),
    )
    near, favoured, similarity = np.zeros(len(copies), dtype=bool), originals.copy(), np.ones(len(copies))
    if len(before.numbers):
        at = np.minimum(np.searchsorted(before.numbers, originals), len(before.numbers) - 1)
        passed = before.numbers[at] == originals
        near[passed] = before.near[at[passed]]
        favoured[passed] = before.favoured[at[passed]]
        similarity[passed] = before.similarity[at[passed]]
    order = np.argsort(np.concatenate((chosen.left_out, copies)), kind="stable")
    return LeftOut(
        np.concatenate((chosen.left_out, copies))[order],
        np.concatenate((np.ones(len(chosen.left_out), dtype=bool), near))[order],
        np.concatenate((chosen.favoured, favoured))[order],
        np.concatenate((chosen.similarity, similarity))[order],
    )


# --- documents with equal keys ----------------------------------------------------------------------------------------


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
                    firsts = packed[:filled][~_repeat(packed[:filled], low)]
                    filled = len(firsts)
                    packed[:filled] = firsts
                if filled + len(content) > len(packed) // 2:
                    packed = np.concatenate((packed[:filled], np.empty(len(packed) + len(content), dtype=np.uint64)))
            packed[filled : filled + len(content)] = content
            filled += len(content)
        yield from _emit_new(packed[:filled], low, known, most_compared) if known else _emit(packed[:filled], low)


def _repeat(packed: Keys, low: np.uint64) -> npt.NDArray[np.bool_]:
    """Which of sorted keys are the same as the one before."""
    same = np.zeros(len(packed), dtype=bool)
    for start in range(1, len(packed), _SORTED_AT_ONCE):
        end = min(start + _SORTED_AT_ONCE, len(packed))
        same[start:end] = packed[start:end] ^ packed[start - 1 : end - 1] <= low
    return same


def _emit(packed: Keys, low: np.uint64) -> Iterator[tuple[Numbers, Numbers]]:
    """Sorts the keys, and gives the numbers of those that repeat one, each with that of the first."""
    packed.sort()
    same = _repeat(packed, low)
    first = 0
    for start in range(0, len(packed), _SORTED_AT_ONCE):
        repeats = same[start : start + _SORTED_AT_ONCE]
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
    begins = np.flatnonzero(~_repeat(packed, low))
    if not len(begins):
        return
    ends = np.append(begins[1:], len(packed))
    shared = (ends - begins > 1) & (_read_numbers(packed[ends - 1], low) >= known)
    begins, sizes = begins[shared], (ends - begins)[shared]
    bounds = [0, *(np.flatnonzero(np.diff(np.cumsum(sizes) // _SORTED_AT_ONCE)) + 1).tolist(), len(sizes)]
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
        for start in range(0, count, _SORTED_AT_ONCE):
            end = min(start + _SORTED_AT_ONCE, count)
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


# --- exact copies -----------------------------------------------------------------------------------------------------


def _find_copies(documents: Documents) -> tuple[Numbers, Numbers]:
    """The new documents that repeat an id, ascending, and the first with that id of each."""
    ids = documents.ids

    def iterate_keys(rows: int) -> Iterator[tuple[int, Keys]]:
        words = ID_BYTES // 4
        for start, block in ids.blocks(rows):
            yield start, hash_bands(block.view(np.uint32).reshape(len(block), words), [0], [words])[0]

    found: list[tuple[Numbers, Numbers]] = []
    strange: dict[bytes, list[int]] = {}  # hashes of different ids are the same once in a long time
    everyone = documents.workspace.array(documents.count, np.bool_, fill=1)
    for members, firsts in find_equal(iterate_keys, everyone, documents.workspace, known=documents.known):
        order = np.argsort(members)
        members, firsts = members[order], firsts[order]  # noqa: PLW2901
        originals, inverse = np.unique(firsts, return_inverse=True)
        own = ids.take(members)
        same = own == ids.take(originals)[inverse]
        new = same & (members >= documents.known)
        found.append((members[new], firsts[new]))
        for number, doc_id in zip(members[~same].tolist(), own[~same].tolist(), strict=True):
            strange.setdefault(doc_id, []).append(number)
    for numbers in strange.values():
        first = min(numbers)
        repeats = [number for number in sorted(numbers) if number > first and number >= documents.known]
        found.append((np.array(repeats, dtype=np.int64), np.full(len(repeats), first)))
    if not found:
        return NOBODY.numbers, NOBODY.numbers
    copies, firsts = (np.concatenate(column) for column in zip(*found, strict=True))
    order = np.argsort(copies)
    return copies[order], firsts[order]


# --- near duplicates --------------------------------------------------------------------------------------------------


def _choose_near(documents: Documents, copies: Numbers, twins: Twins, *, most_compared: int) -> Choice:
    workspace, known = documents.workspace, documents.known
    compared = workspace.array(documents.count, np.bool_)
    for start, flags in documents.flags.blocks(1 << 20):
        compared[start : start + len(flags)] = (flags & (SIGNED | KNOWN_LEFT_OUT)) == SIGNED
    compared[copies] = False
    components = Components(workspace, documents.count)
    for column in documents.keys:
        for members, firsts in find_equal(column.blocks, compared, workspace, known=known, most_compared=most_compared):
            components.unite(members, firsts)
    both = compared[twins.later] & compared[twins.earlier]
    twins = twins.select(both)
    components.unite(twins.later, twins.earlier)
    return _decide(documents, components, twins, most_compared=most_compared)


def _decide(documents: Documents, components: Components, twins: Twins, *, most_compared: int) -> Choice:
    """The choice among the documents that belong with others, some components at a time."""
    workspace = documents.workspace
    members, starts = _list_components(documents, components)
    sizes = np.diff(starts)
    if not len(sizes):
        return NO_CHOICE
    at_once = max(workspace.rows_at_once(4 * SHINGLE_NUMBERS), len(members) // _MOST_PARTS + 1)
    # a family that is larger has a part of its own, which is not read into memory
    large = sizes > at_once
    parts = np.empty(len(sizes), dtype=np.int64)
    parts[~large] = (np.cumsum(sizes[~large]) - sizes[~large]) // at_once
    parts[large] = np.arange(int(large.sum())) + (int(parts[~large].max()) + 1 if (~large).any() else 0)
    part_of = workspace.array(documents.count, np.uint16)
    for start in range(0, len(sizes), 1 << 20):
        some = slice(start, start + (1 << 20))
        end = starts[min(start + (1 << 20), len(sizes))]
        part_of[members[starts[start] : end].astype(np.int64)] = np.repeat(parts[some], sizes[some])
    columns = _divide_signatures(documents, components.touched, part_of, int(parts.max()) + 1)
    by_part = np.argsort(parts, kind="stable")
    bounds = np.searchsorted(parts[by_part], np.arange(len(columns) + 1))
    twin_parts = part_of[twins.later]
    found: list[Choice] = []
    for part, column in enumerate(columns):
        inside = by_part[bounds[part] : bounds[part + 1]]
        numbers = members[spread(starts[:-1][inside], sizes[inside])].astype(np.int64)
        order = np.argsort(numbers)  # in which they are in the file
        rows = column.map() if large[inside[0]] else _put_in_order(column, order)
        own = twins.select(twin_parts == part)
        later, earlier = (order[np.searchsorted(numbers, each, sorter=order)] for each in own[:2])
        chosen = choose_near(
            rows,
            np.concatenate(([0], np.cumsum(sizes[inside]))),
            documents.bands,
            decided=numbers < documents.known,
            twins=Twins(later, earlier, own.similarity),
            most_compared=most_compared,
            make_array=lambda shape, *, fill_value, dtype: workspace.array(shape, dtype, fill=fill_value),
        )
        found.append(Choice(numbers[chosen.left_out], numbers[chosen.favoured], chosen.similarity))
        del rows
        column.remove()
    left_out, favoured, similarity = (np.concatenate(each) for each in zip(*found, strict=True))
    order = np.argsort(left_out)
    return Choice(left_out[order], favoured[order], similarity[order])


def _put_in_order(column: Column, order: Numbers) -> Signatures:
    rows = np.empty((len(order), SHINGLE_NUMBERS), dtype=np.uint32)
    for start, block in column.blocks(_READ_AT_ONCE):
        rows[order[start : start + len(block)]] = block
    return rows


def _list_components(documents: Documents, components: Components) -> tuple[npt.NDArray[np.uint64], Numbers]:
    """The documents that belong with others, one component after the other, and where each begins."""
    count = int(np.count_nonzero(components.touched))
    members = documents.workspace.array(count, np.uint64)
    filled = 0
    for start in range(0, documents.count, _SORTED_AT_ONCE):
        numbers = np.flatnonzero(components.touched[start : start + _SORTED_AT_ONCE]) + start
        roots = components.find(numbers).astype(np.uint64)
        members[filled : filled + len(numbers)] = roots << np.uint64(32) | numbers.astype(np.uint64)
        filled += len(numbers)
    members.sort()
    starts = np.append(np.flatnonzero(~_repeat(members, np.uint64(0xFFFFFFFF))), count)
    members &= np.uint64(0xFFFFFFFF)
    return members, starts


def _divide_signatures(
    documents: Documents, touched: npt.NDArray[np.bool_], part_of: npt.NDArray[np.uint16], parts: int
) -> list[Column]:
    """A column for each part, with the signatures of its documents in the order of the plan."""
    columns = [documents.workspace.column(np.uint32, width=SHINGLE_NUMBERS) for _ in range(parts)]
    for start in range(0, documents.count, _SORTED_AT_ONCE):
        for numbers, rows in documents.iterate_shingles(
            np.flatnonzero(touched[start : start + _SORTED_AT_ONCE]) + start
        ):
            part = part_of[numbers]
            order = np.argsort(part, kind="stable")
            ends = np.searchsorted(part[order], np.arange(parts + 1)) if parts > 1 else np.array([0, len(numbers)])
            for number in np.flatnonzero(np.diff(ends)).tolist():
                columns[number].append(rows[order[ends[number] : ends[number + 1]]])
    return columns


# --- twins of scans ---------------------------------------------------------------------------------------------------


def _find_twins(documents: Documents, compare: CompareTwins) -> Twins:
    """The twins among scans and documents of the layer, of which a new document is one."""
    scanned, layered = (documents.workspace.array(documents.count, np.bool_) for _ in range(2))
    for start, flags in documents.flags.blocks(1 << 20):
        worded = (flags & WORDED) > 0
        scanned[start : start + len(flags)] = worded & ((flags & SCANNED) > 0)
        layered[start : start + len(flags)] = worded & ((flags & SCANNED) == 0)
    if not scanned.any():
        return NO_TWINS
    if documents.known:
        # what a known scan was compared with counts towards `MAX_CANDIDATES`, so all of it is looked for again
        wanted = documents.workspace.array(documents.count, np.bool_)
        for column in documents.word_keys:
            for scans, others in _pair_scans(documents, column, scanned, layered):
                wanted[scans[np.maximum(scans, others) >= documents.known]] = True
        scanned = wanted
    candidates = np.empty(0, dtype=np.uint64)
    waiting: list[Keys] = []
    room = documents.workspace.rows_at_once(600, share=8)
    for column in documents.word_keys:
        for scans, others in _pair_scans(documents, column, scanned, layered):
            waiting.append(scans.astype(np.uint64) << np.uint64(32) | others.astype(np.uint64))
            if sum(map(len, waiting)) > room:
                candidates, waiting = _keep_candidates(documents, candidates, waiting), []
    candidates = _keep_candidates(documents, candidates, waiting)
    scans, others = (
        (candidates >> shift & np.uint64(0xFFFFFFFF)).astype(np.int64) for shift in map(np.uint64, (32, 0))
    )
    new = np.maximum(scans, others) >= documents.known
    return compare(scans[new], others[new])


def _keep_candidates(documents: Documents, before: Keys, waiting: list[Keys]) -> Keys:
    """The first `MAX_CANDIDATES` of each scan, of those before and of those that wait and are like it."""
    pairs = np.setdiff1d(np.unique(np.concatenate([*waiting, before[:0]])), before)
    scans, others = ((pairs >> shift & np.uint64(0xFFFFFFFF)).astype(np.int64) for shift in map(np.uint64, (32, 0)))
    numbers, place = np.unique(np.concatenate((scans, others)), return_inverse=True)
    words = documents.read_words(numbers)
    like = np.zeros(len(pairs), dtype=bool)
    for start in range(0, len(pairs), _READ_AT_ONCE):
        end = min(start + _READ_AT_ONCE, len(pairs))
        one, other = words[place[start:end]], words[place[len(pairs) + start : len(pairs) + end]]
        like[start:end] = (one == other).mean(axis=1) >= MIN_LIKENESS
    found = np.sort(np.concatenate((before, pairs[like])))
    begins = np.flatnonzero(~_repeat(found, np.uint64(0xFFFFFFFF)))
    rank = np.arange(len(found)) - np.repeat(begins, np.diff(np.append(begins, len(found))))
    return found[rank < MAX_CANDIDATES]


def _pair_scans(
    documents: Documents, column: Column, scanned: npt.NDArray[np.bool_], layered: npt.NDArray[np.bool_]
) -> Iterator[tuple[Numbers, Numbers]]:
    """Scans, each with the first `MAX_COMPARED` documents of the layer that have the same key."""
    workspace = documents.workspace
    room = max(64, workspace.memory_bytes // 256)
    bits = min(16, max(0, (int(np.count_nonzero(scanned)) - 1) // room).bit_length())
    for part in range(1 << bits):

        def find(wanted: npt.NDArray[np.bool_], part: int = part) -> Iterator[tuple[Numbers, Keys]]:
            for start, keys in column.blocks(workspace.rows_at_once(64)):
                rows = np.flatnonzero(wanted[start : start + len(keys)])
                if bits:
                    rows = rows[(keys[rows] >> np.uint64(64 - bits)) == part]
                yield rows + start, keys[rows]

        numbers, keys = (np.concatenate(each) for each in zip(*find(scanned), strict=True))
        order = np.argsort(keys, kind="stable")
        scans, keys = numbers[order], keys[order]
        distinct, begins = np.unique(keys, return_index=True)
        if not len(distinct):
            continue
        groups, layers = _find_layers(find(layered), distinct, room=4 * room)
        with_layers, first_layer, layer_counts = np.unique(groups, return_index=True, return_counts=True)
        scan_counts = np.diff(np.append(begins, len(keys)))[with_layers]
        begins = begins[with_layers]
        # each scan of each group with each layer of it
        own = spread(begins, scan_counts)
        first, count = np.repeat(first_layer, scan_counts), np.repeat(layer_counts, scan_counts)
        at_once = max(1, room // MAX_COMPARED)
        for start in range(0, len(own), at_once):
            some = slice(start, start + at_once)
            yield np.repeat(scans[own[some]], count[some]), layers[spread(first[some], count[some])]


def _find_layers(found: Iterator[tuple[Numbers, Keys]], distinct: Keys, *, room: int) -> tuple[Numbers, Numbers]:
    """The first `MAX_COMPARED` documents with each of the keys, and the number of the key, one key after the other."""
    groups, layers = NOBODY.numbers, NOBODY.numbers
    waiting: list[tuple[Numbers, Numbers]] = []
    for numbers, keys in found:
        at = np.minimum(np.searchsorted(distinct, keys), len(distinct) - 1)
        same = distinct[at] == keys
        waiting.append((at[same], numbers[same]))
        if sum(len(each) for each, _ in waiting) > room:
            (groups, layers), waiting = _keep_layers(groups, layers, waiting), []
    return _keep_layers(groups, layers, waiting)


def _keep_layers(groups: Numbers, layers: Numbers, waiting: list[tuple[Numbers, Numbers]]) -> tuple[Numbers, Numbers]:
    groups = np.concatenate([groups, *(each for each, _ in waiting)])
    layers = np.concatenate([layers, *(each for _, each in waiting)])
    order = np.argsort(groups, kind="stable")  # they came in the order of their numbers
    groups, layers = groups[order], layers[order]
    _, begins, counts = np.unique(groups, return_index=True, return_counts=True)
    kept = np.arange(len(groups)) - np.repeat(begins, counts) < MAX_COMPARED
    return groups[kept], layers[kept]


def _none(width: int) -> Signatures:
    return np.empty((0, width), dtype=np.uint32)
