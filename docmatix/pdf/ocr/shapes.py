"""Finds what is drawn in a picture of a page besides text: rules, boxes to tick, frames and filled areas.

A pixel is dark against the paper around it, not against the page: rules are seen on grey header rows, too.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from statistics import median
from typing import TYPE_CHECKING, Any, NamedTuple

from docmatix.pdf.drawings import FilledBox, Mark, Rule
from docmatix.pdf.ocr.straightening import measure_noise

if TYPE_CHECKING:
    from PIL.Image import Image

INK = 70  # of 255, by which what is certainly ink is darker than the paper
REDUCED = 4  # pixels to one of the paper's picture
_MIN_CONTRAST, _NOISE = 24, 3.0  # of 255, and in standard deviations of the noise
MIN_ACROSS_PT, MIN_DOWN_PT = 18.0, 14.0  # the shortest rules that are told from letters
_THICK_PT = 3.5
_LONG_PT = 60.0  # from which a stroke is a rule, whatever is beside it: the serifs of `mmm` make one of 30
_BESIDE = 0.15  # of the length of a shorter one that may be dark at either side
_DENSE = 0.92  # of a window of a rule that is dark: noise and JPEG leave gaps
MAX_RUNS = 40_000  # more are photographs
BOX_PT = (5.0, 18.0)  # the sides of a box to tick
_SIDE, _RIGHT = 0.85, 0.95  # of each side of a box that is dark; a `D` has 0.9
_WITHIN = 0.25  # of a box's side, from which it holds what is ticked, and nothing of its frame
_TICKED = 0.06  # of the inside of a box that is dark
_AREA_PT = 7.0  # the smallest side of a filled area
_ALONE_PT = 40.0  # from which a line down the page is one that joins no other
_BRIDGE = 9  # cells of a reduced picture: letters on an area
_FLAT = 0.3  # of an area that is without letters
_MIN_SHADE = 7  # of 255, by which one differs from the paper


class Run(NamedTuple):
    """Dark pixels side by side in a row of a picture; `end` is exclusive."""

    row: int
    start: int
    end: int


class _Edge(NamedTuple):
    """The upper or lower side of a box; `first` and `last` are its rows."""

    row: int
    start: int
    end: int
    first: int
    last: int


class Stroke(NamedTuple):
    """Runs that make a line; `rule` is in pixels."""

    rule: Rule
    runs: list[Run]
    is_down: bool


class Shapes(NamedTuple):
    """What was found; places in pixels."""

    strokes: list[Stroke]
    squares: list[FilledBox]
    frames: list[FilledBox]
    areas: list[FilledBox]
    ticks: list[Rule]
    """The corners of what is drawn or written in the squares."""

    def list_rules(self, dpi: int) -> tuple[Rule, ...]:
        """In points."""
        return tuple(Rule(*to_points(stroke.rule, dpi)) for stroke in self.strokes)

    def list_marks(self, dpi: int) -> list[Mark]:
        """The ticks in boxes, in points."""
        return [Mark(*to_points(tick, dpi), False, None) for tick in self.ticks]

    def list_boxes(self, dpi: int) -> tuple[FilledBox, ...]:
        """In points."""
        return tuple(
            FilledBox(*to_points((box.x0, box.y0, box.x1, box.y1), dpi), box.stroked, box.fill)
            for box in (*self.areas, *self.frames, *self.squares)
        )


def to_points(sides: Sequence[float], dpi: int) -> tuple[float, float, float, float]:
    x0, y0, x1, y1 = (round(side * 72 / dpi, 2) for side in sides)
    return x0, y0, x1, y1


def find_shapes(picture: Image, *, dpi: int, letters: float | None = None) -> tuple[Shapes, Image]:
    """The shapes of a straight grey picture, dark on light, and the picture without them: engines take rules and boxes
    for letters, and read nothing on dark ground. `letters` is the height of letters in pixels."""
    import numpy as np
    from PIL import Image as Images

    point = dpi / 72
    pixels: Any = np.array(picture)
    level = float(np.median(pixels[::4, ::4]))
    noise = measure_noise(picture)  # ink is far from it
    areas = list(find_areas(picture, level, noise, point))
    for area in areas:
        _bleach(pixels, area, level)
    picture = Images.fromarray(pixels, "L")
    paper = find_paper(picture)
    dark = find_dark(pixels, paper, max(_MIN_CONTRAST, _NOISE * noise))
    letters = letters or 0.0
    across = _find_strokes(dark, max(MIN_ACROSS_PT * point, 2.0 * letters), point, is_down=False)
    down = _find_strokes(np.ascontiguousarray(dark.T), max(MIN_DOWN_PT * point, 1.2 * letters), point, is_down=True)
    far = max(_ALONE_PT * point, 3.5 * letters)
    down = [one for one in down if one.rule.y1 - one.rule.y0 >= far or _joins(one.rule, across, 2 * point)]
    squares = list(_find_squares(dark, point))
    strokes = [one for one in (*across, *down) if not any(_is_in(one.rule, box) for box in squares)]
    frames = list(_find_frames([stroke.rule for stroke in strokes], point))
    ticks = [tick for box in squares if (tick := _find_tick(dark, box, point)) is not None]
    _erase(pixels, paper, strokes, squares, point)
    return Shapes(strokes, squares, frames, areas, ticks), Images.fromarray(pixels, "L")


def _joins(rule: Rule, across: Iterable[Stroke], slack: float) -> bool:
    """Whether a short line down the page goes from one across it to another, as no letter does."""
    met = [other.rule.y0 for other in across if _meet(other.rule, rule, slack)]
    return any(abs(y - rule.y0) <= slack for y in met) and any(abs(y - rule.y1) <= slack for y in met)


def _bleach(pixels: Any, area: FilledBox, level: float) -> None:
    """Make the ground of an area that of the page, and its letters dark."""
    import numpy as np

    x0, y0, x1, y1 = map(round, area[:4])
    part = pixels[y0:y1, x0:x1].astype(np.int16)
    shade = round((area.fill or (1.0,))[0] * level)
    if (part > shade + 40).sum() > (part < shade - 40).sum():
        part = 2 * shade - part  # letters lighter than their ground
    pixels[y0:y1, x0:x1] = np.clip(part + round(level) - shade, 0, 255)


def find_paper(picture: Image) -> Any:
    """How bright the ground is around each place, without letters and rules, as an array at a quarter of the size."""
    import numpy as np
    from PIL import ImageFilter

    small = picture.reduce(REDUCED).filter(ImageFilter.MaxFilter(5)).filter(ImageFilter.MinFilter(5))
    return np.asarray(small)


def find_dark(pixels: Any, paper: Any, contrast: float) -> Any:
    """Which pixels are darker than the paper around them."""
    import numpy as np

    height, width = pixels.shape
    bound = np.maximum(paper.astype(np.int16) - round(contrast), 0).astype(np.uint8)
    return pixels < bound.repeat(REDUCED, axis=0)[:height].repeat(REDUCED, axis=1)[:, :width]


def _find_strokes(dark: Any, least: float, point: float, *, is_down: bool) -> list[Stroke]:
    """The lines that run along the rows."""
    found = []
    runs = list_runs(dark, round(least), dense=_DENSE)
    if len(runs) > MAX_RUNS:
        return []
    for group in join_runs(runs, reach=2):
        start, end = min(run.start for run in group), max(run.end for run in group)
        covered = sum(run.end - run.start for run in group)
        thickness = covered / (end - start)
        rows = [run.row for run in group]
        if thickness > _THICK_PT * point or max(rows) - min(rows) > (_THICK_PT + 2) * point:
            continue
        beside = (min(rows) - round(point), max(rows) + round(point))
        if end - start < _LONG_PT * point and any(
            0 <= row < len(dark) and dark[row, start:end].mean() > _BESIDE for row in beside
        ):
            continue
        middle = sum(run.row * (run.end - run.start) for run in group) / covered + 0.5
        rule = Rule(middle, start, middle, end) if is_down else Rule(start, middle, end, middle)
        found.append(Stroke(rule, group, is_down))
    return found


def list_runs(dark: Any, least: int, *, dense: float) -> list[Run]:
    """Runs of `least` pixels and more of which nearly all are dark, row by row."""
    import numpy as np

    window = max(3, least // 2)
    if dark.shape[1] <= window:
        return []
    rows = np.flatnonzero(dark.sum(axis=1) >= dense * window)
    counts = np.zeros((len(rows), dark.shape[1] + 1), dtype=np.int32)
    np.cumsum(dark[rows], axis=1, out=counts[:, 1:])
    full = (counts[:, window:] - counts[:, :-window]) >= dense * window
    edges = np.diff(np.pad(full, ((0, 0), (1, 1))).astype(np.int8), axis=1)
    at, starts = np.nonzero(edges > 0)
    _, ends = np.nonzero(edges < 0)
    ends = ends + window - 1
    long = ends - starts >= least
    return [Run(*each) for each in zip(*(part[long].tolist() for part in (rows[at], starts, ends)), strict=True)]


def join_runs(runs: Iterable[Run], *, reach: int) -> list[list[Run]]:
    """Runs that touch, in groups; at most `reach` rows apart."""
    groups: dict[int, list[Run]] = {}
    of: dict[Run, int] = {}
    open_runs: list[Run] = []
    for run in runs:
        open_runs = [one for one in open_runs if run.row - one.row <= reach]
        met = {of[one] for one in open_runs if one.start <= run.end + reach and run.start <= one.end + reach}
        name = min(met, default=len(of))
        groups.setdefault(name, []).append(run)
        of[run] = name
        for other in met - {name}:
            moved = groups.pop(other)
            groups[name] += moved
            of.update(dict.fromkeys(moved, name))
        open_runs.append(run)
    return list(groups.values())


def _find_squares(dark: Any, point: float) -> Iterator[FilledBox]:
    """Boxes to tick: two short lines above each other, closed at both sides."""
    least, most = (round(side * point) for side in BOX_PT)
    slack = max(2, round(0.6 * point))
    edges: dict[int, list[_Edge]] = defaultdict(list)
    runs = [run for run in list_runs(dark, least, dense=0.95) if run.end - run.start <= most + slack]
    if len(runs) > MAX_RUNS:
        return
    for group in join_runs(runs, reach=1):
        start, end = min(run.start for run in group), max(run.end for run in group)
        rows = [run.row for run in group]
        usual = median(run.end - run.start for run in group)
        # the upper stroke of a `D` grows longer downwards
        if end - start <= most and max(rows) - min(rows) <= 2.5 * point and usual >= 0.93 * (end - start):
            edges[start // slack].append(_Edge((min(rows) + max(rows)) // 2, start, end, min(rows), max(rows)))
    for column, found in edges.items():
        nearby = [run for step in (-1, 0, 1) for run in edges.get(column + step, ())]
        for top in found:
            side = top.end - top.start
            for low in nearby:
                high = low.row - top.row
                if abs(high - side) > max(0.15 * side, slack) or abs(low.end - top.end) > slack:
                    continue
                if _is_closed(dark, top, low, slack):
                    yield FilledBox(top.start, top.row, top.end, low.row, True, None)
                    break


def _is_closed(dark: Any, top: _Edge, low: _Edge, slack: int) -> bool:
    """Whether both sides and the corners are dark, what is between them is not all so, and around them is paper."""
    rows = slice(top.row, low.row + 1)
    left = dark[rows, max(0, top.start - slack) : top.start + slack].any(axis=1).mean()
    # the right side of a `D` bends
    right = dark[rows, max(0, top.end - 2) : top.end + 1].any(axis=1).mean()
    inside = dark[top.row + slack : low.row - slack, top.start + slack : top.end - slack]
    if not (left >= _SIDE and right >= _RIGHT and inside.size and inside.mean() < 0.9):
        return False
    for row in (min(top.first + 1, top.row), max(low.last - 1, low.row)):
        # the corners of letters are round
        if not (dark[row, top.start : top.start + 3].any() and dark[row, top.end - 3 : top.end].any()):
            return False
    # letters have others close by; a tick may reach out of its box, up and to the right
    near, far, middle = slack + 1, 4 * slack, (top.row + low.row) // 2
    left = dark[rows, max(0, top.start - far) : max(0, top.start - near)]
    right = dark[middle : low.row + 1, top.end + near : top.end + far]
    below = dark[low.row + near : low.row + far, top.start : top.end]
    return bool(left.size and below.size) and not (left.any() or right.any() or below.mean() > 0.1)


def _find_tick(dark: Any, box: FilledBox, point: float) -> Rule | None:
    """The corners of the ink in a box; None for an empty one."""
    import numpy as np

    x0, y0, x1, y1 = (round(side) for side in (box.x0, box.y0, box.x1, box.y1))
    # well within: the frame of a scanned box may be askew, and two strokes thick where it is
    inset = max(3, round(1.2 * point), round(_WITHIN * (x1 - x0)))
    inside = dark[y0 + inset : y1 - inset, x0 + inset : x1 - inset]
    if not inside.size or inside.mean() < _TICKED:
        return None
    ys, xs = np.flatnonzero(inside.any(axis=1)), np.flatnonzero(inside.any(axis=0))
    left, top = x0 + inset, y0 + inset
    return Rule(left + int(xs[0]), top + int(ys[0]), left + int(xs[-1]) + 1, top + int(ys[-1]) + 1)


def _is_in(rule: Rule, box: FilledBox) -> bool:
    x, y = (rule.x0 + rule.x1) / 2, (rule.y0 + rule.y1) / 2
    long = max(rule.x1 - rule.x0, rule.y1 - rule.y0)
    slack = 0.2 * (box.x1 - box.x0)
    inside = box.x0 - slack <= x <= box.x1 + slack and box.y0 - slack <= y <= box.y1 + slack
    return inside and long <= 1.4 * (box.x1 - box.x0)


def _find_frames(rules: list[Rule], point: float) -> Iterator[FilledBox]:
    """Rectangles of four rules that meet no other: fields to write in."""
    slack = 2.0 * point
    across = [rule for rule in rules if rule.y0 == rule.y1]
    down = [rule for rule in rules if rule.x0 == rule.x1]
    for top in across:
        sides = [side for side in down if _meet(top, side, slack)]
        if len(sides) != 2:
            continue
        left, right = sorted(sides)
        if abs(left.y0 - top.y0) > slack or abs(left.y1 - right.y1) > slack or abs(right.y0 - top.y0) > slack:
            continue
        lows = [rule for rule in across if rule is not top and _meet(rule, left, slack) and _meet(rule, right, slack)]
        if len(lows) == 1 and abs(lows[0].y0 - left.y1) <= slack and lows[0].y0 > top.y0:  # noqa: SIM102
            if sum(_meet(lows[0], side, slack) for side in down) == 2:
                yield FilledBox(left.x0, top.y0, right.x0, lows[0].y0, True, None)


def _meet(across: Rule, down: Rule, slack: float) -> bool:
    return across.x0 - slack <= down.x0 <= across.x1 + slack and down.y0 - slack <= across.y0 <= down.y1 + slack


def find_areas(picture: Image, level: float, noise: float, point: float) -> Iterator[FilledBox]:
    """Rectangles of one shade that is not the page's, whose brightness is `level`; with letters on them or not."""
    import numpy as np
    from PIL import Image as Images
    from PIL import ImageFilter

    small = picture.reduce(REDUCED)
    cells: Any = np.asarray(small).astype(np.int16)
    # reducing smooths noise
    band = max(4, round(0.6 * noise))
    spread = np.asarray(small.filter(ImageFilter.MaxFilter(3))).astype(np.int16)
    spread -= np.asarray(small.filter(ImageFilter.MinFilter(3)))
    flat = (spread <= 2 * band) & (np.abs(cells - round(level)) >= max(_MIN_SHADE, 0.6 * noise))
    least = max(3, round(_AREA_PT * point / REDUCED))
    counts = np.bincount(cells[flat], minlength=256)
    taken = np.zeros(256, dtype=bool)
    for _ in range(6):
        # of similar shades the most frequent first
        near = np.convolve(np.where(taken, 0, counts), np.ones(5, dtype=int), "same")
        peak = int(near.argmax())
        if near[peak] < 3 * least * least:
            return
        low, high = max(0, peak - band), peak + band
        taken[low : high + 1] = True
        mask = Images.fromarray(((cells >= low) & (cells <= high)).astype(np.uint8) * 255, "L")
        bridged = mask.filter(ImageFilter.MaxFilter(_BRIDGE)).filter(ImageFilter.MinFilter(_BRIDGE))
        # without rules that are as dark
        bridged = bridged.filter(ImageFilter.MinFilter(5)).filter(ImageFilter.MaxFilter(5))
        runs = list_runs(np.asarray(bridged) > 0, least, dense=1.0)
        if len(runs) > MAX_RUNS:
            continue
        for group in join_runs(runs, reach=1):
            across: dict[int, int] = defaultdict(int)
            for run in group:
                across[run.row] += run.end - run.start
            # letters below an area may be bridged to it
            widest = max(across.values())
            kept = [run for run in group if across[run.row] >= 0.7 * widest]
            x0, x1 = min(run.start for run in kept), max(run.end for run in kept)
            y0, y1 = min(run.row for run in kept), max(run.row for run in kept) + 1
            wide, high_cells = x1 - x0, y1 - y0
            covered = sum(run.end - run.start for run in kept)
            if (
                min(wide, high_cells) >= least
                and max(wide, high_cells) >= 3 * least
                and (covered >= 0.85 * wide * high_cells and flat[y0:y1, x0:x1].mean() >= _FLAT)
            ):
                sides = (min(x0 * REDUCED, picture.width), min(y0 * REDUCED, picture.height))
                ends = (min(x1 * REDUCED, picture.width), min(y1 * REDUCED, picture.height))
                yield FilledBox(*sides, *ends, False, (round(min(peak / max(level, 1.0), 1.0), 2),))


def _erase(pixels: Any, paper: Any, strokes: Iterable[Stroke], squares: Iterable[FilledBox], point: float) -> None:
    reach = max(1, round(0.25 * point))
    for stroke in strokes:
        for row, start, end in stroke.runs:
            low, high = max(0, row - reach), row + reach + 1
            if stroke.is_down:
                pixels[start:end, low:high] = paper[start // REDUCED, row // REDUCED]
            else:
                pixels[low:high, start:end] = paper[row // REDUCED, start // REDUCED]
    wide = max(2, round(1.2 * point))
    for box in squares:
        x0, y0, x1, y1 = map(round, box[:4])
        ground = paper[max(0, y0 - 2 * wide) // REDUCED, max(0, x0 - 2 * wide) // REDUCED]
        pixels[max(0, y0 - wide) : y1 + wide, max(0, x0 - wide) : x1 + wide] = ground
