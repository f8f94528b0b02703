"""Paper without print is blank, however noisy; a page with anything on it is not, however small."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from PIL import Image, ImageDraw

from docmatix.pdf.ocr.blankness import is_blank
from tests.pdf.ocr.pictures import draw_prose

if TYPE_CHECKING:
    from PIL.Image import Image as Picture

LETTER_PX = (850, 1100)


def draw_paper(size: tuple[int, int] = LETTER_PX, *, noise: float = 0.0, specks: int = 0) -> Picture:
    """Grey paper, with noise of this standard deviation and black specks of a pixel."""
    draws = np.random.default_rng(5)
    pixels = 220 + draws.normal(0, noise, (size[1], size[0]))
    for _ in range(specks):
        pixels[draws.integers(size[1]), draws.integers(size[0])] = 0
    return Image.fromarray(pixels.clip(0, 255).astype(np.uint8))


@pytest.mark.parametrize("noise", [0.0, 6.0, 18.0])
@pytest.mark.parametrize("specks", [0, 60])
def test_paper_is_blank(noise: float, specks: int) -> None:
    assert is_blank(draw_paper(noise=noise, specks=specks))


@pytest.mark.parametrize("noise", [0.0, 18.0])
def test_a_line_of_print_is_not(noise: float) -> None:
    paper = draw_paper(noise=noise)
    printed = draw_prose(100, lines=1)
    paper.paste(printed.crop((0, 0, 850, 200)).point(lambda value: value * 220 // 255), (0, 300))
    assert not is_blank(paper)


def test_a_logo_that_fills_a_small_page_is_not() -> None:
    logo = Image.new("L", (204, 44), 255)
    ImageDraw.Draw(logo).ellipse((4, 4, 40, 40), fill=110)
    for x in range(60, 190, 12):
        ImageDraw.Draw(logo).rectangle((x, 10, x + 5, 34), fill=110)
    assert not is_blank(logo)


def test_a_small_page_of_nothing_is() -> None:
    assert is_blank(draw_paper((204, 44), noise=3.0))


def test_a_grey_photograph_is_not() -> None:
    shades = np.tile(np.linspace(30, 230, LETTER_PX[0]), (LETTER_PX[1], 1))
    assert not is_blank(Image.fromarray(shades.astype(np.uint8)))
