"""The page images of a data set, as they are sent to a model."""

from __future__ import annotations

import asyncio
import io

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from PIL import Image

from docmatix.core.pairs import Failure, Picture
from docmatix.evaluation import shown_pictures
from docmatix.evaluation.settings import SentPictures
from docmatix.evaluation.shown_pictures import AT_HAND, PictureEncoder, encode_for_model, measure_picture
from tests.evaluation.datasets import encode_page

SETTINGS = SentPictures(max_side_px=64)


def measure(data: bytes) -> Picture:
    picture = measure_picture(data, 1, settings=SETTINGS)
    assert picture is not None
    return picture


@given(st.integers(1, 400), st.integers(1, 400))
@example(1, 65)
@example(3, 4000)
def test_a_picture_is_sent_in_the_size_that_was_measured(width: int, height: int):
    data = encode_page("red", size=(width, height))
    picture = measure_picture(data, 3, settings=SETTINGS)
    assert picture is not None
    sent = encode_for_model(data, picture)
    assert sent is not None
    with Image.open(io.BytesIO(sent)) as image:
        assert image.format == "JPEG"
        assert image.size == (picture.width_px, picture.height_px)
        assert max(image.size) <= 64
    assert picture.page == 3
    assert (picture.scale == 1.0) == (max(width, height) <= 64)


def test_another_content_is_another_picture():
    red, blue = (measure_picture(encode_page(color), 1, settings=SETTINGS) for color in ("red", "blue"))
    assert red is not None
    assert red != blue
    assert red == measure_picture(encode_page("red"), 1, settings=SETTINGS)


@pytest.mark.parametrize("data", [b"", b"GIF89a", b"%PDF-1.4", encode_page("red")[:40], b"\xff\xd8\xff" + b"x" * 99])
def test_what_is_no_picture_is_none(data: bytes):
    picture = measure_picture(data, 1, settings=SETTINGS)
    assert picture is None or encode_for_model(data, picture) is None


def test_an_image_that_unpacks_to_gigabytes_is_not_decoded():
    buffer = io.BytesIO()
    Image.new("1", (40_000, 40_000)).save(buffer, "PNG")
    assert len(buffer.getvalue()) < 1 << 20
    assert measure_picture(buffer.getvalue(), 1, settings=SETTINGS) is None


def test_a_page_is_encoded_once_for_all_its_questions(monkeypatch):
    pages = [encode_page(color) for color in ("red", "green")]
    pictures = list(map(measure, pages))
    encoded: list[bytes] = []

    def count_and_encode(data, picture):
        encoded.append(data)
        return encode_for_model(data, picture)

    monkeypatch.setattr(shown_pictures, "encode_for_model", count_and_encode)

    async def encode_for_many() -> None:
        encoder = PictureEncoder()
        sent = await asyncio.gather(*(encoder.encode(pages, pictures) for _ in range(9)))
        assert all(each == sent[0] for each in sent)
        assert sorted(encoded) == sorted(pages)
        for number in range(AT_HAND):
            other = encode_page("white", size=(number + 1, 5))
            await encoder.encode([other], [measure(other)])
        assert len(encoder._at_hand) == AT_HAND

    asyncio.run(encode_for_many())


def test_a_damaged_picture_among_others_is_told():
    page = encode_page("red", size=(50, 50), image_format="JPEG")
    damaged = encode_page("red", size=(50, 50))[:-40]
    pages = [page, damaged]
    pictures = list(map(measure, pages))

    async def encode() -> object:
        return await PictureEncoder().encode(pages, pictures)

    assert asyncio.run(encode()) == Failure("image_unreadable")
