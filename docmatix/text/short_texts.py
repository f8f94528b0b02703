"""Answers kept for short texts alone: a cache is bounded by their number, and those of a hostile PDF may be huge."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache, wraps
from typing import ParamSpec, TypeVar, cast

P = ParamSpec("P")
R = TypeVar("R")

MOST_KEPT_CHARS = 200
"""Of all arguments of a call together."""


def keep_short(maxsize: int) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Keep what a function of texts, given by position, returns for the last `maxsize` short ones; it is called anew
    for others. The cache is its `__wrapped__`."""

    def decorate(function: Callable[P, R]) -> Callable[P, R]:
        plain = cast("Callable[..., R]", function)
        kept = lru_cache(maxsize)(plain)

        @wraps(kept)
        def ask(*texts: str) -> R:
            # a sum over a generator would cost more than most of the functions
            size = len(texts[0]) if len(texts) == 1 else len("".join(texts))
            return kept(*texts) if size <= MOST_KEPT_CHARS else plain(*texts)

        return cast("Callable[P, R]", ask)

    return decorate
