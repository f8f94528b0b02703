"""The JSON twin of a PDFA document (`pixparse/pdfa-eng-wds`): words and image boxes, read upstream from the same PDF.

`{"pages": [{"words": {"text", "bbox", "line_pos"}, "images_bbox": [...]}]}` with parallel lists and boxes as left, top,
width, height in fractions of the page; `line_pos` (line, position in it) gives the reading order.
"""

from __future__ import annotations

import json
import math
from dataclasses import replace
from typing import Any, NamedTuple

from docmatix.core.documents import UNKNOWN, Box, Page, Refusal, Word, compose_text
from docmatix.pdf.characters import clean_text
from docmatix.pdf.text_source import judge_text
from docmatix.pdf.visibility import find_inside
from docmatix.text.quality import measure_quality

_MAX_BYTES = 64 << 20  # a thousand dense pages; parsed JSON takes up to twenty times the memory
_PARAGRAPH_GAP = 0.7  # in line heights: a wider gap begins a block; single-spaced lines leave 0 to 0.5
_MAX_OUTSIDE_SHARE = 0.5  # with more words outside the page, the boxes are points or pixels rather than fractions


class TwinPage(NamedTuple):
    """A page of the twin: its words, and the share of the page under images (0..1)."""

    words: tuple[Word, ...]
    image_share: float


class _TwinError(Exception):
    """Says what is wrong with a twin."""


def read_twin(data: bytes, *, page_count: int | None = None) -> list[TwinPage] | Refusal:
    """The pages of a twin, or `Refusal("twin_unreadable")`, also if it has not as many as `page_count`."""
    try:
        if len(data) > _MAX_BYTES:
            raise _TwinError(f"too large ({len(data)} bytes)")
        pages = _expect_list(json.loads(data), "pages")
        if page_count is not None and len(pages) != page_count:
            raise _TwinError(f"{len(pages)} pages where the PDF has {page_count}")
        return [_read_page(page, f"page {number}") for number, page in enumerate(pages, 1)]
    except _TwinError as broken:
        return Refusal("twin_unreadable", str(broken))
    except (ValueError, RecursionError) as error:
        return Refusal("twin_unreadable", f"invalid JSON: {type(error).__name__}: {str(error)[:100]}")


def _read_page(page: Any, where: str) -> TwinPage:
    words = page.get("words") if isinstance(page, dict) else None
    texts, boxes, places = (_expect_list(words, key, where) for key in ("text", "bbox", "line_pos"))
    if not len(texts) == len(boxes) == len(places):
        raise _TwinError(f"{where}: {len(texts)} texts, {len(boxes)} boxes, {len(places)} positions of words")
    if not all(isinstance(text, str) for text in texts):
        raise _TwinError(f"{where}: a word is not a string")
    read = [
        (_read_place(place, where), clean_text(part), box)
        for text, box, place in zip(texts, (_read_box(box, where) for box in boxes), places, strict=True)
        for part in text.split()
    ]
    inside = sorted(((place, text, box) for place, text, box in read if box), key=lambda word: word[0])
    if len(inside) < len(read) * (1 - _MAX_OUTSIDE_SHARE):
        raise _TwinError(f"{where}: boxes are not fractions of the page")
    images = (_read_box(box, where) for box in _expect_list(page, "images_bbox", where, optional=True))
    covered = sum((box.x1 - box.x0) * (box.y1 - box.y0) for box in images if box)
    return TwinPage(_number_words(inside), round(min(covered, 1.0), 5))


def _number_words(placed: list[tuple[tuple[float, float], str, Box]]) -> tuple[Word, ...]:
    """Words with lines and blocks numbered from 0.

    Twins have no blocks: one ends where the next line leaves a gap or is not below it, as at the top of a column.
    """
    lines: list[list[tuple[str, Box]]] = []
    before = None
    for (line, _), text, box in placed:
        if not text.strip(UNKNOWN):
            continue
        if line != before:
            lines.append([])
        lines[-1].append((text, box))
        before = line
    words: list[Word] = []
    block, above = 0, None
    for number, members in enumerate(lines):
        x0, y0, x1, y1 = zip(*(box for _, box in members), strict=True)
        around = Box(min(x0), min(y0), max(x1), max(y1))
        if above is not None and not _follows(above, around):
            block += 1
        words.extend(Word(text, box, number, block) for text, box in members)
        above = around
    return tuple(words)


def _follows(above: Box, line: Box) -> bool:
    height = max(line.y1 - line.y0, above.y1 - above.y0)
    gap = line.y0 - above.y1
    return -height <= gap <= _PARAGRAPH_GAP * height and line.x0 < above.x1 and above.x0 < line.x1


def _expect_list(value: Any, key: str, where: str = "the twin", *, optional: bool = False) -> list[Any]:
    found = value.get(key) if isinstance(value, dict) else None
    if found is None and optional:
        return []
    if not isinstance(found, list):
        raise _TwinError(f"{where}: {key!r} is not a list")
    return found


def _read_place(place: Any, where: str) -> tuple[float, float]:
    line, position = _read_numbers(place, 2, where)
    return line, position


def _read_box(box: Any, where: str) -> Box | None:
    """A box clipped to the page; None if it is outside."""
    left, top, width, height = _read_numbers(box, 4, where)
    edges = (left, top, left + max(width, 0.0), top + max(height, 0.0))
    if edges[0] >= 1 or edges[1] >= 1 or edges[2] <= 0 or edges[3] <= 0:
        return None
    return Box(*(round(min(max(edge, 0.0), 1.0), 5) for edge in edges))


def _read_numbers(values: Any, count: int, where: str) -> tuple[float, ...]:
    if not isinstance(values, list) or len(values) != count:
        raise _TwinError(f"{where}: {count} numbers expected")
    try:
        numbers = tuple(float(value) for value in values)
    except (TypeError, ValueError, OverflowError) as error:
        raise _TwinError(f"{where}: a number expected") from error
    if not all(map(math.isfinite, numbers)):
        raise _TwinError(f"{where}: a finite number expected")
    return numbers


def take_words(
    pages: list[Page], twin: bytes, *, hidden: list[list[Box]], min_words: int, page_count: int
) -> list[Page]:
    """The pages, which are consecutive ones of so many, with the visible words of a twin; unchanged if it cannot be
    read."""
    others = read_twin(twin, page_count=page_count)
    if isinstance(others, Refusal):
        return pages
    others = others[pages[0].number - 1 : pages[-1].number]
    return [
        _replace_words(page, other.words, hidden=unseen, min_words=min_words)
        if page.reason not in ("unreadable", "unrenderable")
        else page
        for page, other, unseen in zip(pages, others, hidden, strict=True)
    ]


def _replace_words(page: Page, words: tuple[Word, ...], *, hidden: list[Box], min_words: int) -> Page:
    unseen = set(find_inside([word.box for word in words], hidden))
    words = tuple(word for index, word in enumerate(words) if index not in unseen)
    text = compose_text(words)
    quality = measure_quality(text)
    few = page.reason if page.reason in ("blank", "hidden") else "no_text"
    reason = judge_text(quality) if len(words) >= min_words else few
    return replace(page, words=words, text=text, reason=reason, text_quality=quality)
