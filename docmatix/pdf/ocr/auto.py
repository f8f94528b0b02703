"""`auto`: the best engine that is installed with its models, or none."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from docmatix.core.errors import SetupError
from docmatix.pdf.ocr.engine import OcrEngine, ReadWord
from docmatix.pdf.ocr.none import NoOcr
from docmatix.pdf.ocr.tesseract import Tesseract
from docmatix.pdf.ocr.tesserocr import Tesserocr

if TYPE_CHECKING:
    from PIL.Image import Image


class AutoOcr(OcrEngine):
    """Tesseract where it has models for the languages, else none. Languages by the names of Tesseract's models."""

    kind: Literal["auto"] = "auto"

    @property
    def reads(self) -> bool:
        return self.choose().reads

    def choose(self) -> OcrEngine:
        for engine in (Tesserocr(languages=self.languages), Tesseract(languages=self.languages)):
            try:
                engine.check()
            except SetupError:
                continue
            return engine
        return NoOcr(kind="none", languages=self.languages)

    def read(self, picture: Image, *, dpi: int) -> list[ReadWord]:
        return self.choose().read(picture, dpi=dpi)
