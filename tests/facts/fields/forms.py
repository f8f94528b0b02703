"""Forms without a PDF: texts at places in points on a page of A4, and what is drawn around them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from docmatix.core.documents import Box, Fact, Page, Table, Word, compose_text
from docmatix.facts.fields import find_fields
from docmatix.pdf.drawings import Drawing, FilledBox, Rule

WIDTH, HEIGHT = 595.0, 842.0


class Text(NamedTuple):
    """A text whose first letter stands at `x` and whose line begins at `y`; two blanks leave a gap of two em."""

    x: float
    y: float
    text: str
    size: float = 10.0
    bold: bool = False


def write_form(*texts: Text) -> Page:
    """A page of these texts, in this order, each a line and a block of its own; letters are half as wide as high."""
    words: list[Word] = []
    for line, (x, y, text, size, bold) in enumerate(texts):
        at = x
        for part in text.split("  "):
            for word in part.split():
                end = at + 0.5 * size * len(word)
                box = Box(at / WIDTH, y / HEIGHT, min(end / WIDTH, 1.0), (y + 1.2 * size) / HEIGHT)
                words.append(Word(word, box, line, line, size, bold))
                at = end + 0.28 * size
            at += 2 * size
    return Page(1, WIDTH, HEIGHT, 0, 0.0, compose_text(words), tuple(words))


def mirror(page: Page) -> Page:
    """The page as it stands where lines run to the left."""
    words = tuple(
        word._replace(box=Box(1 - word.box.x1, word.box.y0, 1 - word.box.x0, word.box.y1)) for word in page.words
    )
    return Page(1, WIDTH, HEIGHT, 0, 0.0, page.text, words)


def draw_box(x0: float, y0: float, x1: float, y1: float) -> Drawing:
    """A frame, as the reader of drawings lists it: a box and its four sides."""
    sides = (Rule(x0, y0, x1, y0), Rule(x0, y1, x1, y1), Rule(x0, y0, x0, y1), Rule(x1, y0, x1, y1))
    return Drawing(rules=sides, boxes=(FilledBox(x0, y0, x1, y1, True, None),))


def join_drawings(*drawings: Drawing) -> Drawing:
    """All that is on any of them."""
    return Drawing(
        rules=tuple(rule for drawing in drawings for rule in drawing.rules),
        boxes=tuple(box for drawing in drawings for box in drawing.boxes),
    )


def read(page: Page, drawing: Drawing | None = None, tables: Sequence[Table] = ()) -> list[Fact]:
    """The facts a careful reader would agree with."""
    return [fact for fact in find_fields(page, drawing or Drawing(), tables) if fact.confidence >= 0.5]


def list_pairs(facts: Sequence[Fact], kind: str = "field") -> list[tuple[str, str]]:
    """Labels and values of one kind."""
    return [(fact.label, fact.value) for fact in facts if fact.kind == kind]
