"""Scans and the documents that say the same: found by their words, told apart by the words of which OCR is sure."""

from __future__ import annotations

import random
from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from docmatix.stages.support.compared_documents import Documents
from docmatix.stages.support.duplicate_search import find_duplicates
from docmatix.storage.workspace import Workspace
from docmatix.text.minhash import SIGNATURE_LENGTH, Bands, sign_text
from docmatix.text.near_duplicates import NO_TWINS, Numbers, Twins
from docmatix.text.twins import MAX_CANDIDATES, WordBag, compare_words, find_twins, make_bag

PRINTED = [f"word{number:03}" for number in range(300)]
Read = list[tuple[str, float | None]]


def scan(words: Sequence[str], *, misread: float = 0.05, seed: int = 0, shuffled: bool = True) -> Read:
    """The words as OCR reads them: in another order of blocks, some wrong, of which it is unsure."""
    draws = random.Random(seed)
    blocks = [words[start : start + 20] for start in range(0, len(words), 20)]
    if shuffled:
        draws.shuffle(blocks)
    found: Read = []
    for word in (word for block in blocks for word in block):
        wrong = draws.random() < misread
        found.append((word.replace("0", "O").replace("1", "l") + "~x", 0.6) if wrong else (word, 0.97))
    return found


def fill_in(words: Sequence[str], share: float) -> list[str]:
    """Another copy of the same form: so many of its words are others."""
    draws = random.Random(1)
    return [f"other{number:03}" if draws.random() < share else word for number, word in enumerate(words)]


def bag(words: Sequence[str]) -> WordBag:
    return make_bag((word, None) for word in words)


def test_a_scan_is_the_twin_of_what_it_was_printed_from():
    found = compare_words(make_bag(scan(PRINTED)), bag(PRINTED), threshold=0.85)
    assert found == pytest.approx(0.9, abs=0.05)


@pytest.mark.parametrize("share", [0.05, 0.1, 0.5, 1.0])
def test_another_copy_of_a_form_is_not(share):
    assert compare_words(make_bag(scan(PRINTED)), bag(fill_in(PRINTED, share)), threshold=0.85) is None


def test_a_page_is_no_twin_of_the_whole_nor_the_whole_of_a_page():
    assert compare_words(make_bag(scan(PRINTED[:150])), bag(PRINTED), threshold=0.85) is None
    assert compare_words(make_bag(scan(PRINTED)), bag(PRINTED[:150]), threshold=0.85) is None


def test_of_a_scan_that_ocr_is_never_sure_of_nothing_is_known():
    unsure = make_bag((word, 0.5) for word in PRINTED)
    assert compare_words(unsure, bag(PRINTED), threshold=0.85) is None
    assert compare_words(bag([]), bag([]), threshold=0.85) is None


def test_a_higher_threshold_forgives_fewer_words():
    printed = [*PRINTED[:296], "four", "words", "are", "different"]
    read = make_bag(scan(PRINTED, misread=0.0))
    assert compare_words(read, bag(printed), threshold=0.85) is not None
    assert compare_words(read, bag(printed), threshold=1.0) is None
    assert compare_words(read, bag(PRINTED), threshold=1.0) == 1.0


@given(st.lists(st.sampled_from(PRINTED), min_size=1), st.randoms())
def test_the_order_of_words_does_not_count_and_their_number_does(words, draws):
    other = [*words]
    draws.shuffle(other)
    assert compare_words(bag(words), bag(other), threshold=1.0) == 1.0
    assert compare_words(bag(words * 2), bag(other), threshold=1.0) is None


def find(texts: Sequence[str], scanned: Sequence[bool]) -> list[tuple[int, int]]:
    """The candidates, each a scan with another document."""
    signatures = [sign_text(text) for text in texts]
    rows = np.array([each or [0] * SIGNATURE_LENGTH for each in signatures], dtype=np.uint32)
    signed = np.array([each is not None for each in signatures], dtype=bool)
    found: list[tuple[int, int]] = []

    def note(scans: Numbers, others: Numbers) -> Twins:
        found.extend(zip(scans.tolist(), others.tolist(), strict=True))
        return NO_TWINS

    with Workspace("docmatix-test", memory_bytes=1 << 20) as workspace:
        documents = Documents(workspace, Bands(0.85))
        ids = np.array([f"{number:032x}" for number in range(len(texts))], dtype="S32")
        documents.add(ids, rows.reshape(-1, SIGNATURE_LENGTH), signed, np.array(scanned, dtype=bool))
        find_duplicates(documents, exact=False, near=True, compare_twins=note)
    return found


def say(words: Read) -> str:
    return " ".join(word for word, _ in words)


def test_candidates_are_scans_with_documents_of_the_layer_in_any_order():
    other = " ".join(f"thing{number}" for number in range(200))
    texts = [say(scan(PRINTED)), other, " ".join(PRINTED), say(scan(PRINTED, seed=2)), "too short"]
    assert find(texts, [True, False, False, True, False]) == [(0, 2), (3, 2)]
    assert find(texts, [False] * 5) == []
    assert find(texts, [True] * 5) == []


def test_texts_without_longer_words_are_no_candidates_of_each_other():
    texts = ["".join(chr(start + number) for number in range(100)) for start in (0x4E00, 0x5E00)]
    assert find([*texts, " ".join(str(number) for number in range(100, 900))], [True, False, False]) == []


def test_copies_of_one_document_are_not_all_compared():
    texts = [say(scan(PRINTED)), *[" ".join(PRINTED)] * 100]
    assert find(texts, [True, *[False] * 100]) == [(0, other) for other in range(1, 1 + MAX_CANDIDATES)]


def test_nothing_is_found_among_nothing():
    assert find([], []) == []


def test_the_later_of_two_twins_is_told_of_the_earlier_one():
    bags = {0: make_bag(scan(PRINTED)), 3: bag(PRINTED), 5: make_bag(scan(PRINTED, seed=5)), 7: bag(["another"] * 300)}
    twins = find_twins(np.array([0, 5, 5]), np.array([3, 3, 7]), bags.__getitem__, threshold=0.85)
    assert (twins.later.tolist(), twins.earlier.tolist()) == ([3, 5], [0, 3])
