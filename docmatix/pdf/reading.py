"""Reads a PDF into words with boxes, page facts, language and signature, or refuses it: `empty`, `too_large`,
`not_pdf`, `encrypted`, `unreadable`, `placeholder`, `no_text`. A page may have a reason of its own: `blank` (nothing
is drawn), `no_text` (a scan, or too few words), `garbled`, `hidden` (no word is visible), `unrenderable`, `unreadable`;
`ocr_failed` or `internal_error` where OCR took too long, or died.

MuPDF is not thread-safe and may crash or hang: call these functions in a `docmatix.pdf.sandbox.Sandbox`."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from itertools import count
from typing import TYPE_CHECKING, Any, NamedTuple

from docmatix.core.documents import UNKNOWN, Box, Document, Page, Part, Refusal, compose_text
from docmatix.pdf.bullets import leave_out_bullets
from docmatix.pdf.characters import clean_text
from docmatix.pdf.drawings import Drawing, list_boxes, list_content_shapes, list_figures, list_rules, list_widgets
from docmatix.pdf.drawn_blanks import DrawnBlanks
from docmatix.pdf.fonts import add_fonts
from docmatix.pdf.fractions import Fractions
from docmatix.pdf.layout import Piece, arrange_words
from docmatix.pdf.ocr.straightening import LOOK_DPI
from docmatix.pdf.pdfa import take_words
from docmatix.pdf.scanned_words import Scanned, take_reading
from docmatix.pdf.text_source import MAX_UNKNOWN_SHARE, choose_route, judge_text, measure_cover
from docmatix.pdf.vertical import join_vertical
from docmatix.pdf.visibility import LOOK_PX, InspectionBudget, draw_page, find_hidden
from docmatix.pdf.words import RawLine, read_lines
from docmatix.text.quality import measure_quality

if TYPE_CHECKING:
    from PIL.Image import Image

    from docmatix.pdf.settings import Extract


MAX_LOOK_PX = 80_000_000  # of a page's pictures, for them to be looked at: A4 at 900 dpi; a bomb has gigapixels


def make_doc_id(pdf: bytes | memoryview) -> str:
    """The first 32 hex digits of the SHA-256 of a PDF's bytes."""
    return hashlib.sha256(pdf).hexdigest()[:32]


class PageRange(NamedTuple):
    """Which pages of a long document to read: at most so many from `first` (from 1) on."""

    first: int
    at_most: int


PAGES_KEPT = 16  # of which MuPDF keeps what it has unpacked, at most
BEFORE, AFTER = 8, 4
"""Pages around a range that are read with it: by them a table goes on, a running head repeats, a number follows."""


class ReadDocument(NamedTuple):
    """A document, and what is drawn on each of its pages besides text. A page that OCR has read as a whole is turned so
    that its lines are level; `scanned` has it as it is displayed, by its number. Of a part of a document, `own` are the
    places of its pages among those around it."""

    document: Document
    drawings: list[Drawing]
    scanned: dict[int, Scanned]
    own: range


def read_document(pdf: bytes | memoryview, *, settings: Extract, twin: bytes | None = None) -> Document | Refusal:
    """`read_pages` of the text layer, without the drawings."""
    read = read_pages(pdf, settings=settings, twin=twin)
    return read if isinstance(read, Refusal) else read.document


