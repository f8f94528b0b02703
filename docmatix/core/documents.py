"""Documents as every stage after `extract` sees them: pages, words, tables, facts.

Boxes are fractions of the page *as displayed* (rotated and cropped), origin top left, so that they hold at any dpi.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Literal, NamedTuple, TypeAlias

from docmatix.core.profiles import Profile

TextFrom: TypeAlias = Literal["layer", "ocr", "none"]

_NOTHING_TO_SEE = (None, "blank", "unreadable", "unrenderable")
"""The reasons of pages that are no mere pictures, or none that can be drawn."""

DUPLICATE_PAGE = "duplicate_page"
"""The reason of a page that `dedup` has left out."""

UNKNOWN = "\N{REPLACEMENT CHARACTER}"
"""Stands in a word for a character whose meaning is not known; nothing is taken from a word that has it."""


class Box(NamedTuple):
    """A rectangle in fractions of the displayed page, `0 <= x0 <= x1 <= 1`, likewise y."""

    x0: float
    y0: float
    x1: float
    y1: float


def enclose(boxes: Iterable[Box]) -> Box:
    """The smallest box around all of them, of which there is at least one."""
    boxes = list(boxes)
    if len(boxes) == 1:
        return boxes[0]
    x0, y0, x1, y1 = zip(*boxes, strict=True)
    return Box(min(x0), min(y0), max(x1), max(y1))


class Word(NamedTuple):
    """One word in reading order. `line` and `block` count from 0 within the page; both are contiguous. `size` is that
    of its font in points, rounded to eighths; 0 where it is unknown. `confidence` is how sure OCR is of it, 0..1; None
    for a word of the text layer."""

    text: str
    box: Box
    line: int
    block: int
    size: float = 0.0
    bold: bool = False
    confidence: float | None = None


class Cell(NamedTuple):
    """A cell of a table, at its first row and column (from 0). `path` names what the cell is about: the headers above
    it, outermost first, then its row's name. `role` of a cell below the header: `key` (names its row), `section` (names
    the rows below it), `total`, `empty`, or nothing."""

    row: int
    column: int
    row_span: int
    column_span: int
    text: str
    box: Box
    header: bool = False
    path: tuple[str, ...] = ()
    role: str = ""


@dataclass(frozen=True, slots=True)
class Table:
    """A table and its cells, row by row; those of a grid that are empty may be left out."""

    box: Box
    cells: tuple[Cell, ...]
    caption: str = ""
    unit: str = ""
    notes: tuple[str, ...] = ()
    key_column: int | None = None
    """The column that names the rows; None if none does."""
    confidence: float = 1.0
    """How far the grid and its headers can be trusted, 0..1."""
    continues: bool = False
    """Whether it goes on with the last table of the page before."""

    @property
    def rows(self) -> tuple[tuple[str, ...], ...]:
        """The texts of the grid, row by row; a cell over several rows or columns has its text in the first."""
        if not self.cells:
            return ()
        columns = max([cell.column + cell.column_span for cell in self.cells])
        rows = max([cell.row + cell.row_span for cell in self.cells])
        grid = [[""] * columns for _ in range(rows)]
        for cell in self.cells:
            grid[cell.row][cell.column] = cell.text
        return tuple(map(tuple, grid))

    def to_markdown(self) -> str:
        """A GitHub pipe table, one line per row, with bars inside cells escaped."""

        def line(cells: Iterable[str]) -> str:
            return "| " + " | ".join(" ".join(cell.split()).replace("|", "\\|") for cell in cells) + " |"

        rows = self.rows
        return "\n".join([line(rows[0]), "|" + " --- |" * len(rows[0]), *map(line, rows[1:])])


def make_table(box: Box, rows: Iterable[Iterable[str]]) -> Table:
    """A table of which only the texts are known, row by row; the first row is the header."""
    return Table(
        box,
        tuple(
            Cell(row, column, 1, 1, text, box, header=row == 0)
            for row, texts in enumerate(rows)
            for column, text in enumerate(texts)
        ),
    )


class Fact(NamedTuple):
    """Something that a page says, as its geometry shows: a `label` (or nothing) and its `value`, below the headings of
    `path`, outermost first. `boxes` are those of the value, one a line; `confidence` is 0..1. Kinds: `FACT_KINDS`."""

    kind: str
    label: str
    value: str
    path: tuple[str, ...]
    boxes: tuple[Box, ...]
    label_boxes: tuple[Box, ...] = ()
    confidence: float = 1.0


FACT_KINDS = (
    "title",
    "heading",
    "section",
    "field",
    "empty_field",
    "checkbox",
    "list_item",
    "caption",
    "footnote",
    "date",
    "addressee",
    "subject",
    "signatory",
    "figure",
    "page_number",
    "running_head",
)
"""What is known of a page beside its tables. `section`: a heading and the paragraph under it; `figure`: an amount or a
date of running text and what it stands beside; `checkbox`: `path` is `("checked",)` or `("unchecked",)`."""


@dataclass(frozen=True, slots=True)
class Page:
    """One page. `number` is 1-based; `text` is exactly `compose_text(words)`."""

    number: int
    width_pt: float
    height_pt: float
    rotation: int
    image_share: float
    text: str
    words: Sequence[Word]
    tables: tuple[Table, ...] = ()
    reason: str | None = None
    """Why nothing is asked about this page (`docmatix.pdf.reading` lists the reasons); None for a usable page."""
    text_quality: float | None = None
    """How well the text reads, 0..1 (`docmatix.text.quality`); None where nobody can tell, or has tried."""
    facts: tuple[Fact, ...] = ()
    text_from: TextFrom = "layer"
    """Where the words were read: from the text layer, from the page's picture, or nowhere."""
    route_reason: str = ""
    """Why they were read there (`docmatix.pdf.text_source`); nothing in runs of earlier versions."""
    ocr_confidence: float | None = None
    """How sure OCR is of the words that it read, 0..1, each character counting alike; None if it read none."""
    profile: Profile | None = None
    """What the page is like; None where nobody has looked."""
    text_signature: bytes | None = None
    """By which it is compared with other pages (`docmatix.text.page_signatures`); None if it cannot be."""

    @property
    def is_image_only(self) -> bool:
        """Whether it shows something of which no text could be read, from a layer or by OCR: only eyes help."""
        return self.text_from == "none" and self.reason not in _NOTHING_TO_SEE


class Part(NamedTuple):
    """What must be known of some pages of a document so that it can be described as a whole."""

    page_count: int
    """Of the document."""
    words: int
    """On these pages, hidden ones too."""
    picture_hashes: tuple[int, ...]
    """Of the pages that OCR has read."""


@dataclass(frozen=True, slots=True)
class Document:
    """One PDF that could be read."""

    doc_id: str
    pages: tuple[Page, ...]
    language: str | None
    signature: tuple[int, ...] | None
    """MinHash of the text's word shingles; None if the text is too short to compare."""
    part: Part | None = None
    """Where `pages` are only some of a long document, which has no language and no signature then."""


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
