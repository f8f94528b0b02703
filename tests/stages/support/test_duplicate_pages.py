"""The search for pages that say the same, against comparing each page with each: in any memory, with any part known."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import lru_cache
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from docmatix.stages.support.duplicate_pages import (
    ComparedPages,
    LeftOutPages,
    PageHashes,
    Shingles,
    find_duplicate_pages,
    split_signatures,
)
from docmatix.storage.workspace import Workspace
from docmatix.text.minhash import SHINGLE_NUMBERS
from docmatix.text.near_duplicates import Numbers
from docmatix.text.page_signatures import PAGE_SIGNATURE_BYTES


class DrawnPage(NamedTuple):
    """A page whose shingles follow from its text: so many of the numbers of a family are other ones."""

    number: int
    answers: int
    family: int
    differences: int
    text: int

    @property
    def words(self) -> int:
        return hash((self.family, self.differences, self.text)) % 2**64

    @property
    def shingles(self) -> Shingles:
        return draw_shingles(self.family, self.differences, self.text)


@lru_cache(maxsize=4096)
def draw_shingles(family: int, differences: int, text: int) -> Shingles:
    """Those of a family, of which so many are other ones."""
    row = np.random.default_rng(family).integers(0, 256, SHINGLE_NUMBERS, dtype=np.uint8)
    random = np.random.default_rng([family, differences, text])
    places = random.choice(SHINGLE_NUMBERS, differences, replace=False)
    row[places] += random.integers(1, 256, len(places), dtype=np.uint8)
    return row


Drawn = list[list[DrawnPage]]
"""The pages of each document that can be compared."""
Found = list[tuple[int, int, int, int, float]]


def hash_pages(drawn: Drawn) -> PageHashes:
    every = [page for document in drawn for page in document]
    return PageHashes(
        np.array([len(document) for document in drawn], np.int32),
        np.array([page.number for page in every], np.int32),
        np.array([page.words for page in every], np.uint64),
        np.array([page.answers << 60 for page in every], np.uint64),  # ranges are by the first bits
    )


def stack_shingles(drawn: Drawn) -> Shingles:
    rows = [page.shingles for document in drawn for page in document]
    return np.array(rows, dtype=np.uint8).reshape(len(rows), SHINGLE_NUMBERS)


def assert_same(one: PageHashes, other: PageHashes) -> None:
    assert [column.tolist() for column in one] == [column.tolist() for column in other]


def describe(found: LeftOutPages) -> Found:
    return list(zip(*(column.tolist() for column in found), strict=True))


def search(
    drawn: Drawn,
    left_out: Sequence[int] = (),
    *,
    near: bool = True,
    threshold: float = 0.85,
    memory: int = 1 << 20,
    known: Sequence[int] = (),
    most_compared: int = 1024,
) -> Found:
    """The pages that are left out, after so many documents were decided about before."""
    found: Found = []
    for before, end in pairwise([0, *known, len(drawn)]):
        with Workspace("docmatix-test", memory_bytes=memory) as workspace:
            pages = ComparedPages(workspace)
            for some in (drawn[: before // 2], drawn[before // 2 : before]):
                pages.add_known(hash_pages(some))

            def read_known(places: Numbers, before: int = before) -> Iterator[tuple[Numbers, Shingles]]:
                shingles = stack_shingles(drawn[:before])
                for place in places:
                    yield np.array([place]), shingles[[place]]

            pages.read_known = read_known
            middle = (before + end) // 2
            for some in (drawn[before:middle], drawn[middle:end]):
                pages.add(hash_pages(some), stack_shingles(some))
            for start, stop in ((0, end), (before, end), (end, end)):
                assert_same(pages.read(start, stop), hash_pages(drawn[start:stop]))
            gone = np.isin(np.arange(end), left_out)
            found += describe(
                find_duplicate_pages(pages, gone, near=near, threshold=threshold, most_compared=most_compared)
            )
    return found


def compare_all(
    drawn: Drawn,
    left_out: Sequence[int] = (),
    *,
    near: bool = True,
    threshold: float = 0.85,
    most_compared: int = 1024,
) -> Found:
    """The rule, as it is stated: page by page, each against all that stay."""
    stay: dict[int, list[tuple[int, DrawnPage]]] = {}
    found: Found = []
    for index, document in enumerate(drawn):
        for page in document if index not in left_out else ():
            group = stay.setdefault(page.answers, [])
            for other_index, other in group:
                agree = int((page.shingles == other.shingles).sum())
                same = page.words == other.words
                if same or (near and agree >= np.ceil(threshold * SHINGLE_NUMBERS - 1e-9)):
                    similarity = agree / SHINGLE_NUMBERS
                    found.append((index, page.number, other_index, other.number, similarity))
                    break
            else:
                if len(group) < most_compared:
                    group.append((index, page))
    return found


@st.composite
def draw_pages(draw: st.DrawFn) -> Drawn:
    page = st.tuples(st.integers(0, 15), st.integers(0, 1), st.integers(0, 30), st.integers(0, 1))
    documents = draw(st.lists(st.lists(page, max_size=5), max_size=12))
    return [[DrawnPage(number, *each) for number, each in enumerate(document, 1)] for document in documents]


@settings(max_examples=150, deadline=None)
@given(
    drawn=draw_pages(),
    left_out=st.sets(st.integers(0, 11), max_size=3),
    near=st.booleans(),
    threshold=st.sampled_from([0.5, 0.8, 0.85, 0.9, 1.0]),
    memory=st.sampled_from([1, 5_000, 1 << 20]),
    known=st.sets(st.integers(1, 11), max_size=3),
)
def test_the_same_pages_are_left_out_as_by_comparing_each_with_each(drawn, left_out, near, threshold, memory, known):
    steps = sorted(step for step in known if step < len(drawn))
    found = search(drawn, sorted(left_out), near=near, threshold=threshold, memory=memory, known=steps)
    assert found == compare_all(drawn, sorted(left_out), near=near, threshold=threshold)


@settings(max_examples=15, deadline=None)
@given(
    seed=st.integers(0, 2**31),
    memory=st.sampled_from([1, 20_000, 1 << 20]),
    known=st.sets(st.integers(1, 99), max_size=2),
)
def test_of_many_pages_with_the_same_answers_the_first_are_compared(seed, memory, known):
    draws = np.random.default_rng(seed).integers(0, [3, 2, 30, 9], size=(100, 4)).tolist()
    drawn = [[DrawnPage(1, *each)] for each in draws]
    expected = compare_all(drawn, threshold=0.9, most_compared=1 << 20)
    assert search(drawn, threshold=0.9, memory=memory, known=sorted(known)) == expected


def test_only_the_first_that_stay_are_compared_with_pages_of_other_words():
    drawn = [[DrawnPage(1, 0, family, 0, 0)] for family in range(6)]
    drawn.append([DrawnPage(1, 0, 0, 5, 0), DrawnPage(2, 0, 5, 5, 0)])
    assert search(drawn, most_compared=4) == [(6, 1, 0, 1, 123 / 128)]
    assert [found[:2] for found in search(drawn)] == [(6, 1), (6, 2)]


def test_a_page_of_many_contracts_stays_once():
    terms = DrawnPage(3, 7, 1, 0, 0)
    drawn = [[DrawnPage(1, 1, 100 + place, 0, 0), terms] for place in range(900)]
    found = search(drawn, memory=1 << 14, known=[300])
    assert found == [(place, 3, 0, 3, 1.0) for place in range(1, 900)]


def test_a_signature_is_divided_as_it_is_written():
    signature = bytes(range(PAGE_SIGNATURE_BYTES))
    words, answers, shingles = split_signatures(np.frombuffer(signature * 2, np.uint8).reshape(2, -1))
    assert words.tolist() == [int.from_bytes(signature[:8], "little")] * 2
    assert answers.tolist() == [int.from_bytes(signature[8:16], "little")] * 2
    assert shingles[1].tobytes() == signature[16:]
