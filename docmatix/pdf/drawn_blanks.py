"""Finds fonts that draw something where the text layer has a blank: 1987 with a nine that the file calls a space.

Every font is looked at once a document, by the outlines of those of its glyphs that the file calls blank."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterable, Iterator
from typing import Any

from docmatix.core.documents import UNKNOWN
from docmatix.pdf.characters import SOFT_HYPHEN
from docmatix.pdf.glyph_names import read_differences, read_glyph_name

Meanings = dict[str, dict[str, str]]
"""By the name of a font, what its blanks (`" "`, soft hyphens, accents) mean where they are drawn."""

_MAX_RANGES = 20_000  # of a font's map, 0.5 us each
_CODES = r"0009|000[aAdD]|0020|00[aA][0dD]|200[0-9aA]|202[89fF]|205[fF]|3000|03[0-6][0-9a-fA-F]"
_CODES += r"|3164|11(?:5[fF]|60)|[fF]{2}[aA]0"
_ONE = re.compile(rf"<\s*([0-9a-fA-F]+)\s*>\s*<\s*(?:{_CODES}|09|0[aAdD]|20|[aA][0dD])\s*>".encode())
_HEX = rb"<\s*([0-9a-fA-F]+)\s*>"
_RANGE = re.compile(_HEX + rb"\s*" + _HEX + rb"\s*" + _HEX)
_LIST = re.compile(_HEX + rb"\s*<[^>]*>\s*\[([^\]]*)\]")
_ITEM = re.compile(rb"<([^>]*)>")
# bars through letters are as tall as digits
_ACCENTS = frozenset(map(chr, (*range(0x300, 0x334), *range(0x339, 0x370))))
_BLANKS = {code for code in (*range(9, 0xA1), *range(0x2000, 0x2060), 0x3000) if chr(code).isspace()}
_UNSEEN = {0x115F, 0x1160, 0x3164, 0xFFA0}  # fillers of Hangul
_WATCHED = sorted(_BLANKS | _UNSEEN | {0xAD, *map(ord, _ACCENTS)})
_WATCHED_SET = frozenset(_WATCHED)


class DrawnBlanks:
    """Those of the fonts of one document (an open `pymupdf.Document`)."""

    def __init__(self) -> None:
        self._seen: set[int] = set()
        self._meanings: Meanings = {}

    def find_in(self, page: Any) -> Meanings:
        """The fonts with drawn blanks of this page and the pages before it; those that cannot be loaded have none."""
        from pymupdf import mupdf

        try:
            handle = mupdf.pdf_page_from_fz_page(page.this)
            resources = mupdf.pdf_page_resources(handle)
            for font in _list_fonts(resources, self._seen):
                self._add(page.parent, font)
        except MemoryError:
            raise
        except Exception:  # MuPDF's, of broken resources: its own words are all there is then
            return self._meanings
        return self._meanings

    def _add(self, document: Any, font: Any) -> None:
        try:
            name, found = _look_at(document, font)
        except MemoryError:
            raise
        except Exception:  # MuPDF's, of a font that it replaces by another
            return
        known = self._meanings.setdefault(name, {}) if found else {}
        for blank, meaning in found.items():
            known[blank] = meaning if known.get(blank, meaning) == meaning else UNKNOWN


def is_drawn(blank: str, width: float, height: float) -> bool:
    """Whether ink of this size, in em, is seen in the place of a blank; soft hyphens and accents have some ink."""
    small, large = sorted((width, height))
    if blank == SOFT_HYPHEN:
        return small > 0.2
    if blank in _ACCENTS:
        return large > 0.45
    return small > 0.015 and large > 0.05


def is_accent(text: str) -> bool:
    return text in _ACCENTS


def find_drawn(font: str, drawn: Meanings) -> dict[str, str]:
    """What drawn blanks of a font mean, by its name on a page."""
    return drawn.get(font.rpartition("+")[2], {})


def to_blank(text: str) -> str:
    """A character as `Meanings` has it."""
    return " " if text.isspace() else text


def _list_fonts(resources: Any, seen: set[int]) -> Iterator[Any]:
    """The fonts of a page and of its forms that have not been seen yet."""
    from pymupdf import mupdf

    value_of, number_of = mupdf.ll_pdf_dict_get_val, mupdf.ll_pdf_to_num
    waiting = [resources.m_internal]
    while waiting:
        entry = waiting.pop()
        for kind in ("Font", "XObject"):
            members = mupdf.ll_pdf_dict_gets(entry, kind)
            for at in range(mupdf.ll_pdf_dict_len(members) if members else 0):
                member = value_of(members, at)
                number = number_of(member)
                if number in seen:
                    continue
                if number:
                    seen.add(number)
                if kind == "Font":
                    yield member
                elif number and (inner := mupdf.ll_pdf_dict_gets(member, "Resources")):
                    inner_number = number_of(inner)
                    if inner_number not in seen:
                        if inner_number:
                            seen.add(inner_number)
                        waiting.append(inner)


def _look_at(document: Any, font: Any) -> tuple[str, dict[str, str]]:
    """The name of a font and what its drawn blanks mean."""
    from pymupdf import mupdf

    found: dict[str, str] = {}
    loaded = mupdf.ll_pdf_load_font(mupdf.ll_pdf_get_bound_document(font), None, font)
    try:
        number = mupdf.ll_pdf_to_num(font)
        encoding = mupdf.ll_pdf_dict_gets(font, "Encoding")
        names = read_differences(document, number) if number and encoding and mupdf.ll_pdf_is_dict(encoding) else {}
        for code, blank in _list_blanks(font, loaded, names):
            if blank not in found and not _draws(loaded, code, blank):
                continue
            meaning = read_glyph_name(names[code]) if code in names else None
            if meaning is None or meaning.isspace() or len(meaning) > 3 or meaning == blank:
                meaning = UNKNOWN
            found[blank] = meaning if found.get(blank, meaning) == meaning else UNKNOWN
        return mupdf.ll_fz_font_name(loaded.font).rpartition("+")[2], found
    finally:
        mupdf.ll_pdf_drop_font(loaded)


def _list_blanks(font: Any, loaded: Any, names: dict[int, str]) -> Iterator[tuple[int, str]]:
    """The codes that MuPDF reads as blanks, as far as a map or a name says so, each with its blank."""
    from pymupdf import mupdf

    mapped = mupdf.ll_pdf_dict_gets(font, "ToUnicode")
    codes: set[int] = set()
    if mapped and mupdf.ll_pdf_is_stream(mapped):
        buffer = mupdf.FzBuffer(mupdf.ll_pdf_load_stream(mapped))
        codes = set(_list_codes(buffer.fz_buffer_extract()))
    is_simple = not mupdf.ll_pdf_dict_gets(font, "DescendantFonts")
    if is_simple:
        codes |= {0x20, 0xA0, 0xCA, *names}
    is_type1 = mupdf.ll_pdf_to_name(mupdf.ll_pdf_dict_gets(font, "Subtype")) == "Type1"
    for code in sorted(codes):
        cid = code if is_simple else mupdf.ll_pdf_lookup_cmap(loaded.encoding, code)
        if cid < 0:
            continue
        meant = mupdf.ll_pdf_lookup_cmap(loaded.to_unicode, cid) if loaded.to_unicode else -1
        if meant <= 0 and is_simple:
            meant = _read_code(loaded, code, names, is_type1=is_type1)
        if meant in _WATCHED_SET:
            yield cid, to_blank(chr(meant))


def _read_code(loaded: Any, code: int, names: dict[int, str], *, is_type1: bool) -> int:
    """What a code of a simple font without a map means, by its name; 0 for one that has none."""
    from pymupdf import mupdf

    name = names.get(code, "space" if code == 0x20 else "")
    if code not in names and is_type1:
        # other encodings may be built in: TeX has letters at this code; names in TrueType fonts mean nothing
        name = mupdf.ll_fz_get_glyph_name2(loaded.font, mupdf.ll_pdf_font_cid_to_gid(loaded, code))
    return int(mupdf.ll_fz_unicode_from_glyph_name(name)) if name else 0


def _list_codes(cmap: bytes) -> Iterable[int]:
    """The codes that a /ToUnicode map may turn into blanks."""
    codes = [int(found[1], 16) for found in _ONE.finditer(cmap)]
    if b"beginbfrange" not in cmap:
        return codes
    for number, found in enumerate(_RANGE.finditer(cmap)):
        if number > _MAX_RANGES:
            break
        first, last, meant = (int(part, 16) for part in found.groups())
        if meant <= _WATCHED[-1] and last - first < 0x10000:
            at = bisect_left(_WATCHED, meant)
        while at < len(_WATCHED) and _WATCHED[at] <= meant + last - first:
            codes.append(first + _WATCHED[at] - meant)
            at += 1
    for found in _LIST.finditer(cmap):
        codes += [
            int(found[1], 16) + at for at, item in enumerate(_ITEM.finditer(found[2])) if _ONE.match(b"<0>" + item[0])
        ]
    return codes


def _draws(loaded: Any, code: int, blank: str) -> bool:
    from pymupdf import mupdf

    glyph = mupdf.ll_pdf_font_cid_to_gid(loaded, code)
    if glyph <= 0 or mupdf.ll_fz_font_t3_procs(loaded.font):
        return False  # glyphs that are not there, and those of Type 3, whose boxes may be their font's
    unit = mupdf.FzMatrix(1, 0, 0, 1, 0, 0)
    box = mupdf.fz_bound_glyph(mupdf.FzFont(mupdf.ll_fz_keep_font(loaded.font)), glyph, unit)
    if blank in _ACCENTS and not (box.y0 < 0.15 and box.y1 > 0.3):
        return False
    if blank == " " and box.y1 < 0.02 and box.x1 - box.x0 > 0.3:
        return False  # a line to write on
    return is_drawn(blank, box.x1 - box.x0, box.y1 - box.y0)
