"""Page images as small pictures for a self-contained HTML file: they shrink until they fit."""

from __future__ import annotations

import base64
import io
from collections.abc import Mapping
from dataclasses import dataclass

from docmatix.dataset.pictures import open_picture

SIZES = ((1100, 60), (1000, 50), (860, 45), (700, 40), (560, 35), (420, 30))
"""Longer side in pixels and WebP quality, the best first: 40 to 90 KB for a page of text, down to 8."""

TOO_LARGE = "left out to keep the report small"


@dataclass(frozen=True, slots=True)
class Sheet:
    """A page of a window: a data URI with its size in pixels, or why there is no picture."""

    page: int
    src: str = ""
    width_px: int = 0
    height_px: int = 0
    problem: str = ""


def shrink_pages(images: Mapping[int, bytes], allowance: int) -> dict[int, Sheet] | None:
    """Pictures by page in the best of `SIZES` whose data URIs take at most `allowance` bytes, or None."""
    for longest, quality in SIZES:
        used, sheets = 0, {}
        for page, data in images.items():
            sheet = shrink_page(page, data, longest=longest, quality=quality)
            sheets[page] = sheet
            used += len(sheet.src)
            if used > allowance:
                break
        else:
            return sheets
    return None


def shrink_page(page: int, data: bytes, *, longest: int, quality: int) -> Sheet:
    """A page image as a WebP of at most `longest` pixels a side; without a picture if unreadable."""
    try:
        with open_picture(data) as image:
            shown = image.convert("L" if image.mode == "L" else "RGB")
    except Exception as error:  # Pillow raises what its decoders raise
        return Sheet(page, problem=f"its image cannot be read ({type(error).__name__})")
    shown.thumbnail((longest, longest), reducing_gap=2.0)
    buffer = io.BytesIO()
    shown.save(buffer, "WEBP", quality=quality, method=2)
    uri = "data:image/webp;base64," + base64.b64encode(buffer.getvalue()).decode()
    return Sheet(page, uri, shown.width, shown.height)
