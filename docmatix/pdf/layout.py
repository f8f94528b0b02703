"""Puts the words of a page into reading order: the content's own order or one by position, whichever jumps back less
(`docs/design/pdf.md`). Before that, what was drawn across columns is taken apart, and what was drawn in layers is
brought together.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import chain, groupby, pairwise
from statistics import median
from typing import NamedTuple

from docmatix.core.documents import Box, Word, enclose
from docmatix.pdf.columns import split_columns
from docmatix.pdf.layers import merge_layers
from docmatix.pdf.line_numbers import find_line_numbers
from docmatix.pdf.lines import (
    Frame,
    Line,
    Piece,
    find_frame,
    join_row,
    make_line,
    make_rows,
    stand_side_by_side,
)

__all__ = ["Piece", "arrange_words"]


class _Block(NamedTuple):
    lines: list[Line]
    box: Box


def arrange_words(lines: Sequence[tuple[int, list[Piece]]], *, width_pt: float, height_pt: float) -> tuple[Word, ...]:
    """Words in reading order, from lines in content order, each with the number of its block. Line numbers come last,
    in a block of their own."""
    frame = find_frame(lines, width_pt, height_pt)
    placed = [(block, make_line(pieces, frame)) for block, pieces in lines]
    placed, numbers = _set_numbers_aside(placed, frame)
    rows = [make_rows(line for _, line in members) for _, members in groupby(placed, key=lambda line: line[0])]
    blocks = [_make_block([join_row(row) for row in block]) for block in merge_layers(split_columns(rows))]
    ordered = _order_by_place(blocks)
    if _count_jumps_back(ordered) >= _count_jumps_back(blocks):
        ordered = blocks
    ordered = list(_join_blocks(ordered))
    if numbers:
        ordered.append(_make_block(numbers))
    return tuple(_number_words(ordered))


def _set_numbers_aside(placed: list[tuple[int, Line]], frame: Frame) -> tuple[list[tuple[int, Line]], list[Line]]:
    found = find_line_numbers([line for _, line in placed])
    if not found:
        return placed, []
    rest: list[tuple[int, Line]] = []
    numbers: list[Line] = []
    for at, (block, line) in enumerate(placed):
        kept = [piece for place, piece in enumerate(line.pieces) if (at, place) not in found]
        if len(kept) == len(line.pieces):
            rest.append((block, line))
            continue
        numbers += [make_line([piece], frame) for place, piece in enumerate(line.pieces) if (at, place) in found]
        if kept:
            rest.append((block, make_line(kept, frame)))
    return rest, numbers


def _number_words(blocks: Iterable[_Block]) -> Iterator[Word]:
    line_number = 0
    for block_number, block in enumerate(blocks):
        for line in block.lines:
            for text, box in line.pieces:
                yield Word(text, box, line_number, block_number)
            line_number += 1


def _make_block(lines: list[Line]) -> _Block:
    return _Block(lines, lines[0].box if len(lines) == 1 else enclose(line.box for line in lines))


def _join_blocks(blocks: Iterable[_Block]) -> Iterator[_Block]:
    """Join single lines that continue each other: some programs make a block of each line or cell."""
    lines: list[Line] = []
    for block in blocks:
        if lines and len(block.lines) == 1 and _continues(lines[-1], block.lines[0]):
            lines = [*lines[:-1], *map(join_row, make_rows([lines[-1], block.lines[0]]))]
            continue
        if lines:
            yield _make_block(lines)
        lines = list(block.lines) if len(block.lines) == 1 else []
        if not lines:
            yield block
    if lines:
        yield _make_block(lines)


def _continues(line: Line, below: Line) -> bool:
    if stand_side_by_side(line.box, below.box) and not line.is_sideways and not below.is_sideways:
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
    if len(blocks) == 1:
        return [list(blocks)]
    starts, ends = list(map(start, blocks)), list(map(end, blocks))
    groups: list[list[int]] = []
    reach = float("-inf")
    for index in sorted(range(len(blocks)), key=starts.__getitem__):
        if starts[index] >= reach:
            groups.append([])
        groups[-1].append(index)
        reach = max(reach, ends[index])
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
