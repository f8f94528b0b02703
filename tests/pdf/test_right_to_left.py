"""Lines written from right to left, whatever the order in which their glyphs are painted."""

from __future__ import annotations

import pymupdf
import pytest
from hypothesis import given
from hypothesis import strategies as st

from docmatix.pdf.glyphs import Glyph
from docmatix.pdf.right_to_left import read_right_to_left
from tests.pdf.content import read_text, write_font, write_map

# Hebrew letters by their keys, Arabic ones in capitals, signs and digits of both
LETTERS = dict(zip("abcdefg", "שלוםעיר", strict=True)) | {
    "S": "س", "L": "ل", "A": "ا", "M": "م", "R": "ر", "Y": "ي", "E": "ع",
    "X": "\u0644\u0627", "F": "\ufefb", "K": "\ufccb",
    **{chr(0x30 + digit): chr(0x30 + digit) for digit in range(10)},
    **{chr(0x70 + digit): chr(0x660 + digit) for digit in range(10)},
    **{sign: sign for sign in " /-.,:%()"},
    "P": "P", "D": "D", "Q": "Q",
}  # fmt: skip


def read_keys(content: str) -> str:
    font = write_font("Helvetica", to_unicode=6)
    return read_text(content, font, objects=[write_map(LETTERS)]).replace("\n\n", "\n")


def paint_as_seen(keys: str, y: float = 700) -> str:
    return f"BT /F1 14 Tf 300 {y:g} Td ({keys.translate(ESCAPES)}) Tj ET\n"


def paint_as_read(keys: str, y: float = 700) -> str:
    """Each glyph by itself, from the right to the left, as programs do that know such writing."""
    places, x = [], 300.0
    for key in keys:
        places.append((key, x))
        x += pymupdf.get_text_length(key, "helv", 14)
    return "".join(f"BT /F1 14 Tf {x:g} {y:g} Td ({key.translate(ESCAPES)}) Tj ET\n" for key, x in reversed(places))


ESCAPES = str.maketrans({"(": r"\(", ")": r"\)", "\\": r"\\"})


@pytest.mark.parametrize("paint", [paint_as_seen, paint_as_read])
@pytest.mark.parametrize(
    ("seen", "read"),
    [
        ("gfe dcba", "שלום עיר"),
        ("MXS", "سلام"),
        ("MFS", "سلام"),
        ("AKR", "رلخا"),
        ("RAYL 1234 dcba", "שלום 1234 ليار"),
        ("RAYL qrst dcba", "שלום ١٢٣٤ ليار"),
        ("dcba 12/3/1442 gfe", "עיר 12/3/1442 שלום"),
        ("dcba qr/s/qttr gfe", "עיר ١٢/٣/١٤٤٢ שלום"),
        ("dcba 1990-1995 gfe", "עיר 1990-1995 שלום"),
        ("dcba 12.5% gfe", "עיר 12.5% שלום"),
        ("dcba %qr gfe", "עיר ١٢% שלום"),
        ("dcba -5 gfe", "עיר -5 שלום"),
        ("dcba \\(12\\) gfe".replace("\\", ""), "עיר (12) שלום"),
        ("(gfe) dcba", "שלום (עיר)"),
        (".dcba :gfe", "עיר: שלום."),
        ("dcba PDF gfe".replace("F", "Q"), "עיר PDQ שלום"),
        ("dcba PDQ DDP gfe", "עיר PDQ DDP שלום"),
        ("dcba 12 500 gfe", "עיר 12 500 שלום"),
    ],
)
def test_a_line_is_read_as_it_is_seen(paint, seen, read):
    assert read_keys(paint(seen)) == read


def test_the_number_of_a_paragraph_is_not_negative():
    assert read_keys(paint_as_seen("dcba -3")) == "3- שלום"


def test_a_line_in_another_script_runs_to_the_right_around_a_word_to_the_left():
    assert read_keys(paint_as_seen("PQD dcba DPQ 12")) == "PQD שלום DPQ 12"


def test_a_date_painted_in_parts_from_the_right_is_one():
    parts = [("dcba", 330.0), ("19", 300.0), ("/", 296.1), ("09", 280.5), ("/", 276.6), ("1403", 245.5)]
    content = "".join(f"BT /F1 14 Tf {x:g} 700 Td ({key}) Tj ET\n" for key, x in parts)
    assert "1403/09/19" in read_keys(content)


@given(st.lists(st.sampled_from(["ש", "لا", "١", "5", "P", " ", "(", "\u064b", "-", "%"]), max_size=15), st.booleans())
def test_no_glyph_is_lost_and_none_comes_twice(texts, from_the_right):
    glyphs = [
        Glyph(text, 8.0 * at, 8.0 * at + (0.0 if text == "\u064b" else 8.0), 0.0, 10.0, (8.0 * at, 0, 8.0 * at + 8, 9))
        for at, text in enumerate(texts)
    ]
    words = read_right_to_left(glyphs[::-1] if from_the_right else glyphs)
    mirrored = str.maketrans("()", "((")
    read = sorted("".join(text for text, _ in words).translate(mirrored))
    assert read == sorted("".join(texts).replace(" ", "").translate(mirrored))
