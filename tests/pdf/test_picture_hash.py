"""Pictures of pages as numbers: near when one is the other saved anew, far when anything else is on it."""

from __future__ import annotations

import io
import random

import pytest
from PIL import Image, ImageDraw

from docmatix.pdf.picture_hash import hash_picture
from docmatix.text.minhash import PICTURE_BITS
from tests.pdfs import write_distinct_text

FAR = 0.08 * PICTURE_BITS


def draw_page(number: int, *, hand: int | None = None) -> Image.Image:
    """A page of lines, with some words written over it by hand."""
    page = Image.new("L", (850, 1100), 255)
    canvas = ImageDraw.Draw(page)
    words = (write_distinct_text(number) + " " + write_distinct_text(number + 500)).split()
    for line in range(0, len(words), 8):
        canvas.text((80, 80 + 5 * line), " ".join(words[line : line + 8]), fill=0, font_size=20)
    if hand is not None:
        draws = random.Random(hand)
        for _ in range(12):
            x, y = draws.uniform(80, 600), draws.uniform(80, 1000)
            canvas.line([(x + 5 * step, y + draws.uniform(-8, 8)) for step in range(30)], fill=40, width=2)
    return page


def measure_distance(one: Image.Image, other: Image.Image) -> int:
    return (hash_picture(one) ^ hash_picture(other)).bit_count()


def save(picture: Image.Image, *, quality: int) -> Image.Image:
    buffer = io.BytesIO()
    picture.save(buffer, "JPEG", quality=quality)
    return Image.open(io.BytesIO(buffer.getvalue()))


def test_a_hash_has_a_bit_for_each_frequency_half_of_them_set():
    bits = hash_picture(draw_page(1))
    assert bits.bit_length() <= PICTURE_BITS
    assert bits.bit_count() == PICTURE_BITS // 2


@pytest.mark.parametrize("number", range(4))
def test_a_picture_saved_anew_is_near(number):
    page = draw_page(number)
    smaller = page.resize((600, 776), Image.Resampling.LANCZOS)
    darker = page.point(lambda value: int(value * 0.85))
    for other in (save(smaller, quality=30), darker, page.convert("RGB")):
        assert measure_distance(page, other) < FAR / 2


def test_other_pages_and_other_hands_are_far():
    for number in range(4):
        assert measure_distance(draw_page(number), draw_page(number + 10)) > 3 * FAR
        assert measure_distance(draw_page(number, hand=1), draw_page(number, hand=2)) > FAR


def test_a_picture_of_one_shade_has_one_hash():
    assert {hash_picture(Image.new("L", size, 255)) for size in ((300, 400), (850, 1100))} == {1 << PICTURE_BITS - 1}
