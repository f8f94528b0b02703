"""The picture of a page is drawn for OCR, whole or without what its text layer says."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import pymupdf
import pytest

from docmatix.core.documents import Refusal
from docmatix.pdf.ocr.engine import OcrEngine, ReadWord
from docmatix.pdf.ocr.results import unpack_reading
from docmatix.pdf.page_pictures import read_page_picture
from tests.pdf.ocr.pictures import draw_prose

if TYPE_CHECKING:
    from PIL.Image import Image


class InkEngine(OcrEngine):
    """Reads one word for each quarter of the picture that has ink, named by its place."""

    kind: Literal["ink"] = "ink"

    def find_turn(self, picture: Image) -> int | None:
        return 0

    def read(self, picture: Image, *, dpi: int) -> list[ReadWord]:
        wide, high = picture.width // 2, picture.height // 2
        words: list[ReadWord] = []
        for name, x, y in (("NW", 0, 0), ("NE", wide, 0), ("SW", 0, high), ("SE", wide, high)):
            if picture.crop((x, y, x + wide, y + high)).getextrema()[0] < 128:  # type: ignore[operator]
                words.append(ReadWord(name, (x, y, x + wide, y + high), len(words), 0, 0.9))
        return words


@pytest.fixture(scope="module")
def half_scanned() -> bytes:
    """A page with words above left, and a picture of prose below right."""
    with pymupdf.open() as document:
        page = document.new_page(width=612, height=792)
        for line in range(12):
            page.insert_text((40, 60 + 16 * line), "Words of the text layer")
        picture = draw_prose(100)
        page.insert_image((320, 420, 600, 780), pixmap=to_pixmap(picture))
        return bytes(document.tobytes())


def to_pixmap(picture: Image) -> pymupdf.Pixmap:
    return pymupdf.Pixmap(pymupdf.csGRAY, picture.width, picture.height, picture.tobytes(), 0)


def read(pdf: bytes, number: int = 1, *, beside_layer: bool = False) -> list[str]:
    packed = read_page_picture(pdf, number, engine=InkEngine(), beside_layer=beside_layer)
    assert isinstance(packed, str)
    return [word.text for word in unpack_reading(packed).words]


def test_the_whole_page_is_read_where_its_layer_is_not_used(half_scanned: bytes) -> None:
    assert read(half_scanned) == ["NW", "SE"]


def test_only_pictures_are_read_beside_a_layer(half_scanned: bytes) -> None:
    assert read(half_scanned, beside_layer=True) == ["SE"]


def test_words_of_the_layer_on_a_picture_are_not_read_again() -> None:
    with pymupdf.open() as document:
        page = document.new_page(width=612, height=792)
        white = pymupdf.Pixmap(pymupdf.csGRAY, 100, 100, b"\xff" * 10_000, 0)
        page.insert_image(page.rect, pixmap=white)
        for line in range(30):
            page.insert_text((40, 60 + 20 * line), "Words of the text layer upon a picture of nothing")
        assert read(bytes(document.tobytes()), beside_layer=True) == []


def test_what_is_no_pdf_is_refused() -> None:
    refusal = read_page_picture(b"no PDF", 1, engine=InkEngine(), beside_layer=False)
    assert isinstance(refusal, Refusal)
