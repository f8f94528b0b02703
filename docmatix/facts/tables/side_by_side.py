"""Parts a region without a drawn grid into the tables that stand side by side in it."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence

from docmatix.facts.tables.chunks import Chunk, Line, is_year
from docmatix.facts.tables.columns import Span, find_columns
from docmatix.facts.tables.surroundings import NAME
from docmatix.pdf.drawings import Rule

MIN_RIVER_EM = 1.5
MAX_SHARED = 0.5  # of the lines of the shorter table, which may have something on both sides
MIN_LINES = 3  # of each of two tables on the same lines
MIN_SIGNS = 2  # of those that tell two such tables from one
WIDER = 1.25  # a gutter between tables than those within them


def split_side_by_side(lines: Sequence[Line], rules: Sequence[Rule] = ()) -> list[list[Line]]:
    """The tables of a region, from the left: parted at a gutter where few lines have something on both sides, or that
    has words of a table's first column to its right and other signs of an end; `rules` are those across."""
    columns = find_columns(lines)
    gutters = [Span(before.end, after.start) for before, after in itertools.pairwise(columns)]
    for gutter in gutters:
        if gutter.end - gutter.start < MIN_RIVER_EM * lines[0][0].size:
            continue
        sides = list(part_lines(lines, (gutter.start + gutter.end) / 2))
        both = len(sides[0]) + len(sides[1]) - len(lines)
        if both < MAX_SHARED * min(map(len, sides)) or _are_two(lines, sides, gutter, gutters, rules):
            return [part for side in sides for part in split_side_by_side(side, rules)]
    return [list(lines)]


def part_lines(lines: Sequence[Line], x: float) -> Iterator[list[Line]]:
    """The lines left and right of a place."""
    for is_left in (True, False):
        sides = ([chunk for chunk in line if (chunk.x0 + chunk.x1 < 2 * x) is is_left] for line in lines)
        yield [side for side in sides if side]


def _are_two(
    lines: Sequence[Line], sides: Sequence[list[Line]], gutter: Span, gutters: Sequence[Span], rules: Sequence[Rule]
) -> bool:
    """Whether lines that go on over a gutter are those of two tables."""
    left, right = sides
    if any(chunk.x0 < gutter.start - 1 and chunk.x1 > gutter.end + 1 for line in lines for chunk in line):
        return False
    if not all(_is_table_like(side) for side in sides):
        return False
    top, bottom = lines[0][0].y0 - lines[0][0].size, lines[-1][0].y1 + lines[-1][0].size
    level = [rule for rule in rules if top < rule.y0 < bottom]
    middle = (gutter.start + gutter.end) / 2
    if any(rule.x0 < gutter.start - 3 and rule.x1 > gutter.end + 3 for rule in level):
        return False
    ends = [
        [rule.y0 for rule in level if gutter.start - 3 < rule.x1 < middle and rule.x0 < left[-1][0].x1],
        [rule.y0 for rule in level if middle < rule.x0 < gutter.end + 3 and rule.x1 > right[-1][-1].x0],
    ]
    wide = max((gap.end - gap.start for gap in gutters if gap is not gutter), default=0.0)
    signs = [
        min(map(len, ends)) >= 2,
        all(_has_others(*pair) for pair in (ends, ends[::-1])),
        gutter.end - gutter.start > WIDER * wide,
        not _list_names(left).isdisjoint(_list_names(right)),
        any(len(line) < 3 and NAME.match(line[0].text) for line in right[:3]),
        all(len(side[0]) == 1 and NAME.match(side[0][0].text) for side in sides),
        _is_uneven(lines, middle),
    ]
    return sum(signs) >= MIN_SIGNS


def _has_others(heights: Sequence[float], beside: Sequence[float]) -> bool:
    """Whether a rule of one side has none at its height on the other, as those of one table would."""
    return any(all(abs(height - other) > 1.5 for other in beside) for height in heights)


def _is_table_like(lines: Sequence[Line]) -> bool:
    """Whether lines have words, or years, at their left and numbers further right."""
    body = [line for line in lines if len(line) > 1 and any(chunk.is_number for chunk in line[1:])]
    if len(body) < MIN_LINES:
        return False
    named = [line for line in body if _is_name(line[0])]
    return len(named) >= 0.8 * len(body)


def _is_name(chunk: Chunk) -> bool:
    return not chunk.is_number or is_year(chunk.text)


def _list_names(lines: Sequence[Line]) -> set[str]:
    """What may be the header of the first column."""
    return {line[0].text for line in lines[:4] if len(line) > 1}


def _is_uneven(lines: Sequence[Line], x: float) -> bool:
    """Whether lines at the top or the bottom have something on one side alone."""
    return any(line[-1].x1 < x or line[0].x0 > x for line in (lines[0], lines[-1]))
