"""Pictures that tests draw and open."""

from __future__ import annotations

import base64
import io

import numpy as np
from PIL import Image


def draw_noise(side: int = 900, *, mode: str = "RGB", image_format: str = "JPEG") -> bytes:
    """A picture that no encoder can make small."""
    pixels = np.random.default_rng(0).integers(0, 255, (side, side, 3), dtype=np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(pixels).convert(mode).save(buffer, image_format)
    return buffer.getvalue()


def open_uri(uri: str) -> Image.Image:
    head, _, content = uri.partition(",")
    assert head == "data:image/webp;base64"
    return Image.open(io.BytesIO(base64.b64decode(content)))
