"""A page as its profile is read from it: its lines, its sure tables, and what is drawn beside them, in points."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import median
from typing import NamedTuple

from docmatix.core.documents import Box, Fact, Page
from docmatix.facts.listing import MIN_CONFIDENCE
from docmatix.facts.text_lines import TextLine, list_text_lines
from docmatix.pdf.drawings import Drawing, FilledBox, Outline, Rule

_CELLS = 64
_MARGIN = 6.0  # around a table, points
FRAME = 0.9
"""Of the page: a box that covers more is its background."""


class Chunk(NamedTuple):
    """Words of a line without a wide gap between them."""

    text: str
    x0: float
    y0: float
    x1: float
    y1: float
    size: float


@dataclass(frozen=True, slots=True)
class View:
    """A page, its sure facts, and what of its drawing is not the rules and shades of a table."""

    page: Page
    drawing: Drawing
    width: float
    height: float
    lines: Sequence[TextLine]
    chunks: Sequence[Chunk]
    size: float
    """Of half of its letters the font is at least so large, in points."""
    facts: Sequence[Fact]
    tables: Sequence[Box]
    """Those of its tables that can be trusted, in points."""
    rules: Sequence[Rule]
    boxes: Sequence[FilledBox]
    outlines: Sequence[Outline]

    def is_tabled(self, line: TextLine) -> bool:
        """Whether a line is in a table."""
        x, y = (line.x0s[0] + line.x1s[-1]) / 2, (line.y0s[0] + line.y1s[0]) / 2
        return any(box.x0 <= x <= box.x1 and box.y0 <= y <= box.y1 for box in self.tables)

    def count(self, *kinds: str) -> int:
        return sum(fact.kind in kinds for fact in self.facts)


def view_page(page: Page, drawing: Drawing) -> View:
    width, height = page.width_pt or 1.0, page.height_pt or 1.0
    lines = list_text_lines(page)
    tables = [
        Box(box.x0 * width, box.y0 * height, box.x1 * width, box.y1 * height)
        for box in (table.box for table in page.tables if table.confidence >= MIN_CONFIDENCE)
    ]
    sizes = [word.size for word in page.words if word.size]
    heights = [(word.box.y1 - word.box.y0) * height for word in page.words]
    largest = FRAME * width * height

    return View(
        page,
        drawing,
        width,
        height,
        lines,
        [chunk for line in lines for chunk in _split(line)],
        median(sizes) if sizes else 0.8 * median(heights) if heights else 0.0,
        [fact for fact in page.facts if fact.confidence >= MIN_CONFIDENCE],
        tables,
        [rule for rule in drawing.rules if not is_mostly_inside(rule, tables)],
        [
            box
            for box in drawing.boxes
            if (box.x1 - box.x0) * (box.y1 - box.y0) < largest and not is_mostly_inside(box[:4], tables)
        ],
        [outline for outline in drawing.outlines if not is_mostly_inside(outline[:4], tables)],
    )


def _split(line: TextLine) -> Iterable[Chunk]:
    """The words of a line, parted at gaps of more than half a font size."""
    start = 0
    count = len(line.words)
    for end in range(1, count + 1):
        if end < count and -2 < line.x0s[end] - line.x1s[end - 1] < 0.5 * (line.sizes[end] or 8.0):
            continue
        y0, y1 = min(line.y0s[start:end]), max(line.y1s[start:end])
        text = " ".join(line.texts[start:end])
        yield Chunk(text, line.x0s[start], y0, line.x1s[end - 1], y1, line.sizes[start] or 0.8 * (y1 - y0))
        start = end


def is_mostly_inside(place: Sequence[float], areas: Iterable[Sequence[float]]) -> bool:
    """Whether one of the areas, with a small margin, contains more than half of a place."""
    x0, y0, x1, y1 = place[:4]
    for left, top, right, low in areas:
        wide, high = min(x1, right + _MARGIN) - max(x0, left - _MARGIN), min(y1, low + _MARGIN) - max(y0, top - _MARGIN)
        if wide >= 0.7 * (x1 - x0) and high >= 0.7 * (y1 - y0):
            return True
    return False


def measure_cover(areas: Iterable[Sequence[float]], *, width: float, height: float) -> float:
    """The share of a page (0..1) that areas cover together, on a grid."""
    covered = [0] * _CELLS
    for x0, y0, x1, y1 in (area[:4] for area in areas):
        left, right = _place(x0, width), max(_place(x0, width) + 1, _place(x1, width))
        bits = (1 << right) - (1 << left)
        top = _place(y0, height)
        for row in range(top, min(_CELLS, max(top + 1, _place(y1, height)))):
            covered[row] |= bits
    full = (1 << _CELLS) - 1
    return sum((row & full).bit_count() for row in covered) / _CELLS**2


def _place(at: float, whole: float) -> int:
    return min(_CELLS, max(0, round(at / whole * _CELLS)))
