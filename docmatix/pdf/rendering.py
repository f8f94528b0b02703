"""Draws pages as images: what a person sees in a viewer, with annotations and filled-in forms.

The same bytes and settings give the same image bytes. MuPDF is not thread-safe and may crash or hang: call these
functions in a `docmatix.pdf.sandbox.Sandbox`.
"""

from __future__ import annotations

import io
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Literal

from docmatix.core.documents import Refusal
from docmatix.pdf.reading import describe_error, open_pdf, raise_if_memory
from docmatix.pdf.settings import Rendering

THUMBNAIL_DPI = 36  # for finding colour, 13 ms a page; a coloured hairline still tints its pixels
COLOR_SPREAD = 16  # between a pixel's channels (0..255), from which it counts as coloured; scanned paper stays below


@dataclass(frozen=True, slots=True)
class PageImage:
    """One page as an image file. `mode` is Pillow's: `L` (grey) or `RGB`."""

    data: bytes
    width_px: int
    height_px: int
    mode: str


def render_pages(
    pdf: bytes | memoryview | io.FileIO, page_numbers: Iterable[int], *, settings: Rendering
) -> list[PageImage] | Refusal:
    """The given pages (from 1) in the given order, or a refusal: one of `open_pdf`'s or `unrenderable`.

    An open file is read from its start. Raises `MemoryError`.
    """
    if isinstance(pdf, io.FileIO):
        pdf.seek(0)
        pdf = pdf.readall()
    document = open_pdf(pdf)
    if isinstance(document, Refusal):
        return document
    images: list[PageImage] = []
    with document:
        for number in page_numbers:
            try:
                images.append(
                    render_page(
                        document.load_page(number - 1),
                        dpi=settings.dpi,
                        max_side_px=settings.max_side_px,
                        color=settings.color,
                        image_format=settings.image_format,
                        quality=settings.quality,
                    )
                )
            except Exception as error:
                raise_if_memory(error)
                return Refusal("unrenderable", f"page {number}: {describe_error(error)}")
    return images


def render_page(
    page: Any,
    *,
    dpi: int,
    max_side_px: int,
    color: Literal["auto", "rgb", "gray"] = "auto",
    image_format: Literal["jpeg", "png", "webp"] = "jpeg",
    quality: int = 85,
) -> PageImage:
    """Draw an open `pymupdf.Page` at `dpi`, or smaller so that no side exceeds `max_side_px`: a page may claim to be
    5 km wide. Raises what MuPDF raises."""
    from PIL import Image

    drawing = page.get_displaylist(annots=True)
    gray = color == "gray" or (color == "auto" and not _has_color(drawing))
    pixmap = _draw(drawing, dpi=dpi, max_side_px=max_side_px, gray=gray)
    image = Image.frombytes("L" if gray else "RGB", (pixmap.width, pixmap.height), pixmap.samples_mv)
    # PNG at level 1 takes two thirds of the default level's time for 5 % more bytes
    options = {"compress_level": 1} if image_format == "png" else {"quality": quality}
    buffer = io.BytesIO()
    image.save(buffer, image_format.upper(), **options)
    return PageImage(buffer.getvalue(), image.width, image.height, image.mode)


def _has_color(drawing: Any) -> bool:
    """Whether any part of a page's display list is neither black, white nor grey."""
    import numpy as np

    pixmap = _draw(drawing, dpi=THUMBNAIL_DPI, max_side_px=600, gray=False)
    red, green, blue = np.frombuffer(pixmap.samples_mv, dtype=np.uint8).reshape(-1, 3).T.astype(np.int16)
    return bool((abs(red - green) >= COLOR_SPREAD).any() or (abs(green - blue) >= COLOR_SPREAD).any())


def _draw(drawing: Any, *, dpi: int, max_side_px: int, gray: bool) -> Any:
    import pymupdf

    scale = min(dpi / 72, max_side_px / max(drawing.rect.width, drawing.rect.height))
    colorspace = pymupdf.csGRAY if gray else pymupdf.csRGB
    return drawing.get_pixmap(matrix=pymupdf.Matrix(scale, scale), colorspace=colorspace, alpha=0)
