"""A template: the well-formed questions that a known answer allows."""

from __future__ import annotations

from typing import NamedTuple


class Template(NamedTuple):
    """Every question `opening + " " + pieces[:k] + "?"` with `k >= required` is well formed."""

    openings: tuple[str, ...]
    pieces: tuple[str, ...] = ()
    required: int = 0
