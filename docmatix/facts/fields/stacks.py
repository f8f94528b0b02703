"""Fields whose label stands above the value, set smaller or bolder, several side by side or under each other."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Sequence
from typing import NamedTuple

from docmatix.facts.fields.candidates import Candidate
from docmatix.facts.fields.chunks import PROSE_WIDTH, Chunk, Layout, Token
from docmatix.facts.fields.labels import ends_with_colon, find_shape, is_label, is_value, join, reads_on, strip_label
from docmatix.facts.fields.values import gather_below

SMALLER = 0.93


class Stack(NamedTuple):
    label: Chunk
    value: list[Token]
    small: bool


def find_stacked_fields(layout: Layout, tabled: Collection[Chunk]) -> Iterator[Candidate]:
    """Labels above their values, where at least two or three are set alike."""
    stacks = [stack for chunk in layout.chunks if (stack := _make_stack(layout, chunk, tabled))]
    styles: dict[tuple[float, bool, float, bool], list[Stack]] = defaultdict(list)
    for stack in stacks:
        value = stack.value[0]
        styles[stack.label.size, stack.label.bold, value.size, value.bold].append(stack)
    for alike in styles.values():
        rows: dict[int, list[Stack]] = defaultdict(list)
        for stack in alike:
            rows[stack.label.row].append(stack)
        widest = max(map(len, rows.values()))
        digits = sum(find_shape(join(stack.value)) != "text" for stack in alike)
        for stack in alike:
            row = rows[stack.label.row]
            beside = len(row)
            if sum(map(_is_column, row)) >= 1 or (beside >= 3 and sum(map(_is_block, row)) >= 2):
                continue  # columns of a table
            if not stack.small and not _stands_alone(stack, row, layout):
                continue
            if stack.small:
                enough = beside >= 2 or (len(alike) >= 3 and (widest >= 2 or digits >= 0.4 * len(alike)))
                trust = 0.75 if enough else 0.4
            elif beside == 1 and _is_column_of_pairs(stack, alike):
                trust = 0.72
            elif not stack.label.bold:
                trust = 0.0
            else:
                trust = 0.65 if beside >= 3 and digits else 0.55 if beside == 2 and _is_block(stack) else 0.3
            if trust >= 0.45:
                yield Candidate("field", stack.label.tokens, stack.value, trust)


def _stands_alone(stack: Stack, row: Sequence[Stack], layout: Layout) -> bool:
    """Whether what stands beside a label is a label as well, and what stands beside its value belongs to that."""
    after = layout.right_of(stack.label)
    return after is None or any(other.label is after for other in row)


def _is_column(stack: Stack) -> bool:
    """Whether the lines of a value are the cells of a column: three or more of one kind, each a word or number."""
    lines: dict[int, list[str]] = defaultdict(list)
    for token in stack.value:
        lines[round(token.y0)].append(token.text)
    texts = [" ".join(words) for words in lines.values()]
    numbers = [find_shape(text) == "number" for text in texts]
    return len(texts) >= 2 and (all(numbers) or (len(texts) >= 4 and not any(numbers)))


def _is_column_of_pairs(stack: Stack, alike: Sequence[Stack]) -> bool:
    """Whether a label is one of three or more at its edge with short values under them, two of five with digits."""
    column = [other for other in alike if abs(other.label.x0 - stack.label.x0) <= 2]
    short = all(len(other.value) <= 6 and other.value[0].y0 == other.value[-1].y0 for other in column)
    digits = sum(find_shape(join(other.value)) != "text" for other in column)
    return len(column) >= 3 and short and digits >= 0.4 * len(column)


def _is_block(stack: Stack) -> bool:
    """Whether the value is an address or the like: two to six lines with a number in one."""
    digits = any(character.isdigit() for token in stack.value for character in token.text)
    return digits and 2 <= len({round(token.y0) for token in stack.value}) <= 6


def _make_stack(layout: Layout, chunk: Chunk, tabled: Collection[Chunk]) -> Stack | None:
    if chunk.in_prose or chunk.width > PROSE_WIDTH or ends_with_colon(chunk.text):
        return None
    if not is_label(strip_label(chunk.text)) or (chunk.text[0] == "(" and chunk.text[-1] == ")"):
        return None
    below = layout.below(chunk, within=0.9)
    if below is None or below.in_prose or below.width > 1.5 * PROSE_WIDTH:
        return None
    small = chunk.size <= SMALLER * below.size
    if not small and not (chunk.bold != below.bold and abs(chunk.size - below.size) < 0.6):
        return None
    if ":" in below.text or (not small and chunk in tabled):
        return None
    value = [*below.tokens, *gather_below(layout, below, below.x0, (), beside=None)]
    text = join(value)
    if len(text.split()) > 14 or text.startswith(chunk.text):
        return None
    if not is_value(text) or reads_on(text) or (chunk in tabled and len(value) > len(below.tokens)):
        return None
    return Stack(chunk, value, small)
