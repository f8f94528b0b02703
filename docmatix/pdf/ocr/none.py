"""`none`: pages without a text layer stay without words."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from docmatix.pdf.ocr.engine import OcrEngine, ReadWord

if TYPE_CHECKING:
    from PIL.Image import Image


class NoOcr(OcrEngine):
    """No OCR: what has no readable text layer is a picture."""

    kind: Literal["none"]

    @property
    def reads(self) -> bool:
        return False

    def to_fingerprint(self) -> dict[str, str]:
        """The kind alone: languages change nothing."""
        return {"kind": self.kind}

    def read(self, picture: Image, *, dpi: int) -> list[ReadWord]:
        return []
