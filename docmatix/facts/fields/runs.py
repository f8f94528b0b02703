"""Fields without colons: rows of label, gap and value at common edges, with leader dots or none, and totals."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from docmatix.facts.fields.candidates import Candidate
from docmatix.facts.fields.chunks import DOTS, PROSE_WIDTH, Chunk, Layout, Token
from docmatix.facts.fields.labels import (
    ends_with_colon,
    find_shape,
    is_contents,
    is_label,
    is_value,
    join,
    reads_on,
    strip_label,
)
from docmatix.facts.fields.values import complete_value, gather_below, is_prefix

MAX_GAP = 34.0  # em between a label and its value
MAX_STEP = 3.4  # em between two rows
MAX_LABEL_SIZE = 1.25  # of a value's
EDGE_PT = 2.0
MIN_ROWS = 2
_AMOUNT = re.compile(r"\([\d.,]+\)|\d+[.,]\d{1,2}")
_WORDS_AND_NUMBER = re.compile(r"([^\W\d][^\d]+) \d[\d.,]*")


class Pair(NamedTuple):
    """A label and what stands right of it."""

    label: Chunk
    value: Chunk
    tokens: Sequence[Token]  # of the value, with a currency that stands apart
    name: str
    dots: bool

    @property
    def end(self) -> float:
        return max(token.x1 for token in self.tokens)


@dataclass
class Run:
    """Pairs under each other at the same edges."""

    pairs: list[Pair] = field(default_factory=list)

    def takes(self, pair: Pair) -> bool:
        last = self.pairs[-1]
        step = pair.label.y0 - last.label.y0
        if step > MAX_STEP * max(pair.label.size, last.label.size) or pair.label.row == last.label.row:
            return False
        labels = abs(pair.label.x0 - last.label.x0) <= EDGE_PT or abs(pair.label.x1 - last.label.x1) <= EDGE_PT
        values = abs(pair.value.x0 - last.value.x0) <= EDGE_PT or abs(pair.end - last.end) <= EDGE_PT
        return labels and values


def find_run_fields(layout: Layout, blocked: Collection[Chunk], tabled: Collection[Chunk]) -> Iterator[Candidate]:
    """The fields of runs that are trusted."""
    for run in _find_runs(layout, blocked):
        many = all(len(layout.rows[pair.label.row]) >= 4 for pair in run.pairs[:-1]) and len(run.pairs) > 1
        turns = many and _differ(run.pairs[0].label, run.pairs[0].value) and _takes_turns(run, layout)
        led = sum(pair.dots for pair in run.pairs) >= 0.5 * len(run.pairs)
        strong = turns or led or _are_flush(run.pairs)
        if sum(pair.label in blocked for pair in run.pairs) > 0.5 * len(run.pairs) and not strong:
            continue
        trust = _rate(run, layout, in_table=run.pairs[0].label in tabled)
        if trust < 0.45 or _has_arrows(run, layout):
            continue
        labels = {pair.label for pair in run.pairs} | {pair.value for pair in run.pairs}
        for pair in _list_beside(run, layout):
            yield Candidate("field", pair.label.tokens, pair.tokens, trust - 0.15)
        wholes = [
            [*pair.tokens, *gather_below(layout, pair.value, pair.value.x0, labels, beside=pair.label.x0)]
            for pair in run.pairs
        ]
        if sum(_is_two_amounts(join(value)) for value in wholes) >= 2:
            continue
        for pair, value in zip(run.pairs, wholes, strict=True):
            if not reads_on(join(value)):
                label = [token for token in pair.label.tokens if not DOTS.fullmatch(token.text)]
                yield Candidate("field", label, value, trust)


def _list_beside(run: Run, layout: Layout) -> Iterator[Pair]:
    """The pairs that end the rows of a run, set as its own pairs are, with nothing else in their rows."""
    for pair in run.pairs:
        row = layout.rows[pair.label.row]
        if len(row) != pair.value.at + 3:
            continue
        other = make_pair(layout, row, pair.value.at + 1)
        if other is None or other.value is not row[-1] or len(run.pairs) < 2:
            continue
        alike = all(
            one.bold == two.bold and abs(one.size - two.size) < 0.3
            for one, two in ((pair.label, other.label), (pair.value, other.value))
        )
        steps = other.value.x0 - other.label.x0, pair.value.x0 - pair.label.x0
        if alike and (abs(steps[0] - steps[1]) <= EDGE_PT or _differ(pair.label, pair.value)):
            yield other


def _find_runs(layout: Layout, blocked: Collection[Chunk]) -> list[Run]:
    done: list[Run] = []
    open_runs: list[Run] = []
    for row in layout.rows:
        if len(row) < 2 or (len(row) >= 5 and row[0] in blocked and row[-1] in blocked):
            continue
        for at in range(len(row) - 1):
            pair = make_pair(layout, row, at)
            if pair is None:
                continue
            for run in open_runs:
                if run.takes(pair):
                    run.pairs.append(pair)
                    break
            else:
                open_runs.append(Run([pair]))
        top = row[0].y0
        still = [run for run in open_runs if top - run.pairs[-1].label.y0 <= MAX_STEP * run.pairs[-1].label.size]
        done += [run for run in open_runs if run not in still] if len(still) < len(open_runs) else []
        open_runs = still
    return [run for run in (*done, *open_runs) if len(run.pairs) >= MIN_ROWS or run.pairs[0].dots]


def make_pair(layout: Layout, row: Sequence[Chunk], at: int) -> Pair | None:
    """The label at a place of a row with the value that follows it, if they can be that."""
    label, value = row[at], row[at + 1]
    if label.in_prose or value.in_prose:
        return None
    dots = False
    if DOTS.fullmatch(value.text):
        if at + 2 == len(row) or value.width < 1.5:
            return None
        dots, value = True, row[at + 2]
    if label.in_prose or value.in_prose or label.width > 28:
        return None
    if value.x0 - label.x1 > MAX_GAP * label.size and not dots:
        return None
    dots = dots or DOTS.fullmatch(label.text.rpartition(" ")[2]) is not None
    if label.size > MAX_LABEL_SIZE * value.size:
        return None  # a heading, with links or a logo beside it
    if label.size == value.size and abs(label.y1 - value.y1) > 0.12 * label.size:
        return None  # lines of two blocks beside each other
    name = strip_label(label.text)
    if not is_label(name) or (name[0] == "(" and name[-1] == ")") or value.width > 1.6 * PROSE_WIDTH:
        return None
    tokens = [token for token in complete_value(layout, value, value.tokens) if not DOTS.fullmatch(token.text)]
    if not tokens or not is_value(join(tokens)) or is_prefix(label.text):
        return None
    if any(ends_with_colon(token.text) for token in value.tokens):
        return None
    return Pair(label, value, tokens, name, dots)


def _rate(run: Run, layout: Layout, *, in_table: bool) -> float:
    """How far a run can be trusted to be labels with their values, and not a table, a list of contents or columns of
    text; 0..1."""
    pairs = run.pairs
    count = len(pairs)
    names = {pair.name.casefold() for pair in pairs}
    values = [join(pair.tokens) for pair in pairs]
    shapes = [find_shape(value) for value in values]
    if len(names) < count or any(map(reads_on, values)) or any(find_shape(name) == "number" for name in names):
        return 0.0
    sizes = [pair.label.size for pair in pairs]
    if max(sizes) - min(sizes) > 0.5:
        return 0.0  # labels above their values
    dots = sum(pair.dots for pair in pairs)
    if is_contents(values) and (dots or count >= 4):
        return 0.0
    contrast = sum(_differ(pair.label, pair.value) for pair in pairs) >= 0.8 * count
    digits = sum(shape != "text" for shape in shapes) / count
    bare = sum(find_shape(pair.name) == "text" for pair in pairs) / count
    trust = 0.2 + 0.4 * contrast + 0.4 * (dots >= 0.5 * count)
    trust += 0.25 * (digits >= 0.5 and bare >= 0.6) + 0.15 * (len(set(shapes)) > 1)
    trust += 0.4 * (sum(ends_with_colon(pair.label.text) for pair in pairs) >= 0.5 * count)
    trust -= 0.15 * (count == 2 and not contrast and len({pair.value.bold for pair in pairs}) > 1)
    trust += 0.1 * (count >= 3) + 0.05 * (count >= 5)
    flush = _are_flush(pairs)
    trust += 0.35 * flush - 0.2 * (digits < 0.3 and not (contrast or flush))
    trust -= (0.6 if count >= 4 else 0.35) * (in_table and not (flush or dots >= 0.5 * count) and len(set(shapes)) == 1)
    trust -= 0.15 * (sum(pair.label.width for pair in pairs) > 14 * count)
    if count == 1 and values[0].isdigit():
        return 0.0  # a line of contents
    small = sum(value[0].islower() and find_shape(value) == "text" for value in values)
    trust -= 0.35 * (small >= 0.5 * count and count <= 3 and not flush and dots < 0.5 * count)
    if are_words_and_numbers(values):
        trust -= 0.35
    left, right = _count_beside(run, layout)
    if right >= 0.5 and not (_leads_again(run, layout) or _takes_turns(run, layout)):
        trust -= 0.6
    elif left >= 0.5 and not (dots or flush or _takes_turns(run, layout)):
        trust -= 0.35
    if _has_header(run, layout):
        trust -= 0.4
    return max(0.0, min(trust, 0.9))


def _has_arrows(run: Run, layout: Layout) -> bool:
    """Whether lines at the height of their middle join labels and values, as in a diagram."""
    return any(
        rule.y0 == rule.y1
        and pair.label.x1 <= rule.x0 + 2
        and rule.x1 <= pair.value.x0 + 2
        and rule.x1 - rule.x0 > 0.4 * (pair.value.x0 - pair.label.x1)
        and abs(rule.y0 - pair.label.middle) <= 0.25 * pair.label.size
        for pair in run.pairs
        for rule in layout.drawing.rules
    )


def are_words_and_numbers(values: Sequence[str]) -> bool:
    """Whether values are two columns set tight: words of several sorts, each with a number behind."""
    found = [match for value in values if (match := _WORDS_AND_NUMBER.fullmatch(value))]
    return len(values) >= 4 and len(found) >= 0.9 * len(values) and len({match.group(1) for match in found}) > 2


def _is_two_amounts(value: str) -> bool:
    """Whether a value is the amounts of two columns or the steps of an axis: `(60,971) (14,249)`, `48.00 46.00`."""
    return len(parts := value.split()) > 1 and all(_AMOUNT.fullmatch(part) for part in parts)


def _are_flush(pairs: Sequence[Pair]) -> bool:
    """Whether labels end at one edge, right before the one at which all values begin."""
    ends = [pair.label.x1 for pair in pairs]
    starts = [pair.label.x0 for pair in pairs]
    values = [pair.value.x0 for pair in pairs]
    size = pairs[0].label.size
    same = max(ends) - min(ends) <= EDGE_PT and max(values) - min(values) <= EDGE_PT
    return len(pairs) >= 3 and same and max(starts) - min(starts) > size and values[0] - ends[0] <= 2.5 * size


def _leads_again(run: Run, layout: Layout) -> bool:
    """Whether the rows go on with other labels that have leader dots of their own."""
    return all(
        sum(DOTS.fullmatch(chunk.text) is not None for chunk in layout.rows[pair.label.row]) > 1 for pair in run.pairs
    )


def _takes_turns(run: Run, layout: Layout) -> bool:
    """Whether the rows of a run go on with labels and values in turn: each second chunk is a name without digits, and
    what follows it is of more than one kind."""
    names: list[str] = []
    values: list[str] = []
    for pair in run.pairs:
        row = layout.rows[pair.label.row]
        if len(row) % 2:
            return False
        names += [chunk.text for chunk in row[::2]]
        values += [chunk.text for chunk in row[1::2]]
    shapes = [find_shape(value) for value in values]
    styles = {(chunk.bold, chunk.size) for pair in run.pairs for chunk in layout.rows[pair.label.row][::2]}
    others = {(chunk.bold, chunk.size) for pair in run.pairs for chunk in layout.rows[pair.label.row][1::2]}
    distinct = len({name.casefold() for name in names}) == len(names)
    named = all(find_shape(name) == "text" and is_label(strip_label(name)) for name in names)
    if distinct and named and len(styles) == len(others) == 1 and styles != others:
        return True
    return distinct and named and max(shapes.count(shape) for shape in set(shapes)) <= 0.8 * len(shapes)


def _differ(one: Chunk, other: Chunk) -> bool:
    return one.bold != other.bold or abs(one.size - other.size) > 0.4


def _count_beside(run: Run, layout: Layout) -> tuple[float, float]:
    """The share of rows with another chunk left of the label, and right of the value, at an edge that it shares with
    another row's: a further column of a table."""
    edges: dict[str, list[float]] = {"left": [], "right": []}
    ends: list[float] = []
    for pair in run.pairs:
        row = layout.rows[pair.label.row]
        end = max(chunk.at for chunk in row if chunk.x0 <= pair.end - 0.1)
        if end + 1 < len(row):
            edges["right"].append(row[end + 1].x0)
            ends.append(row[end + 1].x1)
        if pair.label.at > 0 and abs(row[pair.label.at - 1].y1 - pair.label.y1) <= 0.12 * pair.label.size:
            edges["left"].append(row[pair.label.at - 1].x0)
    count = len(run.pairs)
    return _count_shared(edges["left"]) / count, max(_count_shared(edges["right"]), _count_shared(ends)) / count