def read_pages(
    pdf: bytes | memoryview,
    *,
    settings: Extract,
    twin: bytes | None = None,
    with_drawings: bool = False,
    readings: Mapping[int, str | Refusal] | None = None,
    keep_pictures: bool = False,
    wanted: PageRange | None = None,
) -> ReadDocument | Refusal:
    """Read every page of `pdf`, without tables and facts. The same bytes and settings give the same value. Raises only
    `MemoryError`. Without `with_drawings`, they are empty.

    The words of `twin`, a PDFA document's JSON, replace the PDF's own unless it is broken or belongs to another file.
    `readings` are what OCR made of pages, by their number (`docmatix.pdf.page_pictures`). With `keep_pictures` a
    document is one even if all of its pages are mere pictures. Of a document with more pages than are `wanted` only
    these are read, and those around them; whether it has any usable page is then for the caller to tell.
    """
    if len(pdf) > settings.max_file_mb * 2**20:
        return Refusal("too_large", f"{len(pdf)} bytes, more than {settings.max_file_mb} MB")
    document = open_pdf(pdf)
    if isinstance(document, Refusal):
        return document
    with document:
        page_count = document.page_count
        if page_count > settings.max_pages:
            return Refusal("too_large", f"{page_count} pages, more than {settings.max_pages}")
        whole = wanted is None or page_count <= wanted.at_most
        own = _choose_pages(page_count, None if whole else wanted)
        around = own if whole else range(max(0, own.start - BEFORE), min(page_count, own.stop + AFTER))
        pages: list[Page] = []
        hidden: list[list[Box]] = []
        words, budget, blanks = 0, InspectionBudget(), DrawnBlanks()
        drawings: list[Drawing] = []
        pictures: list[Sequence[Box]] = []
        sizes: list[int] = []
        for index in around:
            page, unseen, drawing, shown, pixels = _try_page(
                document, index, min_words=settings.min_words, budget=budget, blanks=blanks, with_drawing=with_drawings
            )
            pages.append(page)
            hidden.append(unseen)
            drawings.append(drawing)
            pictures.append(shown)
            sizes.append(pixels)
            if len(pages) % PAGES_KEPT == 0:
                _forget_pictures()
            words += len(page.words) + len(unseen) if index in own else 0
            if words > settings.max_words:
                return Refusal("too_large", f"more than {settings.max_words} words by page {index + 1}")
        if twin is not None:
            pages = take_words(pages, twin, hidden=hidden, min_words=settings.min_words, page_count=page_count)
        pages = [
            choose_route(
                page,
                shown,
                min_words=settings.min_words,
                look=partial(_draw_look, document, page, pixels=pixels, budget=budget),
            )
            for page, shown, pixels in zip(pages, pictures, sizes, strict=True)
        ]
        scanned: dict[int, Scanned] = {}
        for number, reading in (readings or {}).items():
            at = number - 1 - around.start
            taken = take_reading(pages[at], reading, drawings[at], settings=settings)
            pages[at], drawings[at] = taken.page, taken.drawing
            scanned[number] = taken
        read_words = sum(len(pages[index - around.start].words) for index in own)
        if scanned and read_words > settings.max_words:
            return Refusal("too_large", f"more than {settings.max_words} words, with those that OCR has read")
        hashes = [each.picture_hash for number, each in sorted(scanned.items()) if number - 1 in own]
        known = tuple(each for each in hashes if each is not None)
        if not whole:
            part = Part(page_count, max(words, read_words), known)
            read = Document(make_doc_id(pdf), tuple(pages), None, None, part)
            return ReadDocument(read, drawings, scanned, range(own.start - around.start, own.stop - around.start))
        if (message := _find_placeholder(document, pages)) is not None:
            return Refusal("placeholder", message)
        usable = [page for page in pages if page.reason is None]
        if not usable and not (keep_pictures and any(page.is_image_only for page in pages)):
            return refuse_unusable(Counter(str(page.reason) for page in pages))
    language, signature = describe_texts([page.text for page in usable], known)
    read = Document(make_doc_id(pdf), tuple(pages), language, signature)
    return ReadDocument(read, drawings, scanned, range(len(pages)))


def refuse_unusable(reasons: Mapping[str, int]) -> Refusal:
    """The refusal of a document without a usable page, from how many pages have which reason."""
    return Refusal(
        "no_text", f"no usable page: {', '.join(f'{count} {name}' for name, count in sorted(reasons.items()))}"
    )


def describe_texts(texts: Sequence[str], picture_hashes: Sequence[int]) -> tuple[str | None, tuple[int, ...] | None]:
    """The language and the signature of a document, from the texts of its usable pages, or, if there are none, from the
    hashes of its pages' pictures."""
    from docmatix.text.languages import detect_main_language
    from docmatix.text.minhash import sign_pictures, sign_text

    text = "\n\n".join(texts)
    return detect_main_language(text), sign_text(text) if texts else sign_pictures(picture_hashes)


def _choose_pages(page_count: int, wanted: PageRange | None) -> range:
    """The indices (from 0) of the pages to read of so many."""
    if wanted is None:
        return range(page_count)
    return range(min(page_count, wanted.first - 1), min(page_count, wanted.first - 1 + wanted.at_most))


def _draw_look(document: Any, page: Page, *, pixels: int, budget: InspectionBudget) -> Image | None:
    """A grey drawing of a page whose pictures have so many pixels; None where it costs too much, or fails."""
    from PIL import Image

    if pixels > MAX_LOOK_PX or budget.drawings <= 0:
        return None
    budget.drawings -= 1
    try:
        drawing = draw_page(document.load_page(page.number - 1), dpi=LOOK_DPI, max_side_px=LOOK_PX)
    except Exception as error:
        raise_if_memory(error)
        return None
    return Image.fromarray(drawing).convert("L")


