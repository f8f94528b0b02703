"""Shapes on pages, and which straight lines they make."""

from __future__ import annotations

import math
from typing import Any

import pymupdf
import pytest
from hypothesis import given
from hypothesis import strategies as st

from docmatix.pdf.drawings import (
    MAX_CONTENT_BYTES,
    MAX_MARKS,
    MAX_OUTLINES,
    MAX_STROKES,
    Mark,
    Rule,
    list_boxes,
    list_content_shapes,
    list_figures,
    list_rules,
    list_shapes,
    list_widgets,
)
from tests.museum import write_page

UPRIGHT = (1.0, 0.0, 0.0, 1.0, 0.0, 0.0)


def open_page(content: bytes, **parts: Any) -> Any:
    return pymupdf.open(stream=write_page(content, **parts))[0]


def draw(*items: tuple[Any, ...], kind: str = "s", **facts: Any) -> dict[str, Any]:
    return {"type": kind, "items": list(items), "rect": (0, 0, 500, 500), **facts}


def test_a_page_lists_what_is_stroked_and_filled() -> None:
    shapes = list_shapes(open_page(b"10 10 m 200 10 l S 1 0 0 rg 10 20 100 50 re f"))
    assert [shape["type"] for shape in shapes] == ["s", "f"]


def test_a_page_of_endless_content_lists_nothing() -> None:
    assert list_shapes(open_page(b"10 10 m 200 10 l S " * (MAX_CONTENT_BYTES // 19 + 1))) == []


def test_a_page_that_is_gone_lists_nothing() -> None:
    document = pymupdf.open(stream=write_page(b"10 10 m 200 10 l S"))
    page = document[0]
    document.close()
    assert list_shapes(page) == []


@pytest.mark.parametrize(
    ("item", "rules"),
    [
        (("l", (0, 0), (90, 0)), [Rule(0, 0, 90, 0)]),
        (("l", (0, 90), (0, 0)), [Rule(0, 0, 0, 90)]),
        (("l", (0, 0), (90, 40)), []),
        (("re", (0, 10, 90, 11), 1), [Rule(0, 10.5, 90, 10.5)]),
        (("re", (0, 10, 2, 90), 1), [Rule(1, 10, 1, 90)]),
        (("re", (0, 0, 2, 2), 1), []),
        (("re", (0, 0, 9, 8), 1), [Rule(0, 0, 9, 0), Rule(0, 8, 9, 8), Rule(0, 0, 0, 8), Rule(9, 0, 9, 8)]),
        (("qu", ((0, 0), (50, 40), (-40, 50), (10, 90))), []),
        (("c", (0, 0), (0, 30), (0, 60), (0, 90)), []),
        (("l", (0, 0), (math.inf, 0)), []),
        (("l", (math.nan, 0), (90, 0)), []),
    ],
    ids="across down slanting thin narrow dot box turned curve endless nowhere".split(),
)
def test_straight_lines_are_rules(item: tuple[Any, ...], rules: list[Rule]) -> None:
    assert set(list_rules([draw(item)], UPRIGHT)) == set(rules)


def test_rules_stand_where_the_page_is_displayed() -> None:
    page = open_page(b"0 0 m 0 792 l S", page=b"/Rotate 90")
    (rule,) = list_rules(list_shapes(page), page.rotation_matrix)
    assert rule == pytest.approx((0, 0, 792, 0), abs=0.01)


def test_a_shape_on_an_area_of_its_own_colour_is_not_seen() -> None:
    area = draw(("re", (0, 0, 500, 500), 1), kind="f", fill=(0.8, 0.8, 0.8))
    inner = draw(("re", (9, 9, 90, 90), 1), kind="f", fill=(0.8, 0.8, 0.8)) | {"rect": (9, 9, 90, 90)}
    assert len(list_boxes([area, inner], UPRIGHT)) == 1
    assert len(list_boxes([area, inner | {"fill": (0.2, 0.8, 0.8)}], UPRIGHT)) == 2


def test_a_filled_area_has_no_rules_unless_it_is_stroked_or_a_rule_lies_on_its_side() -> None:
    area = draw(("re", (0, 0, 500, 500), 1), kind="f", fill=(0.8, 0.8, 0.8))
    assert list_rules([area], UPRIGHT) == []
    assert len(list_rules([area | {"type": "fs"}], UPRIGHT)) == 4
    assert list_rules([area, draw(("l", (0, 500), (500, 500)))], UPRIGHT) == [Rule(0, 500, 500, 500)]


def test_a_chart_has_no_rules() -> None:
    assert list_rules([draw(("l", (0, 0), (90, 0)))] * (MAX_STROKES + 1), UPRIGHT) == []


def test_annotations_are_not_of_the_content() -> None:
    page = open_page(b"10 10 m 200 10 l S 1 0 0 rg 10 20 100 50 re f")
    page.add_rect_annot(pymupdf.Rect(100, 100, 300, 300))
    shapes = list_shapes(page)
    assert len(shapes) > 2
    assert list_content_shapes(page, shapes) == shapes[:2]


places = st.floats(0, 600, width=32)


@given(st.lists(st.tuples(places, places, places, places), max_size=20))
def test_rules_are_straight_and_within_what_is_drawn(boxes: list[tuple[float, float, float, float]]) -> None:
    for rule in list_rules([draw(("re", box, 1)) for box in boxes], UPRIGHT):
        assert (rule.x0 == rule.x1) != (rule.y0 == rule.y1)
        assert rule.x0 <= rule.x1
        assert rule.y0 <= rule.y1
        assert min(rule) >= 0
        assert max(rule) <= 600


def test_ticks_crosses_and_rings_are_marks_and_frames_are_none() -> None:
    def list_on(content: bytes) -> list[Mark]:
        return list_figures(list_shapes(open_page(content)), UPRIGHT).marks

    tick, cross = b"10 10 m 14 6 l 20 16 l S", b"30 10 m 39 19 l S 30 19 m 39 10 l S"
    dot = b"0 0 0 rg 10 10 m 10 14 4 14 4 10 c 4 6 10 6 10 10 c f"
    assert [(mark.is_round, mark.fill) for mark in list_on(tick)] == [(False, None)]
    assert [(mark.is_round, round(mark.x1 - mark.x0)) for mark in list_on(cross)] == [(False, 9), (False, 9)]
    assert [(mark.is_round, mark.fill) for mark in list_on(dot)] == [(True, (0.0, 0.0, 0.0))]
    assert list_on(b"10 10 9 9 re S 10 40 m 300 40 l S 10 50 m 200 300 l S") == []


def test_letters_drawn_as_outlines_are_no_marks() -> None:
    tick = draw(("l", (10, 10), (14, 14)), ("l", (14, 14), (20, 4)))
    assert list_figures([tick] * (MAX_MARKS + 1), UPRIGHT).marks == []


def test_the_line_of_a_chart_and_a_slice_of_a_pie_are_outlines_and_axes_are_none() -> None:
    line = b"10 10 m 60 80 l 110 40 l 160 90 l S"
    slice_of_pie = b"1 0 0 rg 100 100 m 200 100 l 200 155 155 200 100 200 c h f"
    (outline,) = list_figures(list_shapes(open_page(line)), UPRIGHT).outlines
    assert (round(outline.x1 - outline.x0), outline.lines, outline.curves, outline.fill) == (150, 3, 0, None)
    (outline,) = list_figures(list_shapes(open_page(slice_of_pie)), UPRIGHT).outlines
    assert (outline.curves, outline.fill) == (1, (1.0, 0.0, 0.0))
    assert list_figures(list_shapes(open_page(b"10 300 m 200 300 l S 10 20 90 90 re S")), UPRIGHT).outlines == []


def test_of_a_map_only_so_many_outlines_are_listed() -> None:
    coast = draw(("l", (10, 10), (94, 94)))
    assert len(list_figures([coast] * (MAX_OUTLINES + 1), UPRIGHT).outlines) == MAX_OUTLINES


def test_the_fields_of_a_form_have_what_they_show() -> None:
    document = pymupdf.open()
    page = document.new_page()
    shown = (
        ("Text", "name", "Ada"),
        ("CheckBox", "yes", True),
        ("CheckBox", "no", False),
        ("ListBox", "town", "Leeds"),
    )
    for place, (kind, name, value) in enumerate(shown):
        widget = pymupdf.Widget()
        widget.field_type = getattr(pymupdf, f"PDF_WIDGET_TYPE_{kind.upper()}")
        widget.field_name, widget.rect = name, pymupdf.Rect(50, 50 + 30 * place, 150, 70 + 30 * place)
        if kind == "ListBox":
            widget.choice_values = ["Leeds", "York"]
        widget.field_value = value
        page.add_widget(widget)
    found = list_widgets(pymupdf.open(stream=document.tobytes())[0])
    assert [(one.kind, one.name, one.value, one.checked) for one in found] == [
        ("text", "name", "Ada", False),
        ("checkbox", "yes", "", True),
        ("checkbox", "no", "", False),
        ("choice", "town", "Leeds", False),
    ]
    assert found[0][:4] == pytest.approx((50, 50, 150, 70), abs=1)
    assert list_widgets(open_page(b"")) == []
