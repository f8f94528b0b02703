"""OCR: engines, one file a kind, and what is done to a picture before one reads it. A new kind: its file, its line
here."""

from typing import Annotated, TypeAlias

from pydantic import SerializeAsAny

from docmatix.core.kinds import OneOf
from docmatix.pdf.ocr.auto import AutoOcr
from docmatix.pdf.ocr.engine import OcrEngine
from docmatix.pdf.ocr.none import NoOcr
from docmatix.pdf.ocr.rapidocr import RapidOcr
from docmatix.pdf.ocr.tesseract import Tesseract

OCR_ENGINES: tuple[type[OcrEngine], ...] = (AutoOcr, Tesseract, RapidOcr, NoOcr)
"""The project's own kinds."""
AnyOcrEngine: TypeAlias = Annotated[SerializeAsAny[OcrEngine], OneOf(OcrEngine, OCR_ENGINES)]
