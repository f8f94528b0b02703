"""Pages with facts and tables, for tests of the questions that are asked about them."""

from __future__ import annotations

from collections.abc import Sequence

from docmatix.core.documents import Box, Cell, Fact, Page, Table, Word, compose_text
from docmatix.prompting.questions.asking import ask_facts
from docmatix.prompting.questions.question import FactQuestion


def make_fact(
    kind: str, label: str, value: str, *, path: Sequence[str] = (), y: float = 0.1, confidence: float = 0.9
) -> Fact:
    """A fact whose value stands on one line at the height `y`."""
    return Fact(
        kind, label, value, tuple(path), (Box(0.4, y, 0.8, y + 0.02),), (Box(0.1, y, 0.3, y + 0.02),), confidence
    )


def make_grid(
    rows: Sequence[Sequence[str]], *, key: int = 0, caption: str = "", unit: str = "", confidence: float = 0.9
) -> Table:
    """A table whose first row is its header; its cells are named as the finder of tables does."""
    cells = []
    for row, texts in enumerate(rows):
        for column, text in enumerate(texts):
            box = Box(0.1 + 0.1 * column, 0.2 + 0.03 * row, 0.19 + 0.1 * column, 0.22 + 0.03 * row)
            role = "key" if row and column == key else "" if text else "empty"
            path = (rows[0][column], texts[key]) if row and column != key else ()
            cells.append(Cell(row, column, 1, 1, text, box, row == 0, path, role))
    return Table(Box(0.1, 0.2, 0.9, 0.8), tuple(cells), caption, unit, (), key, confidence)


def make_page(
    facts: Sequence[Fact] = (), tables: Sequence[Table] = (), *, number: int = 1, text: str = "the page"
) -> Page:
    """A usable page; without words of its own but those of `text`."""
    words = tuple(Word(word, Box(0.1, 0.05, 0.2, 0.07), 0, 0) for word in text.split())
    return Page(number, 595, 842, 0, 0.0, compose_text(words), words, tuple(tables), None, 1.0, tuple(facts))


def ask(*pages: Page, language: str | None = "en", limit: int = 50, seed: int = 0) -> list[FactQuestion]:
    """All that is asked about the pages as one window."""
    return ask_facts(pages, language=language, key="window", seed=seed, limit=limit)


def pair_up(questions: Sequence[FactQuestion], *, kind: str | None = None) -> dict[str, str]:
    """Answers by question."""
    return {one.question: one.answer for one in questions if kind in (None, one.kind)}
