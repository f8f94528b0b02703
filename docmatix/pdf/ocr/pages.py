"""From what OCR read to a page: in its straight frame, where lines are level, and back on the page as displayed."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from itertools import groupby

from docmatix.core.documents import Box, Page, Word, compose_text
from docmatix.pdf.characters import clean_text
from docmatix.pdf.drawings import Drawing, Rule
from docmatix.pdf.layout import Piece, arrange_words
from docmatix.pdf.ocr.results import OcrReading, OcrWord
from docmatix.pdf.ocr.straightening import Straightening


def lay_out(reading: OcrReading, page: Page) -> tuple[Page, Drawing]:
    """The page with the words that were read, in the straight frame: size, words, text and `ocr_confidence` are new;
    the rest is as it was. The drawing is in points of that frame."""
    straight = reading.straightening
    points = page.width_pt / straight.width if straight.width else 0.0
    width_pt, height_pt = (round(side * points, 2) for side in straight.size)
    read = [word._replace(text=text) for word in reading.words if (text := clean_text(word.text))]
    lines = [(block, [Piece(word.text, word.box) for word in line]) for block, line in _list_lines(read)]
    # what was drawn smaller than its resolution says has larger letters
    scale = points * reading.dpi / 72
    known = {(word.text, word.box): word for word in read}
    words = tuple(
        _describe(word, known[word.text, word.box], scale)
        for word in arrange_words(lines, width_pt=width_pt, height_pt=height_pt)
    )
    laid = replace(
        page,
        width_pt=width_pt,
        height_pt=height_pt,
        words=words,
        text=compose_text(words),
        ocr_confidence=reading.confidence,
    )
    rules = tuple(Rule(*(side * scale for side in rule)) for rule in reading.rules)
    boxes = tuple(
        box._replace(x0=box.x0 * scale, y0=box.y0 * scale, x1=box.x1 * scale, y1=box.y1 * scale)
        for box in reading.boxes
    )
    marks = tuple(
        mark._replace(x0=mark.x0 * scale, y0=mark.y0 * scale, x1=mark.x1 * scale, y1=mark.y1 * scale)
        for mark in reading.marks
    )
    return laid, Drawing(rules, boxes, marks=marks, shapes=len(rules) + len(boxes) + len(marks))


def _list_lines(words: Iterable[OcrWord]) -> Iterator[tuple[int, list[OcrWord]]]:
    for (block, _), line in groupby(words, key=lambda word: (word.block, word.line)):
        yield block, list(line)


def _describe(word: Word, read: OcrWord, scale: float) -> Word:
    size = min(max(round(8 * read.size * scale) / 8, 0.0), 10_000.0)
    return word._replace(size=size, bold=read.bold, confidence=round(read.confidence, 4))


def place_on_page(page: Page, straightening: Straightening, shown: Page) -> Page:
    """A page in the straight frame with each of its boxes where it is on the page as displayed, whose size and rotation
    are those of `shown`."""
    placed = place_boxes(page, straightening.to_page)
    return replace(placed, width_pt=shown.width_pt, height_pt=shown.height_pt, rotation=shown.rotation)


def place_boxes(page: Page, place: Callable[[Box], Box]) -> Page:
    """The page with each of its boxes elsewhere: of its words, tables, cells and facts."""
    return replace(
        page,
        words=tuple(word._replace(box=place(word.box)) for word in page.words),
        tables=tuple(
            replace(
                table,
                box=place(table.box),
                cells=tuple(cell._replace(box=place(cell.box)) for cell in table.cells),
            )
            for table in page.tables
        ),
        facts=tuple(
            fact._replace(boxes=tuple(map(place, fact.boxes)), label_boxes=tuple(map(place, fact.label_boxes)))
            for fact in page.facts
        ),
    )
