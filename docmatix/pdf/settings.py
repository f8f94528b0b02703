"""The settings of reading and of rendering. A child process imports them, so that they import nothing heavy."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from docmatix.core.settings import Section
from docmatix.pdf.ocr import AnyOcrEngine
from docmatix.pdf.ocr.auto import AutoOcr


class Extract(Section):
    """Reading PDFs, each in a child process that may die."""

    timeout_s: int = Field(60, ge=1)
    """CPU seconds for one document, or for each 128 pages of a longer one; ten times as many of wall time, so that the
    load of the machine changes nothing."""
    memory_mb: int = Field(2048, ge=512)
    """Memory of the child that reads the document; about 240 MB of it are the libraries. Of a long document it holds
    128 pages at once."""
    max_file_mb: int = Field(512, ge=1)
    max_pages: int = Field(10_000, ge=1)
    max_words: int = Field(2_000_000, ge=1)
    """Words in one document, all pages together."""
    min_words: int = Field(5, ge=0)
    """A page with fewer words is `no_text` (or `blank`): nothing is asked about it."""
    tables: bool = True
    """Find the tables of pages, and the facts beside them: fields, headings, lists and the like."""
    ocr: AnyOcrEngine = AutoOcr()
    """How pages without a readable text layer are read, and pictures beside it."""


class Rendering(Section):
    """Drawing pages."""

    dpi: int = Field(150, ge=36, le=600)
    max_side_px: int = Field(2940, ge=64)
    """Longest side of a page image; larger pages are rendered smaller (2,940 px: the published recipe)."""
    color: Literal["auto", "rgb", "gray"] = "auto"
    """`auto` renders pages without colour in grey (about 40 % of real pages, at a third of the bytes)."""
    image_format: Literal["jpeg", "png", "webp"] = "jpeg"
    quality: int = Field(85, ge=1, le=100)
