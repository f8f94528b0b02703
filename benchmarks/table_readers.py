"""What finds tables in a PDF, each behind one function: this project, pdfplumber, MuPDF, and Camelot's four ways.

Camelot is optional: `pip install camelot-py` into the environment of the project. It brings OpenCV (60 MB), pypdfium2,
playa-pdf, tabulate and openpyxl; since version 2 it needs no Ghostscript."""

from __future__ import annotations

import contextlib
import importlib
import importlib.util
import io
import logging
import time
import warnings
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import Any, NamedTuple

from benchmarks.relations import Place, place_rows
from docmatix.core.documents import Box, Page, Refusal, Table
from docmatix.facts.extraction import extract_document
from docmatix.pdf.drawings import Drawing
from docmatix.pdf.reading import read_pages
from docmatix.pdf.settings import Extract


class Refused(Exception):
    """This project does not read the file; the refusal says why."""


class Found(NamedTuple):
    """A table that a reader found: its page (from 1), its box on the displayed page, its cells."""

    page: int
    box: Box
    cells: list[Place]
    confidence: float = 1.0


Reader = Callable[[bytes, Sequence[int]], list[Found]]
"""The tables on these pages (from 1) of a PDF."""

PROJECT, STREAMS = "this project", "this project, rulings taken away"


def read_by_project(pdf: bytes, pages: Sequence[int]) -> list[Found]:
    document = extract_document(pdf, settings=Extract())
    if isinstance(document, Refusal):
        raise Refused(document)
    return [_take(page.number, table) for page in document.pages if page.number in set(pages) for table in page.tables]


def read_without_rulings(pdf: bytes, pages: Sequence[int]) -> list[Found]:
    return time_tables(pdf, pages, with_rulings=False)[0]


def time_tables(pdf: bytes, pages: Sequence[int], *, with_rulings: bool = True) -> tuple[list[Found], float]:
    """The tables on these pages of a PDF, and the CPU seconds that it took to find them once the pages were read."""
    find = _get_finder()
    read = read_pages(pdf, settings=Extract(), with_drawings=True)
    if isinstance(read, Refusal):
        raise Refused(read)
    chosen = [
        (page, drawing if with_rulings else Drawing())
        for page, drawing in zip(read.document.pages, read.drawings, strict=True)
        if page.number in set(pages) and page.reason is None
    ]
    began = time.process_time()
    tables = [(page.number, find(page, drawing)) for page, drawing in chosen]
    spent = time.process_time() - began
    return [_take(number, table) for number, found in tables for table in found], spent


def _get_finder() -> Callable[[Page, Drawing], tuple[Table, ...]]:
    """What finds the tables of a page by their geometry; the reader of ruled tables until there is one."""
    module: Any = importlib.import_module("docmatix.facts.extraction")
    if importlib.util.find_spec("docmatix.facts.tables"):
        found: Any = importlib.import_module("docmatix.facts.tables")
        module = found if hasattr(found, "find_tables") else module
    find: Callable[[Page, Drawing], tuple[Table, ...]] = getattr(module, "find_tables", None) or module._find_tables
    return find


def _take(page: int, table: Table) -> Found:
    cells = [
        Place(cell.row, cell.row + cell.row_span - 1, cell.column, cell.column + cell.column_span - 1, cell.text)
        for cell in table.cells
    ]
    return Found(page, table.box, cells, table.confidence)


def read_by_pdfplumber(pdf: bytes, pages: Sequence[int]) -> list[Found]:
    import pdfplumber

    found = []
    with pdfplumber.open(io.BytesIO(pdf)) as document:
        for number in pages:
            page = document.pages[number - 1]
            found += [
                Found(number, _make_box(table.bbox, page.bbox), place_rows(table.extract()))
                for table in page.find_tables()
            ]
            page.close()
    return found


def read_by_mupdf(pdf: bytes, pages: Sequence[int]) -> list[Found]:
    import pymupdf

    with pymupdf.open(stream=pdf) as document, contextlib.redirect_stdout(io.StringIO()):
        return [
            Found(number, _make_box(table.bbox, page.rect), place_rows(table.extract()))
            for number in pages
            for page in [document[number - 1]]
            for table in page.find_tables().tables
        ]


def read_by_camelot(pdf: bytes, pages: Sequence[int], *, flavor: str) -> list[Found]:
    import pymupdf

    camelot: Any = importlib.import_module("camelot")
    with pymupdf.open(stream=pdf) as document:
        sizes = {number: document[number - 1].rect for number in pages}  # it counts from the corner of the shown page
    listed = ",".join(map(str, pages))
    found = []
    for table in camelot.read_pdf(pdf, pages=listed, flavor=flavor, suppress_stdout=True):
        x0, bottom, x1, top = table._bbox
        page = sizes[table.page]
        upright = (x0, page.height - top, x1, page.height - bottom)
        found.append(Found(table.page, _make_box(upright, page), place_rows(table.df.values.tolist())))
    return found


def _make_box(corners: Iterable[float], page: Iterable[float]) -> Box:
    """Corners in points as fractions of the page."""
    x0, y0, x1, y1 = corners
    left, top, right, bottom = page
    width, height = right - left, bottom - top
    fractions = ((x0 - left) / width, (y0 - top) / height, (x1 - left) / width, (y1 - top) / height)
    return Box(*(min(max(fraction, 0.0), 1.0) for fraction in fractions))


def list_readers(*, with_others: bool = True) -> dict[str, Reader]:
    """The readers by name; Camelot's where it is installed."""
    readers: dict[str, Reader] = {PROJECT: read_by_project}
    if with_others:
        readers |= {"pdfplumber": read_by_pdfplumber, "MuPDF find_tables": read_by_mupdf}
        if importlib.util.find_spec("camelot"):
            for flavor in ("lattice", "stream", "network", "hybrid"):
                readers[f"Camelot {flavor}"] = partial(read_by_camelot, flavor=flavor)
    return readers


class Reading(NamedTuple):
    tables: list[Found]
    seconds: float
    error: str = ""


def ask(reader: Reader, pdf: bytes, pages: Sequence[int]) -> Reading:
    """What a reader finds and the CPU seconds it takes; nothing, and why, where it fails."""
    began = time.process_time()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            tables = reader(pdf, pages)
    except Exception as error:
        return Reading([], time.process_time() - began, f"{type(error).__name__}: {error}"[:120])
    return Reading(tables, time.process_time() - began)


def be_quiet() -> None:
    """MuPDF and pdfminer complain of broken files line by line."""
    import pymupdf

    pymupdf.TOOLS.mupdf_display_errors(False)
    pymupdf.TOOLS.mupdf_display_warnings(False)
    for name in ("pdfminer", "camelot", "playa"):
        logging.getLogger(name).setLevel(logging.CRITICAL)
