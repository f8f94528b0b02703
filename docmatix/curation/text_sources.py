"""Where the words were read that a pair rests on, and how sure OCR is of them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from docmatix.core.documents import Box, Page, TextFrom, Word
from docmatix.core.pairs import Evidence


class Source(NamedTuple):
    """`ocr_confidence` is that of the least sure word of the evidence; None where OCR read none of them."""

    text_from: TextFrom
    ocr_confidence: float | None = None


def find_source(evidence: Sequence[Evidence], pages: Sequence[Page]) -> Source:
    """The source of a pair's evidence, of which one word by OCR is enough; without evidence, that of `pages`, which are
    those that the pair is about."""
    if not evidence:
        return Source(_find_page_source(pages))
    by_number = {page.number: page for page in pages}
    found = [_find_evidence_source(each, by_number[each.page]) for each in evidence if each.page in by_number]
    told = [source.ocr_confidence for source in found if source.ocr_confidence is not None]
    return Source(_choose([source.text_from for source in found]), min(told, default=None))


def has_ocr(page: Page) -> bool:
    """Whether OCR read a word of it, if only in a picture beside its layer."""
    return page.text_from == "ocr" or page.ocr_confidence is not None


def _choose(sources: Sequence[TextFrom]) -> TextFrom:
    return "ocr" if "ocr" in sources else "layer" if "layer" in sources else "none"


def _find_page_source(pages: Sequence[Page]) -> TextFrom:
    return _choose(["ocr" if has_ocr(page) else page.text_from for page in pages])


def _find_evidence_source(evidence: Evidence, page: Page) -> Source:
    if not has_ocr(page):
        return Source(page.text_from)
    words = list(_list_words(evidence, page))
    told = [word.confidence for word in words if word.confidence is not None]
    if told or not words:
        return Source("ocr", min(told, default=None))
    return Source("layer")


def _list_words(evidence: Evidence, page: Page) -> Iterator[Word]:
    """The words in the boxes that the quote has; all of the boxes if it has none. On a page askew the boxes of its
    lines overlap."""
    inside = [word for word in page.words if any(_has_middle(box, word.box) for box in evidence.boxes)]
    quoted = set(evidence.quote.split())
    return iter([word for word in inside if word.text in quoted] or inside)


def _has_middle(box: Box, word: Box) -> bool:
    across, down = (word.x0 + word.x1) / 2, (word.y0 + word.y1) / 2
    return box.x0 <= across <= box.x1 and box.y0 <= down <= box.y1
