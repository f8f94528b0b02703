"""Headers of a table without a drawn grid: blocks of text per range of columns, stacked above each other."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from docmatix.facts.tables.chunks import Chunk, Line, is_year
from docmatix.facts.tables.columns import Span, locate
from docmatix.pdf.drawings import Rule

ROOMY = 0.8  # of the width of the columns that a header is over
NEAR = 0.65  # of the size of its letters: space between the lines of one header


class Block(NamedTuple):
    """A header over columns `first` to `last`."""

    first: int
    last: int
    chunks: list[Chunk]

    @property
    def top(self) -> float:
        return min(chunk.y0 for chunk in self.chunks)

    @property
    def bottom(self) -> float:
        return max(chunk.y1 for chunk in self.chunks)


class Placed(NamedTuple):
    """A header at its place in the rows of headers."""

    row: int
    rows: int
    first: int
    last: int
    chunks: list[Chunk]


MAX_LINES = 9  # of headers


def find_header(lines: Sequence[Line], columns: Sequence[Span]) -> int:
    """How many lines at the top are headers: all before the first that has a label and numbers that are no years,
    without those right above it that have the upper part of its label, or the name of a section."""
    head = _find_body(lines, columns)
    end = head
    while end > 1 and len(lines[end - 1]) == 1 and locate(lines[end - 1][0], columns) == (0, 0):
        end -= 1
    named = any(len(line) > 1 and locate(line[0], columns)[0] == 0 for line in lines[:end])
    return end if named else head


def _find_body(lines: Sequence[Line], columns: Sequence[Span]) -> int:
    for place, line in enumerate(lines[: MAX_LINES + 1]):
        numbers = [chunk for chunk in line if chunk.is_number]
        if not numbers or len(numbers) < 0.5 * (len(line) - 1) or all(is_year(chunk.text) for chunk in numbers):
            continue
        if locate(line[0], columns)[0] == 0:
            return place
        if not any(locate(later[0], columns)[0] == 0 for later in lines[place + 1 :]):
            return place
        # a column of labels that is empty in this row alone
        if len(numbers) == len(line) and 2 * len(line) > len(columns) and not any(map(_is_unit, numbers)):
            return place
    return 0


def _is_unit(chunk: Chunk) -> bool:
    return not any(letter in "123456789" for letter in chunk.text) or chunk.text[0] == "("


def place_headers(
    lines: Sequence[Line], columns: Sequence[Span], rules: Sequence[Rule]
) -> tuple[list[Placed], list[float]]:
    """The headers at their rows and columns, and the heights between these rows. `rules` are those across."""
    blocks: list[Block] = []
    for at, line in enumerate(lines):
        placed = _place_in_order(line, columns)
        if placed is None:
            placed = _part_spans([_span(chunk, line, columns, rules) for chunk in line])
            placed = _widen(line, placed, columns, lines[at + 1 :], blocks)
            if len(line) == 1:
                placed = [_widen_lone(line[0], placed[0], columns, lines[at + 1 :])]
        # of two lines alone, a text that has the space of both is not wrapped: it is two headers, one below the other
        roomy = ROOMY if at and len(line) == len(lines[at - 1]) == 1 else 0.0
        for chunk, (first, last) in zip(line, placed, strict=True):
            above = next(
                (block for block in reversed(blocks) if block.first <= last and first <= block.last),
                None,
            )
            if (
                above is not None
                and _goes_on(above, chunk, first, last, rules)
                and not (roomy and _would_fit(above, chunk, roomy * (columns[last].end - columns[first].start)))
            ):
                above.chunks.append(chunk)
                if (first, last) != (above.first, above.last):
                    blocks[blocks.index(above)] = Block(min(first, above.first), max(last, above.last), above.chunks)
            else:
                blocks.append(Block(first, last, [chunk]))
    cuts = _find_cuts(blocks)
    return [_place(block, cuts) for block in blocks], cuts


def _span(chunk: Chunk, line: Line, columns: Sequence[Span], rules: Sequence[Rule]) -> tuple[int, int]:
    first, last = locate(chunk, columns, slack=0.5)
    below = _rule_below(chunk, rules)
    if below is not None and below.x1 - below.x0 < 0.95 * (columns[-1].end - columns[0].start):
        under = [
            place
            for place, column in enumerate(columns)
            if below.x0 - 3 < (column.start + column.end) / 2 < below.x1 + 3
        ]
        if (
            under
            and under[0] <= first
            and last <= under[-1]
            and not any(other is not chunk and other.x1 > below.x0 and other.x0 < below.x1 for other in line)
        ):
            return under[0], under[-1]
    return first, last


def _rule_below(chunk: Chunk, rules: Sequence[Rule]) -> Rule | None:
    for rule in rules:
        if -2 < rule.y0 - chunk.y1 < 0.8 * chunk.size and rule.x0 < chunk.x0 + 3 and chunk.x1 - 3 < rule.x1:
            return rule
    return None


def _part_spans(spans: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """Spans of one line that overlap by a column made to touch."""
    parted: list[tuple[int, int]] = []
    for first, last in spans:
        start = first
        if parted and first <= parted[-1][1]:
            before = parted[-1]
            if last > first:
                start = min(before[1] + 1, last)
            elif before[1] > before[0]:
                parted[-1] = (before[0], max(before[0], first - 1))
        parted.append((start, last))
    return parted


OFF_CENTRE = 0.2  # of the way between the middles of the outer headers below
CENTRED_EM = 0.5  # between the middles of a header and of the columns it is over


def _widen(
    line: Line,
    placed: list[tuple[int, int]],
    columns: Sequence[Span],
    below: Sequence[Line],
    above: Sequence[Block],
) -> list[tuple[int, int]]:
    """The spans of a line, widened to columns over whose common middle a header stands, if all have headers below, and
    none above is over some of them and others."""
    if len(line) >= len(columns) or not below:
        return placed
    middles: dict[int, float] = {}  # of the next header below in each column
    for later in below:
        for chunk in later:
            middles.setdefault(locate(chunk, columns)[0], (chunk.x0 + chunk.x1) / 2)
    equal = _find_equal_spans(line, columns, middles)
    if equal is not None and all(_is_nested(*span, block) for span in equal for block in above):
        return equal
    widened = list(placed)
    for at, (chunk, (first, last)) in enumerate(zip(line, placed, strict=True)):
        middle = (chunk.x0 + chunk.x1) / 2
        slack = CENTRED_EM * chunk.size
        if first == last and abs(middles.get(first, 0.0) - middle) < slack:
            continue  # one header on two lines, or over three columns
        if abs((columns[first].start + columns[last].end) / 2 - middle) < slack:
            continue
        lowest = placed[at - 1][1] + 1 if at else 0
        highest = placed[at + 1][0] - 1 if at + 1 < len(placed) else len(columns) - 1
        spans = [
            (min(abs(centre - middle) for centre in _list_centres(left, right, columns, middles)), left, right)
            for left in range(lowest, first + 1)
            for right in range(last, highest + 1)
            if (left, right) != (first, last)
            and all(column in middles for column in range(left, right + 1))
            and all(_is_nested(left, right, block) for block in above)
        ]
        best = min(spans, default=None)
        if best is not None and best[0] < slack:
            widened[at] = best[1:]
    return widened


def _widen_lone(
    chunk: Chunk, placed: tuple[int, int], columns: Sequence[Span], below: Sequence[Line]
) -> tuple[int, int]:
    """The span of a header alone in its line: all columns with headers in the next line that has several, if it stands
    about their middle and in line with none of them."""
    rows = [[other for other in line if locate(other, columns)[0] > 0] for line in below]
    start = next((at for at, row in enumerate(rows) if len(row) > 1), None)
    if start is None or placed[0] == 0:
        return placed
    others = rows[start]
    if any(_are_aligned(chunk, other) for other in others):
        return placed
    middle = (chunk.x0 + chunk.x1) / 2
    ends = [(other.x0 + other.x1) / 2 for other in (others[0], others[-1])]
    if abs(middle - (ends[0] + ends[1]) / 2) > OFF_CENTRE * (ends[1] - ends[0]):
        return placed
    covered = [locate(other, columns) for row in rows[start:] for other in row]
    return min(first for first, _ in covered), max(last for _, last in covered)


def _are_aligned(upper: Chunk, lower: Chunk) -> bool:
    """Whether two lines may be of one text: they begin, end or have their middle at one place."""
    slack = CENTRED_EM * lower.size
    ends = upper.x0 - lower.x0, upper.x1 - lower.x1
    return min(abs(ends[0]), abs(ends[1]), abs(ends[0] + ends[1]) / 2) < slack


def _find_equal_spans(line: Line, columns: Sequence[Span], middles: dict[int, float]) -> list[tuple[int, int]] | None:
    """Spans of one width side by side over all columns with headers below but the first, a header over the middle of
    each; None if a line is no such."""
    covered = sorted(column for column in middles if column)
    size, rest = divmod(len(covered), len(line))
    if len(line) < 2 or rest or size < 2 or covered[-1] - covered[0] != len(covered) - 1:
        return None
    spans = [(covered[at], covered[at + size - 1]) for at in range(0, len(covered), size)]
    centres = [_list_centres(left, right, columns, middles) for left, right in spans]
    offsets = [
        [(chunk.x0 + chunk.x1) / 2 - centre for centre in pair] for chunk, pair in zip(line, centres, strict=True)
    ]
    slack = CENTRED_EM * line[0].size
    if all(min(map(abs, pair)) <= slack for pair in offsets):
        return spans
    # all as far from the middle to one side, where the numbers are set to the other, and over no single header below
    for one in zip(*offsets, strict=True):
        apart = all(
            middles[left] + slack < (chunk.x0 + chunk.x1) / 2 < middles[right] - slack
            for chunk, (left, right) in zip(line, spans, strict=True)
        )
        if apart and max(one) - min(one) <= slack:
            return spans
    return None


def _list_centres(left: int, right: int, columns: Sequence[Span], middles: dict[int, float]) -> tuple[float, float]:
    return (columns[left].start + columns[right].end) / 2, (middles[left] + middles[right]) / 2


def _is_nested(left: int, right: int, block: Block) -> bool:
    if block.first == block.last or right < block.first or block.last < left:
        return True
    return (block.first <= left and right <= block.last) or (left <= block.first and block.last <= right)


def _place_in_order(line: Line, columns: Sequence[Span]) -> list[tuple[int, int]] | None:
    """A column for each chunk of a line that has as many as there are columns, or as many as after the first; None for
    other lines, and where a chunk reaches beyond the columns beside its own."""
    skipped = len(columns) - len(line)
    if skipped not in (0, 1) or len(line) < 2:
        return None
    if skipped and line[0].x0 < columns[0].start + 2 * line[0].size:
        return None
    for place, chunk in enumerate(line, skipped):
        first, last = locate(chunk, columns)
        if not place - 1 <= first <= last <= place + 1 or last - first > 1:
            return None
    return [(place, place) for place in range(skipped, len(columns))]


def _would_fit(above: Block, chunk: Chunk, width: float) -> bool:
    """Whether a header over several columns and the line below it have the space to stand in one line."""
    upper = above.chunks[-1]
    return above.first < above.last and upper.x1 - upper.x0 + chunk.x1 - chunk.x0 + chunk.size < width


def _goes_on(above: Block, chunk: Chunk, first: int, last: int, rules: Sequence[Rule]) -> bool:
    upper = above.chunks[-1]
    if chunk.y0 - above.bottom > NEAR * chunk.size or chunk.y0 < upper.y0 + 0.3 * chunk.size:
        return False
    if any(above.bottom - 3 < rule.y0 < chunk.y0 + 3 and rule.x0 < chunk.x1 and chunk.x0 < rule.x1 for rule in rules):
        return False
    return (first, last) == (above.first, above.last) and chunk.bold == upper.bold and _are_aligned(upper, chunk)


def _find_cuts(blocks: Sequence[Block]) -> list[float]:
    gaps: list[tuple[float, float]] = []
    placed = [(block.top, block.bottom, block.first, block.last) for block in blocks]
    for top, _, first, last in placed:
        # those above it, and among them the lowest of those over any of its columns
        above = [other for other in placed if other[0] < top and other[2] <= last and first <= other[3]]
        lowest = max([other[0] for other in above], default=0.0)
        gaps += [(min(bottom, top), max(bottom, top)) for upper, bottom, _, _ in above if upper == lowest]
    cuts: list[tuple[float, float]] = []
    for top, bottom in sorted(gaps):
        if cuts and top <= cuts[-1][1] + 0.5:
            if min(bottom, cuts[-1][1]) >= max(top, cuts[-1][0]):
                cuts[-1] = (max(top, cuts[-1][0]), min(bottom, cuts[-1][1]))
            continue
        cuts.append((top, bottom))
    return [(top + bottom) / 2 for top, bottom in cuts]


def _place(block: Block, cuts: Sequence[float]) -> Placed:
    slack = 0.4 * block.chunks[0].size
    first = sum(cut <= block.top + slack for cut in cuts)
    last = max(first, sum(cut < block.bottom - slack for cut in cuts))
    return Placed(first, last - first + 1, block.first, block.last, block.chunks)
