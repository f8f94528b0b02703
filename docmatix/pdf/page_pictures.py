"""Reads the picture of one page by OCR: what a child process does for each page that needs it.

The result is JSON that only another child unpacks (`docmatix.pdf.scanned_words`): its parent does not look into it.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache, partial
from typing import TYPE_CHECKING, Any

from docmatix.core.documents import Box, Refusal
from docmatix.pdf.ocr.engine import OcrEngine
from docmatix.pdf.ocr.reading import read_picture
from docmatix.pdf.ocr.results import OcrReading, pack_reading
from docmatix.pdf.ocr.straightening import LOOK_DPI, Straightening
from docmatix.pdf.picture_hash import hash_picture
from docmatix.pdf.picture_text import list_text_pictures
from docmatix.pdf.reading import open_pdf, raise_if_memory, read_with_pictures
from docmatix.pdf.visibility import draw_page

if TYPE_CHECKING:
    from PIL.Image import Image

MAX_SIDE_PX = 6000  # of the picture: a page of A4 at 400 dpi has 4,700
_MARGIN = 0.002  # around a word of the layer, of the page: its ink is wider than its box


def read_page_picture(pdf: bytes | memoryview, number: int, *, engine: OcrEngine, beside_layer: bool) -> str | Refusal:
    """What an engine reads of page `number` (from 1), as `pack_reading` packs it; with `beside_layer` only of those of
    its pictures that may hold text, where the layer has no words. Raises what MuPDF and the engine raise."""
    document = open_pdf(pdf)
    if isinstance(document, Refusal):
        return document
    try:
        return _read(document, number, engine=engine, beside_layer=beside_layer)
    except Exception as error:
        raise_if_memory(error)
        raise


def _read(document: Any, number: int, *, engine: OcrEngine, beside_layer: bool) -> str:
    with document:
        # once at each resolution: it is looked at, hashed, and read again where another way up may be right
        draw = cache(partial(_draw_grey, document.load_page(number - 1)))
        if not beside_layer:
            reading = read_picture(draw, engine)
            return pack_reading(reading._replace(picture_hash=hash_picture(draw(LOOK_DPI))))
        known, pictures = read_with_pictures(document, number - 1, min_words=0)
        words = [word.box for word in known.words]
        look = draw(LOOK_DPI)
        # a second of OCR finds nothing in a photograph but stray letters
        wanted = list_text_pictures(look, pictures, words)
        if not wanted:
            return pack_reading(OcrReading((), Straightening(*look.size), LOOK_DPI, 0.0))
        return pack_reading(read_picture(lambda dpi: _leave(draw(dpi), wanted, without=words), engine))


def _draw_grey(page: Any, dpi: int) -> Image:
    from PIL import Image

    return Image.fromarray(draw_page(page, dpi=dpi, max_side_px=MAX_SIDE_PX)).convert("L")


def _leave(image: Image, pictures: Sequence[Box], *, without: Sequence[Box]) -> Image:
    """The picture of a page with nothing but its pictures, and these without the words in other places."""
    import numpy as np
    from PIL import Image

    pixels = np.asarray(image)
    shown = np.full_like(pixels, 255)
    for box in pictures:
        place = _cut(box, pixels.shape, margin=0.0)
        shown[place] = pixels[place]
    for box in without:
        shown[_cut(box, pixels.shape, margin=_MARGIN)] = 255
    return Image.fromarray(shown)


def _cut(box: Box, shape: tuple[int, ...], *, margin: float) -> tuple[slice, slice]:
    height, width = shape[:2]
    down = slice(max(0, int((box.y0 - margin) * height)), int((box.y1 + margin) * height) + 1)
    return down, slice(max(0, int((box.x0 - margin) * width)), int((box.x1 + margin) * width) + 1)
