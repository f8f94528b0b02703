"""Documents as every stage after `extract` sees them: pages, words, tables.

Boxes are fractions of the page *as displayed* (rotated and cropped), origin top left, so that they hold at any dpi.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import groupby
from typing import NamedTuple

UNKNOWN = "\N{REPLACEMENT CHARACTER}"
"""Stands in a word for a character whose meaning is not known; nothing is taken from a word that has it."""


class Box(NamedTuple):
    """A rectangle in fractions of the displayed page, `0 <= x0 <= x1 <= 1`, likewise y."""

    x0: float
    y0: float
    x1: float
    y1: float


class Word(NamedTuple):
    """One word in reading order. `line` and `block` count from 0 within the page; both are contiguous."""

    text: str
    box: Box
    line: int
    block: int


@dataclass(frozen=True, slots=True)
class Table:
    """A ruled table: its box and its cells, row by row; the first row is the header."""

    box: Box
    rows: tuple[tuple[str, ...], ...]

    def to_markdown(self) -> str:
        """A GitHub pipe table, one line per row, with bars inside cells escaped."""
        width = max(len(row) for row in self.rows)

        def line(cells: Iterable[str]) -> str:
            return "| " + " | ".join(" ".join(cell.split()).replace("|", "\\|") for cell in cells) + " |"

        padded = [tuple(row) + ("",) * (width - len(row)) for row in self.rows]
        return "\n".join([line(padded[0]), "|" + " --- |" * width, *map(line, padded[1:])])


@dataclass(frozen=True, slots=True)
class Page:
    """One page. `number` is 1-based; `text` is exactly `compose_text(words)`."""

    number: int
    width_pt: float
    height_pt: float
    rotation: int
    image_share: float
    text: str
    words: tuple[Word, ...]
    tables: tuple[Table, ...] = ()
    reason: str | None = None
    """Why nothing is asked about this page (`docmatix.pdf.reading` lists the reasons); None for a usable page."""
    text_quality: float | None = None
    """How well the text reads, 0..1 (`docmatix.text.quality`); None where nobody can tell, or has tried."""


@dataclass(frozen=True, slots=True)
class Document:
    """One PDF that could be read."""

    doc_id: str
    pages: tuple[Page, ...]
    language: str | None
    signature: tuple[int, ...] | None
    """MinHash of the text's word shingles; None if the text is too short to compare."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a document yields nothing: a named reason, and one line of detail for a person."""

    reason: str
    detail: str = ""


class WordSpan(NamedTuple):
    """A word's place in its page's text: characters `start` to `end` (exclusive)."""

    start: int
    end: int


def compose_text(words: Iterable[Word]) -> str:
    """Join words with spaces, lines with newlines, blocks with a blank line."""
    return "\n\n".join(
        "\n".join(" ".join(word.text for word in line) for _, line in groupby(block, key=lambda word: word.line))
        for _, block in groupby(words, key=lambda word: word.block)
    )


def locate_words(words: Iterable[Word]) -> list[WordSpan]:
    """The place of each word in `compose_text(words)`, in the same order."""
    spans: list[WordSpan] = []
    position, before = 0, None
    for word in words:
        if before is not None:
            position += 2 if word.block != before.block else 1
        spans.append(WordSpan(position, position + len(word.text)))
        position += len(word.text)
        before = word
    return spans
