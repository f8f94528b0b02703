"""Where tables without a drawn grid are: runs of lines that share gutters."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Sequence

from docmatix.facts.tables.chunks import Chunk, Line
from docmatix.facts.tables.columns import Span, find_columns, locate
from docmatix.facts.tables.side_by_side import part_lines
from docmatix.pdf.drawings import Rule

MAX_GAP = 2.6  # between lines of a table, in their heights
RECENT = 30  # lines of a growing table, by which the next is judged
MAX_LONE = 3  # lines of a single chunk one after the other within a table


def find_regions(lines: Sequence[Line], prose: set[Chunk]) -> list[list[Line]]:
    """The lines of each table, from the top, with those above that may be headers."""
    growing = _Growing()
    for line in lines:
        text = [chunk for chunk in line if chunk in prose]
        growing.end_above(text)
        rest = [chunk for chunk in line if chunk not in prose] if text else line
        if rest:
            growing.add(rest)
    return sorted(growing.finish(), key=lambda region: (region[0][0].y0, region[0][0].x0))


class _Growing:
    """The regions so far, the lines of the one that is growing, those after them that may belong to it, and what grows
    beside it."""

    def __init__(self) -> None:
        self._regions: list[list[Line]] = []
        self._current: list[Line] = []
        self._pending: list[Line] = []
        self._beside: _Growing | None = None

    def end_above(self, text: Sequence[Chunk]) -> None:
        """End what is above any of these chunks."""
        if self._beside is not None:
            self._beside.end_above(text)
        own = [chunk for line in (*self._current, *self._pending) for chunk in line] if text else []
        if _any_overlaps(text, own):
            self._end()

    def finish(self) -> list[list[Line]]:
        """End everything; all regions."""
        while self._current or self._pending or self._beside is not None:
            self._end()
        return self._regions

    def add(self, line: Line) -> None:
        if self._current and not _any_overlaps(line, self._list_chunks()):
            self._beside = self._beside or _Growing()
            self._beside.add(line)
            return
        self._absorb(line)
        current, pending = self._current, self._pending
        if current or pending:
            gap = _gap((pending or current)[-1], line)
            if gap > MAX_GAP * _height(line) or (len(current) > 2 and not pending and _begins_anew(current, line)):
                self._end()
            elif len(current) > 2 and len(pending) == 1 and _is_title(current, pending[0], line):
                self._pending = self._end()
        if len(line) == 1:
            self._pending.append(line)
            if self._current and len(self._pending) > MAX_LONE:
                self._end()
        elif self._current and _agree(self._current, line):
            self._current += [*self._pending, line]
            self._pending = []
        else:
            above = self._end()
            if self._current:  # what grew beside
                self.add(line)
            else:
                self._current = [*_take_header(above, line), line]

    def _list_chunks(self) -> list[Chunk]:
        return [chunk for line in (*self._current[-RECENT:], *self._pending) for chunk in line]

    def _absorb(self, line: Line) -> None:
        """Take in what grows beside if a line goes over both."""
        beside = self._beside
        if beside is None or not _any_overlaps(line, beside._list_chunks()):
            return
        lines = [*self._current, *beside._current, *beside._pending]
        self._current = sorted(lines, key=lambda other: min(chunk.y0 for chunk in other))
        self._regions += beside._regions
        self._beside = beside._beside

    def _end(self) -> list[Line]:
        """End the region, and go on with what grows beside; the lines that did not get into the region."""
        current, pending = self._current, self._pending
        self._current, self._pending = [], []
        if self._beside is not None:
            beside, self._beside = self._beside, self._beside._beside
            self._current, self._pending = beside._current, beside._pending
            self._regions += beside._regions
        if sum(len(line) > 1 for line in current) > 1:
            wrapped = _take_wrapped(current, pending)
            self._regions.append(current + wrapped)
            return pending[len(wrapped) :]
        return pending


def _any_overlaps(chunks: Sequence[Chunk], others: Sequence[Chunk]) -> bool:
    """Whether any chunk stands above or below the width that others take."""
    if not others:
        return False
    left, right = min([other.x0 for other in others]), max([other.x1 for other in others])
    return any(chunk.x0 < right and left < chunk.x1 for chunk in chunks)


def part_columns(
    lines: Sequence[Line], prose: set[Chunk], gutter: tuple[float, float], rules: Sequence[Rule]
) -> list[list[Line]]:
    """The lines over the whole page, those of its left column and those of its right. Lines are over the whole page
    from a chunk or a rule that crosses the gutter down to the next line of prose."""
    left, right = gutter
    crossing = [rule.y0 for rule in rules if rule.x0 < left - 5 and rule.x1 > right + 5]
    whole: list[Line] = []
    parted: list[Line] = []
    is_whole, before = False, 0.0
    for line in lines:
        top = min(chunk.y0 for chunk in line)
        if any(chunk.x0 < left - 1 and chunk.x1 > right + 1 for chunk in line):
            is_whole = True
        elif any(chunk in prose for chunk in line):
            is_whole = False
        elif any(before - 3 < y < top + 3 for y in crossing):
            is_whole = True
        (whole if is_whole else parted).append(line)
        before = top
    return [whole, *part_lines(parted, (left + right) / 2)]


MIN_BELOW = 3  # lines of a table with its header, above and below where another begins


def part_at_headers(lines: Sequence[Line]) -> list[list[Line]]:
    """The tables of a region, from the top: parted where the header of the first comes again further below than lines
    follow each other, with the lone lines right above it."""
    head = next((place for place, line in enumerate(lines[:MAX_LONE]) if len(line) > 1), None)
    if head is None or len(lines) < 2 * MIN_BELOW or any(chunk.is_number for chunk in lines[head]):
        return [list(lines)]
    names = [chunk.text for chunk in lines[head]]
    gaps = sorted(_gap(before, after) for before, after in itertools.pairwise(lines))
    usual = gaps[len(gaps) // 2] + 0.3 * _height(lines[head])
    starts = [0]
    for place in range(head + MIN_BELOW, len(lines)):
        if [chunk.text for chunk in lines[place]] != names:
            continue
        start = place
        while place - start < MAX_LONE and len(lines[start - 1]) == 1:
            start -= 1
        if start - starts[-1] >= MIN_BELOW and _gap(lines[start - 1], lines[start]) > usual:
            starts.append(start)
    return [list(lines[start:end]) for start, end in itertools.pairwise([*starts, len(lines)])]


RARE_SHARE = 0.25  # of the lines; columns with fewer are none of the table's


def trim_sparse(lines: Sequence[Line]) -> list[Line]:
    """The lines without those at the top and the bottom that have something in columns few lines have."""
    columns = find_columns(lines)
    held = [{locate(chunk, columns)[0] for chunk in line} for line in lines]
    counts = Counter(place for places in held for place in places)
    odd = [any(counts[place] <= RARE_SHARE * len(lines) for place in places) for places in held]
    start, end = 0, len(lines)
    while start < end and odd[start]:
        start += 1
    while end > start and odd[end - 1]:
        end -= 1
    return list(lines[start:end])


def _begins_anew(current: Sequence[Line], line: Line) -> bool:
    """Whether a line further below than others were is the title or the header of another table."""
    gaps = sorted(_gap(before, after) for before, after in itertools.pairwise(current[-RECENT:]))
    if _gap(current[-1], line) < max(1.0 * _height(line), 2 * gaps[len(gaps) // 2]):
        return False
    if any(chunk.is_number for chunk in line):
        return False
    left = min(other[0].x0 for other in current)
    return line[0].x0 > left + 3 * line[0].size


def _is_title(current: Sequence[Line], lone: Line, line: Line) -> bool:
    """Whether a lone line stands off the table above and from what follows."""
    gaps = sorted(_gap(before, after) for before, after in itertools.pairwise(current[-RECENT:]))
    usual = max(0.5 * _height(lone), 1.5 * gaps[len(gaps) // 2])
    return _gap(current[-1], lone) > 1.3 * usual and _gap(lone, line) > usual


def _gap(before: Line, after: Line) -> float:
    return min(chunk.y0 for chunk in after) - max(chunk.y1 for chunk in before)


def _height(line: Line) -> float:
    return max(chunk.size for chunk in line)


def _take_header(pending: Sequence[Line], line: Line) -> list[Line]:
    """The lone lines right above the first line of a table that may be parts of its header."""
    taken: list[Line] = []
    below = line
    left = line[0].x0
    for lone in reversed(pending):
        if _gap(lone, below) > 0.8 * _height(lone) or len(taken) == 4:
            break
        chunk = lone[0]
        if chunk.x0 < left + 1 and chunk.x1 > line[1].x0:
            break
        taken.insert(0, lone)
        below = lone
    return taken


def _take_wrapped(current: Sequence[Line], pending: Sequence[Line]) -> list[Line]:
    """The lone lines right below a table that go on with its last cells."""
    columns = find_columns(current)
    taken: list[Line] = []
    last = current[-1]
    for lone in pending:
        chunk = lone[0]
        met = sum(chunk.x0 < column.end and column.start < chunk.x1 for column in columns)
        if met > 1 or _gap(last, lone) > 0.5 * _height(lone) or chunk.size < 0.9 * last[0].size:
            break
        taken.append(lone)
        last = lone
    return taken


def _agree(current: Sequence[Line], line: Line) -> bool:
    """Whether a line shares at least half of its gutters, or of the table's, with the table so far."""
    columns = find_columns(current[-RECENT:])
    gaps = [Span(before.end, after.start) for before, after in itertools.pairwise(columns)]
    mine = [Span(before.x1, after.x0) for before, after in itertools.pairwise(line)]
    shared = sum(any(min(gap.end, own.end) - max(gap.start, own.start) > 1.0 for own in mine) for gap in gaps)
    if 2 * shared >= min(len(gaps), len(mine)):
        return True
    met = [sum(chunk.x0 < column.end and column.start < chunk.x1 for column in columns) for chunk in line]
    return max(met) == 1 and len(current) < 4 and _gap(current[-1], line) < 0.6 * _height(line)
