"""The search for twins: candidates among scans and documents of the layer, by bands of their longer words."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import numpy.typing as npt

from docmatix.stages.support.compared_documents import NOBODY, READ_AT_ONCE, SCANNED, WORDED, Documents, Keys
from docmatix.stages.support.equal_keys import find_repeats, spread
from docmatix.storage.workspace import Column
from docmatix.text.near_duplicates import NO_TWINS, Numbers, Twins
from docmatix.text.twins import MAX_CANDIDATES, MAX_COMPARED, MIN_LIKENESS

CompareTwins = Callable[[Numbers, Numbers], Twins]
"""Of pairs of a scan and another document those that are twins."""


def search_twins(documents: Documents, compare: CompareTwins) -> Twins:
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
    for start in range(0, len(pairs), READ_AT_ONCE):
        end = min(start + READ_AT_ONCE, len(pairs))
        one, other = words[place[start:end]], words[place[len(pairs) + start : len(pairs) + end]]
        like[start:end] = (one == other).mean(axis=1) >= MIN_LIKENESS
    found = np.sort(np.concatenate((before, pairs[like])))
    begins = np.flatnonzero(~find_repeats(found, np.uint64(0xFFFFFFFF)))
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
