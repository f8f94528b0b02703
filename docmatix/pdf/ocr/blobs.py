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
_WORD_SPACE = 0.8  # of the letters' height: the white at either side of an `o` between words has 0.5 to 0.7
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


def find_rings(dark: Any, blobs: Sequence[Blob], point: float, letters: float) -> list[Ring]:
    """Rings to tick among blobs: round, empty but for a dot in the middle, and no `O` in a line of text."""
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
        if middle < 0.7 and (_is_in_line(blob, blobs, letters) or _is_as_high(blob, blobs)):
            continue
        inset = round(0.25 * wide)
        inner = Blob(blob.x0 + inset, blob.y0 + inset, blob.x1 - inset, blob.y1 - inset)
        found.append(Ring(blob, trim(dark, inner) if middle >= 0.7 else None))
    return found


def _is_in_line(ring: Blob, blobs: Iterable[Blob], letters: float) -> bool:
    """Whether others stand a space before a ring and a space behind it: `5 o 6` is text."""
    gaps = [
        (ring.x0 - blob.x1, blob.x0 - ring.x1)
        for blob in blobs
        if min(blob.y1, ring.y1) - max(blob.y0, ring.y0) > 0.5 * min(blob.y1 - blob.y0, ring.y1 - ring.y0)
    ]
    reach = _WORD_SPACE * letters
    return any(0 <= before <= reach for before, _ in gaps) and any(0 <= behind <= reach for _, behind in gaps)


def _is_as_high(ring: Blob, blobs: Iterable[Blob]) -> bool:
    """Whether a letter in the row of a ring begins and ends where it does: `T O T A L` has no rings."""
    high = ring.y1 - ring.y0
    slack = max(1.0, 0.06 * high)
    return any(
        abs(blob.y0 - ring.y0) <= slack and abs(blob.y1 - ring.y1) <= slack and blob.x1 - blob.x0 < 0.92 * high
        for blob in blobs
        if blob is not ring
    )


def find_leaders(dark: Any, blobs: Iterable[Blob], letters: float) -> list[list[Blob]]:
    """The dots that lead from a text to a number, row by row."""
    most = max(_DOT * letters, 3)
    flat = [blob for blob in blobs if blob.y1 - blob.y0 <= most]
    dots = [blob for blob in flat if blob.x1 - blob.x0 <= most]
    # dots that stand close together are one blob
    dots += [dot for blob in flat if blob.x1 - blob.x0 > 2 * most for dot in _part(dark, blob)]
    dots.sort(key=lambda blob: blob.x0)
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


def _part(dark: Any, blob: Blob) -> list[Blob]:
    import numpy as np

    inked = dark[blob.y0 : blob.y1, blob.x0 : blob.x1].any(axis=0)
    edges = np.flatnonzero(np.diff(np.pad(inked, 1).astype(np.int8)))
    return [Blob(blob.x0 + x0, blob.y0, blob.x0 + x1, blob.y1) for x0, x1 in edges.reshape(-1, 2).tolist()]


