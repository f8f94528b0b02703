"""Values as wholes: with a currency in a column of its own, and with the lines that go on below."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence

from docmatix.facts.fields.chunks import PROSE_WIDTH, Chunk, Layout, Token
from docmatix.facts.fields.labels import ends_with_colon
from docmatix.text.numbers import CURRENCY

MAX_LINES = 6
_PREFIX = re.compile(rf"[-+(]?\s*(?:{CURRENCY}|[-+−–])", re.IGNORECASE)
_SUFFIX = re.compile(rf"(?:{CURRENCY}|%)\)?", re.IGNORECASE)
_AMOUNT = re.compile(r"[-+−–(]?[\d.,'’\s]*\d[\d.,'’\s]*[-–−)]?")


def complete_value(layout: Layout, chunk: Chunk, value: Sequence[Token]) -> list[Token]:
    """A value with the amount right of its currency, or the currency right of its amount."""
    text = " ".join(token.text for token in value)
    beside = layout.right_of(chunk)
    if beside is None or beside.x0 - chunk.x1 > 12 * chunk.size:
        return list(value)
    if _PREFIX.fullmatch(text) and any(map(str.isdigit, beside.text)):
        return [*value, *beside.tokens]
    if _AMOUNT.fullmatch(text) and _SUFFIX.fullmatch(beside.text) and beside.x0 - chunk.x1 <= 4 * chunk.size:
        return [*value, *beside.tokens]
    return list(value)


def is_prefix(text: str) -> bool:
    """Whether a text is a currency or a sign alone."""
    return _PREFIX.fullmatch(text) is not None


def gather_below(
    layout: Layout, chunk: Chunk, edge: float, labelled: Collection[Chunk], *, beside: float | None
) -> list[Token]:
    """The words of the lines with which a value goes on: set alike, at its edge, with no label in front (right of
    `beside`), none of them a label."""
    found: list[Token] = []
    last, style = chunk, chunk.tokens[-1]
    pitch = 0.0
    for row in layout.rows[chunk.row + 1 : chunk.row + 1 + MAX_LINES]:
        inside = [other for other in row if abs(other.x0 - edge) <= 2]
        if not inside:
            if any(other.x0 < chunk.x1 and other.x1 > edge and other.y0 < last.y1 + 0.9 * last.size for other in row):
                break
            if row[0].y0 > last.y1 + last.size:
                break
            continue
        line = inside[0]
        step = line.y0 - last.y0
        if step > 1.75 * style.size or (pitch and step > 1.15 * pitch) or abs(line.size - style.size) > 0.6:
            break
        if line in labelled or line.in_prose or ends_with_colon(line.text) or line.tokens[0].bold != style.bold:
            break
        if beside is not None and any(other.x1 > beside and other.x0 < edge - 2 for other in row):
            break
        if line.width > 2 * PROSE_WIDTH:
            break
        found += line.tokens
        pitch = pitch or step
        last = line
    return found
