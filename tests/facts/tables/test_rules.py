"""The rules of a page, made ready for tables."""

from __future__ import annotations

from docmatix.facts.tables.rules import list_sides
from docmatix.pdf.drawings import Drawing, FilledBox, Rule


def test_boxes_that_are_filled_alone_have_sides_each_once() -> None:
    left, right = FilledBox(0, 0, 10, 5, False, (0.9,)), FilledBox(10, 0, 20, 5, False, (0.8,))
    stroked = FilledBox(0, 50, 10, 55, True, (0.9,))
    sides = list_sides(Drawing(boxes=(left, right, stroked)))
    assert len(sides) == 7
    assert sides.count(Rule(10, 0, 10, 5)) == 1
    assert all(side.y1 <= 5 for side in sides)
