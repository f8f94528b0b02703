"""The meanings of characters in fonts of symbols."""

from __future__ import annotations

import pymupdf
import pytest

from docmatix.pdf.symbol_fonts import _SYMBOL, find_code_meaning, find_family, find_meaning
from tests.pdf.content import HELVETICA, read_text, show, write_content, write_font, write_map


@pytest.mark.parametrize(
    ("font", "family"),
    [
        ("Symbol", "symbol"),
        ("ABCDEF+SymbolMT", "symbol"),
        ("Symbol,Bold", "symbol"),
        ("StandardSymbolsPS", "symbol"),
        ("Wingdings-Regular", "wingdings"),
        ("Wingdings2", "wingdings2"),
        ("ZapfDingbats", "dingbats"),
        ("ITCZapfDingbats", "dingbats"),
        ("FontAwesome5Free-Solid", "icons"),
        ("SegoeUISymbol", None),
        ("AppleSymbols", None),
        ("TimesNewRomanPSMT", None),
    ],
)
def test_a_font_is_known_by_its_name(font, family):
    assert find_family(font) == family


@pytest.mark.parametrize(
    ("character", "font", "meaning"),
    [
        ("\uf06d", "SymbolMT", "μ"),
        ("\uf0b3", "Symbol", "≥"),
        ("m", "Symbol", "μ"),
        ("\u00b5", "Symbol", "\u00b5"),
        ("3", "Symbol", "3"),
        ("\uf0fc", "Wingdings", "✓"),
        ("l", "Wingdings", "●"),
        ("\u2022", "Wingdings", "\u2022"),
        ("\uf034", "ZapfDingbats", "✔"),
        ("G", "ZapfDingbats", "●"),
        ("\u2714", "ZapfDingbats", "\u2714"),
        ("\uf06d", "Arial", None),
        ("\uf00c", "FontAwesome", None),
        ("\uf731", "FontAwesome", None),
        ("\uf731", "AGaramondExp", "1"),
        ("\uf761", "AGaramondExp", "A"),
        ("\uf7e9", "AGaramondExp", "É"),
        ("\ue000", "Symbol", None),
        ("m", "Arial", "m"),
    ],
)
def test_the_meaning_of_a_character_depends_on_its_font(character, font, meaning):
    assert find_meaning(character, font) == meaning


def test_codes_of_symbol_mean_what_mupdf_reads_from_its_own_font():
    codes = [code for code in range(0x21, 0x7F) if chr(code) not in "()\\"]
    content = b"BT /F1 5 Tf 5 TL 20 780 Td " + b"".join(b"<%02X> ' " % code for code in codes) + b"ET"
    page = pymupdf.open(stream=write_content(content, write_font("Symbol")))[0]
    blocks = page.get_text("rawdict", flags=0)["blocks"]
    read = [
        char["c"] for block in blocks for line in block["lines"] for span in line["spans"] for char in span["chars"]
    ]
    same = {"\u2206": "Δ", "\u2126": "Ω", "\u00b5": "μ", "\uf8e5": "‾"}
    assert [same.get(character, character) for character in read] == [_SYMBOL[code] for code in codes]


def test_a_code_has_a_meaning_only_in_a_font_of_symbols():
    assert find_code_meaning(0x6C, "Wingdings") == "●"
    assert find_code_meaning(0xF06C, "Wingdings") == "●"
    assert find_code_meaning(0x6C, "Helvetica") is None
    assert find_code_meaning(0x36C, "Wingdings") is None


SIGNS = "The dose is 5 {m}g, from {>}65 years, below {<}40 kg, at {-}18{o}C, {+}2 grams"
CODES = {"m": "m", ">": "\xb3", "<": "\xa3", "-": "-", "o": "\xb0", "+": "\xb1"}


def read_signs(font: bytes, objects: list[bytes]) -> str:
    """A line of Helvetica with the signs of another font in it."""
    content = "BT 72 700 Td "
    for part in SIGNS.replace("}", "{").split("{"):
        content += f"/F2 11 Tf ({CODES[part]}) Tj " if part in CODES else f"/F1 11 Tf ({part}) Tj "
    return read_text(content + "ET", HELVETICA, font, objects=objects)


@pytest.mark.parametrize("shift", [None, 0, 0xF000], ids=["no map", "letters of the keys", "private use"])
def test_signs_of_symbol_are_read_however_the_file_calls_them(shift):
    meanings = {code: chr(ord(code) + (shift or 0)) for code in CODES.values()}
    text = read_signs(
        write_font("Symbol", to_unicode=None if shift is None else 7), [] if shift is None else [write_map(meanings)]
    )
    assert text.replace("µ", "μ") == "The dose is 5 μg, from ≥65 years, below ≤40 kg, at −18°C, ±2 grams"


def test_ticks_and_bullets_of_zapf_dingbats_are_no_letters():
    # the ticks of form fields have no map; MuPDF takes a71, the name of the bullet, for the letter of this number
    assert read_text(show("4 8 l n u H"), write_font("ZapfDingbats")).split() == ["✔", "✘", "●", "■", "◆", "★"]


def test_old_style_digits_and_small_capitals_are_read():
    names = "/".join(f"{name}oldstyle" for name in "zero one two three four five six seven eight nine".split())
    font = write_font("Helvetica", differences=f"48/{names} 97/Nsmall/Asmall/Tsmall/Osmall")
    assert read_text(show("Founded 1949 as abcd and 2014"), font).split()[1] == "1949"
    assert "NATO" in read_text(show("abcd"), font)
