"""Histograms: counts by classes of fixed bounds, named `3`, `4-5` or `90+`."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence

# upper bounds of length classes, in words
_LENGTHS = (1, 2, 3, 5, 8, 13, 21, 34, 55, 89)


def classify_length(text: str) -> str:
    """The class of a text's length in words: `1`, `2`, `3`, `4-5`, ... `90+`."""
    return classify_words(len(text.split()))


def classify_words(count: int) -> str:
    """The class of a length of so many words."""
    return _CLASSES[min(max(1, count), _LENGTHS[-1] + 1)]


def find_median(classes: Mapping[str, int]) -> str | None:
    """The class of the median (the lower one of two); None without counts."""
    middle, seen = (sum(classes.values()) + 1) // 2, 0
    for name, count in sorted(classes.items(), key=lambda item: find_lower_bound(item[0])):
        seen += count
        if count and seen >= middle:
            return name
    return None


def classify_count(number: int, bounds: Sequence[int]) -> str:
    """The class of a whole number; each bound is the last number of its class."""
    lower = 0
    for upper in bounds:
        if number <= upper:
            return str(upper) if upper - lower <= 1 else f"{lower + 1}-{upper}"
        lower = upper
    return f"{lower + 1}+"


def classify_value(number: float, bounds: Sequence[float]) -> str:
    """The class of a number; each bound begins the next class."""
    lower: float = 0
    for upper in bounds:
        if number < upper:
            return f"{lower}-{upper}"
        lower = upper
    return f"{lower}+"


def find_lower_bound(name: str) -> float:
    """Where a class begins; infinity for a name that is not a class."""
    found = re.match(r"\d+(?:\.\d+)?", name)
    return float(found[0]) if found else math.inf


def sort_counts(counts: Mapping[str, int]) -> dict[str, int]:
    """The counts above zero, by name."""
    return {name: count for name, count in sorted(counts.items()) if count}


_CLASSES = [classify_count(count, _LENGTHS) for count in range(_LENGTHS[-1] + 2)]
