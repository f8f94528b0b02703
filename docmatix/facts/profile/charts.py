"""Charts: an axis of evenly stepped numbers, bars on one line, slices of a pie, lines across a grid."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import NamedTuple

from docmatix.facts.profile.view import Chunk, View, is_mostly_inside
from docmatix.pdf.drawings import FilledBox, Outline

MIN_TICKS = 3
MIN_BARS = 3
_NUMBER = re.compile(
    r"[^\w\s]{0,2}\s?(?P<sign>[-−–]?)"
    r"(?P<digits>\d{1,3}(?:[ \u00a0\u2009\u202f.,'’]\d{3})+(?:[.,]\d{1,2})?|\d+(?:[.,]\d+)?)"
    r"\s?(?:%|‰|[^\W\d_]{1,3}|[^\w\s])?"
)


class _Tick(NamedTuple):
    value: float
    x0: float
    x1: float
    middle: float
    size: float


class Axis(NamedTuple):
    """Numbers one above the other, whose values grow evenly on the way up, from `y0` to `y1` in points."""

    x0: float
    y0: float
    x1: float
    y1: float
    ticks: int


def score_chart(view: View, axes: Sequence[Axis]) -> float:
    """How likely a page shows a chart that is drawn and no picture."""
    bars = _find_bars(view)
    scores = [0.0]
    for axis in axes:
        if _has_plot(view, axis):
            scores.append(0.95 if axis.ticks > 3 else 0.85)
        else:
            scores.append(0.4 if axis.ticks > 3 else 0.2)
    if bars >= MIN_BARS:
        scores.append(0.6 if bars == MIN_BARS else 0.75)
    if _find_pie(view.outlines):
        scores.append(0.7)
    if not axes and any(_is_series(outline, view) for outline in view.outlines):
        scores.append(0.6)
    return max(scores)


def find_axes(view: View) -> list[Axis]:
    """The axes of a page that stand upright, wherever their lines are."""
    columns: dict[int, list[_Tick]] = defaultdict(list)
    for chunk in view.chunks:
        value = read_number(chunk.text)
        if value is not None:
            tick = _Tick(value, chunk.x0, chunk.x1, (chunk.y0 + chunk.y1) / 2, chunk.size)
            for edge in (chunk.x1, chunk.x0):
                columns[round(edge / 2)].append(tick)
    found: list[Axis] = []
    done: set[tuple[float, float]] = set()
    for edge in sorted(columns):
        column = sorted({*columns[edge], *columns.get(edge + 1, ())}, key=lambda tick: tick.middle)
        for run in _find_runs(column):
            place = run[0].middle, run[-1].middle
            if place in done or _has_neighbours(run, view):
                continue
            done.add(place)
            found.append(Axis(min(one.x0 for one in run), place[0], max(one.x1 for one in run), place[1], len(run)))
    return found


def read_number(text: str) -> float | None:
    """The value of a text that is a number with at most a sign, a currency or a short unit, however it is grouped."""
    if len(text) > 16 or not any(map(str.isdecimal, text)):
        return None
    match = _NUMBER.fullmatch(text)
    if match is None:
        return None
    digits = re.sub(r"[ \u00a0\u2009\u202f'’]", "", match["digits"])
    if re.fullmatch(r"[1-9]\d{0,2}(?:[.,]\d{3})+", digits):
        digits = re.sub(r"[.,]", "", digits)
    whole, _, rest = digits.replace(",", ".").rpartition(".")
    number = float(f"{whole.replace('.', '')}.{rest}") if whole else float(rest)
    return -number if match["sign"] else number


def _find_runs(column: Sequence[_Tick]) -> Iterator[list[_Tick]]:
    """Longest runs of numbers whose distances and values go in equal steps, with the smaller ones below."""
    start = 0
    while start + MIN_TICKS <= len(column):
        first, second = column[start], column[start + 1]
        pitch, step = second.middle - first.middle, first.value - second.value
        run = [first, second]
        if step > 0 and pitch > 1.25 * first.size:
            for tick in column[start + 2 :]:
                even = abs(tick.middle - run[-1].middle - pitch) < 0.04 * pitch + 0.6
                if not even or abs(run[-1].value - tick.value - step) > 0.01 * step:
                    break
                run.append(tick)
        if len(run) >= MIN_TICKS:
            yield run
            start += len(run) - 1
        else:
            start += 1


def _has_neighbours(run: Sequence[_Tick], view: View) -> bool:
    """Whether the numbers are rows of a table: they are in one, or beside most of them other words stand close by."""
    area = (min(one.x0 for one in run), run[0].middle, max(one.x1 for one in run), run[-1].middle)
    if len(run) < 5 and is_mostly_inside(area, view.tables):
        return True
    beside = 0
    for tick in run:
        reach = 8 * tick.size
        beside += any(
            abs((chunk.y0 + chunk.y1) / 2 - tick.middle) < 0.5 * tick.size
            and (0 < chunk.x0 - tick.x1 < reach or 0 < tick.x0 - chunk.x1 < reach)
            for chunk in view.chunks
        )
    return 2 * beside > len(run)


def _has_plot(view: View, axis: Axis) -> bool:
    """Whether lines, bars or curves are drawn beside an axis, on either side of its numbers."""
    high = axis.y1 - axis.y0
    top, low = axis.y0 - 0.3 * high, axis.y1 + 0.3 * high

    def is_beside(x0: float, y0: float, x1: float, y1: float) -> bool:
        near = -1 <= x0 - axis.x1 < 24 or -1 <= axis.x0 - x1 < 24
        return near and top <= y0 and y1 <= low

    drawn = view.drawing
    if any(is_beside(*rule) and max(rule.x1 - rule.x0, rule.y1 - rule.y0) > 0.4 * high for rule in drawn.rules):
        return True
    shapes = [one[:4] for group in (drawn.boxes, drawn.outlines, drawn.marks) for one in group]
    inside = [x0 for x0, y0, _, y1 in shapes if top <= y0 and y1 <= low and -1 <= x0 - axis.x1 < 5 * high]
    return len(inside) >= MIN_BARS


def _find_bars(view: View) -> int:
    """The most filled boxes of one width that stand or begin on one line, are of several lengths, and have their names
    below or beside them."""
    upright: dict[tuple[int, int], list[FilledBox]] = defaultdict(list)
    lying: dict[tuple[int, int], list[FilledBox]] = defaultdict(list)
    for box in view.boxes:
        wide, high = box.x1 - box.x0, box.y1 - box.y0
        if box.fill is not None and min(box.fill) < 0.97 and min(wide, high) >= 2:
            upright[round(box.y1), round(wide)].append(box)
            lying[round(box.x0), round(high)].append(box)
    best = 0
    for bars in upright.values():
        if _vary([bar.y1 - bar.y0 for bar in bars]) and _are_named(bars, view.chunks, upright=True):
            best = max(best, len({bar.x0 for bar in bars}))
    for bars in lying.values():
        if _vary([bar.x1 - bar.x0 for bar in bars]) and _are_named(bars, view.chunks, upright=False):
            best = max(best, len({bar.y0 for bar in bars}))
    return best


def _vary(lengths: Sequence[float]) -> bool:
    return len(set(map(round, lengths))) >= MIN_BARS and max(lengths) > 1.15 * min(lengths)


def _are_named(bars: Sequence[FilledBox], chunks: Sequence[Chunk], *, upright: bool) -> bool:
    """Whether most bars have a text below their middle, or beside it on their left."""
    named = 0
    for bar in bars:
        x, y = (bar.x0 + bar.x1) / 2, (bar.y0 + bar.y1) / 2
        reach = 0.6 * (bar.x1 - bar.x0) + 2
        named += any(
            -2 < chunk.y0 - bar.y1 < 30 and abs((chunk.x0 + chunk.x1) / 2 - x) < reach
            if upright
            else -2 < bar.x0 - chunk.x1 < 60 and chunk.y0 < y < chunk.y1
            for chunk in chunks
        )
    return named > 0.6 * len(bars)


def _find_pie(outlines: Sequence[Outline]) -> bool:
    """Whether filled slices, of curves and a few lines, make up a square in several colours."""
    slices = [one for one in outlines if one.fill is not None and one.curves and 1 <= one.lines <= 3]
    if len(slices) < 2 or len({one.fill for one in slices}) < 2:
        return False
    x0, y0 = min(one.x0 for one in slices), min(one.y0 for one in slices)
    wide, high = max(one.x1 for one in slices) - x0, max(one.y1 for one in slices) - y0
    return min(wide, high) > 40 and max(wide, high) < 1.2 * min(wide, high)


def _is_series(outline: Outline, view: View) -> bool:
    """Whether an outline is a line of data: unfilled, of several parts, above a line and labels at even distances."""
    wide = outline.x1 - outline.x0
    mixed = outline.lines and outline.curves  # as boxes with round corners are
    if outline.fill is not None or mixed or outline.lines + outline.curves < 4 or wide < 60:
        return False
    if not any(
        rule.x1 - rule.x0 > 0.8 * wide and -2 < rule.y0 - outline.y1 < 60 and rule.x0 < outline.x0 + 0.2 * wide
        for rule in view.rules
    ):
        return False
    below = [
        (chunk.x0 + chunk.x1) / 2
        for chunk in view.chunks
        if outline.y1 - 2 < chunk.y0 < outline.y1 + 60
        and outline.x0 - 0.2 * wide < chunk.x0
        and chunk.x1 < outline.x1 + 0.2 * wide
        and len(chunk.text) <= 12
    ]
    gaps = [other - one for one, other in pairwise(sorted(below))]
    return len(gaps) >= MIN_TICKS and max(gaps) - min(gaps) < 0.08 * wide and min(gaps) > 8
