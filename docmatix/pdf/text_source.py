"""Where the text of a page is to be read: from its text layer, from its picture by OCR, or nowhere. A page is drawn and
looked at where its words alone do not tell."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

from docmatix.core.documents import Box, Page, TextFrom
from docmatix.pdf.picture_text import list_text_pictures, may_hold_text, measure_unread
from docmatix.text.quality import MIN_QUALITY

if TYPE_CHECKING:
    from PIL.Image import Image

MIN_BARE_SHARE = 0.02  # of the page under pictures without words on them, worth reading: a stamp of 5 by 3 cm has 0.024
MIN_PICTURE_SHARE = 0.05  # of a page with few words, from which the rest of them may be in its pictures
MIN_EXPLAINED_SHARE = 0.1  # of a picture near words, from which they are what it shows: a scanned letter has 0.15
MAX_UNKNOWN_SHARE = 0.3  # of a page's characters, above which it is `garbled`
SCAN_SHARE = 0.5  # of the page under pictures, from which they are one scan, perhaps in strips
MAX_HEADER_WORDS = 40  # on a scan of which they explain nothing: a fax, a court or a publisher writes a line or two
MIN_WORDLIKE_SHARE = 0.5  # of the words of a scan too short to be judged by their letters: noise has 0.15, numbers 0.9
MIN_NOISE_WORDS = 20  # fewer may be the letters that name the panels of a figure
MAX_UNREAD_SHARE = 0.35  # of the print that a scan shows, that its layer lacks: whole layers 0.0, those of others 0.6
_WORDLIKE = re.compile(r"[^\W_]{2}")
_CELLS = 64  # of the grid, along each side
_REACH = 1  # cells around a word that it explains: the space between lines and between words


class PageFacts(NamedTuple):
    """What is cheaply known of a page. `reason` is the one for which its layer is not used (`docmatix.pdf.reading`)."""

    words: int
    text_quality: float | None
    image_share: float
    bare_share: float = 0.0
    """Of the page: under pictures that may hold text, with no words of the layer on them (`measure_bare_pictures`)."""
    reason: str | None = None
    wordlike_share: float = 1.0
    """Of the words: those with two letters or digits side by side (`measure_wordlike`)."""
    unread_share: float = 0.0
    """Of the print on a scan: what no word of the layer lies on (`docmatix.pdf.picture_text.measure_unread`)."""


class TextSource(NamedTuple):
    """`text_from` and why, in one to three words of snake case."""

    text_from: TextFrom
    reason: str


_WITH_PICTURES = TextSource("layer", "pictures_without_words")
_SCANNED = ("garbled", "hidden", "no_layer", "few_words")


def wants_ocr(page: Page) -> bool:
    """Whether OCR has something to read on a page of which the layer was read."""
    return has_bare_pictures(page) or (page.text_from == "none" and page.route_reason in _SCANNED)


def has_bare_pictures(page: Page) -> bool:
    """Whether the pictures of a page may have words that its layer has not."""
    return page.route_reason == _WITH_PICTURES.reason


def judge_text(quality: float | None, *, unknown_share: float = 0.0) -> str | None:
    """`garbled` for text that does not read like any, else None."""
    bad = quality is not None and quality < MIN_QUALITY
    return "garbled" if bad or unknown_share > MAX_UNKNOWN_SHARE else None


def choose_text_source(page: PageFacts, *, min_words: int) -> TextSource:
    """A good layer is used, a missing or bad one is replaced; nothing is read from what is blank or cannot be drawn.
    Same facts, same choice."""
    if page.reason in ("blank", "unreadable", "unrenderable"):
        return TextSource("none", page.reason)
    if page.reason == "garbled" or (page.text_quality is not None and page.text_quality < MIN_QUALITY):
        return TextSource("ocr", "garbled")
    if page.reason == "hidden":
        # what is seen may still be text: outlines, or a picture over the words
        return TextSource("ocr", "hidden")
    if page.words == 0:
        return TextSource("ocr", "no_layer")
    if page.words < min_words:
        # a stamp of a fax or a page number is often the only layer of a scan
        return (
            TextSource("ocr", "few_words")
            if page.image_share >= MIN_PICTURE_SHARE
            else TextSource("none", "little_text")
        )
    if page.image_share >= SCAN_SHARE:
        is_noise = page.words >= MIN_NOISE_WORDS and page.wordlike_share < MIN_WORDLIKE_SHARE
        if page.text_quality is None and is_noise:
            return TextSource("ocr", "garbled")
        if page.bare_share >= SCAN_SHARE and page.words < MAX_HEADER_WORDS:
            return TextSource("ocr", "few_words")
        if page.bare_share < MIN_BARE_SHARE and page.unread_share > MAX_UNREAD_SHARE:
            return TextSource("ocr", "hidden")
    return _WITH_PICTURES if page.bare_share >= MIN_BARE_SHARE else TextSource("layer", "good_layer")


def choose_route(page: Page, pictures: Sequence[Box], *, min_words: int, look: Callable[[], Image | None]) -> Page:
    """The page, with where its text is to be read: what is not in the layer is nowhere until OCR has read it. `look`
    draws it in grey at `docmatix.pdf.ocr.straightening.LOOK_DPI`, if it can be drawn."""
    facts = PageFacts(len(page.words), page.text_quality, page.image_share, reason=page.reason)
    if page.reason is None and pictures:
        facts = _look_at_pictures(page, pictures, facts, look)
    source = choose_text_source(facts, min_words=min_words)
    if source.text_from == "layer":
        return replace(page, route_reason=source.reason)
    # usable pages have none: those with a header on a scan, and with `min_words: 0` those without words
    reason = page.reason or ("no_text" if source.reason in ("few_words", "no_layer") else source.reason)
    return replace(page, text_from="none", route_reason=source.reason, reason=reason)


def _look_at_pictures(
    page: Page, pictures: Sequence[Box], facts: PageFacts, look: Callable[[], Image | None]
) -> PageFacts:
    """With what a drawing of the page tells of its pictures, if they are large enough to matter."""
    words = [word.box for word in page.words]
    bare = measure_bare_pictures(pictures, words)
    is_scan = page.image_share >= SCAN_SHARE
    drawn = look() if bare >= MIN_BARE_SHARE or is_scan else None
    if drawn is None:
        return facts._replace(bare_share=bare)
    bare = measure_bare_pictures(list_text_pictures(drawn, pictures, words), words)
    if is_scan and may_hold_text(drawn):
        wordlike = measure_wordlike([word.text for word in page.words])
        facts = facts._replace(unread_share=measure_unread(drawn, words), wordlike_share=wordlike)
    return facts._replace(bare_share=bare)


def measure_bare_pictures(pictures: Sequence[Box], words: Sequence[Box]) -> float:
    """The share of the page (0..1) under pictures that the words do not explain, on a grid. One with words all over it
    is a scan with a layer, and explained as a whole; together, those that cover half of the page are one scan."""
    grids = [_draw([picture], reach=0) for picture in pictures]
    together = _draw(pictures, reach=0)
    if _count(together) >= SCAN_SHARE * _CELLS**2:
        grids = [together]
    known = _draw(words, reach=_REACH)
    bare = [0] * _CELLS
    for grid in grids:
        left = [row & ~seen for row, seen in zip(grid, known, strict=True)]
        if _count(left) > (1 - MIN_EXPLAINED_SHARE) * _count(grid):
            bare = [row | more for row, more in zip(bare, left, strict=True)]
    return _to_share(bare)


def measure_cover(boxes: Iterable[Box]) -> float:
    """The share of the page (0..1) that the boxes cover together, on a grid."""
    return _to_share(_draw(boxes, reach=0))


def _to_share(rows: Iterable[int]) -> float:
    return round(_count(rows) / _CELLS**2, 4)


def measure_wordlike(words: Sequence[str]) -> float:
    """The share (0..1) of the words that have two letters or digits side by side."""
    return sum(_WORDLIKE.search(word) is not None for word in words) / len(words) if words else 1.0


def _count(rows: Iterable[int]) -> int:
    return sum(row.bit_count() for row in rows)


def _draw(boxes: Iterable[Box], *, reach: int) -> list[int]:
    """The cells of each row that the boxes touch, as bits."""
    rows = [0] * _CELLS
    for box in boxes:
        left, right = max(0, round(box.x0 * _CELLS) - reach), min(_CELLS, round(box.x1 * _CELLS) + reach)
        bits = (1 << right) - (1 << left) if right > left else 0
        for row in range(max(0, round(box.y0 * _CELLS) - reach), min(_CELLS, round(box.y1 * _CELLS) + reach)):
            rows[row] |= bits
    return rows
