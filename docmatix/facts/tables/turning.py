"""Turns a page whose text runs up or down, so that its tables are read as if it stood upright; and boxes back."""

from __future__ import annotations

import itertools
from dataclasses import replace

from docmatix.core.documents import Box, Page
from docmatix.pdf.drawings import Drawing, FilledBox, Rule


def find_turn(page: Page) -> bool | None:
    """Whether most text runs upwards (True) or downwards (False); None where it runs to the right."""
    width, height = page.width_pt, page.height_pt
    long = [word for word in page.words if len(word.text) > 2]
    tall = sum((word.box.y1 - word.box.y0) * height > 1.2 * (word.box.x1 - word.box.x0) * width for word in long)
    if tall <= len(long) / 2:
        return None
    steps = sum(
        (after.box.y0 > before.box.y0) - (after.box.y0 < before.box.y0)
        for before, after in itertools.pairwise(page.words)
        if before.line == after.line
    )
    return steps <= 0


def turn_box(box: Box, *, upwards: bool) -> Box:
    """A box of a page as it is on the page turned upright."""
    x0, y0, x1, y1 = box
    return Box(1 - y1, x0, 1 - y0, x1) if upwards else Box(y0, 1 - x1, y1, 1 - x0)


def turn_back(box: Box, *, upwards: bool) -> Box:
    """The opposite of `turn_box`."""
    return turn_box(box, upwards=not upwards)


def turn_page(page: Page, drawing: Drawing, *, upwards: bool) -> tuple[Page, Drawing]:
    """A page and what is drawn on it, turned upright."""
    width, height = page.width_pt, page.height_pt
    words = tuple(word._replace(box=turn_box(word.box, upwards=upwards)) for word in page.words)

    def turn(x0: float, y0: float, x1: float, y1: float) -> tuple[float, float, float, float]:
        return (height - y1, x0, height - y0, x1) if upwards else (y0, width - x1, y1, width - x0)

    rules = tuple(Rule(*turn(*rule)) for rule in drawing.rules)
    boxes = tuple(FilledBox(*turn(*box[:4]), stroked=box.stroked, fill=box.fill) for box in drawing.boxes)
    return replace(page, width_pt=height, height_pt=width, words=words), Drawing(rules, boxes, drawing.widgets)
