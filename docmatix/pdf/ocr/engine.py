"""The family of OCR engines: what reads the words of a picture."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, NamedTuple

from docmatix.core.kinds import Kind

if TYPE_CHECKING:
    from PIL.Image import Image


class ReadWord(NamedTuple):
    """A word as an engine reads it. `box` is in pixels of the picture: left, top, right, bottom; `line` and `block`
    count from 0 within the picture. `confidence` is 0..1; None if the engine does not tell."""

    text: str
    box: tuple[float, float, float, float]
    line: int
    block: int
    confidence: float | None = None


class OcrEngine(Kind):
    """An engine: its settings as fields, its work as `read`. The same picture and settings give the same words."""

    family: ClassVar[str] = "ocr_engine"

    kind: str
    languages: tuple[str, ...] = ("eng",)
    """What the pages are written in, by the names that the engine has for them; the first counts most."""

    @property
    def reads(self) -> bool:
        """Whether it reads anything at all."""
        return True

    def choose(self) -> OcrEngine:
        """The engine that does the work: itself, unless it stands for whichever is installed."""
        return self

    def check(self) -> None:
        """Raise SetupError if what it needs is not installed."""

    def find_turn(self, picture: Image) -> int | None:
        """By how many quarter turns clockwise a picture becomes upright, 0..3; None if the engine cannot tell."""
        return None

    def read(self, picture: Image, *, dpi: int) -> list[ReadWord]:
        """The words of an upright grey picture (mode `L`), line by line in the engine's order. Raises what the engine's
        library raises."""
        raise NotImplementedError