def _forget_pictures() -> None:
    """Have MuPDF drop the pictures and fonts that it keeps, up to 256 MB of them; it does not tell how many."""
    import pymupdf

    pymupdf.TOOLS.store_shrink(100)


def open_pdf(pdf: bytes | memoryview) -> Any | Refusal:
    """The open `pymupdf.Document` of a readable PDF with pages, or a refusal.

    MuPDF tries the empty password: a file that only restricts printing or copying is read.
    """
    import pymupdf

    # MuPDF writes complaints to stderr, thousands of lines for one broken file, and keeps them too
    pymupdf.TOOLS.mupdf_display_errors(False)
    pymupdf.TOOLS.mupdf_display_warnings(False)
    pymupdf.TOOLS.reset_mupdf_warnings()
    if not pdf:
        return Refusal("empty", "zero bytes")
    # MuPDF goes by content and would open a web page, an image or an e-book. Like other readers, accept anything before
    # the header within the first kilobyte.
    if b"%PDF" not in bytes(pdf[:1024]):
        return Refusal("not_pdf", f"no %PDF header; begins with {bytes(pdf[:16])!r}")
    try:
        document = pymupdf.open(stream=pdf, filetype="pdf")
        if not document.is_pdf:
            return Refusal("not_pdf", str(document.metadata.get("format")))
        if document.needs_pass:
            return Refusal("encrypted", "a password is needed")
        if document.page_count == 0:
            # a broken download is not an empty document
            return (
                Refusal("unreadable", "damaged, and no page is left")
                if document.is_repaired
                else Refusal("empty", "no pages")
            )
    except Exception as error:
        raise_if_memory(error)
        return Refusal("unreadable", describe_error(error))
    return document


def read_page(document: Any, index: int, *, min_words: int) -> Page:
    """Page `index` (from 0) of an open document, without its tables."""
    return read_with_pictures(document, index, min_words=min_words)[0]


def read_with_pictures(document: Any, index: int, *, min_words: int) -> tuple[Page, Sequence[Box]]:
    """Page `index` (from 0) of an open document, without its tables, and the boxes of its pictures."""
    read = _try_page(document, index, min_words=min_words, budget=InspectionBudget(), blanks=DrawnBlanks())
    return read.page, read.pictures


class _Reading(NamedTuple):
    page: Page
    hidden: list[Box]  # of its hidden words
    drawing: Drawing
    pictures: Sequence[Box] = ()
    pixels: int = 0  # of its pictures, before they are scaled


def _try_page(
    document: Any,
    index: int,
    *,
    min_words: int,
    budget: InspectionBudget,
    blanks: DrawnBlanks,
    with_drawing: bool = False,
) -> _Reading:
    try:
        page = document.load_page(index)
        return _read_page(
            page, number=index + 1, min_words=min_words, budget=budget, blanks=blanks, with_drawing=with_drawing
        )
    except Exception as error:
        raise_if_memory(error)
        return _Reading(Page(index + 1, 0.0, 0.0, 0, 0.0, "", (), reason="unreadable"), [], Drawing())


def _find_placeholder(document: Any, pages: Sequence[Page]) -> str | None:
    """What the pages show in place of the content; None for a document, and where its structure is broken."""
    from docmatix.pdf.placeholders import find_placeholder

    try:
        return find_placeholder(document, [page.text for page in pages])
    except Exception as error:
        raise_if_memory(error)
        return None


def raise_if_memory(error: Exception) -> None:
    """Raise `MemoryError` if `error` is one of the exceptions by which MuPDF reports it."""
    if isinstance(error, MemoryError) or "alloc" in str(error):
        raise MemoryError(describe_error(error)) from error


def describe_error(error: Exception) -> str:
    return f"{type(error).__name__}: {' '.join(str(error).split())[:200]}"


