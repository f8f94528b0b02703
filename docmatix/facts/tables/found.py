"""A table in points, on its way to a `RawTable`."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

from docmatix.facts.tables.chunks import Chunk


class FoundCell(NamedTuple):
    """A cell at its place in the grid, and what stands in it."""

    row: int
    column: int
    rows: int
    columns: int
    chunks: list[Chunk]


@dataclass(slots=True)
class FoundTable:
    """A table: where its columns and rows end, its cells, and text that belongs to it."""

    xs: list[float]
    ys: list[float]
    cells: list[FoundCell]
    header_rows: int = 0
    ruled: bool = False
    rules: list[float] = field(default_factory=list)
    caption: list[Chunk] = field(default_factory=list)
    notes: list[Chunk] = field(default_factory=list)
    drawn: int = 0
    """Cells that rules draw, large enough to hold text."""
    struck: int = 0
    """Chunks that a rule across strikes through."""
    trust: float = 1.0
