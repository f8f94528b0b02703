"""Converts boxes of the unrotated page, as MuPDF returns them, to fractions of the displayed page, to five places."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from docmatix.core.documents import Box

_PLACES = 100_000.0
_NEAR_TIE = 1e-6  # of a place: what the product below may be wrong by is a hundred thousandth of it
_FEW = 12  # boxes that are converted faster one by one


class Fractions:
    """The conversion of one open `pymupdf.Page`."""

    def __init__(self, page: Any) -> None:
        # each of them is asked of MuPDF anew
        self.matrix, rect = tuple(page.rotation_matrix), page.rect
        """Turns the unrotated page into the displayed one."""
        self.width_pt, self.height_pt = rect.width, rect.height
        """Of the displayed page."""
        self._matrix = None if self.matrix == (1, 0, 0, 1, 0, 0) else self.matrix
        self._rect = (rect.x0, rect.y0, rect.width, rect.height)

    def __call__(self, box: Sequence[float]) -> Box | None:
        """None for a box that is invalid or entirely outside the page."""
        x0, y0, x1, y1 = box
        if self._matrix is not None:
            a, b, c, d, e, f = self._matrix
            x0, y0, x1, y1 = a * x0 + c * y0 + e, b * x0 + d * y0 + f, a * x1 + c * y1 + e, b * x1 + d * y1 + f
        left, top, width, height = self._rect
        x0, y0, x1, y1 = (x0 - left) / width, (y0 - top) / height, (x1 - left) / width, (y1 - top) / height
        if x0 > x1:
            x0, x1 = x1, x0
        if y0 > y1:
            y0, y1 = y1, y0
        if 0 <= x0 < 1 and 0 < x1 <= 1 and 0 <= y0 < 1 and 0 < y1 <= 1:
            return Box(round(x0, 5), round(y0, 5), round(x1, 5), round(y1, 5))
        if not all(map(math.isfinite, (x0, y0, x1, y1))) or x1 <= 0 or y1 <= 0 or x0 >= 1 or y0 >= 1:
            return None
        return Box(*(round(min(max(value, 0.0), 1.0), 5) for value in (x0, y0, x1, y1)))

    def convert(self, boxes: Sequence[Sequence[float]]) -> list[Box | None]:
        """The same of many, four times as fast: `round` to decimal places takes most of the time of one."""
        if len(boxes) <= _FEW:
            return list(map(self, boxes))
        import numpy as np

        x0, y0, x1, y1 = np.array(boxes, dtype=np.float64).T
        left, top, width, height = self._rect
        with np.errstate(all="ignore"):  # whatever is no number, or off the page, is converted by itself
            if self._matrix is not None:
                a, b, c, d, e, f = self._matrix
                x0, y0, x1, y1 = a * x0 + c * y0 + e, b * x0 + d * y0 + f, a * x1 + c * y1 + e, b * x1 + d * y1 + f
            x0, y0, x1, y1 = (x0 - left) / width, (y0 - top) / height, (x1 - left) / width, (y1 - top) / height
            sides = np.array((np.minimum(x0, x1), np.minimum(y0, y1), np.maximum(x0, x1), np.maximum(y0, y1)))
            scaled = sides * _PLACES
            rounded = np.rint(scaled)
            sure = (np.abs(np.abs(scaled - rounded) - 0.5) > _NEAR_TIE) & (sides >= 0) & (sides <= 1)
            sure[:2] &= sides[:2] < 1
            sure[2:] &= sides[2:] > 0
        found: list[Box | None] = list(map(Box, *(rounded / _PLACES).tolist()))
        for at in np.flatnonzero(~sure.all(axis=0)).tolist():
            found[at] = self(boxes[at])
        return found
