"""Values as wholes: with a currency or sign in a column of its own beside them, without the marks of footnotes."""

from __future__ import annotations

import re
from collections.abc import Sequence

from docmatix.core.documents import Word
from docmatix.text.numbers import Near, cuts_number, has_digit, is_note_mark, is_prefix, is_suffix


def is_whole(words: Sequence[Word], near: Near, first: int, last: int) -> bool:
    """Whether a value is no part of a number that goes on beside it."""
    low, high = max(0, first - 8), last + 9
    texts = [word.text for word in words[low:high]]
    return not cuts_number(texts, first - low, last - low, near[low:high])


def complete_value(words: Sequence[Word], first: int, last: int) -> tuple[int, int] | None:
    """The places of a value with the currency, sign or percent sign that stands in a column of its own beside it; None
    if it is not known whose that is."""
    if is_prefix(" ".join(word.text for word in words[first : last + 1])):
        if last + 1 == len(words) or words[last + 1].line != words[last].line or not has_digit(words[last + 1].text):
            return None
        last += 1
    while last > first and is_note_mark(words, last):
        last -= 1
    if not has_digit(words[first].text) and not has_digit(words[last].text):
        return first, last
    line = words[first].line
    if first > 0 and words[first - 1].line == line and is_prefix(words[first - 1].text):
        other = first > 1 and words[first - 2].line == line and has_digit(words[first - 2].text)
        if other and _measure_gap(words, first - 1) < 2 * _measure_gap(words, first):
            return None
        first -= 1
    if last + 1 < len(words) and words[last + 1].line == line and is_suffix(words[last + 1].text):
        other = last + 2 < len(words) and words[last + 2].line == line and has_digit(words[last + 2].text)
        if not other:
            return first, last + 1
        if _measure_gap(words, last + 2) > 0.5 * _measure_gap(words, last + 1):
            return None
    return first, last


# `9*`, `13a`, `1,200(2)`, `15 [1]`, `8 1`
_MARKED = re.compile(
    r"[^\w\s]{0,2}\d[\d.,]*%?(?: ?(?:[*†‡§¶#]+|[¹²³⁰⁴-⁹]+|\[\w{1,2}\]|\([a-z\d]\)|[abcefipr])| \d{1,2})", re.IGNORECASE
)


def has_mark(value: str) -> bool:
    """Whether a cell of a column of numbers is a number with what may be the mark of a footnote: `9*`, `13a`, `8 1`."""
    return _MARKED.fullmatch(value) is not None


def _measure_gap(words: Sequence[Word], place: int) -> float:
    return max(0.0, words[place].box.x0 - words[place - 1].box.x1)
