"""Ink that stands alone in a picture without rules: rings to tick, leaders of dots, and what an engine has not read."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import groupby, pairwise
from typing import TYPE_CHECKING, Any, NamedTuple

from docmatix.pdf.drawings import Mark
from docmatix.pdf.ocr.engine import ReadWord
from docmatix.pdf.ocr.shapes import INK, REDUCED, Run, find_dark, find_paper, join_runs, to_points

if TYPE_CHECKING:
    from PIL.Image import Image

MAX_RUNS = 60_000  # of a page; more are photographs
RING_PT = (5.0, 14.0)
_SECTORS = 24  # of a ring that are looked at
_DOT = 0.3  # of the letters' height, up to which a blob is a dot
MIN_DOTS = 5  # that make a leader
_PITCH = 1.2  # of the letters' height, from a dot of a leader to the next


class Blob(NamedTuple):
    """The box around connected ink, in pixels."""

    x0: int
    y0: int
    x1: int
    y1: int


class Ring(NamedTuple):
    """A ring, and the dot in it if there is one."""

    box: Blob
    dot: Blob | None


def list_blobs(dark: Any) -> list[Blob]:
    """The blobs of a mask of ink, letters that stand close together as one; none if there are too many."""
    import numpy as np

    rows, columns = dark.shape[0] // REDUCED, dark.shape[1] // REDUCED
    cells = dark[: rows * REDUCED, : columns * REDUCED].reshape(rows, REDUCED, columns, REDUCED).any(axis=(1, 3))
    edges = np.diff(np.pad(cells, ((0, 0), (1, 1))).astype(np.int8), axis=1)
    at, starts = np.nonzero(edges > 0)
    _, ends = np.nonzero(edges < 0)
    if len(at) > MAX_RUNS:
        return []
    runs = [Run(*each) for each in zip(at.tolist(), starts.tolist(), ends.tolist(), strict=True)]
    found = []
    for group in join_runs(runs, reach=1):
        x0, x1 = min(run.start for run in group) * REDUCED, max(run.end for run in group) * REDUCED
        y0, y1 = min(run.row for run in group) * REDUCED, (max(run.row for run in group) + 1) * REDUCED
        found.append(trim(dark, Blob(x0, y0, x1, y1)))
    return found


def trim(dark: Any, box: Blob) -> Blob:
    """The box around the ink within a box; the same where there is none."""
    import numpy as np

    part = dark[box.y0 : box.y1, box.x0 : box.x1]
    ys, xs = np.flatnonzero(part.any(axis=1)), np.flatnonzero(part.any(axis=0))
    if not len(ys):
        return box
    return Blob(box.x0 + int(xs[0]), box.y0 + int(ys[0]), box.x0 + int(xs[-1]) + 1, box.y0 + int(ys[-1]) + 1)


def find_rings(dark: Any, blobs: Iterable[Blob], point: float) -> list[Ring]:
    """Rings to tick among blobs: round, empty but for a dot in the middle."""
    import numpy as np

    found = []
    for blob in blobs:
        wide, high = blob.x1 - blob.x0, blob.y1 - blob.y0
        if not (RING_PT[0] * point <= min(wide, high) <= max(wide, high) <= RING_PT[1] * point):
            continue
        if abs(wide - high) > max(2, 0.08 * max(wide, high)):
            continue
        ys, xs = np.nonzero(dark[blob.y0 : blob.y1, blob.x0 : blob.x1])
        across, down = (xs + 0.5) / wide * 2 - 1, (ys + 0.5) / high * 2 - 1
        radius, angle = np.hypot(across, down), np.arctan2(down, across)
        outer = radius > 0.72
        sectors = np.floor((angle + np.pi) / (2 * np.pi) * _SECTORS).astype(int) % _SECTORS
        reached = np.zeros(_SECTORS)
        np.maximum.at(reached, sectors[outer], radius[outer])
        # a square reaches 1.4 in its corners, a letter has gaps
        if reached.min() < 0.85 or reached.max() > 1.13:
            continue
        pixels = wide * high * np.pi / 4
        between = ((radius > 0.55) & (radius < 0.7)).sum() / (pixels * (0.7**2 - 0.55**2))
        middle = (radius < 0.35).sum() / (pixels * 0.35**2)
        if between > 0.35 or 0.15 < middle < 0.7:
            continue
        inset = round(0.25 * wide)
        inner = Blob(blob.x0 + inset, blob.y0 + inset, blob.x1 - inset, blob.y1 - inset)
        found.append(Ring(blob, trim(dark, inner) if middle >= 0.7 else None))
    return found


def find_leaders(blobs: Iterable[Blob], letters: float) -> list[list[Blob]]:
    """The dots that lead from a text to a number, row by row."""
    dots = sorted(
        (blob for blob in blobs if max(blob.x1 - blob.x0, blob.y1 - blob.y0) <= max(_DOT * letters, 3)),
        key=lambda blob: blob.x0,
    )
    rows: dict[int, list[list[Blob]]] = {}
    for dot in dots:
        place = round(dot.y1 / 3)
        nearby = [row for at in (place - 1, place, place + 1) for row in rows.get(at, ())]
        near = [row for row in nearby if 0 < dot.x0 - row[-1].x0 <= _PITCH * letters and abs(dot.y1 - row[-1].y1) <= 3]
        if near:
            max(near, key=lambda row: row[-1].x0).append(dot)
        else:
            rows.setdefault(place, []).append([dot])
    return [row for found in rows.values() for row in found if len(row) >= MIN_DOTS and _is_even(row)]


def _is_even(dots: Sequence[Blob]) -> bool:
    """Whether most dots follow each other at one distance."""
    steps = sorted(after.x0 - before.x0 for before, after in pairwise(dots))
    usual = steps[len(steps) // 2]
    return sum(abs(step - usual) <= max(2, 0.2 * usual) for step in steps) >= 0.7 * len(steps)


class Signs(NamedTuple):
    """What is no text and was taken for it: places in pixels."""

    rings: list[Ring]
    leaders: list[list[Blob]]

    def list_marks(self, dpi: int) -> list[Mark]:
        """Rings, and the dots in them, in points."""
        marks = []
        for ring, dot in self.rings:
            marks.append(Mark(*to_points(ring, dpi), True, None))
            if dot is not None:
                marks.append(Mark(*to_points(dot, dpi), True, (0.0,)))
        return marks


def take_signs(picture: Image, *, dpi: int, letters: float) -> tuple[Signs, Image]:
    """The rings and leaders of a picture without rules, and the picture without them."""
    import numpy as np
    from PIL import Image as Images

    pixels: Any = np.array(picture)
    paper = find_paper(picture)
    dark = find_dark(pixels, paper, INK)
    blobs = list_blobs(dark)
    signs = Signs(find_rings(dark, blobs, dpi / 72), find_leaders(blobs, letters))
    for box in [*(ring.box for ring in signs.rings), *(dot for row in signs.leaders for dot in row)]:
        ground = paper[min(box.y0 // REDUCED, len(paper) - 1), min(box.x0 // REDUCED, paper.shape[1] - 1)]
        pixels[max(0, box.y0 - 1) : box.y1 + 1, max(0, box.x0 - 1) : box.x1 + 1] = ground
    return signs, Images.fromarray(pixels, "L")


def put_leaders(words: Sequence[ReadWord], leaders: Iterable[Sequence[Blob]], letters: float) -> list[ReadWord]:
    """The words with each leader behind the word it leads from, and on its line what it leads to."""
    lines = {key: list(line) for key, line in groupby(words, key=lambda word: (word.block, word.line))}
    for dots in leaders:
        x0, x1 = dots[0].x0, dots[-1].x1
        y1 = max(dot.y1 for dot in dots)
        level = [key for key, line in lines.items() if any(word.box[1] < y1 - 1 < word.box[3] + 3 for word in line)]
        left = [key for key in level if x0 - 4 * letters < lines[key][-1].box[2] <= x0 + 3]
        right = [key for key in level if x1 - 3 <= lines[key][0].box[0] < x1 + 2 * letters]
        key = max(left, key=lambda key: lines[key][-1].box[2]) if left else None
        dotted = ReadWord("." * len(dots), (x0, y1 - letters / 2, x1, y1), 0, 0, 1.0)
        within = next((key for key in level if lines[key][0].box[0] < x0 and lines[key][-1].box[2] > x1), None)
        if key is not None:
            block, line = key
            lines[key].append(dotted._replace(line=line, block=block))
            if right:
                lines[key] += [word._replace(line=line, block=block) for word in lines.pop(right[0])]
        elif within is not None:
            block, line = within
            lines[within].append(dotted._replace(line=line, block=block))
            lines[within].sort(key=lambda word: word.box[0])
    return [word for line in lines.values() for word in line]
