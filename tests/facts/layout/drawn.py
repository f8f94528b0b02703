"""Pages of words as `extract` reads them, from lines given by place, text, size and weight."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from docmatix.core.documents import Box, Fact, Page, Table, Word, compose_text
from docmatix.facts.layout import find_layout

WIDTH, HEIGHT = 600.0, 800.0
PROSE = "The survey was carried out by the regional office together with two universities and is now complete."


class Line(NamedTuple):
    """`y` is its baseline; `marks` of the first words are raised or set in another weight by `first_size`."""

    x: float
    y: float
    text: str
    size: float = 10.0
    bold: bool = False
    first_size: float = 0.0
    first_bold: bool | None = None


def make_page(*lines: Line, number: int = 1, width: float = WIDTH, height: float = HEIGHT) -> Page:
    """A page with these lines in this order; a new block begins at gaps, jumps, and other sizes."""
    words: list[Word] = []
    block = 0
    for at, line in enumerate(lines):
        before = lines[at - 1] if at else line
        if at and (not 0 < line.y - before.y < 1.6 * line.size or abs(line.size - before.size) > 0.5):
            block += 1
        x = line.x
        for place, text in enumerate(line.text.split(" ")):
            if not text:
                x += 0.28 * line.size  # spaces that follow each other part words further
                continue
            first = place == 0
            size = line.first_size if first and line.first_size else line.size
            bold = line.bold if not first or line.first_bold is None else line.first_bold
            right = x + 0.5 * size * len(text)
            box = Box(
                round(x / width, 5),
                round((line.y - 0.9 * size) / height, 5),
                round(min(right, width) / width, 5),
                round((line.y + 0.2 * size) / height, 5),
            )
            words.append(Word(text, box, at, block, size, bold))
            x = right + 0.28 * line.size
    text = compose_text(words)
    return Page(number, width, height, 0, 0.0, text, tuple(words), text_quality=1.0)


def write(x: float, y: float, text: str, *, size: float = 10.0, lead: float = 1.2, width: int = 80) -> list[Line]:
    """Prose in lines of at most so many characters."""
    lines: list[Line] = []
    for word in text.split():
        if lines and len(lines[-1].text) + len(word) < width:
            lines[-1] = lines[-1]._replace(text=f"{lines[-1].text} {word}")
        else:
            lines.append(Line(x, y + len(lines) * lead * size, word, size))
    return lines


def find(*pages: Page, tables: Sequence[Sequence[Table]] | None = None) -> list[list[Fact]]:
    """The facts that something would be asked about."""
    found = find_layout(pages, tables or [[] for _ in pages])
    return [[fact for fact in facts if fact.confidence >= 0.5] for facts in found]


def of_kind(facts: Sequence[Fact], kind: str) -> list[Fact]:
    return [fact for fact in facts if fact.kind == kind]


def list_values(facts: Sequence[Fact], kind: str) -> list[str]:
    return [fact.value for fact in of_kind(facts, kind)]
