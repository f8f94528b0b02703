"""A pair as it is read from a reply, in whichever notation."""

from __future__ import annotations

import re
from typing import Any, NamedTuple

from docmatix.core.pairs import make_storable


class ParsedPair(NamedTuple):
    """A question and its answer; the format `question` leaves the answer empty, and `answer` the question."""

    question: str
    answer: str


_UNPRINTABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
UNSEEN = re.compile("[\u200b\u2060\ufeff]")


def clean_text(text: str) -> str:
    """Text that any file can contain: no control characters, nothing without width that
    only joins or marks, no lone surrogates (which JSON escapes can express)."""
    if not text.isprintable():
        text = UNSEEN.sub("", _UNPRINTABLE.sub(" ", text.replace("\r\n", "\n")))
        text = make_storable(text)
    return text.strip()


def to_pair(question: Any, answer: Any) -> ParsedPair | str:
    """The pair, or why there is none."""
    pair = ParsedPair(" ".join(to_text(question).split()), to_text(answer))
    return pair if pair.question and pair.answer else "missing_field"


def to_text(value: Any) -> str:
    """A field as text: a string or number as written, a list of these with commas, empty for anything else."""
    if isinstance(value, str):
        return clean_text(value)
    if isinstance(value, list) and value and all(isinstance(item, str) for item in value):
        return clean_text(", ".join(value))
    return ""