def _count_shared(edges: Sequence[float]) -> int:
    return sum(sum(abs(edge - other) <= 3 for other in edges) > 1 for edge in edges)


def _has_header(run: Run, layout: Layout) -> bool:
    """Whether the row above names the columns."""
    first = run.pairs[0]
    second = run.pairs[min(1, len(run.pairs) - 1)]
    if first.value.bold and not second.value.bold and find_shape(first.value.text) == "text" and len(run.pairs) > 2:
        return True
    if first.label.row == 0:
        return False
    row = layout.rows[first.label.row - 1]
    if first.label.y0 - row[0].y1 > 1.6 * first.label.size:
        return False
    over_labels = [chunk for chunk in row if abs(chunk.x0 - first.label.x0) <= 3]
    middle = (first.value.x0 + first.end) / 2
    over_values = [
        chunk
        for chunk in row
        if chunk not in over_labels
        and (
            abs(chunk.x0 - first.value.x0) <= 3
            or abs(chunk.x1 - first.end) <= 3
            or abs((chunk.x0 + chunk.x1) / 2 - middle) <= 4
        )
    ]
    if not over_values:
        return False
    head = over_values[0]
    numbers = sum(find_shape(join(pair.tokens)) == "number" for pair in run.pairs) >= 0.7 * len(run.pairs)
    differs = head.bold != first.value.bold or (numbers and find_shape(head.text) != "number")
    return differs and len(head.text) <= 40
