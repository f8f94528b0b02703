"""The search for duplicates among any number of documents, in a bounded memory: the choice of `dedup`.

The rule, in the order of the plan: a document is left out if an earlier one has the same id (`exact`), in favour of the
first that has, or of what that one is left out for; else by the rule of `docmatix.text.near_duplicates` (`near`). The
order in which anything is read, the memory, and what was decided before about the first documents change nothing.

Keys of bands lie on disk, a column each. Those of one band are sorted at a time, with the numbers of their documents in
their last bits, and documents with equal ones are united. Signatures are then brought together by components, which are
decided independently of each other.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from docmatix.stages.support.compared_documents import (
    ID_BYTES,
    KNOWN_LEFT_OUT,
    NOBODY,
    READ_AT_ONCE,
    SIGNED,
    Documents,
    Keys,
    LeftOut,
    Signatures,
)
from docmatix.stages.support.equal_keys import SORTED_AT_ONCE, Components, find_equal, find_repeats, spread
from docmatix.stages.support.twin_search import CompareTwins, search_twins
from docmatix.storage.workspace import Column
from docmatix.text.minhash import MAX_BUCKET, SHINGLE_NUMBERS, hash_bands
from docmatix.text.near_duplicates import NO_CHOICE, NO_TWINS, Choice, Numbers, Twins, choose_near

_MOST_PARTS = 256
"""Files that signatures are divided into, all of them open at once."""


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
        twins = search_twins(documents, compare_twins) if compare_twins is not None else NO_TWINS
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
    for start, block in column.blocks(READ_AT_ONCE):
        rows[order[start : start + len(block)]] = block
    return rows


def _list_components(documents: Documents, components: Components) -> tuple[npt.NDArray[np.uint64], Numbers]:
    """The documents that belong with others, one component after the other, and where each begins."""
    count = int(np.count_nonzero(components.touched))
    members = documents.workspace.array(count, np.uint64)
    filled = 0
    for start in range(0, documents.count, SORTED_AT_ONCE):
        numbers = np.flatnonzero(components.touched[start : start + SORTED_AT_ONCE]) + start
        roots = components.find(numbers).astype(np.uint64)
        members[filled : filled + len(numbers)] = roots << np.uint64(32) | numbers.astype(np.uint64)
        filled += len(numbers)
    members.sort()
    starts = np.append(np.flatnonzero(~find_repeats(members, np.uint64(0xFFFFFFFF))), count)
    members &= np.uint64(0xFFFFFFFF)
    return members, starts


def _divide_signatures(
    documents: Documents, touched: npt.NDArray[np.bool_], part_of: npt.NDArray[np.uint16], parts: int
) -> list[Column]:
    """A column for each part, with the signatures of its documents in the order of the plan."""
    columns = [documents.workspace.column(np.uint32, width=SHINGLE_NUMBERS) for _ in range(parts)]
    for start in range(0, documents.count, SORTED_AT_ONCE):
        for numbers, rows in documents.iterate_shingles(
            np.flatnonzero(touched[start : start + SORTED_AT_ONCE]) + start
        ):
            part = part_of[numbers]
            order = np.argsort(part, kind="stable")
            ends = np.searchsorted(part[order], np.arange(parts + 1)) if parts > 1 else np.array([0, len(numbers)])
            for number in np.flatnonzero(np.diff(ends)).tolist():
                columns[number].append(rows[order[ends[number] : ends[number + 1]]])
    return columns
