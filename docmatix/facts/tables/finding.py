"""The tables of a page, with what each of their cells says."""

from __future__ import annotations

from docmatix.core.documents import Page, Table
from docmatix.facts.tables.meaning.reading import read_table
from docmatix.facts.tables.raw import find_raw_tables
from docmatix.pdf.drawings import Drawing
from docmatix.text.hyphens import PageWords


def find_tables(page: Page, drawing: Drawing) -> tuple[Table, ...]:
    """The tables of a page, from the top."""
    known = PageWords(page.words)
    tables = (read_table(page, raw, drawing, known) for raw in find_raw_tables(page, drawing))
    return tuple(table for table in tables if table is not None)
