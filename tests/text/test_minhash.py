"""Signatures and the choice of duplicates, the latter against comparing each document with each."""

from __future__ import annotations

import random
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from docmatix.text.minhash import (
    MIN_SHINGLES,
    PICTURE_BITS,
    SHINGLE_NUMBERS,
    SIGNATURE_LENGTH,
    Duplicate,
    choose_duplicates,
    sign_pictures,
    sign_text,
)

WORDS = [f"word{number}" for number in range(400)]
TEXT = " ".join(WORDS)


def similarity(first: Sequence[int] | None, second: Sequence[int] | None) -> float:
    assert first is not None
    assert second is not None
    return sum(a == b for a, b in zip(first[:SHINGLE_NUMBERS], second, strict=False)) / SHINGLE_NUMBERS


def test_a_signature_is_192_unsigned_32_bit_numbers():
    signature = sign_text(TEXT)
    assert signature is not None
    assert len(signature) == SIGNATURE_LENGTH == 192
    assert all(0 <= number < 2**32 for number in signature)


def test_a_signature_is_the_same_in_another_process():
    code = "from docmatix.text.minhash import sign_text; print(sign_text(' '.join(f'word{n}' for n in range(400))))"
    other = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert other.stdout.strip() == str(sign_text(TEXT))


def test_case_punctuation_and_layout_do_not_count():
    assert sign_text(TEXT) == sign_text(TEXT.upper().replace(" ", ",\n\n"))


def test_digits_count():
    assert similarity(sign_text(TEXT), sign_text(TEXT.replace("1", "2"))) < 0.9


def test_texts_that_share_most_of_their_words_are_similar():
    changed = " ".join([*WORDS[:380], *(f"other{number}" for number in range(20))])
    # 376 of 416 different shingles are shared: 0.90
    assert similarity(sign_text(TEXT), sign_text(changed)) == pytest.approx(376 / 416, abs=0.1)
    assert similarity(sign_text(TEXT), sign_text(" ".join(reversed(WORDS)))) < 0.1


@pytest.mark.parametrize("text", ["", "Invoice 17", "the same four words " * 500])
def test_a_text_with_few_different_shingles_has_no_signature(text):
    assert sign_text(text) is None


def test_the_shortest_text_with_a_signature_has_20_shingles():
    assert sign_text(" ".join(WORDS[: MIN_SHINGLES + 3])) is None
    assert sign_text(" ".join(WORDS[: MIN_SHINGLES + 4])) is not None


def test_a_script_without_spaces_is_compared_by_its_characters():
    text = "".join(chr(0x4E00 + number) for number in range(100))
    assert similarity(sign_text(text), sign_text(text[:98])) > 0.9


