"""A pair as it is read from a reply, in whichever notation."""

from __future__ import annotations

import html
import re
from typing import Any, NamedTuple

from docmatix.core.pairs import make_storable


class ParsedPair(NamedTuple):
    """A question and its answer; the format `question` leaves the answer empty, and `answer` the question."""

    question: str
    answer: str


_UNPRINTABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
_ENTITY = re.compile("&(?:amp|lt|gt|quot|apos|nbsp|#(?:3[489]|60|62|160)|#[xX](?:2[267]|3[cCeE]|[aA]0));")
# questions about HTML, whose answers are meant as they are
_ABOUT_ENTITIES = re.compile(r"\b(?:HTML|XML|entit(?:y|ies)|escaped?|encoded?|markup)\b", re.IGNORECASE)
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
    asked, answered = to_text(question), to_text(answer)
    if _ENTITY.search(asked + answered) and not _ABOUT_ENTITIES.search(asked) and not _ENTITY.fullmatch(answered):
        asked, answered = _read_entities(asked), _read_entities(answered)
    pair = ParsedPair(" ".join(asked.split()), answered)
    return pair if pair.question and pair.answer else "missing_field"


def _read_entities(text: str) -> str:
    """A text with its HTML entities as what they mean, read once."""
    return clean_text(_ENTITY.sub(lambda found: html.unescape(found[0]).replace("\u00a0", " "), text))


def to_text(value: Any) -> str:
    """A field as text: a string or number as written, a list of these with commas, empty for anything else."""
    if isinstance(value, str):
        return clean_text(value)
    if isinstance(value, list) and value and all(isinstance(item, str) for item in value):
        return clean_text(", ".join(value))
    return ""
