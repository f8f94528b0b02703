"""Page images for people: scaled down, with boxes that connect each pair to its evidence by number and colour.

A picture that cannot be decoded is None, so that its pairs are shown all the same.
"""

from __future__ import annotations

import io
import math
import warnings
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from PIL.Image import Image

# of marks, in turn: legible on paper, and distinct
COLORS = ("#d1242f", "#0969da", "#1a7f37", "#8250df", "#bc4c00", "#0a7c86", "#bf3989", "#7d5e00")
FORMATS = ("JPEG", "PNG", "WEBP", "TIFF", "GIF")  # all that is decoded: one of Pillow's others starts Ghostscript
MAX_PIXELS = 89_478_485  # Pillow opens so many without a warning: 270 MB as RGB
MAX_SIDE_PX = 65_535  # of a JPEG, in which pages are shown


class Mark(NamedTuple):
    """A box that belongs to pair `number` (from 1); `box` is x0, y0, x1, y1 in fractions of the page."""

    number: int
    box: Sequence[float]


def choose_color(number: int) -> str:
    """The colour of a pair's marks as `#rrggbb`."""
    return COLORS[(number - 1) % len(COLORS)]


def mark_evidence(pairs: Sequence[Mapping[str, Any]], page: int) -> list[Mark]:
    """The boxes of all pairs on one page, each with the number of its pair; invalid boxes are left out."""
    return [
        Mark(number, box)
        for number, pair in enumerate(pairs, 1)
        for evidence in pair.get("evidence") or ()
        if evidence["page"] == page
        for box in evidence["boxes"] or ()
        if _is_box(box)
    ]


def _is_box(box: Sequence[float | None] | None) -> bool:
    if box is None or len(box) != 4 or not all(side is not None and math.isfinite(side) for side in box):
        return False
    x0, y0, x1, y1 = (side or 0.0 for side in box)
    return 0 <= x0 <= x1 <= 1 and 0 <= y0 <= y1 <= 1


def open_picture(data: bytes) -> Image:
    """Open an image in one of `FORMATS`, undecoded. Raises what Pillow raises, and ValueError if it is too large."""
    from PIL import Image

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", Image.DecompressionBombWarning)
        image = Image.open(io.BytesIO(data), formats=FORMATS)
    if image.width * image.height > MAX_PIXELS or max(image.size) > MAX_SIDE_PX:
        raise ValueError(f"{image.width} x {image.height} pixels are too many")
    return image


def decode_picture(data: bytes | None, *, max_width_px: int) -> Image | None:
    """An image as RGB, scaled down to `max_width_px`; None if it is damaged, too large, or in none of `FORMATS`."""
    from PIL import Image

    if not data:
        return None
    try:
        image = open_picture(data)
        height = round(image.height * max_width_px / image.width)
        image.draft("RGB", (max_width_px, height))  # decodes a JPEG at half the size or less, which is quicker
        picture = image.convert("RGB")
    except Exception:  # Pillow raises what its decoders raise
        return None
    if picture.width > max_width_px:
        picture = picture.resize((max_width_px, max(1, height)), Image.Resampling.LANCZOS)
    return picture


def encode_picture(picture: Image, *, image_format: str = "jpeg") -> bytes:
    """The picture as a file in memory: JPEG for pages, PNG for terminals that display nothing else."""
    buffer = io.BytesIO()
    picture.save(buffer, image_format.upper(), **({"quality": 80} if image_format == "jpeg" else {"compress_level": 3}))
    return buffer.getvalue()


def draw_marks(picture: Image, marks: Iterable[Mark]) -> Image:
    """A copy with each box tinted and framed, and its pair's number at the corner."""
    from PIL import Image, ImageColor, ImageDraw, ImageFont

    base = picture.convert("RGBA")
    layer = Image.new("RGBA", base.size, (0, 0, 0, 0))
    pen = ImageDraw.Draw(layer)
    size = max(10, base.width // 75)
    font = ImageFont.load_default(size=size)
    edge = max(2, base.width // 450)
    for number, (x0, y0, x1, y1) in marks:
        color = ImageColor.getrgb(choose_color(number))
        box = (x0 * base.width - edge, y0 * base.height - edge, x1 * base.width + edge, y1 * base.height + edge)
        pen.rectangle(box, fill=(*color, 40), outline=(*color, 255), width=edge)
        # off the corner: inside the box it would hide the answer, beside it the preceding word
        label = str(number)
        width, height = pen.textlength(label, font=font) + 2 * edge, 1.25 * size
        left, top = max(0, box[0] - width + edge), max(0, box[1] - height + edge)
        pen.rectangle((left, top, left + width, top + height), fill=(*color, 255))
        pen.text((left + edge, top), label, font=font, fill="white")
    return Image.alpha_composite(base, layer).convert("RGB")
