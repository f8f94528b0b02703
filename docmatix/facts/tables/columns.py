"""Columns of a table by the gutters between the chunks of its lines."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from docmatix.facts.tables.chunks import Chunk, Line

FULL_SHARE = 0.6  # of the chunks of the fullest line, from which a line tells where columns are
MIN_GUTTER_EM = 0.1
BRIDGED_SHARE = 0.08  # of the lines, whose chunks may stand over a gutter


class Span(NamedTuple):
    """A piece of an axis."""

    start: float
    end: float


def find_columns(lines: Sequence[Line]) -> list[Span]:
    """The columns from the left, by the lines that have the most chunks."""
    if not lines:
        return []
    top = sorted(map(len, lines))[-1 - (len(lines) >= 8)]  # one line in a long table may be split by chance
    full = [line for line in lines if len(line) >= max(FULL_SHARE * top, min(2, top))]
    gutter = MIN_GUTTER_EM * min(chunk.size for line in full for chunk in line)
    fullest = [line for line in full if len(line) >= top]
    chunks = [chunk for line in fullest for chunk in line]
    sure = project([(chunk.x0, chunk.x1) for chunk in chunks], allowed=int(BRIDGED_SHARE * len(fullest)), gutter=gutter)
    if len(full) == len(fullest):
        return _join_headers(sure, lines)
    for line in full:
        if len(line) < top:
            # a header over several columns would join them
            chunks += [chunk for chunk in line if len(set(locate(chunk, sure, slack=gutter))) == 1]
    columns = project([(chunk.x0, chunk.x1) for chunk in chunks], allowed=int(BRIDGED_SHARE * len(full)), gutter=gutter)
    return _join_headers(columns, lines)


MAX_HEADER_LINES = 3


def _join_headers(columns: list[Span], lines: Sequence[Line]) -> list[Span]:
    """Columns with those joined to them in which only headers stand, above all that is in the column beside: headers
    may be centred over numbers at the right end of a wide column."""
    if len(columns) <= max(map(len, lines)):
        return columns
    held: list[list[int]] = [[] for _ in columns]
    lone = next((place for place, line in enumerate(lines) if len(line) > 1), len(lines))
    for place, line in enumerate(lines):
        if place < lone and locate(line[0], columns)[0] == 0:
            continue  # a caption
        for chunk in line:
            held[locate(chunk, columns)[0]].append(place)
    joined = [columns[0]]
    mine = held[0]
    for column, theirs in zip(columns[1:], held[1:], strict=True):
        few, many = (mine, theirs) if len(mine) < len(theirs) else (theirs, mine)
        if few and len(few) <= MAX_HEADER_LINES < len(many) + 1 and max(few) < min(many):
            joined[-1] = Span(joined[-1].start, column.end)
            mine = mine + theirs
        else:
            joined.append(column)
            mine = theirs
    return joined


def project(spans: Iterable[tuple[float, float]], *, allowed: int = 0, gutter: float = 1.0) -> list[Span]:
    """Where spans lie on their axis: pieces covered by more than `allowed` of them, with at least `gutter` between."""
    events = sorted([event for start, end in spans for event in ((start, 1), (end, -1))])
    found: list[Span] = []
    depth, start = 0, None
    for place, step in events:
        depth += step
        if depth > allowed and start is None:
            start = place
        elif depth <= allowed and start is not None:
            if found and start - found[-1].end < gutter:
                found[-1] = Span(found[-1].start, place)
            else:
                found.append(Span(start, place))
            start = None
    return found


def make_bounds(columns: Sequence[Span], left: float, right: float) -> list[float]:
    """Where columns end, halfway through the gutters, with both outer ends."""
    inner = [(before.end + after.start) / 2 for before, after in itertools.pairwise(columns)]
    return [min(left, columns[0].start), *inner, max(right, columns[-1].end)]


def locate(chunk: Chunk, columns: Sequence[Span], *, slack: float = 0.0) -> tuple[int, int]:
    """The first and last of columns from the left that a chunk overlaps; the nearest where it stands in a gutter."""
    x0, x1 = chunk.x0, chunk.x1
    first = last = None
    for place, (start, end) in enumerate(columns):
        if start + slack >= x1:
            break
        if x0 < end - slack:
            first, last = place if first is None else first, place
    if first is not None and last is not None:
        return first, last
    middle = (chunk.x0 + chunk.x1) / 2
    nearest = min(
        range(len(columns)), key=lambda place: max(columns[place].start - middle, middle - columns[place].end)
    )
    return nearest, nearest
