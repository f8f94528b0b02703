"""The words of a page as chunks: runs of words that stand a space apart, and the rows they stand in.

Positions are in points of the displayed page; a page written from right to left is mirrored, so that labels stand on
the left everywhere.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Callable, Sequence
from typing import NamedTuple

from docmatix.core.documents import Box
from docmatix.pdf.drawings import Drawing

PROSE_WIDTH = 18  # em: a line of some 36 letters
DOTS = re.compile(r"[.…·∙•]{3,}")
BLANK = re.compile(r"_{3,}")


class Token(NamedTuple):
    """A word, or a part of one that has leader dots, a blank or a colon inside. `key` is unique on the page."""

    text: str
    x0: float
    y0: float
    x1: float
    y1: float
    key: int
    place: int
    size: float
    bold: bool


class Chunk:
    """Tokens of one line that stand a space apart."""

    __slots__ = (
        "at",
        "bold",
        "first_width",
        "in_prose",
        "is_full",
        "last_size",
        "made",
        "make",
        "row",
        "size",
        "text",
        "x0",
        "x1",
        "y0",
        "y1",
    )

    def __init__(self, tokens: Sequence[Token]) -> None:
        self.made: tuple[Token, ...] | None = tuple(tokens)
        self.make: Callable[[], tuple[Token, ...]] = tuple
        if len(tokens) == 1:
            self.text, self.x0, self.y0, self.x1, self.y1, _, _, self.size, self.bold = tokens[0]
            self.last_size, self.first_width = self.size, self.x1 - self.x0
        else:
            texts, x0s, y0s, x1s, y1s, _, _, sizes, bolds = zip(*tokens, strict=True)
            self.text = " ".join(texts)
            self.x0, self.y0, self.x1, self.y1 = min(x0s), min(y0s), max(x1s), max(y1s)
            self.size, self.bold = sizes[0], all(bolds)
            self.last_size, self.first_width = sizes[-1], x1s[0] - x0s[0]
        self.row = self.at = -1
        self.in_prose = False  # whether it is a line of a paragraph
        self.is_full = False  # whether the next line's first word did not fit into it

    @property
    def tokens(self) -> tuple[Token, ...]:
        if self.made is None:
            self.made = self.make()
        return self.made

    def count_words(self) -> int:
        """How many tokens there are, none of which has a space in it."""
        return self.text.count(" ") + 1

    @property
    def middle(self) -> float:
        return (self.y0 + self.y1) / 2

    @property
    def width(self) -> float:
        """In em."""
        return (self.x1 - self.x0) / self.size

    def __repr__(self) -> str:
        return f"Chunk({self.text!r})"


class Layout(NamedTuple):
    """A page's chunks, row by row from the top, each row from the left; what is drawn, in the same frame."""

    chunks: list[Chunk]
    rows: list[list[Chunk]]
    drawing: Drawing
    width: float
    height: float
    is_mirrored: bool

    def to_fractions(self, x0: float, y0: float, x1: float, y1: float) -> Box:
        """A box of this frame as a box of the page."""
        if self.is_mirrored:
            x0, x1 = self.width - x1, self.width - x0
        w, h = self.width, self.height
        return Box(*(round(min(max(part, 0.0), 1.0), 5) for part in (x0 / w, y0 / h, x1 / w, y1 / h)))

    def right_of(self, chunk: Chunk) -> Chunk | None:
        """The next chunk of its row."""
        row = self.rows[chunk.row]
        return row[chunk.at + 1] if chunk.at + 1 < len(row) else None

    def left_of(self, chunk: Chunk) -> Chunk | None:
        return self.rows[chunk.row][chunk.at - 1] if chunk.at > 0 else None

    def below(self, chunk: Chunk, *, within: float = 1.0, slack: float = 2.0) -> Chunk | None:
        """The chunk that begins below another at its left edge, at most `within` em under it."""
        limit = chunk.y1 + within * chunk.size
        for row in self.rows[chunk.row + 1 : chunk.row + 5]:
            for other in row:
                if other.y0 > limit:
                    continue
                if abs(other.x0 - chunk.x0) <= slack:
                    return other
                if other.x0 < chunk.x1 and other.x1 > chunk.x0:
                    return None  # something else stands there
        return None

    def is_ruled_between(self, above: Chunk, below: Chunk) -> bool:
        """Whether a line across the page parts two chunks."""
        return any(
            above.middle < rule.y0 < below.middle and rule.x0 < below.x1 and rule.x1 > below.x0 and rule.y0 == rule.y1
            for rule in self.drawing.rules
        )

    def in_column(self, x0: float, y0: float, x1: float, y1: float) -> list[Chunk]:
        """The chunks that overlap an area, from the top."""
        start = bisect_left(self.rows, y0, key=lambda row: max(chunk.y1 for chunk in row))
        found = []
        for row in self.rows[start:]:
            if min(chunk.y0 for chunk in row) > y1:
                break
            found += [chunk for chunk in row if chunk.x0 < x1 and chunk.x1 > x0 and chunk.y0 < y1 and chunk.y1 > y0]
        return found
