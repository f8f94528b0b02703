"""Puts the words of a page into reading order: the content's own order or one by position, whichever jumps back less
(`docs/design/pdf.md`).

Positions are in the text's own frame, in points: upright even if the text runs up or down the page, mirrored for
scripts written from right to left.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import chain, groupby, pairwise
from statistics import median
from typing import NamedTuple

from docmatix.core.documents import Box, Word


class Piece(NamedTuple):
    """A word of a line not yet numbered; its box in fractions of the page."""

    text: str
    box: Box


class _Line(NamedTuple):
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
        return self.height > 2 * self.width and sum(len(piece.text) for piece in self.pieces) > 2


class _Block(NamedTuple):
    lines: list[_Line]
    box: Box


_Frame = Callable[[Box], Box]


def arrange_words(lines: Sequence[tuple[int, list[Piece]]], *, width_pt: float, height_pt: float) -> tuple[Word, ...]:
    """Words in reading order, from lines in content order, each with the number of its block."""
    frame = _find_frame(lines, width_pt, height_pt)
    blocks = []
    for _, members in groupby(lines, key=lambda line: line[0]):
        blocks.append(_make_block(_join_lines(_make_line(pieces, frame) for _, pieces in members)))
    ordered = _order_by_place(blocks)
    if _count_jumps_back(ordered) >= _count_jumps_back(blocks):
        ordered = blocks
    return tuple(_number_words(_join_blocks(ordered)))


def _number_words(blocks: Iterable[_Block]) -> Iterator[Word]:
    line_number = 0
    for block_number, block in enumerate(blocks):
        for line in block.lines:
            for text, box in line.pieces:
                yield Word(text, box, line_number, block_number)
            line_number += 1


def _find_frame(lines: Sequence[tuple[int, list[Piece]]], width_pt: float, height_pt: float) -> _Frame:
    """Maps boxes on the page to boxes in points in which text runs to the right and lines follow downwards."""
    across = along = 0.0
    leftwards = rightwards = 0
    for _, pieces in lines:
        first, last = pieces[0].box, pieces[-1].box
        across += abs(first.x0 + first.x1 - last.x0 - last.x1) * width_pt
        along += (last.y0 + last.y1 - first.y0 - first.y1) * height_pt
        for text, _ in pieces:
            if not text.isascii():
                leftwards += sum(unicodedata.bidirectional(letter) in {"R", "AL"} for letter in text)
            rightwards += len(text)
    w, h = width_pt, height_pt
    if abs(along) > across and along > 0:
        return lambda box: Box(box.y0 * h, (1 - box.x1) * w, box.y1 * h, (1 - box.x0) * w)
    if abs(along) > across:
        return lambda box: Box((1 - box.y1) * h, box.x0 * w, (1 - box.y0) * h, box.x1 * w)
    if leftwards > rightwards / 2:
        return lambda box: Box((1 - box.x1) * w, box.y0 * h, (1 - box.x0) * w, box.y1 * h)
    return lambda box: Box(box.x0 * w, box.y0 * h, box.x1 * w, box.y1 * h)


def _make_line(pieces: list[Piece], frame: _Frame) -> _Line:
    return _Line(pieces, _enclose(frame(piece.box) for piece in pieces))


def _make_block(lines: list[_Line]) -> _Block:
    return _Block(lines, _enclose(line.box for line in lines))


def _enclose(boxes: Iterable[Box]) -> Box:
    x0, y0, x1, y1 = zip(*boxes, strict=True)
    return Box(min(x0), min(y0), max(x1), max(y1))


def _join_lines(lines: Iterable[_Line]) -> list[_Line]:
    """Join what is side by side in a block (a label and its value, cells of a row): MuPDF splits lines at wide gaps."""
    joined: list[_Line] = []
    for line in lines:
        if joined and _stand_side_by_side(joined[-1], line):
            first, second = sorted((joined[-1], line), key=lambda line: line.box.x0)
            joined[-1] = _Line(first.pieces + second.pieces, _enclose((first.box, second.box)))
        else:
            joined.append(line)
    return joined


def _stand_side_by_side(one: _Line, other: _Line) -> bool:
    low, high = sorted((one.height, other.height))
    overlap = min(one.box.y1, other.box.y1) - max(one.box.y0, other.box.y0)
    apart = one.box.x1 <= other.box.x0 + 1 or other.box.x1 <= one.box.x0 + 1
    return apart and overlap > 0.6 * low and high < 2.5 * low and not one.is_sideways and not other.is_sideways


def _join_blocks(blocks: Iterable[_Block]) -> Iterator[_Block]:
    """Join single lines that continue each other: some programs make a block of each line or cell."""
    lines: list[_Line] = []
    for block in blocks:
        if lines and len(block.lines) == 1 and _continues(lines[-1], block.lines[0]):
            lines = _join_lines([*lines, block.lines[0]])
            continue
        if lines:
            yield _make_block(lines)
        lines = list(block.lines) if len(block.lines) == 1 else []
        if not lines:
            yield block
    if lines:
        yield _make_block(lines)


def _continues(line: _Line, below: _Line) -> bool:
    if _stand_side_by_side(line, below):
        return True
    low, high = sorted((line.height, below.height))
    overlap = min(line.box.x1, below.box.x1) - max(line.box.x0, below.box.x0)
    gap = below.box.y0 - line.box.y1
    return high < 1.3 * low and -0.5 * low < gap < 0.8 * low and overlap > 0.5 * min(line.width, below.width)


def _count_jumps_back(blocks: Sequence[_Block]) -> int:
    """How often a block is left of or above the one before it, unless it begins a column: to the right, and not above
    everything so far."""
    count, top = 0, float("inf")
    for before, after in pairwise(block for block in blocks if not block.lines[0].is_sideways):
        one, other = before.box, after.box
        top = min(top, one.y0)
        is_above = other.y1 <= one.y0 + 0.3 * after.lines[-1].height
        is_left = other.x1 <= one.x0 and other.y0 < one.y1 - 0.5 * before.lines[-1].height
        count += is_left or (is_above and (other.x0 < one.x1 or other.y1 < top))
    return count


def _order_by_place(blocks: Sequence[_Block]) -> list[_Block]:
    # a line that runs up the margin would bridge all gaps between strips
    upright = [block for block in blocks if not block.lines[0].is_sideways]
    return _cut(upright) + [block for block in blocks if block.lines[0].is_sideways]


def _cut(blocks: list[_Block]) -> list[_Block]:
    ordered: list[_Block] = []
    run: list[list[_Block]] = []
    for strip in _split_strips(blocks):
        if run and len(_split_columns([*chain(*run), *strip])) < 2:
            ordered += _order_run(run)
            run = []
        run.append(strip)
    return ordered + _order_run(run)


def _order_run(strips: list[list[_Block]]) -> list[_Block]:
    """The blocks, in order, of strips that share a gutter, or of a single strip."""
    columns = _split_columns([*chain(*strips)])
    if len(columns) > 1 and _hold_prose(columns):
        return [block for column in columns for block in _cut(column)]
    ordered = []
    for strip in strips:
        columns = _split_columns(strip)
        # one column of one strip: blocks that overlap, where the content's order is best
        ordered += strip if len(columns) == 1 else [block for column in columns for block in _cut(column)]
    return ordered


def _split_strips(blocks: Sequence[_Block]) -> list[list[_Block]]:
    # boxes reach from ascender to descender and touch those of the next line
    return _split(
        blocks, start=lambda b: b.box.y0 + 0.2 * b.lines[0].height, end=lambda b: b.box.y1 - 0.2 * b.lines[-1].height
    )


def _split_columns(blocks: Sequence[_Block]) -> list[list[_Block]]:
    return _split(blocks, start=lambda block: block.box.x0, end=lambda block: block.box.x1 + 3)


def _split(
    blocks: Sequence[_Block], *, start: Callable[[_Block], float], end: Callable[[_Block], float]
) -> list[list[_Block]]:
    """Groups separated by gaps along one axis, in its direction; the given order within each."""
    groups: list[list[int]] = []
    reach = float("-inf")
    for index in sorted(range(len(blocks)), key=lambda index: start(blocks[index])):
        if start(blocks[index]) >= reach:
            groups.append([])
        groups[-1].append(index)
        reach = max(reach, end(blocks[index]))
    return [[blocks[index] for index in sorted(group)] for group in groups]


def _hold_prose(columns: Sequence[Sequence[_Block]]) -> bool:
    """Whether most lines are in at least two columns of prose: three or more lines with a median of 16 letters."""
    # a letter is about half as wide as its line is high
    lines = [[line for block in column for line in block.lines] for column in columns]
    prose = [
        len(column)
        for column in lines
        if len(column) >= 3 and median(line.width / max(line.height, 0.1) for line in column) >= 8
    ]
    return len(prose) >= 2 and sum(prose) >= 0.8 * sum(map(len, lines))
