"""The fonts that documents are set in: those every reader of PDFs has, and those that come with installed packages."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_MATPLOTLIB: dict[str, tuple[str, str, str]] = {
    "DejaVu Sans": ("DejaVuSans", "DejaVuSans-Bold", "DejaVuSans-Oblique"),
    "DejaVu Serif": ("DejaVuSerif", "DejaVuSerif-Bold", "DejaVuSerif-Italic"),
    "STIX": ("STIXGeneral", "STIXGeneralBol", "STIXGeneralItalic"),
}
_BUILT_IN: dict[str, tuple[str, str, str]] = {
    "Nimbus Sans": ("helv", "hebo", "heit"),
    "Nimbus Roman": ("tiro", "tibo", "tiit"),
}
_STANDARD: dict[str, tuple[str, str, str]] = {
    "Helvetica": ("Helvetica", "Helvetica-Bold", "Helvetica-Oblique"),
    "Times": ("Times-Roman", "Times-Bold", "Times-Italic"),
}
_BUILT_IN_OF = {
    "Helvetica": "helv",
    "Helvetica-Bold": "hebo",
    "Helvetica-Oblique": "heit",
    "Times-Roman": "tiro",
    "Times-Bold": "tibo",
    "Times-Italic": "tiit",
    "Courier": "cour",
}
SERIF = ("Times", "Nimbus Roman", "DejaVu Serif", "STIX")
SANS = ("Helvetica", "Nimbus Sans", "DejaVu Sans")


@dataclass(frozen=True)
class Face:
    """A font: `standard` ones are named and not embedded, and know the letters of cp1252 alone."""

    name: str
    standard: bool = False

    @property
    def font(self) -> Any:
        return _open_font(_BUILT_IN_OF.get(self.name, self.name))

    def width(self, text: str, size: float) -> float:
        return size * sum(_advance(self.name, letter) for letter in text)

    def knows(self, text: str) -> bool:
        if self.standard:
            return text.isascii() or text.encode("cp1252", "ignore").decode("cp1252") == text
        return all(map(self.font.has_glyph, map(ord, text)))

    @property
    def embedded(self) -> Face:
        return Face(_BUILT_IN_OF[self.name]) if self.standard else self


@dataclass(frozen=True)
class Family:
    name: str
    regular: Face
    bold: Face
    italic: Face


@functools.cache
def _open_font(name: str) -> Any:
    import pymupdf

    if name in _BUILT_IN_OF.values() or len(name) == 4:
        return pymupdf.Font(name)
    import matplotlib

    return pymupdf.Font(fontfile=str(Path(matplotlib.get_data_path()) / "fonts" / "ttf" / f"{name}.ttf"))


@functools.cache
def _advance(name: str, letter: str) -> float:
    advance: float = _open_font(_BUILT_IN_OF.get(name, name)).glyph_advance(ord(letter))
    return advance


def find_family(name: str) -> Family:
    if name in _STANDARD:
        return Family(name, *(Face(face, standard=True) for face in _STANDARD[name]))
    return Family(name, *(Face(face) for face in {**_MATPLOTLIB, **_BUILT_IN}[name]))


def list_families(language: str) -> list[str]:
    """The standard fonts have no letters of Polish."""
    return [name for name in (*SERIF, *SANS) if language != "pl" or name not in _STANDARD]


SYMBOLS = Face("DejaVuSans")
MONO = Face("DejaVuSansMono")
COURIER = Face("Courier", standard=True)
