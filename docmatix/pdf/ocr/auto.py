"""`auto`: the best engine that is installed with its models, or none."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal, Self

from docmatix.core.errors import SetupError
from docmatix.core.settings import NOT_FINGERPRINTED
from docmatix.pdf.ocr.engine import OcrEngine, ReadWord
from docmatix.pdf.ocr.none import NoOcr
from docmatix.pdf.ocr.tesseract import Tesseract

if TYPE_CHECKING:
    from PIL.Image import Image


class AutoOcr(OcrEngine):
    """Tesseract where it is installed and has models for the languages, else none. Languages by the names of
    Tesseract's models."""

    kind: Literal["auto"] = "auto"
    tessdata: Annotated[str | None, NOT_FINGERPRINTED] = None
    """As for `tesseract`."""

    @property
    def reads(self) -> bool:
        return self.choose().reads

    def choose(self) -> OcrEngine:
        settings = {name: value for name, value in self if name != "kind"}
        engine = Tesseract(**settings)
        try:
            engine.check()
        except SetupError:
            settings.pop("tessdata")
            return NoOcr(**settings)
        return engine

    def resolve_paths(self, absolute: Callable[[str], str]) -> Self:
        return self.model_copy(update={"tessdata": self.tessdata and absolute(self.tessdata)})

    def list_files(self) -> tuple[Path, ...]:
        return self.choose().list_files()

    def identify(self) -> str:
        return self.choose().identify()

    def read(self, picture: Image, *, dpi: int) -> list[ReadWord]:
        return self.choose().read(picture, dpi=dpi)
