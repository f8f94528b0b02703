"""What a drawn document holds: its bytes, and every fact on it with the box of its ink."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from docmatix.core.documents import Box

LANGUAGES = ("en", "de", "fr", "es", "it", "pt", "nl", "pl")


class Reading(NamedTuple):
    """Another way to read a fact that is as right as the first."""

    value: str
    boxes: tuple[Box, ...]


class DrawnFact(NamedTuple):
    """A fact as it was drawn. `boxes`: the value's, one a line, from ascender to descender, or the label's of an empty
    value. `page` counts from 1."""

    kind: str
    label: str
    value: str
    path: tuple[str, ...]
    page: int
    boxes: tuple[Box, ...]
    kinds: tuple[str, ...] = ()
    """Other kinds that it may as well be found as: the title of a slide is a heading, too."""
    others: tuple[Reading, ...] = ()
    labels: tuple[str, ...] | None = ()
    """Other labels that are as right; None: any label is."""
    optional: bool = False
    """May be found, and need not be: neither missed nor false."""


class DrawnCell(NamedTuple):
    """A cell of a table that has text, as it was drawn: what its text must be, sign for sign."""

    page: int
    text: str
    box: Box
    header: bool


@dataclass(frozen=True)
class Drawn:
    """A document and its truth."""

    sort: str
    language: str
    seed: int
    pdf: bytes
    pages: int
    facts: tuple[DrawnFact, ...]
    cells: tuple[DrawnCell, ...]
    complete_kinds: frozenset[str]
    """Kinds of which `facts` lists all there are: what else is found of them is none."""
    shown: frozenset[tuple[int, str]] = frozenset()
    """What pages look like or show, by the names of a profile's scores, and `diagram`."""
