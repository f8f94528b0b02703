"""Pictures of pages: scaled down, marked, and None where there is nothing to decode."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageColor

from docmatix.dataset.pictures import (
    COLORS,
    Mark,
    choose_color,
    decode_picture,
    draw_marks,
    encode_picture,
    mark_evidence,
)
from tests.review.datasets import encode_image


def test_a_wide_page_is_scaled_down_and_a_narrow_one_left():
    for size, expected in (((1000, 500), (200, 100)), ((200, 100), (200, 100)), ((50, 400), (50, 400))):
        picture = decode_picture(encode_image("red", size=size), max_width_px=200)
        assert picture is not None
        assert picture.size == expected


@given(st.binary(max_size=300))
def test_an_undecodable_image_is_none(data):
    assert decode_picture(data, max_width_px=100) is None
    assert decode_picture(encode_image("red")[: len(data) % 60], max_width_px=100) is None


def test_an_image_that_would_fill_the_memory_is_none(monkeypatch):
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 100)
    assert decode_picture(encode_image("red"), max_width_px=100) is None


@pytest.mark.parametrize("mode", ["L", "1", "P", "RGBA", "CMYK"])
def test_a_page_of_any_mode_becomes_rgb(mode, tmp_path):
    Image.new("RGB", (30, 40), "white").convert(mode).save(tmp_path / "page.tiff")
    picture = decode_picture((tmp_path / "page.tiff").read_bytes(), max_width_px=100)
    assert picture is not None
    assert picture.mode == "RGB"
    assert picture.size == (30, 40)


def test_a_mark_frames_its_box_in_the_colour_of_its_pair_and_leaves_the_rest():
    page = Image.new("RGB", (400, 400), "white")
    marked = draw_marks(page, [Mark(2, (0.5, 0.5, 0.75, 0.75))])
    assert marked.getpixel((250, 198)) == ImageColor.getrgb(COLORS[1])
    assert marked.getpixel((250, 250)) not in ((255, 255, 255), ImageColor.getrgb(COLORS[1]))
    assert marked.getpixel((100, 300)) == marked.getpixel((350, 350)) == (255, 255, 255)
    assert page.getpixel((250, 198)) == (255, 255, 255)


@given(
    st.lists(
        st.tuples(st.integers(1, 99), st.tuples(*[st.floats(0, 1, width=32)] * 4)).map(
            lambda item: Mark(item[0], (*map(min, item[1][:2], item[1][2:]), *map(max, item[1][:2], item[1][2:])))
        ),
        max_size=3,
    )
)
def test_any_box_can_be_drawn(marks):
    assert draw_marks(Image.new("RGB", (90, 120)), marks).size == (90, 120)


def test_marks_are_those_of_the_page_with_the_numbers_of_their_pairs():
    boxes = [[0.1, 0.1, 0.2, 0.2], [0.1, 0.3, 0.2, 0.4]]
    pairs: list[dict[str, Any]] = [
        {"evidence": None},
        {"evidence": [{"page": 4, "boxes": boxes}, {"page": 5, "boxes": boxes[:1]}]},
        {},
        {"evidence": [{"page": 5, "boxes": boxes[1:]}]},
    ]
    assert mark_evidence(pairs, 4) == [Mark(2, boxes[0]), Mark(2, boxes[1])]
    assert mark_evidence(pairs, 5) == [Mark(2, boxes[0]), Mark(4, boxes[1])]


def test_neighbours_never_share_a_colour():
    assert all(choose_color(number) != choose_color(number + 1) for number in range(1, 40))


def test_a_page_is_a_jpeg_unless_it_is_asked_for_as_png():
    picture = Image.new("RGB", (3, 3))
    assert encode_picture(picture)[:3] == b"\xff\xd8\xff"
    assert encode_picture(picture, image_format="png")[:4] == b"\x89PNG"