def _is_even(dots: Sequence[Blob]) -> bool:
    """Whether most dots follow each other at one distance."""
    steps = sorted(after.x0 - before.x0 for before, after in pairwise(dots))
    usual = steps[len(steps) // 2]
    return sum(abs(step - usual) <= max(2, 0.2 * usual) for step in steps) >= 0.7 * len(steps)


class Signs(NamedTuple):
    """Signs that an engine would take for text: places in pixels."""

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
    signs = Signs(find_rings(dark, blobs, dpi / 72, letters), find_leaders(dark, blobs, letters))
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
        right = [key for key in level if x1 - 3 <= lines[key][0].box[0] < x1 + 4 * letters]
        key = max(left, key=lambda key: lines[key][-1].box[2]) if left else None
        dotted = ReadWord("." * len(dots), (x0, y1 - letters / 2, x1, y1), 0, 0, 1.0)
        within = next((key for key in level if lines[key][0].box[0] < x0 and lines[key][-1].box[2] > x1), None)
        if key is not None:
            block, line = key
            lines[key].append(dotted._replace(line=line, block=block))
            if right:
                lines[key] += [
                    word._replace(line=line, block=block)
                    for word in lines.pop(min(right, key=lambda key: lines[key][0].box[0]))
                ]
        elif within is not None:
            block, line = within
            lines[within].append(dotted._replace(line=line, block=block))
            lines[within].sort(key=lambda word: word.box[0])
    return [word for line in lines.values() for word in line]


class Piece(NamedTuple):
    """A line of ink that was not read, and where it was put in a column of such lines."""

    box: Blob
    top: int


MAX_UNREAD = 80  # lines of a page that are looked at again
_UNREAD_HEIGHT = (0.35, 3.0)  # of the letters' height


def find_unread(dark: Any, words: Iterable[ReadWord], letters: float, *, dashes: bool = False) -> list[Blob]:
    """Lines of ink as high as letters that no word covers; with `dashes`, what may be the sign of a number, too."""
    left = dark.copy()
    for word in words:
        x0, y0, x1, y1 = map(round, word.box)
        left[max(0, y0 - 2) : y1 + 3, max(0, x0 - 2) : x1 + 3] = False
    low, high = (share * letters for share in _UNREAD_HEIGHT)
    lines: list[Blob] = []
    for blob in sorted(list_blobs(left), key=lambda blob: blob.x0):
        tall = blob.y1 - blob.y0
        is_dash = dashes and 0.25 * letters <= blob.x1 - blob.x0 <= 1.2 * letters and tall >= 0.05 * letters
        if not (low <= tall <= high or is_dash) or blob.x1 - blob.x0 < 0.1 * letters:
            continue
        before = next(
            (
                line
                for line in reversed(lines)
                if -2 <= blob.x0 - line.x1 <= 1.2 * letters
                and min(blob.y1, line.y1) - max(blob.y0, line.y0) > 0.5 * min(tall, line.y1 - line.y0)
            ),
            None,
        )
        if before is not None:
            lines.remove(before)
        else:
            before = blob
        lines.append(Blob(before.x0, min(before.y0, blob.y0), max(before.x1, blob.x1), max(before.y1, blob.y1)))
    return sorted(lines, key=lambda line: line.y0)[:MAX_UNREAD]


def is_bullet(dark: Any, box: Blob, letters: float) -> bool:
    """Whether the ink of a box is a small disc or square."""
    wide, high = box.x1 - box.x0, box.y1 - box.y0
    if not (
        0.15 * letters <= min(wide, high) and max(wide, high) <= 0.75 * letters and abs(wide - high) <= 0.25 * high
    ):
        return False
    return bool(dark[box.y0 : box.y1, box.x0 : box.x1].mean() >= 0.7)


def put_bullets(words: Sequence[ReadWord], bullets: Iterable[Blob], letters: float) -> list[ReadWord]:
    """The words with each bullet before the line that it stands at."""
    done = list(words)
    for box in bullets:
        y = (box.y0 + box.y1) / 2
        behind = [
            at
            for at, word in enumerate(done)
            if word.box[1] < y < word.box[3]
            and 0 < word.box[0] - box.x1 <= 3 * letters
            and (at == 0 or (done[at - 1].block, done[at - 1].line) != (word.block, word.line))
        ]
        if behind:
            at = min(behind, key=lambda at: done[at].box[0])
            sides = (float(box.x0), float(box.y0), float(box.x1), float(box.y1))
            done.insert(at, ReadWord("•", sides, done[at].line, done[at].block, 0.9))
    return done


def stack(picture: Image, lines: Iterable[Blob], letters: float) -> tuple[Image, list[Piece]]:
    """The lines below each other in a picture of their own."""
    from PIL import Image as Images

    lines, margin = list(lines), round(letters)
    width = max(line.x1 - line.x0 for line in lines) + 4 * margin
    height = sum(line.y1 - line.y0 + 2 * margin for line in lines) + 2 * margin
    column = Images.new("L", (width, height), 255)
    pieces, top = [], margin
    edge = round(0.2 * letters)
    for line in lines:
        crop = picture.crop((line.x0 - edge, line.y0 - edge, line.x1 + edge, line.y1 + edge))
        column.paste(crop, (2 * margin - edge, top - edge))
        pieces.append(Piece(line, top))
        top += line.y1 - line.y0 + 2 * margin
    return column, pieces


def unstack(
    words: Iterable[ReadWord], pieces: Iterable[Piece], letters: float, after: Sequence[ReadWord]
) -> list[ReadWord]:
    """The words of a column of lines where these stand, in lines and blocks of their own behind those of `after`."""
    margin = round(letters)
    line = max((word.line for word in after), default=-1)
    block = max((word.block for word in after), default=-1)
    found = []
    for box, top in pieces:
        line, block = line + 1, block + 1
        for word in words:
            x0, y0, x1, y1 = word.box
            if top - margin / 2 <= (y0 + y1) / 2 <= top + box.y1 - box.y0 + margin / 2:
                across, down = box.x0 - 2 * margin, box.y0 - top
                moved = (x0 + across, y0 + down, x1 + across, y1 + down)
                found.append(word._replace(box=moved, line=line, block=block))
    return found
