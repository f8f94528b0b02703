"""What the picture of a page looks like, as a number by which pages without text are compared.

The perceptual hash of ImageHash (`phash`, of 32 by 32 bits), whose package would bring SciPy and PyWavelets for one
cosine transform. In whole numbers, so that no bit depends on the machine.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any

from docmatix.text.minhash import PICTURE_BITS

if TYPE_CHECKING:
    from PIL.Image import Image

_SIDE = 32  # with 16, a third of the forms of one template, filled in by different hands, look the same
_PX = 4 * _SIDE
assert _SIDE**2 == PICTURE_BITS


def hash_picture(picture: Image) -> int:
    """A number of `PICTURE_BITS` bits: whether each of the lowest frequencies of the picture is above their median.
    The same picture saved anew, at another resolution, brightness or quality, has at most 4 % other bits."""
    import numpy as np
    from PIL.Image import Resampling

    small = picture.convert("L").resize((_PX, _PX), Resampling.LANCZOS)
    waves = _list_waves()
    lowest = waves @ np.asarray(small, dtype=np.int64) @ waves.T
    bits = (lowest > np.median(lowest)).ravel()
    return int.from_bytes(np.packbits(bits).tobytes())


@lru_cache(maxsize=1)
def _list_waves() -> Any:
    """The first rows of a cosine transform, in 4096ths."""
    import numpy as np

    frequency, place = np.arange(_SIDE)[:, None], np.arange(_PX)[None, :]
    return np.rint(4096 * np.cos(np.pi * frequency * (2 * place + 1) / (2 * _PX))).astype(np.int64)
