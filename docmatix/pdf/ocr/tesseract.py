"""`tesseract`: Tesseract through the package `tesserocr`, which tells its confidence and which way up a page is."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal, Self

from pydantic import Field

from docmatix.core.errors import SetupError
from docmatix.core.settings import NOT_FINGERPRINTED
from docmatix.pdf.ocr.engine import OcrEngine, ReadWord
from docmatix.pdf.ocr.tessdata import digest_models, find_tessdata, list_missing, list_models, require_models

if TYPE_CHECKING:
    from PIL.Image import Image

MIN_TURN_CONFIDENCE = 2.0  # of Tesseract's orientation, 0 to 15 and more: pages of print have 5 and more


class Tesseract(OcrEngine):
    """Tesseract within the package `tesserocr`, so that no program must be installed."""

    kind: Literal["tesseract"] = "tesseract"
    languages: tuple[str, ...] = Field(("eng",), min_length=1)
    """Names of Tesseract's models: `eng`, `deu`, `jpn`, `chi_sim`."""
    tessdata: Annotated[str | None, NOT_FINGERPRINTED] = None
    """A folder with `eng.traineddata` and the like; by default that of the installed packages `tessdata-fast-…`."""

    def check(self) -> None:
        require_models(self.languages, self.tessdata)
        try:
            import tesserocr  # noqa: F401
        except ImportError:
            raise SetupError("The OCR engine `tesseract` is not installed: run `pip install tesserocr`.") from None

    def find_turn(self, picture: Image) -> int | None:
        import tesserocr

        folder = find_tessdata(self.tessdata)
        if folder is None or list_missing(["osd"], folder):
            return None
        with tesserocr.PyTessBaseAPI(path=str(folder), lang="osd", psm=tesserocr.PSM.OSD_ONLY) as tesseract:
            tesseract.SetImageBytes(picture.tobytes(), picture.width, picture.height, 1, picture.width)
            found = tesseract.DetectOrientationScript()
        if not found or found["orient_conf"] < MIN_TURN_CONFIDENCE:
            return None
        # it tells by how much the page was turned clockwise
        return int(-found["orient_deg"] // 90) % 4

    def list_files(self) -> tuple[Path, ...]:
        return tuple(list_models((*self.languages, "osd"), self.tessdata).values())

    def resolve_paths(self, absolute: Callable[[str], str]) -> Self:
        return self.model_copy(update={"tessdata": self.tessdata and absolute(self.tessdata)})

    def identify(self) -> str:
        self.check()
        import tesserocr

        # Leptonica parts ink from paper
        name, leptonica = tesserocr.tesseract_version().split("\n")[:2]
        return f"{name}, {leptonica.strip()}, {digest_models((*self.languages, 'osd'), self.tessdata)}"

    def read(self, picture: Image, *, dpi: int) -> list[ReadWord]:
        return self._read(picture, dpi=dpi, in_column=False)

    def read_column(self, picture: Image, *, dpi: int) -> list[ReadWord]:
        return self._read(picture, dpi=dpi, in_column=True)

    def _read(self, picture: Image, *, dpi: int, in_column: bool) -> list[ReadWord]:
        import tesserocr

        folder = require_models(self.languages, self.tessdata)
        level = tesserocr.RIL
        words: list[ReadWord] = []
        line = block = -1
        # a fresh one for each picture: it learns from what it has read, and words must not depend on other pages
        with tesserocr.PyTessBaseAPI(path=str(folder), lang="+".join(self.languages)) as tesseract:
            tesseract.SetPageSegMode(tesserocr.PSM.SINGLE_BLOCK if in_column else tesserocr.PSM.AUTO)
            tesseract.SetImageBytes(picture.tobytes(), picture.width, picture.height, 1, picture.width)
            tesseract.SetSourceResolution(dpi)
            tesseract.Recognize()
            for word in tesserocr.iterate_level(tesseract.GetIterator(), level.WORD):
                block += word.IsAtBeginningOf(level.BLOCK)
                line += word.IsAtBeginningOf(level.TEXTLINE)
                if word.Empty(level.WORD) or not (text := word.GetUTF8Text(level.WORD).strip()):
                    continue
                confidence = min(max(word.Confidence(level.WORD) / 100, 0.0), 1.0)
                words.append(ReadWord(text, tuple(word.BoundingBox(level.WORD)), line, block, confidence))
        return words
