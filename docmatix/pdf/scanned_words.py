"""Puts what OCR read of a page onto it: in place of its text layer, or beside it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import groupby
from typing import TYPE_CHECKING, NamedTuple

from docmatix.core.documents import Box, Page, Refusal, Word, compose_text
from docmatix.pdf.characters import clean_text
from docmatix.pdf.drawings import Drawing
from docmatix.pdf.ocr.pages import lay_out
from docmatix.pdf.ocr.results import OcrReading, OcrWord, unpack_reading, weigh_confidence
from docmatix.pdf.ocr.straightening import Straightening
from docmatix.pdf.text_source import has_bare_pictures, judge_text
from docmatix.text.quality import measure_quality

if TYPE_CHECKING:
    from docmatix.pdf.settings import Extract

MIN_PAGE_CONFIDENCE = 0.4  # Chinese and Arabic read with other models have 0.2 to 0.33, the worst scans at 100 dpi 0.45
MIN_OVERLAP = 0.3  # of a word that OCR read under one of the layer, from which it is the same


class Scanned(NamedTuple):
    """A page with the words of its picture, and what is drawn on it, both turned so that its lines are level, unless
    `straightening` is None; `shown` is the page as it is displayed, with the words that it had before."""

    page: Page
    drawing: Drawing
    shown: Page
    straightening: Straightening | None
    picture_hash: int | None = None
    """Of a page that stays a picture."""


def take_reading(page: Page, reading: str | Refusal, drawing: Drawing, *, settings: Extract) -> Scanned:
    """The page with what OCR read; where it failed, or found nothing to read, with a reason why."""
    if isinstance(reading, Refusal):
        return _refuse(page, reading, drawing)
    try:
        read = unpack_reading(reading)
    except ValueError:
        # only a child that has been taken over answers so
        return _refuse(page, Refusal("malformed"), drawing)
    if has_bare_pictures(page):
        return Scanned(_read_beside(page, read, settings.ocr.min_confidence), drawing, page, None)
    if read.blank:
        return Scanned(replace(page, reason="blank", route_reason="blank"), drawing, page, None)
    straight, drawn = lay_out(read, page)
    straight = replace(straight, text_quality=measure_quality(straight.text))
    reason = judge_text(straight.text_quality) if len(straight.words) >= settings.min_words else "no_text"
    if reason is None and (read.confidence or 0.0) < MIN_PAGE_CONFIDENCE:
        reason = "garbled"
    if reason is not None:
        return Scanned(replace(page, reason=page.reason or reason), drawing, page, None, read.picture_hash)
    return Scanned(replace(straight, text_from="ocr", reason=None), drawn, page, read.straightening)


def _refuse(page: Page, refusal: Refusal, drawing: Drawing) -> Scanned:
    if has_bare_pictures(page):
        return Scanned(replace(page, route_reason=f"ocr_{refusal.reason}"), drawing, page, None)
    reason = "internal_error" if refusal.reason == "internal_error" else "ocr_failed"
    return Scanned(replace(page, reason=reason, route_reason=f"ocr_{refusal.reason}"), drawing, page, None)


def _read_beside(page: Page, read: OcrReading, min_confidence: float) -> Page:
    """The page with the words of its pictures after its own, in blocks of their own. Lines of which OCR is not sure are
    mostly none: plots, logos, textures."""
    places = [word.box for word in page.words]
    block = max((word.block for word in page.words), default=-1) + 1
    line = max((word.line for word in page.words), default=-1) + 1
    words = [
        *page.words,
        *_list_new(_list_sure(read, min_confidence), read.straightening, places, line=line, block=block),
    ]
    if len(words) == len(page.words):
        return page
    told = [(word.confidence, len(word.text)) for word in words if word.confidence is not None]
    sure = sum(confidence * size for confidence, size in told) / max(1, sum(size for _, size in told))
    return replace(page, words=tuple(words), text=compose_text(words), ocr_confidence=round(sure, 4))


def _list_sure(read: OcrReading, min_confidence: float) -> Iterator[OcrWord]:
    for _, words in groupby(read.words, key=lambda word: (word.block, word.line)):
        line = list(words)
        if (weigh_confidence(line) or 0.0) >= min_confidence:
            yield from line


def _list_new(
    read: Iterable[OcrWord], straightening: Straightening, places: Sequence[Box], *, line: int, block: int
) -> Iterator[Word]:
    """The words that are not among those of the layer, numbered from a line and a block on."""
    lines: dict[int, int] = {}
    blocks: dict[int, int] = {}
    for word in read:
        box, text = straightening.to_page(word.box), clean_text(word.text)
        if not text or any(_overlap(box, place) > MIN_OVERLAP for place in places):
            continue
        yield Word(
            text,
            box,
            line + lines.setdefault(word.line, len(lines)),
            block + blocks.setdefault(word.block, len(blocks)),
            word.size,
            word.bold,
            word.confidence,
        )


def _overlap(box: Box, other: Box) -> float:
    """The share of a box under another."""
    across = max(0.0, min(box.x1, other.x1) - max(box.x0, other.x0))
    down = max(0.0, min(box.y1, other.y1) - max(box.y0, other.y0))
    return across * down / max((box.x1 - box.x0) * (box.y1 - box.y0), 1e-9)
