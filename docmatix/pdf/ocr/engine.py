"""The family of OCR engines: what reads the words of a picture."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, NamedTuple, Self

from pydantic import Field

from docmatix.core.kinds import Kind

if TYPE_CHECKING:
    from PIL.Image import Image


class ReadWord(NamedTuple):
    """A word as an engine reads it. `box` is in pixels of the picture: left, top, right, bottom; `line` and `block`
    count from 0 within the picture. `confidence` is 0..1."""

    text: str
    box: tuple[float, float, float, float]
    line: int
    block: int
    confidence: float


class OcrEngine(Kind):
    """An engine: its settings as fields, its work as `read`. The same picture and settings give the same words."""

    family: ClassVar[str] = "ocr_engine"

    kind: str
    languages: tuple[str, ...] = ("eng",)
    """What the pages are written in, by the names that the engine has for them; the first counts most."""
    min_confidence: float = Field(0.8, ge=0, le=1)
    """A word of which the engine is less sure stays in the text, but nothing is asked about it."""
    timeout_s: int = Field(30, ge=1)
    """CPU seconds for one page; ten times as many of wall time. A page that takes longer stays a picture."""
    memory_mb: int = Field(1024, ge=512)
    """Memory of the child that reads one page; about 240 MB of it are the libraries."""

    @property
    def reads(self) -> bool:
        """Whether it reads anything at all."""
        return True

    def choose(self) -> OcrEngine:
        """The engine that does the work: itself, unless it stands for whichever is installed."""
        return self

    def check(self) -> None:
        """Raise SetupError if what it needs is not installed."""

    def list_files(self) -> tuple[Path, ...]:
        """The files, beside installed code, that a confined process needs to read for its work."""
        return ()

    def resolve_paths(self, absolute: Callable[[str], str]) -> Self:
        """A copy whose relative paths are absolute."""
        return self

    def identify(self) -> str:
        """What else its words depend on: the versions of its libraries, and a digest of each model. Raises SetupError
        where something is missing."""
        return self.kind

    def find_turn(self, picture: Image) -> int | None:
        """By how many quarter turns clockwise a picture becomes upright, 0..3; None if the engine cannot tell."""
        return None

    def read(self, picture: Image, *, dpi: int) -> list[ReadWord]:
        """The words of an upright grey picture (mode `L`), line by line in the engine's order. Raises what the engine's
        library raises."""
        raise NotImplementedError

    def read_column(self, picture: Image, *, dpi: int) -> list[ReadWord]:
        """As `read`, of a picture that has nothing but lines below each other."""
        return self.read(picture, dpi=dpi)
