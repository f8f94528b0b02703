"""Tells pages with nothing on them from others, however noisy and grey their paper."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from PIL.Image import Image

_CELL = 25  # pixels at 100 dpi: a quarter of an inch
_MARGIN = 0.02  # of each side, where scanners leave shadows
MIN_CELLS = 4  # with ink: "12" has one or two, a line of words ten
_MIN_INK = 6  # pixels of a cell
_MIN_CONTRAST = 16  # of 255, of ink to the paper around it
_NOISE = 5.0  # standard deviations of the paper's noise, once it is smoothed: with 4, noise of 18 made six cells ink
_SMOOTHED = 0.41  # what a median over nine pixels leaves of it


def is_blank(look: Image) -> bool:
    """Whether a grey picture at `LOOK_DPI` shows but noise and a few specks."""
    import numpy as np
    from PIL import ImageFilter

    smooth = look.filter(ImageFilter.MedianFilter(3))
    pixels: Any = np.asarray(smooth, dtype=np.int16)
    # what smoothing takes away is noise nearly everywhere, even on a page full of ink
    noise = 1.48 * float(np.median(np.abs(np.asarray(look, dtype=np.int16) - pixels)))
    high, wide = (round(_MARGIN * side) for side in pixels.shape)
    pixels = pixels[high : len(pixels) - high, wide : pixels.shape[1] - wide]
    rows, columns = pixels.shape[0] // _CELL, pixels.shape[1] // _CELL
    if not rows or not columns:
        return False
    grid = pixels[: rows * _CELL, : columns * _CELL].reshape(rows, _CELL, columns, _CELL)
    cells = grid.transpose(0, 2, 1, 3).reshape(rows * columns, -1)
    paper = np.percentile(cells, 80, axis=1)
    contrast = max(_MIN_CONTRAST, _NOISE * _SMOOTHED * noise)
    inked = (cells < paper[:, None] - contrast).sum(axis=1) >= _MIN_INK
    dark = paper < np.median(paper) - contrast
    return int((inked | dark).sum()) < min(MIN_CELLS, 1 + len(cells) // 100)
