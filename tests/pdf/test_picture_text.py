"""Which pictures may hold text."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks.routed_pictures import draw_chart, draw_logo, draw_photograph, draw_stamp
from benchmarks.scans import degrade, draw_grey
from docmatix.core.documents import Box
from docmatix.pdf.ocr.straightening import LOOK_DPI
from docmatix.pdf.picture_text import (
    TILE,
    count_text_tiles,
    list_text_pictures,
    may_hold_text,
    measure_unread,
)
from tests import pdfs

if TYPE_CHECKING:
    from PIL.Image import Image

Draw = Callable[[random.Random, tuple[float, float]], "Image"]
PROSE = "The committee met on Tuesday and agreed to repair the roof of the reading room before winter. " * 12


def look_at(draw: Draw, seed: int, size: tuple[float, float] = (170.0, 100.0)) -> Image:
    picture = draw(random.Random(seed), size).convert("L")
    return picture.resize((round(size[0] * LOOK_DPI / 72), round(size[1] * LOOK_DPI / 72)))


def draw_page(text: str = PROSE) -> Image:
    import pymupdf

    with pymupdf.open("pdf", pdfs.write_pdf(text)) as document:
        return draw_grey(document[0], LOOK_DPI)


@pytest.mark.parametrize("draw", [draw_stamp, draw_chart])
@pytest.mark.parametrize("seed", range(8))
def test_stamps_and_charts_may_hold_text(draw: Draw, seed: int) -> None:
    assert may_hold_text(look_at(draw, seed))


@pytest.mark.parametrize("draw", [draw_photograph, draw_logo])
def test_photographs_and_flat_shapes_hold_none_but_for_one_in_ten(draw: Draw) -> None:
    assert sum(may_hold_text(look_at(draw, seed)) for seed in range(20)) <= 2


def test_a_page_of_print_holds_text_clean_degraded_and_in_white_on_black() -> None:
    from PIL import ImageOps

    page = draw_page()
    assert may_hold_text(page)
    assert may_hold_text(ImageOps.invert(page))
    assert may_hold_text(degrade(page, 2.0, random.Random(1)))


def test_a_narrow_column_of_numbers_is_text() -> None:
    assert may_hold_text(
        draw_page("\n".join(str(number * 37 % 1000 + 100) for number in range(30))).crop((60, 60, 200, 500))
    )


def test_words_that_are_known_are_not_found_again() -> None:
    page = draw_page()
    assert count_text_tiles(page) > 20
    assert count_text_tiles(page, [Box(0.0, 0.0, 1.0, 1.0)]) == 0


def test_print_on_which_no_word_lies_is_unread() -> None:
    page = draw_page()
    assert measure_unread(page, []) == 1.0
    assert 0.2 < measure_unread(page, [Box(0.0, 0.0, 1.0, 0.12)]) < 0.8
    assert measure_unread(page, [Box(0.0, 0.0, 1.0, 1.0)]) == 0.0


def test_a_picture_too_small_for_words_holds_none() -> None:
    assert not may_hold_text(draw_page().crop((80, 80, 80 + TILE, 80 + TILE - 1)))


def test_the_strips_of_a_scan_are_one_picture() -> None:
    page = draw_page()
    strips = [Box(0.0, number / 100, 1.0, (number + 1) / 100) for number in range(100)]
    assert list_text_pictures(page, strips, []) == [Box(0.0, 0.0, 1.0, 1.0)]


def test_of_two_pictures_the_one_with_text_is_listed() -> None:
    page = draw_page()
    upper, lower = Box(0.0, 0.0, 1.0, 0.45), Box(0.0, 0.55, 1.0, 1.0)
    assert list_text_pictures(page, [lower, upper], []) == [upper]


@settings(max_examples=30, deadline=None)
@given(st.integers(1, 200), st.integers(1, 200), st.integers(100, 155), st.integers(0, 40), st.integers(0, 2**32 - 1))
def test_noise_on_grey_is_no_text(width: int, height: int, level: int, noise: int, seed: int) -> None:
    from PIL import Image as Images

    pixels = np.random.default_rng(seed).normal(level, noise, (height, width)).clip(0, 255).astype(np.uint8)
    assert not may_hold_text(Images.fromarray(pixels, "L"))
