"""Pages made of words, without a PDF: lines of text, set as a word processor would set them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from docmatix.core.documents import Box, Page, Table, Word, compose_text
from docmatix.facts.fields import find_fields
from docmatix.facts.tables import find_tables
from docmatix.pdf.drawings import Drawing, Rule

WIDTH_PT, HEIGHT_PT = 595.0, 842.0
LINE_HEIGHT = 0.014


def write_page(*blocks: str, tables: Sequence[Table] = (), top: float = 0.2) -> Page:
    """A page of blocks, one under the other; a newline in a block starts a line, a tab leaves a gap in it."""
    words: list[Word] = []
    y, line = top, 0
    for block, text in enumerate(blocks):
        for row in text.split("\n"):
            words += _set_line(row, y=y, line=line, block=block)
            y, line = y + 1.2 * LINE_HEIGHT, line + 1
        y += LINE_HEIGHT
    return make_page(words, tables=tables)


def make_page(words: Iterable[Word], *, tables: Sequence[Table] = ()) -> Page:
    """A page of these words, with the fields among them."""
    words = tuple(words)
    page = Page(1, WIDTH_PT, HEIGHT_PT, 0, 0.0, compose_text(words), words, tuple(tables))
    return replace(page, facts=tuple(find_fields(page, Drawing(), page.tables)))


def write_table(*rows: Sequence[str], top: float = 0.3) -> Page:
    """A page with nothing but a ruled table, its columns a fifth of the page wide."""
    words: list[Word] = []
    for line, row in enumerate(rows):
        for column, cell in enumerate(row):
            words += _set_line(cell, y=top + 0.03 * line, line=line, block=0, x=0.1 + 0.2 * column)
    xs = [0.09 + 0.2 * column for column in range(len(rows[0]) + 1)]
    ys = [top - 0.008 + 0.03 * line for line in range(len(rows) + 1)]
    return make_page(words, tables=find_tables(make_page(words), rule_grid(xs, ys)))


def rule_grid(xs: Sequence[float], ys: Sequence[float]) -> Drawing:
    """The rules of a grid, whose lines are given in fractions of the page."""
    left, top, right, bottom = xs[0] * WIDTH_PT, ys[0] * HEIGHT_PT, xs[-1] * WIDTH_PT, ys[-1] * HEIGHT_PT
    across = (Rule(left, y * HEIGHT_PT, right, y * HEIGHT_PT) for y in ys)
    down = (Rule(x * WIDTH_PT, top, x * WIDTH_PT, bottom) for x in xs)
    return Drawing(rules=(*across, *down))


def _set_line(
    text: str, *, y: float, line: int, block: int, x: float = 0.1, height: float = LINE_HEIGHT
) -> Iterable[Word]:
    for part in text.split("\t"):
        for word in part.split():
            end = min(1.0, x + 0.008 * len(word))
            yield Word(word, Box(min(x, end), y, end, y + height), line, block)
            x = end + 0.006
        x += 0.1