def _read_page(
    page: Any, *, number: int, min_words: int, budget: InspectionBudget, blanks: DrawnBlanks, with_drawing: bool
) -> _Reading:
    import pymupdf

    # No TEXT_PRESERVE_LIGATURES: "ﬁ" becomes "fi". No TEXT_PRESERVE_WHITESPACE: words end at tabs and wide spaces, too.
    # No TEXT_CID_FOR_UNKNOWN_UNICODE: it replaces characters by glyph numbers, which look like text.
    # What is seen counts, not what ActualText says: IGNORE_ACTUALTEXT.
    flags = pymupdf.TEXT_CLIP | pymupdf.TEXT_IGNORE_ACTUALTEXT
    textpage = page.get_textpage(flags=flags | pymupdf.TEXT_PRESERVE_IMAGES)
    to_fractions = Fractions(page)
    width_pt, height_pt = to_fractions.width_pt, to_fractions.height_pt
    infos = textpage.extractIMGINFO()
    images = [box for info in infos if (box := to_fractions(info["bbox"]))]
    pixels = sum(info["width"] * info["height"] for info in infos)
    if images:
        # the dictionary of this text page would include its pictures' bytes
        textpage = page.get_textpage(flags=flags)
    spans = textpage.extractDICT()["blocks"]
    lines, unknown_share = _read_words(read_lines(page, textpage, spans, blanks.find_in(page)), to_fractions)
    lines = join_vertical(lines, textpage, to_fractions, width_pt=width_pt, height_pt=height_pt)
    places = [piece.box for _, pieces in lines for piece in pieces]
    shapes = budget.list_shapes(page) if places else []
    found = find_hidden(page, spans, places, pictures=images, shapes=shapes, to_fractions=to_fractions, budget=budget)
    hidden = found or set()
    words = arrange_words(_leave_out(hidden, lines), width_pt=width_pt, height_pt=height_pt)
    words = add_fonts(words, spans, to_fractions=to_fractions)
    text = compose_text(words)
    quality = measure_quality(text)
    if found is None:
        reason: str | None = "unrenderable"
    elif len(words) >= min_words:
        reason = judge_text(quality, unknown_share=unknown_share)
    elif unknown_share > MAX_UNKNOWN_SHARE:
        reason = "garbled"
    elif hidden and len(places) >= min_words:
        reason = "hidden"
    else:
        reason = "blank" if not words and not images and _is_blank(page) else "no_text"
    read = Page(
        number=number,
        width_pt=round(width_pt, 2),
        height_pt=round(height_pt, 2),
        rotation=page.rotation,
        image_share=measure_cover(images),
        text=text,
        words=words,
        reason=reason,
        text_quality=quality,
    )
    drawing = (
        _list_drawing(page, shapes, images, to_fractions.matrix, budget)
        if with_drawing and reason is None
        else Drawing()
    )
    return _Reading(read, [places[index] for index in sorted(hidden)], drawing, images, pixels)


def _list_drawing(
    page: Any,
    shapes: Sequence[dict[str, Any]],
    pictures: Sequence[Box],
    matrix: Sequence[float],
    budget: InspectionBudget,
) -> Drawing:
    own = list_content_shapes(page, shapes)
    rules = list_rules(own, matrix) if budget.rules > 0 else []
    budget.rules -= len(rules)
    boxes = tuple(list_boxes(own, matrix) if rules else ())
    marks, outlines = list_figures(own, matrix)
    return Drawing(
        tuple(rules), boxes, tuple(list_widgets(page)), tuple(marks), tuple(outlines), tuple(pictures), len(own)
    )


def _leave_out(hidden: set[int], lines: list[tuple[int, list[Piece]]]) -> list[tuple[int, list[Piece]]]:
    if not hidden:
        return lines
    number = count()
    seen = ((block, [piece for piece in pieces if next(number) not in hidden]) for block, pieces in lines)
    return [(block, pieces) for block, pieces in seen if pieces]


def _read_words(raw: Iterable[RawLine], to_fractions: Fractions) -> tuple[list[tuple[int, list[Piece]]], float]:
    """Lines in content order, each with its block, and the share of unknown characters (0..1). An unknown sign before a
    line, mostly a bullet, is left out."""
    lines: list[tuple[int, list[Piece]]] = []
    characters = unknown = 0
    raw = list(raw)
    boxes = iter(to_fractions.convert([bounds for _, words in raw for _, bounds in words]))
    for block, words in raw:
        pieces = []
        # the words first: at the end of a line no box may be taken
        for (raw_text, _), box in zip(words, boxes):  # noqa: B905
            text = clean_text(raw_text)
            if box is None or not text:
                continue
            characters += len(text)
            unknown += text.count(UNKNOWN)
            pieces.append(Piece(text, box))
        if pieces:
            lines.append((block, pieces))
    return list(leave_out_bullets(lines)) if unknown else lines, unknown / max(characters, 1)


def _is_blank(page: Any) -> bool:
    """Whether a page without words and images has a single colour."""
    # 2 ms, and bounded: a page may claim a kilometre (2 TB). PyMuPDF's is_unicolor loops over pixels in Python: 0.6 s.
    drawing = draw_page(page, dpi=36, max_side_px=2880)
    return bool((drawing == drawing[0, 0]).all())
