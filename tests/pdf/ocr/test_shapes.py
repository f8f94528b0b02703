"""What is drawn in a picture is found, and letters are not taken for it."""

from __future__ import annotations

import random

import numpy as np
import pytest
from PIL import Image, ImageDraw

from benchmarks.scans import degrade
from docmatix.pdf.ocr.shapes import Shapes, find_shapes
from tests.pdf.ocr.pictures import draw_prose

DPI = 200
POINT = DPI / 72


def at(x0: float, y0: float, x1: float, y1: float) -> tuple[int, int, int, int]:
    return round(x0 * POINT), round(y0 * POINT), round(x1 * POINT), round(y1 * POINT)


def draw_table(page: Image.Image) -> None:
    """Three rows of two columns with a grey header, from 72 to 372 points, below the prose."""
    draw = ImageDraw.Draw(page)
    draw.rectangle(at(72, 500, 372, 520), fill=200)
    for y in (500, 520, 540, 560):
        draw.line(at(72, y, 372, y), fill=0, width=2)
    for x in (72, 222, 372):
        draw.line(at(x, 500, x, 560), fill=0, width=2)


def find(page: Image.Image) -> Shapes:
    return find_shapes(page, dpi=DPI, letters=20.0)[0]


@pytest.mark.parametrize("state", ["clean", "degraded"])
def test_the_rules_of_a_table_are_found(state: str) -> None:
    page = draw_prose(DPI, lines=20)
    draw_table(page)
    if state == "degraded":
        page = degrade(page, 0.0, random.Random(1))
    rules = find(page).list_rules(DPI)
    across = sorted(rule.y0 for rule in rules if rule.y0 == rule.y1)
    down = sorted(rule.x0 for rule in rules if rule.x0 == rule.x1)
    assert across == pytest.approx([500, 520, 540, 560], abs=1)
    assert down == pytest.approx([72, 222, 372], abs=1)
    assert all(rule.x1 - rule.x0 == pytest.approx(300, abs=3) for rule in rules if rule.y0 == rule.y1)


def test_a_grey_header_is_a_filled_box() -> None:
    page = draw_prose(DPI, lines=20)
    draw_table(page)
    (area,) = find(page).areas
    assert [side / POINT for side in (area.x0, area.y0, area.x1, area.y1)] == pytest.approx([72, 500, 372, 520], abs=3)
    assert area.fill == pytest.approx((200 / 255,), abs=0.03)


@pytest.mark.parametrize("size", [8.0, 11.0, 24.0])
def test_prose_has_nothing_drawn(size: float) -> None:
    shapes = find_shapes(draw_prose(DPI, size_pt=size), dpi=DPI, letters=size * POINT)[0]
    assert shapes == Shapes([], [], [], [], [])


def test_boxes_to_tick_are_found_with_their_ticks() -> None:
    page = draw_prose(DPI, lines=4)
    draw = ImageDraw.Draw(page)
    for y in (300, 330):
        draw.rectangle(at(72, y, 82, y + 10), outline=0, width=2)
    draw.line(at(74, 332, 80, 338), fill=0, width=3)
    draw.line(at(80, 332, 74, 338), fill=0, width=3)
    shapes = find(page)
    assert [round(box.y0 / POINT) for box in shapes.squares] == [300, 330]
    (tick,) = shapes.ticks
    assert tick.y0 / POINT > 330


def test_the_thick_frame_of_an_empty_box_is_no_tick() -> None:
    page = draw_prose(DPI, lines=8)
    draw = ImageDraw.Draw(page)
    for y in (330, 360):
        left, top, right, bottom = at(90, y, 102, y + 12)
        # as a scan leaves it that is a degree askew: the upper stroke in two rows, the lower one, too
        draw.rectangle((left, top, right, bottom), outline=0, width=3)
        draw.rectangle((left + 2, top + 2, right - 2, bottom - 2), outline=60, width=2)
    left, top, right, bottom = at(90, 360, 102, 372)
    draw.line((left + 4, top + 4, right - 4, bottom - 4), fill=0, width=4)
    draw.line((left + 4, bottom - 4, right - 4, top + 4), fill=0, width=4)
    shapes = find(page)
    assert len(shapes.squares) == 2
    (tick,) = shapes.ticks
    assert tick.y0 / POINT > 360


def test_a_field_to_write_in_is_a_frame() -> None:
    page = draw_prose(DPI, lines=4)
    ImageDraw.Draw(page).rectangle(at(150, 300, 350, 318), outline=0, width=2)
    (frame,) = find(page).frames
    assert [side / POINT for side in (frame.x0, frame.x1)] == pytest.approx([150, 350], abs=1)


def test_light_letters_on_dark_ground_become_dark_on_light() -> None:
    page = draw_prose(DPI, lines=20)
    word = draw_prose(DPI, lines=1).crop(at(72, 75, 200, 95)).point(lambda value: 255 - value)
    ImageDraw.Draw(page).rectangle(at(72, 500, 372, 530), fill=0)
    page.paste(word, at(100, 505, 0, 0)[:2])
    _, cleaned = find_shapes(page, dpi=DPI, letters=20.0)
    part = np.asarray(cleaned.crop(at(78, 506, 366, 524)))
    assert np.median(part) > 240
    assert part.min() < 60


def test_rules_are_gone_from_the_picture_that_is_read() -> None:
    page = Image.new("L", (1700, 2200), 255)
    draw_table(page)
    _, cleaned = find_shapes(page, dpi=DPI, letters=20.0)
    assert np.asarray(cleaned).min() > 180


def test_a_line_down_the_page_that_is_short_joins_two_across() -> None:
    page = Image.new("L", (1700, 2200), 255)
    ImageDraw.Draw(page).line(at(300, 500, 300, 520), fill=0, width=3)
    assert find(page).strokes == []
    draw_table(page)
    assert len(find(page).strokes) == 7
