"""Page images that shrink until they fit."""

from __future__ import annotations

import pytest

from docmatix.review.sheets import shrink_page, shrink_pages
from tests.pictures import draw_noise, open_uri


@pytest.mark.parametrize(("mode", "image_format"), [("L", "PNG"), ("RGB", "JPEG"), ("RGB", "WEBP"), ("P", "PNG")])
def test_a_page_image_of_any_kind_becomes_a_small_webp(mode: str, image_format: str):
    sheet = shrink_page(7, draw_noise(mode=mode, image_format=image_format), longest=300, quality=50)
    image = open_uri(sheet.src)
    assert (sheet.page, sheet.width_px, sheet.height_px) == (7, 300, 300)
    assert image.size == (300, 300)


def test_a_small_page_image_is_not_made_larger():
    sheet = shrink_page(1, draw_noise(40), longest=1100, quality=50)
    assert (sheet.width_px, sheet.height_px) == (40, 40)


def test_an_image_that_is_damaged_is_a_sheet_that_says_so():
    sheet = shrink_page(1, b"no image", longest=300, quality=50)
    assert sheet.src == ""
    assert sheet.problem == "its image cannot be read (UnidentifiedImageError)"


def test_pictures_get_smaller_until_they_fit():
    images = {1: draw_noise(), 2: draw_noise()}
    roomy, tight = shrink_pages(images, 10**7), shrink_pages(images, 300_000)
    assert roomy is not None
    assert tight is not None
    assert roomy[1].width_px > tight[1].width_px
    assert sum(len(sheet.src) for sheet in tight.values()) <= 300_000
    assert shrink_pages(images, 1000) is None
