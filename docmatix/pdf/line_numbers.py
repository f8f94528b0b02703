"""Finds the numbers that count the lines of a text in its margin, as in transcripts, drafts, patents and code."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import pairwise
from statistics import median
from typing import NamedTuple

from docmatix.core.documents import Box
from docmatix.pdf.lines import Line, Piece, share_baseline

MIN_NUMBERS = 3
MANY = 10  # numbers from which fewer lines need to go on in lower case: in a transcript many begin a speech
MIN_WIDTH = 8  # of most lines beside them, in line heights: not the cells of a table
MAX_LINES, MAX_NUMBERS = 5000, 1000  # of a page with line numbers: each number is compared with each line
STEPS = (1, 2, 3, 4, 5, 10)


class _Number(NamedTuple):
    value: int
    piece: Piece
    box: Box
    line: int
    first: bool


def find_line_numbers(lines: Sequence[Line]) -> set[tuple[int, int]]:
    """The line numbers among `lines`: the line of each, and the place of its piece there."""
    numbers = list(_list_numbers(lines)) if len(lines) <= MAX_LINES else []
    if not MIN_NUMBERS <= len(numbers) <= MAX_NUMBERS:
        return set()
    found: set[tuple[int, int]] = set()
    order: list[int] = []
    for edge in (0, 2):
        for column in _split_columns(numbers, edge):
            for run in _find_runs(column):
                order = order or sorted(range(len(lines)), key=lambda at: lines[at].box.y0)
                places = {(n.line, 0 if n.first else len(lines[n.line].pieces) - 1) for n in run}
                if not places <= found and _count_lines(run, lines, order):
                    found |= places
    return found


def _list_numbers(lines: Sequence[Line]) -> Iterator[_Number]:
    for at, line in enumerate(lines):
        pieces = line.pieces
        first, last = pieces[0], pieces[-1]
        if len(first.text) <= 4 and first.text.isdecimal():
            if len(pieces) == 1:
                yield _Number(int(first.text), first, line.box, at, True)
            elif (box := _cut_off(line, first, pieces[1])) is not None:
                yield _Number(int(first.text), first, box, at, True)
        if len(pieces) > 1 and len(last.text) <= 4 and last.text.isdecimal():
            box = _cut_off(line, last, pieces[-2])
            if box is not None:
                yield _Number(int(last.text), last, box, at, False)


def _cut_off(line: Line, piece: Piece, neighbour: Piece) -> Box | None:
    """The box of a number at the end of an upright line that is clearly apart from the rest of it."""
    whole, share = line.box, piece.box
    x0, x1 = min(p.box.x0 for p in line.pieces), max(p.box.x1 for p in line.pieces)
    if x1 <= x0 or share.y1 - share.y0 > 3 * (neighbour.box.y1 - neighbour.box.y0):
        return None
    scale = line.width / (x1 - x0)
    gap = max(share.x0 - neighbour.box.x1, neighbour.box.x0 - share.x1) * scale
    if gap < 0.5 * line.height:
        return None
    return Box(whole.x0 + (share.x0 - x0) * scale, whole.y0, whole.x0 + (share.x1 - x0) * scale, whole.y1)


def _split_columns(numbers: Sequence[_Number], edge: int) -> Iterator[list[_Number]]:
    """Numbers that are aligned at their left (0) or right (2) edge."""
    ordered = sorted(numbers, key=lambda number: number.box[edge])
    column = [ordered[0]]
    for before, number in pairwise(ordered):
        if number.box[edge] - before.box[edge] > 2:
            yield column
            column = []
        column.append(number)
    yield column


def _find_runs(column: Sequence[_Number]) -> Iterator[list[_Number]]:
    """Runs that count upwards in equal steps, from the top of the page."""
    if len(column) < MIN_NUMBERS:
        return
    ordered = sorted(column, key=lambda number: number.box.y0)
    steps = Counter(other.value - number.value for number, other in pairwise(ordered))
    step = steps.most_common(1)[0][0]
    if step not in STEPS:
        return
    run = [ordered[0]]
    for before, number in pairwise(ordered):
        if number.value - before.value != step:
            if len(run) >= MIN_NUMBERS:
                yield run
            run = []
        run.append(number)
    if len(run) >= MIN_NUMBERS:
        yield run


def _count_lines(run: Sequence[_Number], lines: Sequence[Line], order: Sequence[int]) -> bool:
    """Whether numbers count the lines of a text on one of their sides."""
    step = run[1].value - run[0].value
    own = {number.line for number in run if len(lines[number.line].pieces) == 1}
    tops = [lines[at].box.y0 for at in order]
    top, bottom = run[0].box.y0, run[-1].box.y1
    near = order[bisect_left(tops, top - 40) : bisect_right(tops, bottom)]
    texts = [lines[at] for at in near if at not in own]
    for on_right in (True, False):
        beside = [_find_beside(number, texts, lines, on_right) for number in run]
        # a form for pleadings has all its numbers, however short the text
        last = max((at + 1 for at, line in enumerate(beside) if line is not None), default=0)
        counted, beside = run[:last], beside[:last]
        matched = [line for line in beside if line is not None]
        if len(matched) < 0.6 * last or len(matched) < MIN_NUMBERS:
            continue
        x0, x1 = min(line.box.x0 for line in matched), max(line.box.x1 for line in matched)
        column = [line for line in texts if line.box.x0 < x1 and line.box.x1 > x0]
        if _fits_step(counted, column, step) and (step > 1 or _runs_on(counted, beside, texts)):
            return True
    return False


def _find_beside(number: _Number, texts: Sequence[Line], lines: Sequence[Line], on_right: bool) -> Line | None:
    """The line of text next to a number, on its right or left."""
    rest = lines[number.line]
    if len(rest.pieces) > 1:
        return rest if number.first == on_right else None
    best: Line | None = None
    for line in texts:
        if line.box.y1 <= number.box.y0 or line.box.y0 >= number.box.y1 or not share_baseline(line.box, number.box):
            continue
        if on_right and line.box.x0 >= number.box.x1 - 1 and (best is None or line.box.x0 < best.box.x0):
            best = line
        if not on_right and line.box.x1 <= number.box.x0 + 1 and (best is None or line.box.x1 > best.box.x1):
            best = line
    return best


def _fits_step(run: Sequence[_Number], column: Sequence[Line], step: int) -> bool:
    """Whether there are as many lines from one number to the next as it counts."""
    middles = sorted((line.box.y0 + line.box.y1) / 2 for line in column)
    fitting = 0
    for number, other in pairwise(run):
        inside = middles[bisect_left(middles, number.box.y1) : bisect_left(middles, other.box.y0)]
        rows = sum(after - before > 3 for before, after in pairwise([number.box.y0, *inside]))
        fitting += rows == 0 if step == 1 else step - 2 <= rows <= step
    return fitting >= 0.75 * (len(run) - 1)


def _runs_on(run: Sequence[_Number], beside: Sequence[Line | None], texts: Sequence[Line]) -> bool:
    """Whether lines are running text rather than items of a list or rows of a table."""
    matched = [(line, number) for line, number in zip(beside, run, strict=True) if line is not None]
    starts = []
    for line, _ in matched:
        words = [piece.text for piece in line.pieces if not piece.text.isdecimal()]
        starts.append(words[0].lstrip("(\"'“‘«„")[:1] if words else "")
    cased = [start for start in starts if start.islower() or start.isupper()]
    lower = sum(start.islower() for start in cased)
    wide = median(line.width / max(line.height, 0.1) for line, _ in matched) >= MIN_WIDTH
    if len(cased) < 0.5 * len(matched):
        return wide and len(run) >= MANY
    if len(run) >= MANY:
        return lower >= 0.15 * len(cased) and (wide or lower >= 0.3 * len(cased))
    cells = sum(any(_is_cell(other, line, number) for other in texts) for line, number in matched)
    return wide and lower >= 0.3 * len(cased) and cells < 0.5 * len(matched)


def _is_cell(other: Line, line: Line, number: _Number) -> bool:
    """Whether a number stands behind a line, other than its line number on the other side."""
    text = other.text
    if other.box.x0 <= line.box.x1 or text == number.piece.text or not share_baseline(line.box, other.box):
        return False
    return sum(map(str.isdigit, text)) > sum(map(str.isalpha, text))
