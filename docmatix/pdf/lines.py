"""Lines of words in the text's own frame, and which of them stand side by side.

Positions are in points: upright even if the text runs up or down the page, mirrored for scripts written from right to
left.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import groupby
from operator import itemgetter
from statistics import median
from typing import NamedTuple

from docmatix.core.documents import Box, enclose

MAX_IN_ROW = 100  # lines that are compared one by one; a longer row is taken as a whole


class Piece(NamedTuple):
    """A word of a line not yet numbered; its box in fractions of the page."""

    text: str
    box: Box


class Line(NamedTuple):
    """Words that follow each other; `box` is in the text's frame, in points."""

    pieces: list[Piece]
    box: Box

    @property
    def height(self) -> float:
        return self.box.y1 - self.box.y0

    @property
    def width(self) -> float:
        return self.box.x1 - self.box.x0

    @property
    def is_sideways(self) -> bool:
        box = self.box
        return box.y1 - box.y0 > 2 * (box.x1 - box.x0) and sum(len(piece.text) for piece in self.pieces) > 2

    @property
    def text(self) -> str:
        return " ".join(piece.text for piece in self.pieces)


class Row(NamedTuple):
    """Lines that stand side by side, such as a label and its value, in the order they were drawn."""

    lines: list[Line]
    box: Box


Frame = Callable[[Box], Box]


def find_frame(lines: Sequence[tuple[int, list[Piece]]], width_pt: float, height_pt: float) -> Frame:
    """Maps boxes on the page to boxes in points in which text runs to the right and lines follow downwards."""
    across = along = 0.0
    leftwards = rightwards = 0
    for _, pieces in lines:
        first, last = pieces[0].box, pieces[-1].box
        across += abs(first.x0 + first.x1 - last.x0 - last.x1) * width_pt
        along += (last.y0 + last.y1 - first.y0 - first.y1) * height_pt
        for text, box in pieces:
            if not text.isascii():
                leftwards += sum(unicodedata.bidirectional(letter) in {"R", "AL"} for letter in text)
                if "\u2e80" <= text[0] < "\uff00":
                    # scripts without spaces: a line is often one piece
                    wide, high = (box.x1 - box.x0) * width_pt, (box.y1 - box.y0) * height_pt
                    along += high if high > 2 * wide else 0
                    across += wide if wide > 2 * high else 0
            rightwards += len(text)
    w, h = width_pt, height_pt
    if abs(along) > across and along > 0:
        return lambda box: Box(box.y0 * h, (1 - box.x1) * w, box.y1 * h, (1 - box.x0) * w)
    if abs(along) > across:
        return lambda box: Box((1 - box.y1) * h, box.x0 * w, (1 - box.y0) * h, box.x1 * w)
    if leftwards > rightwards / 2:
        return lambda box: Box((1 - box.x1) * w, box.y0 * h, (1 - box.x0) * w, box.y1 * h)
    return lambda box: Box(box.x0 * w, box.y0 * h, box.x1 * w, box.y1 * h)


def make_line(pieces: list[Piece], frame: Frame) -> Line:
    """A line in the text's frame."""
    first = pieces[0].box
    return Line(pieces, frame(first if len(pieces) == 1 else enclose(piece.box for piece in pieces)))


def _unite(one: Box, other: Box) -> Box:
    return Box(min(one.x0, other.x0), min(one.y0, other.y0), max(one.x1, other.x1), max(one.y1, other.y1))


def make_rows(lines: Iterable[Line]) -> list[Row]:
    """Rows of the lines that follow each other and stand side by side: MuPDF splits lines at wide gaps."""
    rows: list[Row] = []
    for line in lines:
        if rows and not line.is_sideways:
            last = rows[-1]
            if _has_room(last, line.box) and not (len(last.lines) == 1 and last.lines[0].is_sideways):
                last.lines.append(line)
                rows[-1] = Row(last.lines, _unite(last.box, line.box))
                continue
        rows.append(Row([line], line.box))
    return rows


def _has_room(row: Row, box: Box) -> bool:
    """Whether a box is at the height of a row, beside its lines or between them."""
    if row.box.y1 <= box.y0 or box.y1 <= row.box.y0 or not share_baseline(row.box, box):
        return False
    members = (line.box for line in row.lines) if len(row.lines) <= MAX_IN_ROW else (row.box,)
    return all(member.x1 <= box.x0 + 1 or box.x1 <= member.x0 + 1 for member in members)


def group_rows(rows: Iterable[tuple[int, Row]]) -> Iterator[list[Row]]:
    """The rows of each block, given with its number."""
    for _, members in groupby(rows, key=itemgetter(0)):
        yield [row for _, row in members]


def join_row(row: Row) -> Line:
    """The row as one line, read from its left end."""
    if len(row.lines) == 1:
        return row.lines[0]
    lines = sorted(row.lines, key=lambda line: line.box.x0)
    return Line([piece for line in lines for piece in line.pieces], row.box)


def share_baseline(one: Box, other: Box) -> bool:
    """Whether two boxes are at the same height on the page and similarly high."""
    low, high = sorted((one.y1 - one.y0, other.y1 - other.y0))
    return min(one.y1, other.y1) - max(one.y0, other.y0) > 0.6 * low and high < 2.5 * low


def stand_side_by_side(one: Box, other: Box) -> bool:
    """Whether two boxes share a baseline and do not overlap."""
    if one.y1 <= other.y0 or other.y1 <= one.y0:
        return False
    return (one.x1 <= other.x0 + 1 or other.x1 <= one.x0 + 1) and share_baseline(one, other)


def reads_on(lines: Sequence[Line]) -> bool:
    """Whether lines below each other are running text: most fill their column, and go on in the middle of a sentence
    (in scripts without lower case: nearly all fill it)."""
    if len(lines) < 3:
        return False
    widest = max(line.width for line in lines)
    height = median(line.height for line in lines)
    if widest < 6 * height:
        return False
    full = [line.width > 0.72 * widest for line in lines]
    if sum(full) < 0.55 * len(lines):
        return False
    starts = [line.pieces[0].text.lstrip("(\"'“‘«„")[:1] for line in lines[1:]]
    letters = [start for start in starts if start.isalpha()]
    if len(letters) < 0.6 * len(starts):
        return False
    cased = [start for start in letters if start.islower() or start.isupper()]
    if len(cased) < 0.5 * len(letters):
        tight = sum(line.width > 0.85 * widest for line in lines)
        distinct = len({line.text for line in lines})
        return distinct == len(lines) >= 5 and widest >= 8 * height and tight >= 0.7 * len(lines)
    lower = sum(start.islower() for start in starts)
    broken = sum(line.pieces[-1].text.endswith(("-", "\u00ad", "\u2010")) for line in lines)
    return lower + broken >= 0.35 * len(starts)
