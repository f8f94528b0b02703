"""What a table holds, and how it is ruled and set."""

from __future__ import annotations

import random
from dataclasses import dataclass, field

from benchmarks.truth_factory.style import Style


@dataclass
class Column:
    """`header`: its texts from the top; a text that neighbours share spans them."""

    header: tuple[str, ...]
    align: str = "left"
    wrap_at: float | None = None
    """The most width its text may take, in points."""


@dataclass
class Row:
    """`kind`: body, section (one cell over all columns) or total."""

    cells: list[str]
    kind: str = "body"
    group: str = ""
    """The name of the group that the row stands in, in a column of its own before the others."""


@dataclass
class Table:
    columns: list[Column]
    rows: list[Row]
    key: int | None = 0
    caption: tuple[str, str] | None = None
    """Its label ("Table 2") and its text."""
    unit: str = ""
    notes: list[str] = field(default_factory=list)
    group_header: str | None = None
    repeats_header: bool = True
    continued: str = ""
    cell_kinds: tuple[str, ...] = ()
    """What its cells may as well be found as: two columns of names and values are fields, too."""


@dataclass(frozen=True)
class Look:
    """How a table is ruled and set."""

    rules: str  # "ruled", "rows", "booktabs", "zebra", "none", "frame", "columns"
    size: float
    pad_x: float
    pad_y: float
    full_width: bool
    header_fill: bool
    header_bold: bool
    white_header: bool
    key_bold: bool
    header_center: bool
    section_fill: bool
    section_indent: float
    """How far the names below a section's row are indented."""
    group_on_top: bool
    caption_below: bool
    rule_width: float


_RULES = ("ruled", "ruled", "rows", "booktabs", "booktabs", "zebra", "none", "frame", "columns")


def draw_look(draw: random.Random, style: Style, *, rules: str | None = None) -> Look:
    rules = rules or draw.choice(
        ["ruled", "ruled", "rows", "booktabs", "booktabs", "zebra", "none", "frame", "columns"]
    )
    fill = draw.random() < (0.15 if rules in ("booktabs", "none") else 0.55)
    return Look(
        rules=rules,
        size=max(6.5, round(style.size * draw.choice([0.8, 0.85, 0.9, 0.95, 1.0]), 1)),
        pad_x=draw.uniform(3, 7) if rules in ("ruled", "zebra") else draw.uniform(5, 9),
        pad_y=draw.uniform(1.2, 4.5),
        full_width=draw.random() < 0.5,
        header_fill=fill,
        header_bold=draw.random() < 0.7,
        white_header=fill and draw.random() < 0.4,
        key_bold=draw.random() < 0.12,
        header_center=draw.random() < 0.35,
        section_fill=draw.random() < 0.4,
        section_indent=draw.choice([0.0, 0.0, 8.0]),
        group_on_top=draw.random() < 0.7,
        caption_below=draw.random() < 0.2,
        rule_width=draw.choice([0.35, 0.5, 0.5, 0.75]),
    )
