"""Reads a PDF and finds what its pages say: their tables, and the facts beside them."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from docmatix.core.documents import Document, Page, Refusal, Table
from docmatix.facts.ruled_tables import fill_grids, find_grids
from docmatix.pdf.drawings import Drawing
from docmatix.pdf.reading import read_pages

if TYPE_CHECKING:
    from docmatix.pdf.settings import Extract


def extract_document(pdf: bytes, *, settings: Extract, twin: bytes | None = None) -> Document | Refusal:
    """The document of `docmatix.pdf.reading.read_pages` with tables and facts on its usable pages."""
    read = read_pages(pdf, settings=settings, twin=twin, with_drawings=settings.tables)
    if isinstance(read, Refusal):
        return read
    pages = [
        replace(page, tables=_find_tables(page, drawing)) if settings.tables and page.reason is None else page
        for page, drawing in zip(read.document.pages, read.drawings, strict=True)
    ]
    return replace(read.document, pages=tuple(pages))


def _find_tables(page: Page, drawing: Drawing) -> tuple[Table, ...]:
    try:
        grids = find_grids(drawing.rules, width_pt=page.width_pt, height_pt=page.height_pt)
    except MemoryError:
        raise
    except Exception:  # pdfplumber's: a page without tables is better than none
        return ()
    return fill_grids(grids, page)
