"""Finds what glyphs mean where MuPDF does not know it: by the names in their font, by the font, or by ActualText.

Such pages are few: everything here is looked up when the first such glyph is met."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cached_property
from typing import Any, Generic, TypeVar

from docmatix.core.documents import UNKNOWN
from docmatix.pdf.characters import INVISIBLE, UNKNOWN_CHARACTERS
from docmatix.pdf.drawn_blanks import Meanings, find_drawn, is_accent, is_drawn, to_blank
from docmatix.pdf.glyph_names import read_differences, read_glyph_name
from docmatix.pdf.symbol_fonts import find_code_meaning, find_family, find_meaning

MAX_LETTERS = 3  # of one glyph, a ligature; a longer replacement says something else
_WHITE = frozenset("\t\n\r")
_INVISIBLE = re.compile(f"[{INVISIBLE}]")
_IS_CODE = 128  # MuPDF's flag of characters that are codes
_Place = tuple[float, float]
_T = TypeVar("_T")


class UnknownGlyphs:
    """The glyphs of one page (an open `pymupdf.Page`); `drawn` is what blanks mean in fonts that draw them."""

    def __init__(self, page: Any, drawn: Meanings) -> None:
        self._page, self._drawn = page, drawn

    def read_line(self, line: dict[str, Any]) -> list[str]:
        """What each character of a line of MuPDF's raw dictionary means: `" "` if it leaves no ink, U+FFFD if its
        meaning is unknown."""
        texts: list[str] = []
        believed: bool | None = None
        gap_at = 0
        for span in line["spans"]:
            font = span["font"]
            special = find_family(font) is not None
            drawn = find_drawn(font, self._drawn) if self._drawn else {}
            for at, character in enumerate(span["chars"]):
                text = character["c"]
                blank = to_blank(text) if drawn else ""
                if blank in drawn and not character["synthetic"] and self._is_drawn(*span["chars"][at : at + 2]):
                    texts.append(drawn[blank])
                    # MuPDF gives accents no width, and sees a gap after a digit that is called one
                    gap_at = len(texts) if is_accent(blank) else 0
                    continue
                if gap_at and character["synthetic"] and len(texts) == gap_at:
                    texts.append("")
                    continue
                if not special and (text.isprintable() or text in _WHITE) and text != UNKNOWN:
                    texts.append(text)
                    continue
                if _INVISIBLE.match(text):
                    texts.append(UNKNOWN if self._is_seen(*span["chars"][at : at + 2]) else text)
                    continue
                meaning = find_meaning(text, font) if text != UNKNOWN else None
                if meaning is None or UNKNOWN_CHARACTERS.match(meaning):
                    if text in _WHITE or not self._has_ink(character):
                        meaning = " "
                    else:
                        meaning = self._find_by_font(character, font)
                        if meaning is None:
                            believed = self._agrees(line) if believed is None else believed
                            meaning = (self._find_replacement(character) if believed else None) or UNKNOWN
                texts.append(meaning)
        return texts

    # --- ink and codes ------------------------------------------------------------------------------------------------

    @cached_property
    def _details(self) -> _Places[tuple[str, bool]]:
        """The text of odd characters, or their code where they have none, and whether they leave ink."""
        import pymupdf

        flags = pymupdf.TEXT_CLIP | pymupdf.TEXT_IGNORE_ACTUALTEXT
        flags |= pymupdf.TEXT_ACCURATE_BBOXES | pymupdf.TEXT_CID_FOR_UNKNOWN_UNICODE
        places: _Places[tuple[str, bool]] = _Places()
        # PyMuPDF makes boxes higher for fonts that state no sensible height
        pymupdf.TOOLS.unset_quad_corrections(True)
        try:
            for span in _list_spans(self._page, flags):
                # indexing all of a page's characters takes ten times as long
                drawn = find_drawn(span["font"], self._drawn)
                if drawn or span["char_flags"] & _IS_CODE or not _join(span).isprintable():
                    for character in span["chars"]:
                        x0, y0, x1, y1 = character["bbox"]
                        text, has_ink = character["c"], min(x1 - x0, y1 - y0) > 0.01
                        if to_blank(text) in drawn:
                            size = span["size"]
                            has_ink = is_drawn(to_blank(text), (x1 - x0) / size, (y1 - y0) / size)
                        places.add(character["origin"], (text, has_ink))
        finally:
            pymupdf.TOOLS.unset_quad_corrections(False)
        return places

    def _has_ink(self, character: dict[str, Any]) -> bool:
        found = self._details.get(character["origin"])
        return not found or any(ink for _, ink in found)

    def _is_seen(self, character: dict[str, Any], following: dict[str, Any] | None = None) -> bool:
        """Whether a character that is called invisible is a glyph with ink of its own, not one letter of several."""
        if _has_no_width(character) or (following is not None and _has_no_width(following)):
            return False
        found = self._details.get(character["origin"])
        return bool(found) and all(entry == (character["c"], True) for entry in found)

    def _is_drawn(self, character: dict[str, Any], following: dict[str, Any] | None = None) -> bool:
        """Whether a character that is called blank is a glyph with ink, not one letter of several."""
        if not is_accent(character["c"]) and (_has_no_width(character) or (following and _has_no_width(following))):
            return False
        found = self._details.get(character["origin"])
        # the gap after an accent, which has no width, begins at its place
        there = [ink for text, ink in found if to_blank(text) == to_blank(character["c"])]
        return all(there) and len(there) > 0 and (len(there) == len(found) or is_accent(character["c"]))

    # --- the font -----------------------------------------------------------------------------------------------------

    @cached_property
    def _names(self) -> dict[str, dict[int, str] | None]:
        """The glyph names of the simple fonts by their codes; None for fonts whose codes are numbers of glyphs, or that
        differ although they have one name."""
        document = self._page.parent
        fonts: dict[str, dict[int, str] | None] = {}
        for xref, _, kind, full_name, *_ in self._page.get_fonts(full=True):
            name = re.sub("-Identity-[HV]$", "", full_name.rpartition("+")[2])  # MuPDF leaves it out
            names = None if kind == "Type0" else read_differences(document, xref)
            fonts[name] = names if fonts.get(name, names) == names else None
        return fonts

    def _find_by_font(self, character: dict[str, Any], font: str) -> str | None:
        if character["c"] != UNKNOWN:
            return None  # MuPDF gives the code of those alone that it knows nothing of
        codes = {text for text, _ in self._details.get(character["origin"])}
        names = self._names.get(font.rpartition("+")[2], {})
        if len(codes) != 1 or names is None:
            return None
        code = ord(codes.pop())
        if code in names:
            return read_glyph_name(names[code])
        return find_code_meaning(code, font)

    # --- ActualText ---------------------------------------------------------------------------------------------------

    @cached_property
    def _replaced(self) -> _Places[str]:
        """The characters as ActualText has them."""
        import pymupdf

        places: _Places[str] = _Places()
        for span in _list_spans(self._page, pymupdf.TEXT_CLIP):
            for character in span["chars"]:
                places.add(character["origin"], character["c"])
        return places

    @cached_property
    def _starts(self) -> _Places[None]:
        """Where the glyphs themselves begin."""
        import pymupdf

        places: _Places[None] = _Places()
        for span in _list_spans(self._page, pymupdf.TEXT_CLIP | pymupdf.TEXT_IGNORE_ACTUALTEXT):
            for character in span["chars"]:
                places.add(character["origin"], None)
        return places

    def _agrees(self, line: dict[str, Any]) -> bool:
        """Whether ActualText leaves the known glyphs of a line as they are, but for case."""
        for span in line["spans"]:
            for character in span["chars"]:
                text = character["c"]
                if text == UNKNOWN or not text.isalnum():
                    continue
                found = self._replaced.get(character["origin"])
                if not found or all(text.casefold() != other.casefold() for other in found):
                    return False
        return True

    def _find_replacement(self, character: dict[str, Any]) -> str | None:
        found = self._replaced.get(character["origin"])
        if not found:
            return None
        # letters that a replacement has beyond its glyphs stand where the pen was, at the next glyph's place
        x0, _, x1, _ = character["bbox"]
        x, y = character["origin"]
        pen = (x + x1 - x0, y)
        beyond = self._replaced.get(pen)
        text = found[-1] + "".join(beyond[:-1] if self._starts.get(pen) else beyond)
        if len(text) > MAX_LETTERS or UNKNOWN_CHARACTERS.search(text) or UNKNOWN in text or text.isspace():
            return None
        return text


class _Places(Generic[_T]):
    """Values by their place on the page, in the order given."""

    def __init__(self) -> None:
        self._values: dict[tuple[int, int], list[tuple[_Place, _T]]] = {}

    def add(self, place: _Place, value: _T) -> None:
        self._values.setdefault((round(place[0]), round(place[1])), []).append((place, value))

    def get(self, place: _Place) -> list[_T]:
        """The values within a twentieth of a point."""
        x, y = place
        keys = {(round(x + dx), round(y + dy)) for dx in (-0.05, 0.05) for dy in (-0.05, 0.05)}
        near = (entry for key in keys for entry in self._values.get(key, ()))
        return [value for (ox, oy), value in near if abs(ox - x) <= 0.05 and abs(oy - y) <= 0.05]


def _list_spans(page: Any, flags: int) -> Iterator[dict[str, Any]]:
    for block in page.get_textpage(flags=flags).extractRAWDICT()["blocks"]:
        for line in block.get("lines", ()):
            yield from line["spans"]


def _has_no_width(character: dict[str, Any]) -> bool:
    x0, y0, x1, y1 = character["bbox"]
    return bool(min(x1 - x0, y1 - y0) < 0.01)


def _join(span: dict[str, Any]) -> str:
    return "".join(character["c"] for character in span["chars"])
