"""`tesseract`: Tesseract as it is built into PyMuPDF, so that only its models must be installed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field

from docmatix.core.settings import NOT_FINGERPRINTED
from docmatix.pdf.ocr.engine import OcrEngine, ReadWord
from docmatix.pdf.ocr.tessdata import require_models

if TYPE_CHECKING:
    from PIL.Image import Image


class Tesseract(OcrEngine):
    """Tesseract within PyMuPDF. It does not tell how sure it is of a word, nor which way up a page is."""

    kind: Literal["tesseract"] = "tesseract"
    languages: tuple[str, ...] = Field(("eng",), min_length=1)
    """Names of Tesseract's models: `eng`, `deu`, `jpn`, `chi_sim`."""
    tessdata: Annotated[str | None, NOT_FINGERPRINTED] = None
    """A folder with `eng.traineddata` and the like; by default that of the installed packages `tessdata-fast-…`."""

    def check(self) -> None:
        require_models(self.languages, self.tessdata)

    def read(self, picture: Image, *, dpi: int) -> list[ReadWord]:
        import pymupdf

        folder = require_models(self.languages, self.tessdata)
        # of a grey pixmap PyMuPDF 1.28.2 reads not one word
        pixmap = pymupdf.Pixmap(pymupdf.csRGB, picture.width, picture.height, picture.convert("RGB").tobytes(), 0)
        pixmap.set_dpi(dpi, dpi)
        pdf = pixmap.pdfocr_tobytes(compress=False, language="+".join(self.languages), tessdata=str(folder))
        with pymupdf.open("pdf", pdf) as document:
            page = document.load_page(0)
            across, down = picture.width / page.rect.width, picture.height / page.rect.height
            lines: dict[tuple[int, int], int] = {}
            return [
                ReadWord(
                    text,
                    (x0 * across, y0 * down, x1 * across, y1 * down),
                    lines.setdefault((block, line), len(lines)),
                    block,
                )
                for x0, y0, x1, y1, text, block, line, _ in page.get_text("words", flags=0)
            ]
