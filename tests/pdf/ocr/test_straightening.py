"""How a picture of text is turned and askew, and how high its letters are."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageDraw

from docmatix.core.documents import Box
from docmatix.pdf.ocr.straightening import (
    LOOK_DPI,
    Straightening,
    find_ink,
    find_lines,
    is_sideways,
    measure_letters,
    measure_noise,
    smooth,
    straighten,
    to_dark_on_light,
)
from tests.pdf.ocr.pictures import draw_prose


@pytest.mark.parametrize("skew", [-3.0, -1.2, -0.4, 0.0, 0.7, 2.5])
def test_lines_that_run_askew_are_made_level(skew: float) -> None:
    askew = straighten(draw_prose(LOOK_DPI), 0, skew)
    assert find_lines(find_ink(askew)).skew == pytest.approx(-skew, abs=0.25)


def test_level_lines_are_left_alone() -> None:
    assert find_lines(find_ink(draw_prose(LOOK_DPI))).skew == 0.0


@pytest.mark.parametrize("turns", [0, 1, 2, 3])
@pytest.mark.parametrize("skew", [0.0, 2.0])
def test_text_that_runs_up_or_down_the_page_is_told_from_text_across_it(turns: int, skew: float) -> None:
    ink = find_ink(straighten(draw_prose(LOOK_DPI), turns, skew))
    assert is_sideways(find_lines(ink), find_lines(ink.T[:, ::-1])) == bool(turns % 2)


def test_rules_down_a_table_are_no_lines_of_text() -> None:
    picture = draw_prose(LOOK_DPI)
    for x in range(80, 800, 60):
        ImageDraw.Draw(picture).line([(x, 60), (x, 1040)], fill=0, width=2)
    ink = find_ink(picture)
    assert not is_sideways(find_lines(ink), find_lines(ink.T[:, ::-1]))


def test_a_white_page_has_no_lines_and_no_letters() -> None:
    ink = find_ink(Image.new("L", (850, 1100), 255))
    assert find_lines(ink).skew == 0.0
    assert measure_letters(ink) is None


def test_higher_letters_measure_more() -> None:
    small, large = (measure_letters(find_ink(draw_prose(LOOK_DPI, size_pt=size))) for size in (8.0, 16.0))
    assert small is not None
    assert large is not None
    assert large == pytest.approx(2 * small, rel=0.2)


def test_grey_paper_is_no_ink() -> None:
    picture = draw_prose(LOOK_DPI).point(lambda value: value * 0.8)
    assert find_ink(picture).mean() == pytest.approx(find_ink(draw_prose(LOOK_DPI)).mean(), abs=0.01)


def test_white_letters_on_black_become_black_on_white() -> None:
    picture = draw_prose(LOOK_DPI)
    inverted = picture.point(lambda value: 255 - value)
    assert np.array_equal(np.asarray(to_dark_on_light(inverted)), np.asarray(picture))
    assert to_dark_on_light(picture) is picture


@pytest.mark.parametrize("turns", [0, 1, 2, 3])
@pytest.mark.parametrize("skew", [0.0, -2.4, 3.0])
def test_a_box_is_found_on_the_page_where_its_ink_is(turns: int, skew: float) -> None:
    page = Image.new("L", (600, 800), 255)
    ImageDraw.Draw(page).rectangle((120, 200, 180, 230), fill=0)
    straight = straighten(page, turns, skew)
    rows, columns = np.nonzero(np.asarray(straight) < 128)
    shares = (columns.min() / straight.width, rows.min() / straight.height)
    ends = (columns.max() / straight.width, rows.max() / straight.height)
    placed = Straightening(600, 800, turns, skew).to_page(Box(*map(float, (*shares, *ends))))
    ink = Box(120 / 600, 200 / 800, 181 / 600, 231 / 800)
    # around ink that is askew in the picture, a box is a little larger
    slack = 60 * math.sin(math.radians(abs(skew))) / 600 + 0.006
    assert all(abs(one - other) <= slack for one, other in zip(placed, ink, strict=True))


@given(
    st.integers(0, 3),
    st.floats(-5, 5),
    st.tuples(*[st.floats(0, 1)] * 4),
)
def test_boxes_on_the_page_are_boxes(turns: int, skew: float, corners: tuple[float, float, float, float]) -> None:
    (x0, x1), (y0, y1) = sorted((corners[0], corners[2])), sorted((corners[1], corners[3]))
    placed = Straightening(612, 792, turns, skew).to_page(Box(x0, y0, x1, y1))
    assert 0 <= placed.x0 <= placed.x1 <= 1
    assert 0 <= placed.y0 <= placed.y1 <= 1


@given(st.integers(0, 3))
def test_without_skew_the_whole_picture_is_the_whole_page(turns: int) -> None:
    assert Straightening(612, 792, turns).to_page(Box(0, 0, 1, 1)) == Box(0, 0, 1, 1)


def test_coarse_grain_is_smoothed_and_fine_noise_and_clean_paper_are_left() -> None:
    clean = draw_prose(LOOK_DPI)
    noise = np.random.default_rng(1).normal(0, 15, (clean.height, clean.width))
    noisy = Image.fromarray((np.asarray(clean) * 0.85 + noise).clip(0, 255).astype(np.uint8), "L")
    larger = (4 * clean.width, 4 * clean.height)
    coarse = noisy.resize(larger, Image.Resampling.BILINEAR)
    assert smooth(clean, 26) is clean
    assert smooth(noisy, 26) is noisy
    assert measure_noise(smooth(coarse, 26)) < 0.8 * measure_noise(coarse)
