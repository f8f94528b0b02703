"""Sets text and rules on a page of 600 by 800 points, as words and a drawing."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from docmatix.core.documents import Box, Page, Word, compose_text
from docmatix.facts.tables.raw import RawTable, find_raw_tables
from docmatix.pdf.drawings import Drawing, FilledBox, Rule

WIDTH, HEIGHT, SIZE = 600.0, 800.0, 10.0
LETTER = 5.0  # the width of a letter
PITCH = 14.0

Piece = tuple[float, float, str]  # left, top, text


def set_rows(
    rows: Iterable[Sequence[str]], lefts: Sequence[float], *, top: float = 200.0, pitch: float = PITCH
) -> list[Piece]:
    """Rows of texts, each text at the left of its column; empty ones are left out."""
    return [
        (left, top + pitch * number, text)
        for number, row in enumerate(rows)
        for left, text in zip(lefts, row, strict=False)
        if text
    ]


def write(pieces: Iterable[Piece], *, size: float = SIZE) -> Page:
    """A page of these texts, in this order."""
    words: list[Word] = []
    for line, (left, top, text) in enumerate(pieces):
        x = left
        for part in text.split():
            end = x + LETTER * len(part)
            box = Box(x / WIDTH, top / HEIGHT, min(end / WIDTH, 1.0), (top + size) / HEIGHT)
            words.append(Word(part, box, line, line, size))
            x = end + 0.3 * size
    return Page(1, WIDTH, HEIGHT, 0, 0.0, compose_text(words), tuple(words))


def draw(rules: Iterable[Sequence[float]] = (), boxes: Iterable[tuple[float, float, float, float]] = ()) -> Drawing:
    """Rules and filled boxes; the boxes' sides are rules, too, as the reader lists them."""
    filled = [FilledBox(x0, y0, x1, y1, stroked=False, fill=(0.9,)) for x0, y0, x1, y1 in boxes]
    sides = [
        Rule(*side)
        for x0, y0, x1, y1, *_ in filled
        for side in ((x0, y0, x1, y0), (x0, y1, x1, y1), (x0, y0, x0, y1), (x1, y0, x1, y1))
    ]
    return Drawing((*(Rule(*rule) for rule in rules), *sides), tuple(filled))


def draw_grid(xs: Sequence[float], ys: Sequence[float]) -> list[tuple[float, float, float, float]]:
    """The rules of a grid without spans."""
    across = [(xs[0], y, xs[-1], y) for y in ys]
    return across + [(x, ys[0], x, ys[-1]) for x in xs]


def find(page: Page, drawing: Drawing | None = None) -> list[RawTable]:
    return find_raw_tables(page, drawing or draw())


def read(page: Page, table: RawTable) -> list[tuple[int, int, str]]:
    """Row, column and text of each cell that has any."""
    return [
        (cell.row, cell.column, " ".join(page.words[word].text for word in cell.words))
        for cell in table.cells
        if cell.words
    ]


def read_rows(page: Page, table: RawTable) -> list[list[str]]:
    """The texts of a table by row."""
    rows: dict[int, list[str]] = {}
    for row, _, text in read(page, table):
        rows.setdefault(row, []).append(text)
    return [rows[row] for row in sorted(rows)]


def read_words(page: Page, words: Iterable[int]) -> str:
    return " ".join(page.words[word].text for word in words)
