"""Directories: many rows of a name, a gap and a number, in one column or several, at common edges or ragged ones."""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Collection, Iterator, Sequence
from itertools import pairwise

from docmatix.facts.fields.candidates import Candidate
from docmatix.facts.fields.chunks import DOTS, Chunk, Layout
from docmatix.facts.fields.labels import ends_with_colon, find_shape, is_contents, join
from docmatix.facts.fields.runs import EDGE_PT, Pair, are_words_and_numbers, make_pair

MIN_ROWS = 8  # that one kind of values makes a directory of, without a common edge
MAX_STEP = 5.0  # em between two entries: the letter of a group may stand between them
MAX_VALUE = 24  # letters of a value
MAX_WORDS = 6  # of a name
ONE_KIND = 0.9  # the share of values that have the same shape


def find_directory_fields(layout: Layout, blocked: Collection[Chunk]) -> Iterator[Candidate]:
    """The entries of directories, where nothing but other entries stands in their rows."""
    pairs = _list_pairs(layout, blocked)
    if len(pairs) < MIN_ROWS:
        return
    columns = [column for column in _group(pairs) if len(column) >= MIN_ROWS]
    for column in columns:
        edges = sorted(other[0].label.x0 for other in columns if other is not column)
        if sum(_is_alone(pair, layout, edges) for pair in column) >= 0.9 * len(column) and _is_directory(column):
            for pair in column:
                label = [token for token in pair.label.tokens if not DOTS.fullmatch(token.text)]
                yield Candidate("field", label, pair.tokens, 0.7)


def _list_pairs(layout: Layout, blocked: Collection[Chunk]) -> list[Pair]:
    """Names without digits that have a short value with digits on their right."""
    found: list[Pair] = []
    for row in layout.rows:
        for at in range(len(row) - 1):
            label, value = row[at], row[at + 1]
            if label.in_prose or label.count_words() > MAX_WORDS or label in blocked:
                continue
            if len(value.text) > MAX_VALUE and not DOTS.fullmatch(value.text):
                continue
            if find_shape(label.text) != "text" or (
                find_shape(value.text) == "text" and not DOTS.fullmatch(value.text)
            ):
                continue
            pair = make_pair(layout, row, at)
            if pair is not None and len(join(pair.tokens)) <= MAX_VALUE and not ends_with_colon(pair.label.text):
                found.append(pair)
    return found


def _group(pairs: Sequence[Pair]) -> list[list[Pair]]:
    """Pairs whose names begin at one edge and follow each other down the page."""
    columns: list[list[Pair]] = []
    by_edge: dict[int, list[Pair]] = defaultdict(list)
    for pair in pairs:
        edge = round(pair.label.x0 / EDGE_PT)
        column = next((by_edge[near] for near in (edge, edge - 1, edge + 1) if near in by_edge), None)
        if column is not None:
            last = column[-1].label
            if pair.label.y0 - last.y0 <= MAX_STEP * last.size and abs(pair.label.size - last.size) <= 0.5:
                column.append(pair)
                continue
        by_edge[edge] = [pair]
        columns.append(by_edge[edge])
    return columns


def _is_alone(pair: Pair, layout: Layout, edges: Sequence[float]) -> bool:
    """Whether what stands beside an entry belongs to another column of entries."""
    row = layout.rows[pair.label.row]
    after = next((chunk for chunk in row if chunk.x0 > pair.end), None)
    before = row[max(0, pair.label.at - 3) : pair.label.at]
    alone = not before or any(_is_near(chunk.x0, edges) for chunk in before)
    return alone and (after is None or _is_near(after.x0, edges))


def _is_near(x: float, edges: Sequence[float]) -> bool:
    at = bisect_left(edges, x - 2 * EDGE_PT)
    return at < len(edges) and edges[at] <= x + 2 * EDGE_PT


def _is_directory(column: Sequence[Pair]) -> bool:
    """Whether names differ, and values are of one kind and no pages that rise, as those of a list of contents do."""
    values = [join(pair.tokens) for pair in column]
    shapes = [find_shape(value) for value in values]
    if len({pair.name.casefold() for pair in column}) < len(column) or len(set(values)) < 0.5 * len(values):
        return False
    mixed = max(shapes.count("number"), shapes.count("code")) < ONE_KIND * len(values)
    if mixed or is_contents(values) or are_words_and_numbers(values):
        return False
    numbers = [int(value) for value in values if value.isdecimal()]
    rising = sum(one <= other for one, other in pairwise(numbers))
    return rising < 0.8 * (len(values) - 1)
