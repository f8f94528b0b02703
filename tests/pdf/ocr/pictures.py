"""Pictures of text for tests, and an engine that knows what stands in them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from docmatix.pdf.ocr.engine import OcrEngine, ReadWord

if TYPE_CHECKING:
    from PIL.Image import Image

PROSE = (
    "The committee met on the first of March to discuss the report of the treasurer and the plans for the new building."
    " All members agreed that the costs had risen, and that the work should begin before the end of the summer."
)


def draw_prose(dpi: int, *, size_pt: float = 11.0, lines: int = 30, heading: bool = False) -> Image:
    """A letter page of prose, in grey."""
    import pymupdf
    from PIL import Image as Images

    with pymupdf.open() as document:
        page = document.new_page(width=612, height=792)
        words = PROSE.split()
        at, y = 0, 90.0
        if heading:
            page.insert_text((72, 60), "Minutes", fontsize=20)
        for _ in range(lines):
            x = 72.0
            while x < 480:
                word = words[at % len(words)]
                page.insert_text((x, y), word, fontsize=size_pt)
                x += pymupdf.get_text_length(word + " ", fontsize=size_pt)
                at += 1
            y += 1.6 * size_pt
        pixmap = page.get_pixmap(dpi=dpi, colorspace=pymupdf.csGRAY, alpha=False)
        return Images.frombytes("L", (pixmap.width, pixmap.height), pixmap.samples)


class FakeEngine(OcrEngine):
    """Reads prose from a picture whose first line is at the top, and gibberish from any other; it may know which way up
    a page is, or not."""

    kind: Literal["fake"] = "fake"
    turns: int | None = None
    confidence: float = 0.95

    def find_turn(self, picture: Image) -> int | None:
        return self.turns

    def read(self, picture: Image, *, dpi: int) -> list[ReadWord]:
        upright = picture.height > picture.width and _is_heavier_above(picture)
        text = PROSE if upright else PROSE[::-1].translate(str.maketrans("etaoinsrh", "qxzjkvwpf"))
        high, wide = picture.height / 10, picture.width / 10
        words = text.split()
        return [
            ReadWord(
                word,
                (wide * (at % 8), high * (at // 8), wide * (at % 8 + 1), high * (at // 8 + 1)),
                at // 8,
                0,
                self.confidence,
            )
            for at, word in enumerate(words[:72])
        ]

    def read_column(self, picture: Image, *, dpi: int) -> list[ReadWord]:
        return []


def _is_heavier_above(picture: Image) -> bool:
    """Pages of prose have more ink in their upper half."""
    from PIL import ImageStat

    half = picture.height // 2
    above = ImageStat.Stat(picture.crop((0, 0, picture.width, half))).mean[0]
    return bool(above < ImageStat.Stat(picture.crop((0, half, picture.width, picture.height))).mean[0])
