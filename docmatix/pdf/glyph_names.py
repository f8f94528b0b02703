"""The names that fonts give to their glyphs, and what they mean."""

from __future__ import annotations

import re
from typing import Any

from docmatix.core.documents import UNKNOWN
from docmatix.pdf.characters import UNKNOWN_CHARACTERS
from docmatix.pdf.symbol_fonts import ADOBE

_TOKEN = re.compile(r"/([^\s/\[\]<>()]*)|(\d+)")


def read_differences(document: Any, xref: int) -> dict[int, str]:
    """The names that the encoding of a font gives to its codes."""
    kind, text = document.xref_get_key(xref, "Encoding/Differences")
    if kind == "xref":
        text = document.xref_object(int(text.split()[0]), compressed=True)
    elif kind != "array":
        return {}
    names: dict[int, str] = {}
    code = 0
    for found in _TOKEN.finditer(text):
        if found[2]:
            code = int(found[2])
        else:
            names[code] = re.sub("#([0-9a-fA-F]{2})", lambda hexed: chr(int(hexed[1], 16)), found[1])
            code += 1
    return names


_HEX = re.compile(r"uni((?:[0-9A-F]{4})+)|u([0-9A-F]{4,6})")


def read_glyph_name(name: str) -> str | None:
    """What a glyph's name means by Adobe's rules (`f_i`, `uni00660069`, `u1F600`, `one.oldstyle`), or None."""
    from pymupdf import mupdf

    text = ""
    for part in name.partition(".")[0].split("_"):
        if coded := _HEX.fullmatch(part):
            digits = coded[1] or coded[2]
            step = 4 if coded[1] else len(digits)
            codes = [int(digits[at : at + step], 16) for at in range(0, len(digits), step)]
            if any(code > 0x10FFFF or 0xD800 <= code <= 0xDFFF for code in codes):
                return None
            meaning = "".join(map(chr, codes))
        elif re.fullmatch(r"[A-Za-z]{1,5}\d+", part) and part[:3] != "afi":
            return None  # a number that some program gave
        else:
            meaning = chr(mupdf.fz_unicode_from_glyph_name(part))
        meaning = "".join(ADOBE.get(character, character) for character in meaning)
        if not meaning or UNKNOWN in meaning or UNKNOWN_CHARACTERS.search(meaning):
            return None
        text += meaning
    return text or None
