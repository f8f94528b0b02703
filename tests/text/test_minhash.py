"""Signatures, and the bands by which similar ones are found."""

from __future__ import annotations

import random
import subprocess
import sys
from collections.abc import Sequence

import numpy as np
import pytest

from docmatix.text.minhash import (
    MIN_SHINGLES,
    PICTURE_BITS,
    SHINGLE_NUMBERS,
    SIGNATURE_LENGTH,
    Bands,
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


@pytest.mark.parametrize("threshold", [0.01, 0.5, 0.85, 0.9, 1.0])
def test_bands_are_all_numbers_once_and_one_more_than_may_differ(threshold):
    bands = Bands(threshold)
    assert len(bands.starts) == bands.most_different + 1 == SHINGLE_NUMBERS - bands.needed + 1
    numbers = [start + place for start, size in zip(bands.starts, bands.sizes, strict=True) for place in range(size)]
    assert numbers == list(range(SHINGLE_NUMBERS))
    assert max(bands.sizes) - min(bands.sizes) <= 1


def test_bands_have_equal_keys_if_all_of_their_numbers_are_equal():
    bands, random = Bands(0.85), np.random.default_rng(0)
    signatures = np.tile(random.integers(0, 2**32, size=SIGNATURE_LENGTH, dtype=np.uint32), (SHINGLE_NUMBERS + 1, 1))
    for number in range(SHINGLE_NUMBERS):
        signatures[number, number] += 1
    keys = bands.make_keys(signatures)
    for band, (start, size) in enumerate(zip(bands.starts, bands.sizes, strict=True)):
        other = np.flatnonzero(keys[band] != keys[band, -1])
        assert other.tolist() == list(range(start, start + size))
        assert (bands.make_keys_of(band, signatures) == keys[band]).all()
