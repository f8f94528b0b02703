"""Finds how a picture of text is turned, how far it is askew and how high its letters are, from how sharply the ink of
lines is parted by white; and undoes it.

Ink is looked at in strips across the lines: within one, even a line that runs askew stays apart from the next.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from docmatix.core.documents import Box

if TYPE_CHECKING:
    from PIL.Image import Image

LOOK_DPI = 100  # of the picture that is looked at
MAX_SKEW, SKEW_STEP = 5.0, 0.1  # degrees; feeders pull sheets in with up to 3
MIN_SKEW = 0.15  # turning blurs: what is straighter than this is left alone
NOISY = 3.0  # of 255: the noise of paper, from which it is smoothed
GRAIN, COARSE = 0.115, 0.18  # of the height of letters apart, noise of 100 dpi is 0.22 alike, of 150 dpi 0.13
SMOOTHING = 0.05  # of the height of letters: the radius
_DARK_PAGE = 110  # of 255: a page darker than this on average is white on black
_STRIPS = 24
_RULE = 0.8  # of a strip's width under ink: a rule, which has no height of letters
_SIDEWAYS = 1.25  # how much sharper the lines across the page must be than those down, for it to lie on its side
_CLEARLY_SIDEWAYS = 3.0  # upright landscape pages have up to 1.8, pages of text on their side 8 and more
_MIN_INK = 0.03  # of a strip's width, for a row of pixels to belong to a line


class Lines(NamedTuple):
    """What is known of the lines of a picture: how far askew they are (degrees, counterclockwise to undo), and how
    sharply they are parted."""

    skew: float
    sharpness: float


@dataclass(frozen=True, slots=True)
class Straightening:
    """What was done to a picture of the page before it was read: `turns` quarter turns clockwise, then `skew` degrees
    counterclockwise, the picture growing so that nothing is cut off. `width` and `height` are the page's, in pixels."""

    width: float
    height: float
    turns: int = 0
    skew: float = 0.0

    @property
    def size(self) -> tuple[float, float]:
        """Width and height of the straight picture, in pixels, too."""
        width, height = self._turned
        cosine, sine = math.cos(math.radians(self.skew)), abs(math.sin(math.radians(self.skew)))
        return width * cosine + height * sine, width * sine + height * cosine

    @property
    def _turned(self) -> tuple[float, float]:
        return (self.height, self.width) if self.turns % 2 else (self.width, self.height)

    def to_page(self, box: Box) -> Box:
        """The box on the page around a box of the straight picture, both in fractions."""
        corners = [self._place(x, y) for x in (box.x0, box.x1) for y in (box.y0, box.y1)]
        xs, ys = zip(*corners, strict=True)
        low, high = (min(xs), min(ys)), (max(xs), max(ys))
        return Box(*(round(min(max(value, 0.0), 1.0), 5) for value in (*low, *high)))

    def _place(self, x: float, y: float) -> tuple[float, float]:
        if self.skew:
            (across, down), (width, height) = self.size, self._turned
            right, below = (x - 0.5) * across, (y - 0.5) * down
            cosine, sine = math.cos(math.radians(self.skew)), math.sin(math.radians(self.skew))
            x = 0.5 + (right * cosine - below * sine) / width
            y = 0.5 + (right * sine + below * cosine) / height
        for _ in range(self.turns):
            x, y = y, 1 - x
        return x, y


def straighten(picture: Image, turns: int, skew: float) -> Image:
    """The grey picture turned as `Straightening` tells, with white where there was nothing."""
    from PIL import Image as Images

    if turns % 4:
        turn = {1: Images.Transpose.ROTATE_270, 2: Images.Transpose.ROTATE_180, 3: Images.Transpose.ROTATE_90}
        picture = picture.transpose(turn[turns % 4])
    if skew:
        picture = picture.rotate(skew, resample=Images.Resampling.BICUBIC, expand=True, fillcolor=255)
    return picture


def to_dark_on_light(picture: Image) -> Image:
    """The grey picture, inverted if most of it is dark."""
    from PIL import ImageOps, ImageStat

    return ImageOps.invert(picture) if ImageStat.Stat(picture).mean[0] < _DARK_PAGE else picture


