"""Pictures as they stand beside text: photographs, logos, charts and stamps, drawn by chance. Sizes are in points."""

from __future__ import annotations

import io
import math
import random
from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from PIL.Image import Image

DPI = 150
_WORDS = ("RECEIVED", "PAID", "APPROVED", "COPY", "ENTERED", "EINGEGANGEN", "BEZAHLT", "CERTIFIED")
_OFFICES = ("Registry of Deeds", "Accounts Payable", "Office of the Clerk", "Amtsgericht Freiburg", "Port Authority")
_MONTHS = "JAN FEB MAR APR MAY JUN JUL AUG SEP OCT NOV DEC".split()


def to_jpeg(picture: Image, quality: int) -> bytes:
    buffer = io.BytesIO()
    picture.save(buffer, "JPEG", quality=quality)
    return buffer.getvalue()


def _to_pixels(size: Sequence[float], dpi: int = DPI) -> tuple[int, int]:
    return max(8, round(size[0] * dpi / 72)), max(8, round(size[1] * dpi / 72))


def draw_photograph(draws: random.Random, size: Sequence[float]) -> Image:
    """Clouds, hills or leaves: brightness that varies at every scale, in colour, with the outlines of some things."""
    import numpy as np
    from PIL import Image as Images
    from PIL import ImageDraw, ImageFilter

    width, height = _to_pixels(size, 100)
    noise = np.random.default_rng(draws.randrange(2**32))
    across, down = np.meshgrid(np.fft.fftfreq(width), np.fft.fftfreq(height))
    scale = np.maximum(np.hypot(across, down), 1 / max(width, height)) ** -draws.uniform(0.9, 1.7)
    layers = []
    common = np.fft.ifft2(np.fft.fft2(noise.normal(size=(height, width))) * scale).real
    for _ in range(3):
        own = np.fft.ifft2(np.fft.fft2(noise.normal(size=(height, width))) * scale).real
        layer = common + 0.4 * own
        layers.append((layer - layer.min()) / np.ptp(layer) * 255)
    picture = Images.fromarray(np.stack(layers, axis=2).astype(np.uint8), "RGB")
    pen = ImageDraw.Draw(picture)
    for _ in range(draws.randint(0, 8)):
        x, y, wide = draws.uniform(0, width), draws.uniform(0, height), draws.uniform(0.05, 0.4) * width
        color = tuple(draws.randrange(256) for _ in range(3))
        shape = pen.ellipse if draws.random() < 0.5 else pen.rectangle
        shape((x, y, x + wide, y + wide * draws.uniform(0.3, 1.5)), fill=color)
    return picture.filter(ImageFilter.GaussianBlur(draws.uniform(0.4, 1.5)))


def draw_logo(draws: random.Random, size: Sequence[float]) -> Image:
    """Flat shapes in two colours on white."""
    from PIL import Image as Images
    from PIL import ImageDraw

    width, height = _to_pixels(size)
    picture = Images.new("RGB", (width, height), "white")
    pen = ImageDraw.Draw(picture)
    colors = [tuple(draws.randrange(200) for _ in range(3)) for _ in range(2)]
    side = min(width, height) * 0.9
    left, top = (width - side) / 2, (height - side) / 2
    pen.ellipse((left, top, left + side, top + side), fill=colors[0])
    corners = draws.randint(3, 7)
    middle, radius = (width / 2, height / 2), side * draws.uniform(0.25, 0.4)
    turn = draws.uniform(0, math.tau)
    angles = [turn + math.tau * number / corners for number in range(corners)]
    pen.polygon([(middle[0] + radius * math.cos(a), middle[1] + radius * math.sin(a)) for a in angles], fill=colors[1])
    if draws.random() < 0.5:
        pen.rectangle((left, top + side * 0.45, left + side, top + side * 0.55), fill="white")
    return picture


def draw_chart(draws: random.Random, size: Sequence[float]) -> Image:
    """Bars with an axis and its numbers, as spreadsheets paste them into documents."""
    with _Sheet(size) as sheet:
        width, height = size
        count, top = draws.randint(4, 8), draws.choice((50, 100, 400, 2000))
        sheet.write(12, 14, f"Sales by year, {draws.choice(['thousand units', 'EUR million', 'percent'])}", 9)
        for step in range(5):
            y = height - 22 - (height - 46) * step / 4
            sheet.page.draw_line((34, y), (width - 6, y), color=(0.8, 0.8, 0.8), width=0.5)
            sheet.write(8, y + 3, f"{top * step // 4}", 7)
        slot = (width - 44) / count
        for number in range(count):
            x, peak = 36 + slot * number, height - 22 - (height - 46) * draws.uniform(0.1, 1)
            sheet.page.draw_rect((x, peak, x + slot * 0.6, height - 22), fill=(0.2, 0.4, 0.7), width=0)
            sheet.write(x, height - 10, f"{2016 + number}", 7)
        return sheet.draw()


def draw_stamp(draws: random.Random, size: Sequence[float]) -> Image:
    """What an office stamps on paper, cut out of a scan: a frame, a word, a date, an office, a little askew."""
    from PIL import Image as Images

    with _Sheet(size) as sheet:
        width, height = size
        color = draws.choice(((0.1, 0.15, 0.55), (0.6, 0.1, 0.1), (0.25, 0.25, 0.25)))
        sheet.page.draw_rect((8, 8, width - 8, height - 8), color=color, width=2)
        day = f"{draws.randint(1, 28)} {draws.choice(_MONTHS)} {draws.randint(1985, 2024)}"
        lines = [(draws.choice(_WORDS), 0.13), (day, 0.12), (draws.choice(_OFFICES), 0.085)]
        for number, (text, scale) in enumerate(lines):
            sheet.write(width / 2, height * (0.36 + 0.23 * number), text, scale * width, color=color, centred=True)
        picture = sheet.draw()
    paper = tuple(draws.randint(225, 255) for _ in range(3))
    picture = picture.rotate(draws.uniform(-5, 5), resample=Images.Resampling.BICUBIC, fillcolor="white")
    return Images.composite(picture, Images.new("RGB", picture.size, paper), picture.convert("L").point(_to_mask))


def _to_mask(level: int) -> int:
    return 255 - level


class _Sheet:
    """A page that becomes a picture."""

    def __init__(self, size: Sequence[float]) -> None:
        import pymupdf

        self._document = pymupdf.open()
        self.page = self._document.new_page(width=size[0], height=size[1])

    def __enter__(self) -> _Sheet:
        return self

    def __exit__(self, *_: object) -> None:
        self._document.close()

    def write(
        self, x: float, y: float, text: str, size: float, *, color: Sequence[float] = (0, 0, 0), centred: bool = False
    ) -> None:
        import pymupdf

        x -= pymupdf.get_text_length(text, "hebo", size) / 2 if centred else 0
        self.page.insert_text((x, y), text, fontsize=size, fontname="hebo" if centred else "helv", color=color)

    def draw(self) -> Image:
        from PIL import Image as Images

        pixmap = self.page.get_pixmap(dpi=DPI)
        return Images.frombytes("RGB", (pixmap.width, pixmap.height), pixmap.samples)
