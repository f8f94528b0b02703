"""What a number counts, by the mark beside it: `$`, `EUR`, `percent`. Pieces leave signs out, so 500 is in neither."""

from __future__ import annotations

import re

_MARKS = {
    "dollar": r"\$|\b(?:USD|[Dd]ollars?)\b",
    "euro": r"€|\b(?:EUR|[Ee]uros?)\b",
    "pound": r"£|\b(?:GBP|[Pp]ounds?)\b",
    "yen": r"¥|\b(?:JPY|[Yy]en)\b",
    "percent": r"%|\b(?:[Pp]ercent|[Pp]er cent|pct)\b",
}
_ONE = {name: re.compile(pattern) for name, pattern in _MARKS.items()}
_ANY = re.compile("|".join(_MARKS.values()))
_EDGES = ".,;:!?()[]\"'“”"


def find_marks(text: str) -> frozenset[str]:
    """The marks in a text that has a number; none in another."""
    if not any(map(str.isdigit, text)):
        return frozenset()
    return frozenset(name for name, pattern in _ONE.items() if pattern.search(text))


def drop_marks(text: str) -> str:
    """A text without its marks."""
    return " ".join(_ANY.sub(" ", text).split())


def read_around(before: str, quote: str, after: str) -> frozenset[str]:
    """The marks in a quote, and of the words around it that are nothing else; a percent sign before is another's."""
    mine = [word for word in (before, after) if _ANY.fullmatch(word.strip(_EDGES))]
    if mine[:1] == [before] and _ONE["percent"].search(before):
        del mine[0]
    return find_marks(" ".join((quote, *mine)))
