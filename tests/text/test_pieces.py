"""Texts cut into folded pieces."""

from __future__ import annotations

import pytest

from docmatix.text.pieces import join_pieces, split_pieces


@pytest.mark.parametrize(
    ("text", "pieces"),
    [
        ("Hello, World!", ["hello", "world"]),
        ("1,234.50", ["1234.50"]),
        ("1.234,50", ["1234.50"]),
        ("1'234'567", ["1234567"]),
        ("1\u202f234,50", ["1234.50"]),
        ("1,234", ["1234"]),
        ("1.234", ["1.234"]),
        ("3,5", ["3.5"]),
        ("0,125", ["0.125"]),
        ("1,2,3", ["1", "2", "3"]),
        ("March 5,2019", ["march", "5", "2019"]),
        ("12.03.2019", ["12.03.2019"]),
        ("192.168.0.1", ["192.168.0.1"]),
        ("10⁶ m²", ["10", "^6", "m", "2"]),
        ("1½", ["1", "1/2"]),
        ("٢٠١٩", ["2019"]),
        ("5km", ["5", "km"]),
        ("COVID-19", ["covid", "19"]),
        ("oﬃce", ["office"]),
        ("ex\u00adample", ["example"]),
        ("don’t", ["don", "t"]),
        ("東京都", ["東", "京", "都"]),
        ("हिन्दी", ["हिन्दी"]),
        ("کت\u200cلو", ["کتلو"]),
        ("… — “”", []),
    ],
)
def test_a_text_is_cut_into_folded_pieces(text: str, pieces: list[str]):
    assert split_pieces(text) == pieces


def test_pieces_join_without_spaces_but_numbers_stay_apart():
    assert join_pieces(["well", "known"]) == "wellknown"
    assert join_pieces(["3", "5"]) == "3 5"
    assert join_pieces(["3", "km"]) == "3km"


def test_a_word_with_an_unknown_character_is_like_no_other():
    assert split_pieces("some \ufffd987 men, 200\ufffd horses") == ["some", "\ufffd", "men", "\ufffd", "horses"]
