"""Tells pictures that may hold text, such as scans, stamps and screenshots, from photographs and flat drawings.

Text is small marks of one level on a paper of another, side by side: a picture is cut into tiles, and neighbours are
sought that look so. Pictures are drawn at `docmatix.pdf.ocr.straightening.LOOK_DPI`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from docmatix.core.documents import Box

if TYPE_CHECKING:
    from PIL.Image import Image

TILE = 32  # pixels, 8 mm: four to eight letters of 10 pt
MIN_CONTRAST = 40  # of 255, between ink and paper: faded print has 60
MAX_UNREST = 0.15  # how far three quarters of a tile's pixels may stray from its paper, of the contrast: foliage 0.3
MIN_INK, MAX_INK = 0.03, 0.45  # of a tile's pixels
MIN_STROKES, MIN_ROWS = 3, 4  # across so many rows of a tile: two letters have four
MIN_TILES, MIN_SHARE = 3, 0.03  # of a picture that look like text: a letter of three lines has 0.06
_APART = 0.002  # of the page, up to which pictures touch


def may_hold_text(picture: Image, words: Sequence[Box] = ()) -> bool:
    """Whether a grey picture drawn at `LOOK_DPI` may hold words besides those known (boxes in fractions of it)."""
    tiles = count_text_tiles(picture, words)
    across, down = picture.width // TILE, picture.height // TILE
    return tiles >= max(MIN_TILES, MIN_SHARE * across * down)


def count_text_tiles(picture: Image, words: Sequence[Box] = ()) -> int:
    """How many tiles of a grey picture look like text and have a neighbour that does. Tiles with known
    words do not count."""
    import numpy as np

    looks = _find_text(_cut(picture))
    if not looks.size:
        return 0
    for box in words:
        left, top = (max(0, int(low * side / TILE)) for low, side in zip(box[:2], picture.size, strict=True))
        right, bottom = (max(0, int(high * side / TILE) + 1) for high, side in zip(box[2:], picture.size, strict=True))
        looks[top:bottom, left:right] = False
    beside = np.zeros_like(looks)
    beside[:, 1:] |= looks[:, :-1]
    beside[:, :-1] |= looks[:, 1:]
    # columns of numbers are one tile wide
    beside[1:] |= looks[:-1]
    beside[:-1] |= looks[1:]
    return int((looks & beside).sum())


def measure_unread(look: Image, words: Sequence[Box]) -> float:
    """Of what looks like text on a page (0..1), drawn at `LOOK_DPI`: what its words do not lie on."""
    return count_text_tiles(look, words) / max(MIN_TILES, count_text_tiles(look))


def list_text_pictures(look: Image, pictures: Sequence[Box], words: Sequence[Box]) -> list[Box]:
    """Those of a page's pictures that may hold text besides its words, by a grey drawing of the page at `LOOK_DPI`.
    Pictures that touch, such as the strips of a scan, are one."""
    found = []
    for box in _join(pictures):
        left, right = round(box.x0 * look.width), round(box.x1 * look.width)
        top, bottom = round(box.y0 * look.height), round(box.y1 * look.height)
        if may_hold_text(look.crop((left, top, right, bottom)), [_within(word, box) for word in words]):
            found.append(box)
    return found


def _join(boxes: Sequence[Box]) -> list[Box]:
    joined: list[Box] = []
    # scans come in hundreds of strips, from the top: each meets the last one first
    for box in sorted(boxes, key=lambda box: (box.y0, box.x0)):
        whole = box
        while (other := next((one for one in reversed(joined) if _touch(one, whole)), None)) is not None:
            joined.remove(other)
            x0, y0, x1, y1 = zip(other, whole, strict=True)
            whole = Box(min(x0), min(y0), max(x1), max(y1))
        joined.append(whole)
    return joined


def _touch(one: Box, other: Box) -> bool:
    return (
        one.x0 <= other.x1 + _APART
        and other.x0 <= one.x1 + _APART
        and one.y0 <= other.y1 + _APART
        and other.y0 <= one.y1 + _APART
    )


def _within(word: Box, box: Box) -> Box:
    """In fractions of the box; outside of it below 0 or above 1."""
    width, height = max(box.x1 - box.x0, 1e-6), max(box.y1 - box.y0, 1e-6)
    return Box(
        (word.x0 - box.x0) / width, (word.y0 - box.y0) / height, (word.x1 - box.x0) / width, (word.y1 - box.y0) / height
    )


def _cut(picture: Image) -> Any:
    """The tiles of a picture: rows of tiles, tiles, rows of pixels, pixels."""
    import numpy as np

    pixels = np.asarray(picture, dtype=np.int16)
    down, across = pixels.shape[0] // TILE, pixels.shape[1] // TILE
    cut = pixels[: down * TILE, : across * TILE].reshape(down, TILE, across, TILE)
    return cut.swapaxes(1, 2)


def _find_text(tiles: Any) -> Any:
    """Which of the tiles look like text, as an array of booleans."""
    import numpy as np

    down, across = tiles.shape[:2]
    if not down * across:
        return np.zeros((down, across), bool)
    flat = np.sort(tiles.reshape(down, across, -1), axis=2)
    count = TILE * TILE
    paper, dark, light = (flat[:, :, at] for at in (count // 2, count // 50, count - count // 50 - 1))
    on_light = paper - dark >= light - paper
    contrast = np.where(on_light, paper - dark, light - paper)
    # of the paper alone: ink is on one side of it, and noise on both
    unrest = np.where(on_light, flat[:, :, count * 7 // 8] - paper, paper - flat[:, :, count // 8])
    level, sign = paper[:, :, None, None], np.where(on_light, 1, -1)[:, :, None, None]
    ink = (level - tiles) * sign * 2 > contrast[:, :, None, None]
    share = ink.mean(axis=(2, 3))
    strokes = (ink[:, :, :, 1:] & ~ink[:, :, :, :-1]).sum(axis=3)
    return (
        (contrast >= MIN_CONTRAST)
        & (unrest <= MAX_UNREST * contrast)
        & (share >= MIN_INK)
        & (share <= MAX_INK)
        & ((strokes >= MIN_STROKES).sum(axis=2) >= MIN_ROWS)
    )
