"""Drawn documents read from their scans: the words of each page, and the document with its facts as a build finds
them, laid onto the page that was scanned."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

from benchmarks.scans import Scan, draw_grey
from docmatix.core.documents import Box, Document, Page
from docmatix.facts.extraction import find_facts
from docmatix.facts.scans import mask_doubtful, unmask
from docmatix.pdf.ocr.engine import OcrEngine
from docmatix.pdf.ocr.pages import lay_out, place_boxes
from docmatix.pdf.ocr.reading import read_picture
from docmatix.pdf.ocr.results import OcrReading
from docmatix.text.languages import detect_main_language


class ReadPage(NamedTuple):
    """What was read of a page, and the seconds of CPU time."""

    scan: Scan
    reading: OcrReading
    seconds: float

    def to_printed(self, box: Box) -> Box:
        """A box of the straight picture on the page that was scanned."""
        straight = self.reading.straightening
        wide, high = straight.size
        width, height = (straight.height, straight.width) if straight.turns % 2 else (straight.width, straight.height)
        across, down = wide / width, high / height
        sides = (
            0.5 + (box.x0 - 0.5) * across,
            0.5 + (box.y0 - 0.5) * down,
            0.5 + (box.x1 - 0.5) * across,
            0.5 + (box.y1 - 0.5) * down,
        )
        return Box(*(min(max(side, 0.0), 1.0) for side in sides))


def read_scan(scan: Scan, engine: OcrEngine) -> ReadPage:
    import pymupdf

    with pymupdf.open("pdf", scan.pdf) as document:
        page = document.load_page(0)
        start = time.process_time()
        reading = read_picture(lambda dpi: draw_grey(page, dpi), engine)
        return ReadPage(scan, reading, time.process_time() - start)


def find_scanned_facts(pages: Sequence[Page], read: Sequence[ReadPage], min_confidence: float) -> Document:
    """The document with the words that were read in place of those of its printed `pages`, and its facts."""
    laid = [lay_out(one.reading, page) for page, one in zip(pages, read, strict=True)]
    masked = [mask_doubtful(page, min_confidence) for page, _ in laid]
    found = find_facts(masked, [drawing for _, drawing in laid])
    placed = [
        place_boxes(replace(unmask(page, original), width_pt=shown.width_pt, height_pt=shown.height_pt), one.to_printed)
        for page, (original, _), shown, one in zip(found, laid, pages, read, strict=True)
    ]
    language = detect_main_language("\n\n".join(page.text for page in placed))
    return Document("scan", tuple(placed), language, None)