def flip(picture: int, bits: int) -> int:
    """The hash with so many bits turned, far apart."""
    return picture ^ sum(1 << place for place in range(0, PICTURE_BITS, PICTURE_BITS // max(1, bits)) if bits)


@pytest.mark.parametrize(("bits", "low", "high"), [(0, 1.0, 1.0), (16, 0.87, 1.0), (128, 0.4, 0.8)])
def test_pictures_of_which_few_bits_differ_are_similar(bits, low, high):
    first, second = (random.Random(seed).getrandbits(PICTURE_BITS) for seed in (1, 2))
    found = similarity(sign_pictures([first, second]), sign_pictures([flip(first, bits), flip(second, bits)]))
    assert low <= found <= high


def test_other_pictures_another_order_and_texts_are_not_similar():
    first, second = (random.Random(seed).getrandbits(PICTURE_BITS) for seed in (1, 2))
    assert similarity(sign_pictures([first]), sign_pictures([second])) < 0.4
    assert similarity(sign_pictures([first, second]), sign_pictures([second, first])) < 0.4
    assert similarity(sign_pictures([first]), sign_text(TEXT)) == 0.0
    assert sign_pictures([]) is None


def choose(
    ids: Sequence[int],
    signatures: NDArray[np.uint32],
    *,
    signed: Sequence[bool] | None = None,
    exact: bool = True,
    near: bool = True,
    threshold: float = 0.85,
) -> list[Duplicate]:
    doc_ids = np.array([f"{number:032x}" for number in ids], dtype="S32")
    mask = np.ones(len(ids), dtype=bool) if signed is None else np.array(signed, dtype=bool)
    return choose_duplicates(doc_ids, signatures, mask, exact=exact, near=near, threshold=threshold)


def make_signatures(seed: int, changes: Sequence[tuple[int, int]]) -> NDArray[np.uint32]:
    """One signature for each `(family, differences)`: that family's, with so many places changed."""
    random = np.random.default_rng(seed)
    families = random.integers(0, 2**32, size=(8, SHINGLE_NUMBERS), dtype=np.uint32)
    rows = []
    for family, differences in changes:
        row = families[family].copy()
        places = random.choice(SHINGLE_NUMBERS, size=differences, replace=False)
        row[places] = random.integers(0, 2**32, size=differences, dtype=np.uint32)
        rows.append(row)
    return np.array(rows, dtype=np.uint32).reshape(-1, SHINGLE_NUMBERS)


def compare_all(
    ids: Sequence[int],
    signatures: NDArray[np.uint32],
    signed: Sequence[bool],
    *,
    exact: bool,
    near: bool,
    threshold: float,
) -> list[Duplicate]:
    """The same choice without bands: each document against all kept ones."""
    chosen: dict[int, Duplicate] = {}
    for index, doc_id in enumerate(ids):
        if exact and doc_id in ids[:index]:
            original = ids.index(doc_id)
            chosen[index] = replace(chosen.get(original, Duplicate(0, "duplicate", original, 1.0)), index=index)
            continue
        for other in range(index):
            if near and other not in chosen and signed[index] and signed[other]:
                agree = int((signatures[index] == signatures[other]).sum())
                if agree / SHINGLE_NUMBERS >= threshold:
                    chosen[index] = Duplicate(index, "near_duplicate", other, agree / SHINGLE_NUMBERS)
                    break
    return list(chosen.values())


documents = st.lists(
    st.tuples(st.integers(0, 12), st.integers(0, 2), st.integers(0, 40), st.booleans()), min_size=0, max_size=25
)


@settings(max_examples=150, deadline=None)
@given(
    documents=documents,
    seed=st.integers(0, 2**32 - 1),
    exact=st.booleans(),
    near=st.booleans(),
    threshold=st.sampled_from([0.5, 0.7, 0.8, 0.85, 0.9, 1.0]),
)
def test_the_choice_is_that_of_comparing_all_with_all(documents, seed, exact, near, threshold):
    ids = [doc_id for doc_id, *_ in documents]
    signed = [is_signed for *_, is_signed in documents]
    signatures = make_signatures(seed, [(family, differences) for _, family, differences, _ in documents])
    chosen = choose(ids, signatures, signed=signed, exact=exact, near=near, threshold=threshold)
    assert chosen == compare_all(ids, signatures, signed, exact=exact, near=near, threshold=threshold)


@settings(max_examples=100, deadline=None)
@given(documents=documents, seed=st.integers(0, 2**32 - 1))
def test_everyone_left_out_has_an_earlier_kept_one_to_stand_for_it(documents, seed):
    ids = [doc_id for doc_id, *_ in documents]
    signatures = make_signatures(seed, [(family, differences) for _, family, differences, _ in documents])
    chosen = choose(ids, signatures, signed=[is_signed for *_, is_signed in documents])
    left_out = [duplicate.index for duplicate in chosen]
    assert left_out == sorted(set(left_out))
    assert all(duplicate.in_favour_of < duplicate.index for duplicate in chosen)
    assert not {duplicate.in_favour_of for duplicate in chosen} & set(left_out)
    kept_ids = [doc_id for index, doc_id in enumerate(ids) if index not in left_out]
    assert len(kept_ids) == len(set(kept_ids))


def test_the_first_of_two_equal_files_stays():
    signatures = make_signatures(0, [(0, 0), (1, 0), (0, 0)])
    assert choose([7, 8, 7], signatures) == [Duplicate(2, "duplicate", 0, 1.0)]


def test_a_copy_of_a_near_duplicate_is_left_out_in_favour_of_the_kept_one():
    signatures = make_signatures(0, [(0, 0), (0, 4), (0, 4)])
    signatures[2] = signatures[1]
    assert choose([1, 2, 2], signatures) == [
        Duplicate(1, "near_duplicate", 0, 124 / 128),
        Duplicate(2, "near_duplicate", 0, 124 / 128),
    ]


def test_documents_without_a_signature_are_only_compared_by_their_bytes():
    signatures = np.zeros((3, SHINGLE_NUMBERS), dtype=np.uint32)
    assert choose([1, 2, 1], signatures, signed=[False] * 3) == [Duplicate(2, "duplicate", 0, 1.0)]


def test_what_is_switched_off_finds_nothing():
    signatures = make_signatures(0, [(0, 0), (0, 0), (0, 0)])
    assert choose([1, 1, 2], signatures, exact=False, near=False) == []
    assert [duplicate.kind for duplicate in choose([1, 1, 2], signatures, near=False)] == ["duplicate"]
    assert [duplicate.kind for duplicate in choose([1, 1, 2], signatures, exact=False)] == ["near_duplicate"] * 2


def test_no_documents_have_no_duplicates():
    assert choose([], np.zeros((0, SHINGLE_NUMBERS), dtype=np.uint32)) == []


def test_ten_thousand_copies_of_one_text_are_each_compared_with_one():
    signatures = make_signatures(0, [(0, number % 8) for number in range(10_000)])
    chosen = choose(range(10_000), signatures)
    assert len(chosen) == 9_999
    assert {duplicate.in_favour_of for duplicate in chosen} == {0}


def test_a_twin_is_left_out_in_favour_of_the_first_kept_one():
    signatures = make_signatures(0, [(family, 0) for family in (0, 1, 1, 3, 4)])
    doc_ids = np.array([f"{number:032x}" for number in range(5)], dtype="S32")
    twins = {1: [(0, 0.9)], 3: [(1, 0.8), (2, 0.7)], 4: [(1, 0.9)]}
    chosen = choose_duplicates(
        doc_ids, signatures, np.ones(5, dtype=bool), exact=True, near=True, threshold=0.85, twins=twins
    )
    # 1 is the twin of 0, so 2, which is like 1, stays, and stands for 3
    assert chosen == [Duplicate(1, "near_duplicate", 0, 0.9), Duplicate(3, "near_duplicate", 2, 0.7)]
    none = choose_duplicates(
        doc_ids, signatures, np.ones(5, dtype=bool), exact=True, near=False, threshold=0.85, twins=twins
    )
    assert none == []