def smooth(picture: Image, letters: float) -> Image:
    """The grey picture without the grain of a scan of few dots, which engines take for strokes, so little smoothed that
    letters of this height stay sharp. Fine noise is left: it does less harm than blurring."""
    from PIL import ImageFilter

    if measure_noise(picture) < NOISY or _measure_grain(picture, max(1, round(GRAIN * letters))) < COARSE:
        return picture
    return picture.filter(ImageFilter.GaussianBlur(SMOOTHING * letters))


def _measure_grain(picture: Image, step: int) -> float:
    """How alike the noise of the paper is so many pixels apart, up to 1."""
    import numpy as np

    pixels = np.asarray(picture)[::3].astype(np.float32)
    noise = pixels - np.median(pixels)
    noise[np.abs(noise) > 60] = 0.0  # ink
    return float((noise[:, :-step] * noise[:, step:]).mean() / max((noise * noise).mean(), 1e-6))


def measure_noise(picture: Image) -> float:
    """The standard deviation of the paper's brightness, 0..255."""
    import numpy as np

    pixels = np.asarray(picture)[::2, ::2].astype(np.int16)
    return 1.4826 * float(np.median(np.abs(pixels - np.int16(np.median(pixels)))))


def find_ink(picture: Image) -> Any:
    """Where a grey picture is dark, as an array of booleans, by Otsu's threshold between ink and paper."""
    import numpy as np

    pixels = np.asarray(picture)
    counts = np.bincount(pixels.ravel(), minlength=256).astype(float)
    below = counts.cumsum()
    total = (counts * np.arange(256)).cumsum()
    with np.errstate(divide="ignore", invalid="ignore"):
        between = (total[-1] * below - total * below[-1]) ** 2 / (below * (below[-1] - below))
    return pixels <= int(np.nan_to_num(between).argmax())


def find_lines(ink: Any) -> Lines:
    """How the lines run that go from left to right."""
    import numpy as np

    strips = _measure_strips(ink)
    places = (np.arange(strips.shape[1]) + 0.5) / strips.shape[1] - 0.5
    best = Lines(0.0, _rate(strips.sum(axis=1)))
    steps = round(MAX_SKEW / SKEW_STEP)
    rows = np.arange(len(strips))[:, None]
    for step in sorted(range(-steps, steps + 1), key=abs):
        # a line that falls to the right is met later there
        shift = np.rint(math.tan(math.radians(step * SKEW_STEP)) * places * ink.shape[1]).astype(int)
        moved = np.take_along_axis(strips, (rows + shift) % len(strips), axis=0).sum(axis=1)
        if (sharpness := _rate(moved)) > 1.02 * best.sharpness:
            best = Lines(round(step * SKEW_STEP, 2), sharpness)
    return best if abs(best.skew) >= MIN_SKEW else Lines(0.0, best.sharpness)


def is_sideways(down: Lines, across: Lines, *, clearly: bool = False) -> bool:
    """Whether text runs up or down the page, from the lines of a picture and of the picture on its side; `clearly`
    where an engine tells otherwise: slides and charts of few lines have rules across them."""
    return across.sharpness > (_CLEARLY_SIDEWAYS if clearly else _SIDEWAYS) * down.sharpness


def measure_letters(ink: Any) -> float | None:
    """The height in pixels from the tops to the bottoms of the letters of most lines; None if there are too few."""
    import numpy as np

    strips = _measure_strips(ink) > _MIN_INK
    edges = np.diff(np.pad(strips, ((1, 1), (0, 0))).astype(np.int8), axis=0)
    heights = np.concatenate([np.flatnonzero(column < 0) - np.flatnonzero(column > 0) for column in edges.T])
    heights = heights[(heights >= 4) & (heights <= len(ink) / 12)]
    return float(np.median(heights)) if len(heights) >= 20 else None


def _measure_strips(ink: Any) -> Any:
    """The share of ink in each row of each strip, without rules."""
    import numpy as np

    height, width = ink.shape
    each = max(1, width // _STRIPS)
    count = max(1, width // each)
    shares = ink[:, : count * each].reshape(height, count, each).mean(axis=2)
    return np.where(shares > _RULE, 0.0, shares)


def _rate(profile: Any) -> float:
    import numpy as np

    return float((np.diff(profile) ** 2).sum())
