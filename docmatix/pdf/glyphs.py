"""The glyphs of a line, with their place along it, their baseline and size; and the words that they make."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from statistics import median
from typing import Any, NamedTuple

Bounds = tuple[float, float, float, float]


class Glyph(NamedTuple):
    """What one glyph, or one letter of a ligature, means: `" "` is a blank. `start` and `end` are its place along its
    line, `rise` is the height of its baseline, both in points; `box` is its place on the page."""

    text: str
    start: float
    end: float
    rise: float
    size: float
    box: Bounds
    added: bool = False
    """Whether it is a space that MuPDF added for a gap."""


RawWord = tuple[str, Bounds]
"""The text of a word as it is printed, and its place on the unrotated page in points."""


def read_glyphs(line: dict[str, Any], texts: Iterable[str]) -> list[Glyph]:
    """The glyphs of a line of MuPDF's raw dictionary, with what each character means."""
    cos, sin = line["dir"]
    upright = sin == 0 and cos > 0
    glyphs: list[Glyph] = []
    meanings = iter(texts)
    for span in line["spans"]:
        size = span["size"]
        for character, text in zip(span["chars"], meanings, strict=False):
            x, y = character["origin"]
            box = x0, y0, x1, y1 = character["bbox"]
            if upright:
                start, end, rise = x0, x1, -y
            else:
                start, end = sorted((x0 * cos + y0 * sin, x1 * cos + y1 * sin))
                if abs(cos) > 0.01 and abs(sin) > 0.01:
                    # the box of a slanting glyph reaches too far: a glyph begins at its origin
                    start = x * cos + y * sin
                rise = x * sin - y * cos
            glyphs.append(Glyph(text, start, end, rise, size, box, character["synthetic"]))
    return glyphs


def split_words(glyphs: Iterable[Glyph]) -> list[list[Glyph]]:
    """The glyphs between blanks."""
    words: list[list[Glyph]] = [[]]
    for glyph in glyphs:
        if glyph.text.isspace():
            if words[-1]:
                words.append([])
        else:
            words[-1].append(glyph)
    return words if words[-1] else words[:-1]


def make_word(text: str, glyphs: Sequence[Glyph]) -> RawWord:
    x0, y0, x1, y1 = zip(*(glyph.box for glyph in glyphs), strict=True)
    return text, (min(x0), min(y0), max(x1), max(y1))


def join_text(glyphs: Iterable[Glyph]) -> str:
    return "".join(glyph.text for glyph in glyphs)


class Setting(NamedTuple):
    """The size and baseline in which most of some glyphs are set."""

    size: float
    rise: float


def find_setting(glyphs: Iterable[Glyph]) -> Setting:
    """That of the most ink: few large letters count as much as many small ones. There must be a glyph."""
    by_size: dict[float, list[float]] = {}
    for glyph in glyphs:
        by_size.setdefault(round(glyph.size, 1), []).append(glyph.rise)
    size, rises = max(by_size.items(), key=lambda item: (len(item[1]) * item[0] ** 2, item[0]))
    return Setting(size, median(rises))
