"""Page images: their size, colour, format, and that they show what a viewer shows."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path

import pymupdf
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from docmatix.core.documents import Refusal
from docmatix.pdf.rendering import PageImage, render_page, render_pages
from docmatix.pdf.settings import Rendering
from tests import pdfs


def render(pdf: bytes, numbers: tuple[int, ...] = (1,), **options: object) -> list[PageImage]:
    images = render_pages(pdf, numbers, settings=Rendering.model_validate(options))
    assert isinstance(images, list), images
    return images


def decode(image: PageImage) -> Image.Image:
    return Image.open(BytesIO(image.data))


def make_page(width: float, height: float) -> pymupdf.Page:
    return pymupdf.open().new_page(width=width, height=height)


def test_a_letter_page_at_150_dpi_is_1275_by_1650():
    (image,) = render(pdfs.write_pdf("Some text."))
    assert (image.width_px, image.height_px) == (1275, 1650)
    assert decode(image).size == (1275, 1650)


def test_pages_come_in_the_order_asked_for():
    pdf = pdfs.write_pdf("The first page.", "The second page is longer.")
    first, second = render(pdf, (1,))[0], render(pdf, (2,))[0]
    assert first != second
    assert render(pdf, (2, 1, 2)) == [second, first, second]


def test_a_rotated_page_is_drawn_as_displayed():
    (image,) = render(pdfs.write_pdf("Some text.", rotation=90), dpi=72)
    assert (image.width_px, image.height_px) == (792, 612)


def test_a_cropped_page_is_cropped():
    (image,) = render(pdfs.write_cropped_pdf(), dpi=72)
    assert (image.width_px, image.height_px) == (400, 300)


def test_a_huge_page_is_drawn_no_larger_than_allowed():
    (image,) = render(pdfs.write_huge_page_pdf(), max_side_px=500)
    assert (image.width_px, image.height_px) == (500, 500)


@settings(max_examples=60, deadline=None)
@given(
    width=st.floats(1, 14_400), height=st.floats(1, 14_400), max_side_px=st.integers(64, 300), dpi=st.integers(36, 600)
)
def test_no_side_is_longer_than_allowed_and_the_proportions_stay(width, height, max_side_px, dpi):
    image = render_page(make_page(width, height), dpi=dpi, max_side_px=max_side_px)
    assert max(image.width_px, image.height_px) <= max_side_px
    assert min(image.width_px, image.height_px) >= 1
    scale = min(dpi / 72, max_side_px / max(width, height))
    assert abs(image.width_px - width * scale) <= 1
    assert abs(image.height_px - height * scale) <= 1


def test_colours_are_those_of_the_page():
    picture = decode(render(pdfs.write_coloured_pdf(), dpi=72, image_format="png")[0])
    spots = [picture.getpixel(spot) for spot in ((50, 50), (350, 50), (50, 150), (350, 150))]
    assert spots == [pdfs.RED, pdfs.GREEN, pdfs.BLUE, pdfs.WHITE]


def test_only_pages_with_colour_are_drawn_in_colour():
    assert render(pdfs.write_pdf("Black on white."))[0].mode == "L"
    assert render(pdfs.write_coloured_pdf())[0].mode == "RGB"
    assert render(pdfs.write_pdf("Black on white."), color="rgb")[0].mode == "RGB"
    assert render(pdfs.write_coloured_pdf(), color="gray")[0].mode == "L"


def test_a_coloured_hairline_is_enough():
    page = make_page(612, 792)
    page.insert_text((72, 72), "A page with one link that is underlined.")
    page.draw_line((72, 75), (110, 75), color=(0, 0, 1), width=0.5)
    assert render_page(page, dpi=72, max_side_px=2000).mode == "RGB"


@pytest.mark.parametrize(("image_format", "name"), [("jpeg", "JPEG"), ("png", "PNG"), ("webp", "WEBP")])
@pytest.mark.parametrize("write", [pdfs.write_coloured_pdf, lambda: pdfs.write_pdf("Black on white.")])
def test_every_format_holds_the_picture_and_nothing_about_it(image_format, name, write):
    (image,) = render(write(), image_format=image_format, dpi=72)
    picture = decode(image)
    assert picture.format == name
    assert not picture.getexif()
    assert not set(picture.info) & {"exif", "icc_profile", "comment"}


def test_the_same_settings_give_the_same_bytes():
    pdf = pdfs.write_distinct_pdf(1)
    for image_format in ("jpeg", "png", "webp"):
        assert render(pdf, image_format=image_format) == render(pdf, image_format=image_format)


def test_quality_counts():
    pdf = pdfs.write_image_pdf()
    assert len(render(pdf, quality=30)[0].data) < len(render(pdf, quality=95)[0].data)


def test_annotations_and_forms_are_drawn():
    page = make_page(200, 200)
    page.add_rect_annot((20, 20, 80, 80)).update(fill_color=(1, 0, 0))
    widget = pymupdf.Widget()
    widget.field_type, widget.field_name, widget.field_value = pymupdf.PDF_WIDGET_TYPE_TEXT, "name", "MMMMMM"
    widget.rect, widget.text_fontsize = pymupdf.Rect(20, 120, 180, 150), 20
    page.add_widget(widget)
    (image,) = render(page.parent.tobytes(), dpi=72, image_format="png")
    picture = decode(image)
    assert picture.getpixel((50, 50)) == pdfs.RED
    darkest = min(picture.convert("L").crop((20, 120, 180, 150)).tobytes())
    assert darkest < 100


def test_an_open_file_is_read_from_its_start_each_time(tmp_path: Path):
    pdf = pdfs.write_pdf("Some text.")
    path = tmp_path / "a.pdf"
    path.write_bytes(pdf)
    with path.open("rb", buffering=0) as stream:
        for _ in range(2):
            assert render_pages(stream, [1], settings=Rendering()) == render(pdf)


def test_what_cannot_be_opened_or_drawn_is_refused():
    refusals = [
        render_pages(b"no PDF", [1], settings=Rendering()),
        render_pages(pdfs.write_encrypted_pdf("text"), [1], settings=Rendering()),
        render_pages(pdfs.write_pdf("one page"), [1, 2], settings=Rendering()),
    ]
    assert [refusal.reason for refusal in refusals if isinstance(refusal, Refusal)] == [
        "not_pdf",
        "encrypted",
        "unrenderable",
    ]
