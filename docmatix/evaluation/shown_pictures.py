"""The page images of a data set as a model is sent them: measured without being decoded, decoded when they are sent."""

from __future__ import annotations

import asyncio
import hashlib
import io
from collections import OrderedDict
from collections.abc import Sequence

from docmatix.core.pairs import Failure, Picture
from docmatix.dataset.pictures import decode_picture, open_picture
from docmatix.evaluation.settings import SentPictures

AT_HAND = 32
"""Encoded pictures that are kept, at up to half a megabyte each: the questions of a page follow each other."""


def measure_picture(data: bytes, number: int, *, settings: SentPictures) -> Picture | None:
    """An image file as a request refers to it, by its content; None if it is damaged, too large or no image."""
    try:
        width, height = open_picture(data).size
    except Exception:  # Pillow raises what its decoders raise
        return None
    longest = max(width, height)
    # rounded down, from which the height follows as it does when the image is scaled
    scaled = max(1, min(width, width * settings.max_side_px // longest))
    return Picture(
        hashlib.sha256(data).hexdigest()[:32],
        number,
        dpi=0,  # unknown
        max_side_px=settings.max_side_px,
        quality=settings.quality,
        width_px=scaled,
        height_px=min(settings.max_side_px, max(1, round(height * scaled / width))),
        scale=round(min(1.0, settings.max_side_px / longest), 4),
    )


def encode_for_model(data: bytes, picture: Picture) -> bytes | None:
    """The JPEG of an image file, in the size that was measured; None if it is damaged."""
    image = decode_picture(data, max_width_px=picture.width_px)
    if image is None:
        return None
    if image.size != (picture.width_px, picture.height_px):  # a strip so narrow that its width rounds to nothing
        image = image.resize((picture.width_px, picture.height_px))
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=picture.quality)
    return buffer.getvalue()


class PictureEncoder:
    """Encodes in threads, each picture once for the questions that need it at about the same time."""

    def __init__(self) -> None:
        self._at_hand: OrderedDict[Picture, asyncio.Future[bytes | None]] = OrderedDict()

    async def encode(self, images: Sequence[bytes], pictures: Sequence[Picture]) -> list[bytes] | Failure:
        """The JPEGs of a request, or why there are none."""
        encoded = []
        for data, picture in zip(images, pictures, strict=True):
            jpeg = await asyncio.shield(self._start(data, picture))
            if jpeg is None:
                return Failure("image_unreadable")
            encoded.append(jpeg)
        return encoded

    def _start(self, data: bytes, picture: Picture) -> asyncio.Future[bytes | None]:
        if (known := self._at_hand.get(picture)) is None:
            known = asyncio.ensure_future(asyncio.to_thread(encode_for_model, data, picture))
            self._at_hand[picture] = known
            while len(self._at_hand) > AT_HAND:
                self._at_hand.popitem(last=False)
        self._at_hand.move_to_end(picture)
        return known
