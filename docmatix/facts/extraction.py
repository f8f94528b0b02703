"""Reads a PDF and finds what its pages say: their tables, and the facts beside them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from docmatix.core.documents import Document, Fact, Page, Refusal
from docmatix.facts.fields import find_fields
from docmatix.facts.layout import find_layout
from docmatix.facts.profile import profile_page
from docmatix.facts.scans import mask_doubtful, unmask
from docmatix.facts.tables import find_tables, join_continued
from docmatix.facts.text_lines import list_text_lines
from docmatix.pdf.drawings import Drawing
from docmatix.pdf.ocr.pages import place_on_page
from docmatix.pdf.reading import PageRange, read_pages
from docmatix.text.page_signatures import sign_page

if TYPE_CHECKING:
    from docmatix.pdf.settings import Extract


def extract_document(
    pdf: bytes | memoryview,
    *,
    settings: Extract,
    twin: bytes | None = None,
    readings: Mapping[int, str | Refusal] | None = None,
    keep_pictures: bool = False,
    wanted: PageRange | None = None,
) -> Document | Refusal:
    """The document of `docmatix.pdf.reading.read_pages` with tables and facts on its usable pages, with the profiles
    of all that could be read, and with signatures of those that can be compared. Of a document with more pages than
    are `wanted`, that part of it."""
    read = read_pages(
        pdf,
        settings=settings,
        twin=twin,
        with_drawings=settings.tables,
        readings=readings,
        keep_pictures=keep_pictures,
        wanted=wanted,
    )
    if isinstance(read, Refusal):
        return read
    document, drawings, scanned, own = read
    pages = list(document.pages)
    if settings.tables:
        usable = [at for at, page in enumerate(pages) if page.reason is None]
        # what OCR is not sure of is not asked about
        masked = [mask_doubtful(pages[at], settings.ocr.min_confidence) for at in usable]
        for at, page in zip(usable, find_facts(masked, [drawings[at] for at in usable]), strict=True):
            pages[at] = unmask(page, pages[at])
        pages = [
            page if page.reason in _UNSEEN else replace(page, profile=profile_page(page, drawing))
            for page, drawing in zip(pages, drawings, strict=True)
        ]
    for number, taken in scanned.items():
        if taken.straightening is not None:
            at = number - pages[0].number
            pages[at] = place_on_page(pages[at], taken.straightening, taken.shown)
    signed = (replace(page, text_signature=sign_page(page)) for page in pages[own.start : own.stop])
    return replace(document, pages=tuple(signed))


_UNSEEN = ("unreadable", "unrenderable")


def find_facts(pages: Sequence[Page], drawings: Sequence[Drawing]) -> list[Page]:
    """The usable pages of a document with their tables, and with their facts from the top of each page."""
    lines = list(map(list_text_lines, pages))
    tables = join_continued(pages, list(map(find_tables, pages, drawings, lines)))
    layout = find_layout(pages, tables)
    done = []
    for page, drawing, of_page, mine, beside in zip(pages, drawings, lines, tables, layout, strict=True):
        headings = [fact for fact in beside if fact.kind == "heading"]
        fields = [fact._replace(path=_find_path(fact, headings)) for fact in find_fields(page, drawing, mine, of_page)]
        done.append(replace(page, tables=mine, facts=tuple(sorted((*beside, *fields), key=_find_place))))
    return done


def _find_path(field: Fact, headings: Sequence[Fact]) -> tuple[str, ...]:
    """The headings above a field; those of a check box are left to what it is: checked or not."""
    if field.kind == "checkbox":
        return field.path
    top, left = _find_place(field)
    above = [
        heading
        for heading in headings
        if heading.boxes and heading.boxes[-1].y1 <= top + 0.002 and heading.boxes[0].x0 <= left + 0.02
    ]
    if not above:
        return ()
    nearest = max(above, key=lambda heading: (heading.boxes[-1].y1, heading.boxes[0].x0))
    return (*nearest.path, nearest.value)


def _find_place(fact: Fact) -> tuple[float, float]:
    box = (fact.label_boxes or fact.boxes)[0]
    return box.y0, box.x0
