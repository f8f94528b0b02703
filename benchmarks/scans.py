"""Drawn documents as scanners deliver them: each page a picture in a PDF, clean or as paper has made it."""

from __future__ import annotations

import io
import random
from collections.abc import Iterator
from typing import TYPE_CHECKING, Literal, NamedTuple, TypeAlias

if TYPE_CHECKING:
    from PIL.Image import Image

State: TypeAlias = Literal["clean", "degraded", "turned"]
MAX_SKEW = 3.0
NOISE = 18.0  # standard deviation of a pixel's brightness, 0..255
BACKGROUNDS = (205, 235)  # brightness of the paper


class Scan(NamedTuple):
    """A page as a PDF of one picture; `turns` are the quarter turns clockwise it lies in the scanner."""

    pdf: bytes
    turns: int
    skew: float


def draw_grey(page: object, dpi: int) -> Image:
    """The picture of an open `pymupdf.Page`."""
    import pymupdf
    from PIL import Image as Images

    pixmap = page.get_pixmap(dpi=dpi, colorspace=pymupdf.csGRAY, alpha=False)  # type: ignore[attr-defined]
    return Images.frombytes("L", (pixmap.width, pixmap.height), pixmap.samples)


def scan_pages(pdf: bytes, *, dpi: int, state: State, seed: int) -> Iterator[Scan]:
    """Every page of a document. Same arguments, same pages."""
    import pymupdf

    draws = random.Random(f"scan {seed} {state}")
    with pymupdf.open("pdf", pdf) as document:
        for page in document:
            picture = draw_grey(page, dpi)
            skew, turns = 0.0, 0
            if state == "degraded":
                skew = round(draws.uniform(-MAX_SKEW, MAX_SKEW), 1)
                picture = degrade(picture, skew, draws)
            elif state == "turned":
                turns = draws.choice((1, 2, 3))
                picture = picture.rotate(-90 * turns, expand=True)
            yield Scan(_wrap(picture, dpi, quality=40 if state == "degraded" else 90), turns, skew)


def degrade(picture: Image, skew: float, draws: random.Random) -> Image:
    """The picture of a sheet on grey paper, pulled in askew, with noise and a stroke of a pen through it."""
    import numpy as np
    from PIL import Image as Images
    from PIL import ImageDraw

    picture = picture.copy()
    width, height = picture.size
    ends = [(draws.uniform(0, width), draws.uniform(0, height)) for _ in range(2)]
    ImageDraw.Draw(picture).line(ends, fill=90, width=max(1, round(width / 600)))
    picture = picture.rotate(skew, resample=Images.Resampling.BICUBIC, fillcolor=255)
    paper = draws.uniform(*BACKGROUNDS)
    noise = np.random.default_rng(draws.randrange(2**32)).normal(0, NOISE, (height, width))
    pixels = np.asarray(picture, dtype=float) * paper / 255 + noise
    return Images.fromarray(pixels.clip(0, 255).astype(np.uint8), "L")


def _wrap(picture: Image, dpi: int, *, quality: int) -> bytes:
    import pymupdf

    buffer = io.BytesIO()
    picture.save(buffer, "JPEG", quality=quality)
    with pymupdf.open() as document:
        page = document.new_page(width=picture.width * 72 / dpi, height=picture.height * 72 / dpi)
        page.insert_image(page.rect, stream=buffer.getvalue())
        return bytes(document.tobytes())
