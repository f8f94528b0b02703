"""`none`: pages without a text layer stay without words."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from docmatix.pdf.ocr.engine import OcrEngine, ReadWord

if TYPE_CHECKING:
    from PIL.Image import Image


class NoOcr(OcrEngine):
    """No OCR: what has no readable text layer is a picture, and is only looked at, whether it is blank."""

    kind: Literal["none"] = "none"

    @property
    def reads(self) -> bool:
        return False

    def to_fingerprint(self) -> dict[str, str]:
        """The kind alone: what is set for reading changes nothing."""
        return {"kind": self.kind}

    def read(self, picture: Image, *, dpi: int) -> list[ReadWord]:
        return []
