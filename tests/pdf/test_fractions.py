"""Boxes of the unrotated page become fractions of the displayed one, many at a time as one by one."""

from __future__ import annotations

from types import SimpleNamespace

import pymupdf
from hypothesis import given
from hypothesis import strategies as st

from docmatix.pdf.fractions import Fractions

SIDES = st.one_of(st.floats(-50, 700), st.integers(-1, 200_001).map(lambda at: 612 * at / 200_000), st.floats())
BOXES = st.lists(st.tuples(SIDES, SIDES, SIDES, SIDES), min_size=13, max_size=30)


def make_page(width: float, height: float, matrix: tuple[float, ...] = (1, 0, 0, 1, 0, 0)) -> SimpleNamespace:
    return SimpleNamespace(rotation_matrix=matrix, rect=pymupdf.Rect(0, 0, width, height))


@given(boxes=BOXES, turned=st.booleans())
def test_many_boxes_are_converted_as_each_of_them_is(boxes, turned):
    page = make_page(792, 612, (0, 1, -1, 0, 792, 0)) if turned else make_page(612, 792)
    to_fractions = Fractions(page)
    assert to_fractions.convert(boxes) == list(map(to_fractions, boxes))


def test_a_box_off_the_page_is_none_and_one_over_its_edge_is_cut():
    to_fractions = Fractions(make_page(100, 200))
    boxes = [(-10.0, 20.0, 50.0, 100.0), (120.0, 0.0, 130.0, 10.0), (float("nan"), 0.0, 1.0, 1.0)] * 10
    assert to_fractions.convert(boxes)[:3] == [(0.0, 0.1, 0.5, 0.5), None, None]
