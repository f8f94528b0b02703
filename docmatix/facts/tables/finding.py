"""The tables of a page, with what each of their cells says."""

from __future__ import annotations

from collections.abc import Sequence

from docmatix.core.documents import Page, Table
from docmatix.facts.tables.meaning.reading import read_table
from docmatix.facts.tables.raw import find_raw_tables
from docmatix.facts.text_lines import TextLine
from docmatix.pdf.drawings import Drawing
from docmatix.text.hyphens import PageWords


def find_tables(page: Page, drawing: Drawing, lines: Sequence[TextLine] | None = None) -> tuple[Table, ...]:
    """The tables of a page, from the top; `lines` are those of its text, if they are known."""
    known = PageWords(page.words)
    tables = (read_table(page, raw, drawing, known) for raw in find_raw_tables(page, drawing, lines))
    return tuple(table for table in tables if table is not None)
