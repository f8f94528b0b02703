"""The search for duplicates, against comparing each document with each: in any memory, with any part known before."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from docmatix.stages.support.compared_documents import KNOWN_LEFT_OUT, NOBODY, Documents, LeftOut
from docmatix.stages.support.duplicate_search import find_duplicates
from docmatix.storage.workspace import Workspace
from docmatix.text.minhash import SHINGLE_NUMBERS, SIGNATURE_LENGTH, WORD_NUMBERS, Bands
from docmatix.text.near_duplicates import SMALL, Numbers, Twins
from docmatix.text.twins import BANDS, MAX_CANDIDATES, MAX_COMPARED, MIN_LIKENESS, make_word_keys

Found = list[tuple[int, str, int, float]]
MEGABYTE = 1 << 20


@dataclass
class Drawn:
    """Documents as `dedup` knows them."""

    ids: list[int]
    signatures: NDArray[np.uint32]
    signed: list[bool] = field(default_factory=list)
    scanned: list[bool] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.signed = self.signed or [True] * len(self.ids)
        self.scanned = self.scanned or [False] * len(self.ids)

    @property
    def doc_ids(self) -> NDArray[np.bytes_]:
        return np.array([f"{number:032x}" for number in self.ids], dtype="S32")


def are_twins(scan: int, other: int) -> bool:
    """Which candidates are, as if by their words."""
    return (scan * 7 + other) % 3 > 0


def compare_twins(scans: Numbers, others: Numbers) -> Twins:
    pairs = [pair for pair in zip(scans.tolist(), others.tolist(), strict=True) if are_twins(*pair)]
    later, earlier = ([choose(pair) for pair in pairs] for choose in (max, min))
    return Twins(np.array(later, np.int64), np.array(earlier, np.int64), np.full(len(pairs), 0.75))


def search(
    drawn: Drawn,
    *,
    exact: bool = True,
    near: bool = True,
    threshold: float = 0.85,
    memory: int = MEGABYTE,
    added: Sequence[int] = (),
    known: Sequence[int] = (),
    most_compared: int = 1024,
) -> Found:
    """What is left out, if so many documents are read at a time, after so many were decided about before."""
    found: Found = []
    count = len(drawn.ids)
    for before, end in zip([0, *known], [*known, count], strict=True):
        with Workspace("docmatix-test", memory_bytes=memory) as workspace:
            documents = Documents(workspace, Bands(threshold))
            if before:
                add_known(documents, drawn, before, found)
            bounds = [before, *(place for place in added if before < place < end), end]
            for start, stop in pairwise(bounds):
                some = slice(start, stop)
                signed, scanned = (np.array(each[some], dtype=bool) for each in (drawn.signed, drawn.scanned))
                documents.add(drawn.doc_ids[some], drawn.signatures[some], signed, scanned)
            left_out = find_duplicates(
                documents, exact=exact, near=near, compare_twins=compare_twins, most_compared=most_compared
            )
        found += describe(left_out)
    return found


def describe(left_out: LeftOut) -> Found:
    kinds = ["near_duplicate" if near else "duplicate" for near in left_out.near.tolist()]
    others, similarity = left_out.favoured.tolist(), left_out.similarity.tolist()
    return list(zip(left_out.numbers.tolist(), kinds, others, similarity, strict=True))


def add_known(documents: Documents, drawn: Drawn, count: int, found: Found) -> None:
    """Add the first documents as an earlier run left them: keys, and what was decided."""
    flags = np.zeros(count, dtype=np.uint8)
    words = drawn.signatures[:count, SHINGLE_NUMBERS:]
    for number in range(count):
        worded = drawn.signed[number] and bool((words[number] != 2**32 - 1).any())
        flags[number] = drawn.signed[number] | drawn.scanned[number] << 1 | worded << 2
    flags[[number for number, *_ in found]] |= KNOWN_LEFT_OUT
    keys = documents.bands.make_keys(drawn.signatures[:count])
    documents.add_known(drawn.doc_ids[:count], flags, keys, make_word_keys(words))
    if found:
        numbers, kinds, others, similarity = zip(*found, strict=True)
        near = np.array([kind == "near_duplicate" for kind in kinds])
        documents.left_out = LeftOut(np.array(numbers), near, np.array(others), np.array(similarity, dtype=float))

    def read_known(numbers: Numbers) -> Iterator[tuple[Numbers, NDArray[np.uint32]]]:
        for number in numbers:
            yield np.array([number]), drawn.signatures[[number]]

    documents.read_known = read_known


def compare_all(
    drawn: Drawn, *, exact: bool = True, near: bool = True, threshold: float = 0.85, most_compared: int = 1024
) -> Found:
    """The rule, as it is stated: document by document, each against all that stay."""
    chosen: dict[int, tuple[str, int, float]] = {}
    twins = find_all_twins(drawn) if near else {}
    different = SHINGLE_NUMBERS - max(1, int(np.ceil(threshold * SHINGLE_NUMBERS - 1e-9)))
    bands = np.array_split(np.arange(SHINGLE_NUMBERS), different + 1)
    buckets: dict[tuple[int, bytes], list[int]] = {}
    for index, doc_id in enumerate(drawn.ids):
        if exact and doc_id in drawn.ids[:index]:
            original = drawn.ids.index(doc_id)
            chosen[index] = chosen.get(original, ("duplicate", original, 1.0))
            continue
        if not (near and drawn.signed[index]):
            continue
        row = drawn.signatures[index, :SHINGLE_NUMBERS]
        own = [(number, row[band].tobytes()) for number, band in enumerate(bands)]
        compared = sorted({other for key in own for other in buckets.get(key, [])[:most_compared]})
        agree = {other: int((drawn.signatures[other, :SHINGLE_NUMBERS] == row).sum()) for other in compared}
        similar = [other for other in compared if agree[other] >= SHINGLE_NUMBERS - different]
        if similar:
            chosen[index] = "near_duplicate", similar[0], agree[similar[0]] / SHINGLE_NUMBERS
        elif kept := [other for other in sorted(twins.get(index, ())) if other not in chosen]:
            chosen[index] = "near_duplicate", kept[0], 0.75
        else:
            for key in own:
                buckets.setdefault(key, []).append(index)
    return [(index, *choice) for index, choice in sorted(chosen.items())]


def find_all_twins(drawn: Drawn) -> dict[int, list[int]]:
    words = drawn.signatures[:, SHINGLE_NUMBERS:]
    worded = [signed and bool((row != 2**32 - 1).any()) for signed, row in zip(drawn.signed, words, strict=True)]
    bands = np.array_split(np.arange(WORD_NUMBERS), BANDS)
    twins: dict[int, list[int]] = {}
    for scan in range(len(words)):
        if not (worded[scan] and drawn.scanned[scan]):
            continue
        found: set[int] = set()
        for band in bands:
            same = [
                other
                for other in range(len(words))
                if worded[other] and not drawn.scanned[other] and (words[other][band] == words[scan][band]).all()
            ]
            found |= {other for other in same[:MAX_COMPARED] if (words[other] == words[scan]).mean() >= MIN_LIKENESS}
        for other in sorted(found)[:MAX_CANDIDATES]:
            if are_twins(scan, other):
                twins.setdefault(max(scan, other), []).append(min(scan, other))
    return twins


def draw_numbers(seed: int, width: int, changes: Sequence[tuple[int, int]], part: int = 0) -> NDArray[np.uint32]:
    """So many numbers for each `(family, differences)`: those of the family, with so many places changed, otherwise in
    each part."""
    families = np.random.default_rng(seed).integers(0, 2**32, size=(8, width), dtype=np.uint32)
    random = np.random.default_rng([seed, part, 1])
    rows = np.empty((len(changes), width), dtype=np.uint32)
    for row, (family, differences) in zip(rows, changes, strict=True):
        row[:] = families[family]
        places = random.choice(width, size=min(width, differences), replace=False)
        row[places] = random.integers(0, 2**32, size=len(places), dtype=np.uint32)
    return rows


def draw(seed: int, changes: Sequence[tuple[int, int]], *, ids: Sequence[int] | None = None) -> Drawn:
    """Documents of the layer whose words have nothing in common."""
    shingles = draw_numbers(seed, SHINGLE_NUMBERS, changes)
    words = np.random.default_rng(seed + 1).integers(0, 2**32, size=(len(changes), WORD_NUMBERS), dtype=np.uint32)
    return Drawn(list(range(len(changes)) if ids is None else ids), np.concatenate((shingles, words), axis=1))


@st.composite
def draw_documents(draw_: st.DrawFn) -> Drawn:
    line = st.tuples(
        *(st.integers(0, 12), st.integers(0, 2), st.integers(0, 40), st.booleans()),
        *(st.booleans(), st.integers(0, 1), st.integers(0, 30)),
    )
    lines = draw_(st.lists(line, min_size=0, max_size=30))
    seed = draw_(st.integers(0, 2**31))
    shingles = draw_numbers(seed, SHINGLE_NUMBERS, [(family, differences) for _, family, differences, *_ in lines])
    words = draw_numbers(seed + 1, WORD_NUMBERS, [(family, differences) for *_, family, differences in lines])
    words[[differences > 28 for *_, differences in lines]] = 2**32 - 1  # none
    signatures = np.concatenate((shingles, words), axis=1)
    signed, scanned = [line[3] or line[2] < 30 for line in lines], [line[4] for line in lines]
    return Drawn([line[0] for line in lines], signatures, signed, scanned)


@settings(max_examples=200, deadline=None)
@given(
    drawn=draw_documents(),
    exact=st.booleans(),
    near=st.booleans(),
    threshold=st.sampled_from([0.5, 0.7, 0.8, 0.85, 0.9, 1.0]),
    memory=st.sampled_from([1, 1000, 3000, 20_000, MEGABYTE]),
    added=st.sets(st.integers(1, 29)),
    known=st.sets(st.integers(1, 29), max_size=3),
    most_compared=st.sampled_from([1, 2, 3, 1024]),
)
def test_the_choice_is_that_of_the_rule(drawn, exact, near, threshold, memory, added, known, most_compared):
    known = sorted(number for number in known if number < len(drawn.ids))
    rule = {"exact": exact, "near": near, "threshold": threshold, "most_compared": most_compared}
    found = search(drawn, **rule, memory=memory, added=sorted(added), known=known)
    assert found == compare_all(drawn, **rule)


@pytest.mark.parametrize("memory", [300_000, 64 * MEGABYTE])
@pytest.mark.parametrize("known", [[], [1000], [900, 1500]])
def test_so_it_is_with_families_of_hundreds_in_full_buckets(memory, known):
    random = np.random.default_rng(5)
    changes = [(int(family), int(different)) for family, different in random.integers(0, (4, 70), size=(2000, 2))]
    drawn = draw(5, changes, ids=random.integers(0, 1900, size=2000).tolist())
    assert search(drawn, memory=memory, known=known, most_compared=5) == compare_all(drawn, most_compared=5)


@settings(max_examples=100, deadline=None)
@given(drawn=draw_documents())
def test_everyone_left_out_has_an_earlier_kept_one_to_stand_for_it(drawn):
    found = search(drawn)
    left_out = [number for number, *_ in found]
    assert left_out == sorted(set(left_out))
    assert all(other < number for number, _, other, _ in found)
    assert not {other for _, _, other, _ in found} & set(left_out)
    kept_ids = [doc_id for number, doc_id in enumerate(drawn.ids) if number not in left_out]
    assert len(kept_ids) == len(set(kept_ids))


def test_the_first_of_two_equal_files_stays():
    assert search(draw(0, [(0, 0), (1, 0), (0, 0)], ids=[7, 8, 7])) == [(2, "duplicate", 0, 1.0)]


def test_a_copy_of_a_near_duplicate_is_left_out_in_favour_of_the_kept_one():
    drawn = draw(0, [(0, 0), (0, 4), (0, 4)], ids=[1, 2, 2])
    drawn.signatures[2] = drawn.signatures[1]
    left_out = [(1, "near_duplicate", 0, 124 / 128), (2, "near_duplicate", 0, 124 / 128)]
    assert search(drawn) == search(drawn, known=[2]) == left_out


def test_documents_without_a_signature_are_only_compared_by_their_bytes():
    drawn = draw(0, [(0, 0)] * 3, ids=[1, 2, 1])
    drawn.signed = [False] * 3
    assert search(drawn) == [(2, "duplicate", 0, 1.0)]


def test_what_is_switched_off_finds_nothing():
    drawn = draw(0, [(0, 0)] * 3, ids=[1, 1, 2])
    assert search(drawn, exact=False, near=False) == []
    assert [kind for _, kind, *_ in search(drawn, near=False)] == ["duplicate"]
    assert [kind for _, kind, *_ in search(drawn, exact=False)] == ["near_duplicate"] * 2


def test_no_documents_have_no_duplicates():
    assert search(draw(0, [])) == describe(NOBODY) == []


@pytest.mark.parametrize("memory", [100_000, 64 * MEGABYTE])
def test_ten_thousand_copies_of_one_text_are_each_compared_with_one(memory):
    found = search(draw(0, [(0, number % 8) for number in range(10_000)]), memory=memory)
    assert len(found) == 9_999
    assert {other for _, _, other, _ in found} == {0}


def test_small_components_and_large_ones_are_decided_alike():
    members = SMALL - 1
    changes = [(family, 0 if number == 0 else 15) for number in range(members) for family in (0, 1)]
    drawn = draw(3, changes)
    assert search(drawn, memory=MEGABYTE) == compare_all(drawn)
    assert search(drawn, most_compared=1) == compare_all(drawn, most_compared=1)


def make_scans(count: int, *, layers: int) -> Drawn:
    """Scans of one text, each beside nothing but what it was printed from, `layers` copies of it, which come first."""
    drawn = draw(1, [(0, SHINGLE_NUMBERS)] * (layers + count))
    drawn.signatures[:, SHINGLE_NUMBERS:] = draw_numbers(2, WORD_NUMBERS, [(0, 0)] * (layers + count))
    drawn.scanned = [False] * layers + [True] * count
    return drawn


@pytest.mark.parametrize("memory", [1, MEGABYTE])
def test_copies_of_one_document_are_not_all_compared_with_a_scan(memory):
    compared: list[tuple[int, int]] = []

    def note(scans: Numbers, others: Numbers) -> Twins:
        compared.extend(zip(scans.tolist(), others.tolist(), strict=True))
        return Twins(scans[:0], others[:0], np.empty(0))

    drawn = make_scans(2, layers=100)
    with Workspace("docmatix-test", memory_bytes=memory) as workspace:
        documents = Documents(workspace, Bands(0.85))
        documents.add(drawn.doc_ids, drawn.signatures, np.ones(102, dtype=bool), np.array(drawn.scanned))
        find_duplicates(documents, exact=True, near=True, compare_twins=note)
    assert compared == [(scan, other) for scan in (100, 101) for other in range(MAX_CANDIDATES)]


def test_a_signature_has_as_many_numbers_as_are_drawn():
    assert draw(0, [(0, 0)]).signatures.shape == (1, SIGNATURE_LENGTH)
