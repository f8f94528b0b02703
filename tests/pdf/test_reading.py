"""Reading PDFs: what is refused and why, what is reported about pages, where words stand and in which order."""

from __future__ import annotations

import json
import zipfile
from io import BytesIO
from typing import Any

import pymupdf
import pytest
from hypothesis import given
from hypothesis import strategies as st

from docmatix.core.documents import Document, Page, Refusal, compose_text
from docmatix.pdf.characters import clean_text
from docmatix.pdf.reading import make_doc_id, open_pdf, raise_if_memory, read_document, read_page
from docmatix.pdf.settings import Extract
from tests import pdfs

PROSE = "The harbour master counted forty ships before noon and wrote their names into the register."


def read(pdf: bytes, **settings: Any) -> Document:
    document = read_document(pdf, settings=Extract(**settings))
    assert isinstance(document, Document), document
    return document


def read_only_page(pdf: bytes, *, min_words: int = 1) -> Page:
    document = open_pdf(pdf)
    assert not isinstance(document, Refusal), document
    return read_page(document, 0, min_words=min_words)


def refuse(pdf: bytes, **settings: Any) -> str:
    refusal = read_document(pdf, settings=Extract(**settings))
    assert isinstance(refusal, Refusal)
    return refusal.reason


def write_zip() -> bytes:
    buffer = BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("a.txt", "text")
    return buffer.getvalue()


# --- refusals ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "data",
    [
        b"<html><body><p>MuPDF would read this page.</p></body></html>",
        pymupdf.Pixmap(pymupdf.csRGB, pymupdf.IRect(0, 0, 9, 9)).tobytes("png"),
        write_zip(),
        b"plain text",
        b" " * 2000 + pdfs.write_pdf(PROSE),
    ],
    ids=["html", "png", "zip", "text", "late header"],
)
def test_another_format_is_refused_although_mupdf_would_open_it(data):
    assert refuse(data) == "not_pdf"


def test_rubbish_before_the_header_is_forgiven():
    assert read(b"\xef\xbb\xbf\r\n" + pdfs.write_pdf(PROSE)).pages[0].text.startswith("The harbour master")


def test_a_file_that_needs_a_password_is_encrypted():
    assert refuse(pdfs.write_encrypted_pdf(PROSE)) == "encrypted"


def test_a_file_that_only_restricts_copying_is_read():
    assert "harbour" in read(pdfs.write_empty_password_pdf(PROSE)).pages[0].text


def test_no_bytes_and_no_pages_are_empty():
    assert refuse(b"") == "empty"
    assert refuse(pdfs.write_zero_page_pdf()) == "empty"


def test_a_header_without_a_document_is_unreadable():
    assert refuse(b"%PDF-1.7\n" + bytes(range(256)) * 20) == "unreadable"


def test_a_truncated_file_never_raises():
    pdf = pdfs.write_many_pages(5)
    for share in (0.05, 0.3, 0.6, 0.9, 0.99):
        outcome = read_document(pdfs.truncate(pdf, share), settings=Extract())
        assert isinstance(outcome, (Document, Refusal))


def test_too_many_pages_words_or_bytes_are_too_large():
    pdf = pdfs.write_many_pages(6)
    assert refuse(pdf, max_pages=5) == "too_large"
    assert refuse(pdf, max_words=40) == "too_large"
    assert refuse(pdf + b"\n" * 2**20, max_file_mb=1) == "too_large"
    assert len(read(pdf, max_pages=6).pages) == 6


def test_a_document_without_a_usable_page_says_how_its_pages_are():
    blank_and_scan = pymupdf.open(stream=pdfs.write_pdf("", "two words"))
    blank_and_scan.insert_pdf(pymupdf.open(stream=pdfs.write_image_pdf()))
    refusal = read_document(blank_and_scan.tobytes(), settings=Extract())
    assert refusal == Refusal("no_text", "no usable page: 1 blank, 2 no_text")


# --- documents --------------------------------------------------------------------------------------------------------


def test_a_document_has_its_pages_language_and_signature():
    document = read(pdfs.write_pdf(" ".join([PROSE] * 3), pdfs.write_distinct_text(1)))
    assert [page.number for page in document.pages] == [1, 2]
    assert document.language == "en"
    assert document.signature is not None
    assert document.doc_id == make_doc_id(pdfs.write_pdf(" ".join([PROSE] * 3), pdfs.write_distinct_text(1)))


def test_the_same_bytes_give_the_same_document():
    pdf = pdfs.write_distinct_pdf(3)
    assert read(pdf) == read(pdf)


def test_unusable_pages_stay_between_usable_ones():
    document = read(pdfs.write_pdf(PROSE, "", PROSE))
    assert [page.reason for page in document.pages] == [None, "blank", None]


def test_the_words_of_a_twin_take_the_place_of_those_of_the_pdf():
    texts = [f"word{number}" for number in range(8)]
    words = {
        "text": texts,
        "bbox": [[0.1 * number, 0.1, 0.08, 0.02] for number in range(8)],
        "score": [1.0] * 8,
        "line_pos": [[0, number] for number in range(8)],
    }
    twin = json.dumps({"pages": [{"words": words, "lines": {}, "images_bbox": []}]}).encode()
    document = read_document(pdfs.write_image_pdf(), settings=Extract(), twin=twin)
    assert isinstance(document, Document)
    assert document.pages[0].text == " ".join(texts)
    assert document.pages[0].reason is None


def test_a_broken_twin_is_not_believed():
    document = read_document(pdfs.write_pdf(PROSE), settings=Extract(), twin=b"{")
    assert isinstance(document, Document)
    assert "harbour" in document.pages[0].text


# --- page facts -------------------------------------------------------------------------------------------------------


def test_a_page_on_which_nothing_shows_is_blank():
    assert read_only_page(pdfs.write_pdf("")).reason == "blank"


def test_a_page_painted_in_one_colour_is_blank_and_a_drawing_is_not():
    def draw(rectangle: tuple[float, float, float, float]) -> bytes:
        document = pymupdf.open()
        document.new_page(width=200, height=200).draw_rect(rectangle, fill=(0.8, 0.9, 1), color=None)
        return bytes(document.tobytes())

    assert read_only_page(draw((-1, -1, 201, 201))).reason == "blank"
    assert read_only_page(draw((50, 50, 52, 180))).reason == "no_text"


def test_a_scan_has_no_text_and_an_image_share():
    page = read_only_page(pdfs.write_image_pdf(share=0.5))
    assert page.reason == "no_text"
    assert page.image_share == pytest.approx(0.5, abs=0.02)


def test_the_invisible_text_under_a_scan_is_read():
    page = read_only_page(pdfs.write_image_pdf(hidden_text=PROSE))
    assert page.reason is None
    assert page.text.split() == PROSE.split()
    assert page.image_share == 1.0


def test_a_page_with_too_few_words_has_no_text():
    pdf = pdfs.write_pdf("only three words")
    assert read_only_page(pdf, min_words=4).reason == "no_text"
    assert read_only_page(pdf, min_words=3).reason is None


def test_a_page_that_fails_is_unreadable_and_the_others_stay():
    class Broken:
        def load_page(self, index: int) -> Any:
            raise RuntimeError("cycle in page tree")

    page = read_page(Broken(), 1, min_words=5)
    assert (page.number, page.reason) == (2, "unreadable")


def test_running_out_of_memory_is_not_taken_for_a_broken_page():
    class Huge:
        def load_page(self, index: int) -> Any:
            raise RuntimeError("code=1: malloc (123456789 bytes) failed")

    with pytest.raises(MemoryError, match="malloc"):
        read_page(Huge(), 0, min_words=5)
    raise_if_memory(ValueError("something else"))


# --- garbled text -----------------------------------------------------------------------------------------------------


def write_without_meanings(text: str) -> bytes:
    """Text in a font whose /ToUnicode has nothing but private-use characters, as many subset fonts do."""
    content = b"BT /F1 12 Tf 72 700 Td (%b) Tj ET" % text.encode("latin-1")
    cmap = b"begincmap 1 begincodespacerange <00> <ff> endcodespacerange "
    cmap += b"1 beginbfrange <21> <ff> <e021> endbfrange endcmap"
    return pdfs._assemble(
        [
            b"<</Type/Catalog/Pages 2 0 R>>",
            b"<</Type/Pages/Count 1/Kids[3 0 R]>>",
            b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 612 792]/Resources<</Font<</F1 4 0 R>>>>/Contents 5 0 R>>",
            b"<</Type/Font/Subtype/Type1/BaseFont/Helvetica/ToUnicode 6 0 R>>",
            b"<</Length %d>>\nstream\n%b\nendstream" % (len(content), content),
            b"<</Length %d>>\nstream\n%b\nendstream" % (len(cmap), cmap),
        ]
    )


def test_a_page_whose_font_tells_no_characters_is_garbled():
    page = read_only_page(write_without_meanings("nobody can know what this sentence says"))
    assert page.reason == "garbled"
    assert set(page.text) <= {"\ufffd", " "}


def test_a_page_whose_letters_make_no_words_is_garbled_and_says_how_badly():
    shifted = "".join(chr(ord(letter) - 29) if letter.isalpha() else letter for letter in PROSE * 5)
    page = read_only_page(pdfs.write_pdf(shifted))
    assert (page.reason, page.text_quality) == ("garbled", 0.0)
    page = read_only_page(pdfs.write_pdf(PROSE * 5))
    assert page.reason is None
    assert page.text_quality is not None
    assert page.text_quality > 0.9


def test_a_page_of_numbers_has_no_quality_and_is_usable():
    page = read_only_page(pdfs.write_pdf("1,204 3,988 77.4 % " * 50))
    assert (page.reason, page.text_quality) == (None, None)


# --- words and characters ---------------------------------------------------------------------------------------------


def find_word(page: Page, text: str) -> Any:
    return next(word for word in page.words if word.text == text)


def test_text_is_composed_from_the_words():
    page = read_only_page(pdfs.write_distinct_pdf(2))
    assert page.text == compose_text(page.words)


@pytest.mark.parametrize("rotation", [0, 90, 180, 270])
def test_a_rotated_page_keeps_its_reading_order(rotation):
    page = read_only_page(pdfs.write_pdf(pdfs.write_distinct_text(5), rotation=rotation))
    assert page.rotation == rotation
    assert page.text.split() == pdfs.write_distinct_text(5).split()
    assert (page.width_pt > page.height_pt) == (rotation in {90, 270})


@pytest.mark.parametrize("rotation", [0, 90, 180, 270])
def test_boxes_hold_the_ink_of_their_words(rotation):
    pdf = pdfs.write_cropped_pdf(rotation=rotation)
    page = read_only_page(pdf)
    assert "outside" not in page.text
    pixmap = pymupdf.open(stream=pdf)[0].get_pixmap(dpi=144, colorspace=pymupdf.csGRAY)
    box = find_word(page, "sentence").box
    left, top, right, bottom = (
        round(value * size) for value, size in zip(box, (pixmap.width, pixmap.height) * 2, strict=True)
    )
    dark = [pixmap.pixel(x, y)[0] < 128 for x in range(left, right) for y in range(top, bottom)]
    assert 0.05 < sum(dark) / len(dark) < 0.6


def test_boxes_are_fractions_in_five_digits():
    page = read_only_page(pdfs.write_distinct_pdf(4))
    for word in page.words:
        assert 0 <= word.box.x0 < word.box.x1 <= 1
        assert 0 <= word.box.y0 < word.box.y1 <= 1
        assert all(round(value, 5) == value for value in word.box)


def test_filled_in_forms_are_read():
    document = pymupdf.open()
    page = document.new_page()
    page.insert_text((72, 100), "Name of the applicant:")
    widget = pymupdf.Widget()
    widget.field_type, widget.field_name = pymupdf.PDF_WIDGET_TYPE_TEXT, "name"
    widget.field_value, widget.rect = "Wilhelmina", pymupdf.Rect(220, 85, 400, 105)
    page.add_widget(widget)
    assert "Wilhelmina" in read_only_page(document.tobytes()).text


@pytest.mark.parametrize(
    ("raw", "clean"),
    [
        ("word", "word"),
        ("\ufb01nal", "final"),
        ("co\u00adoperate", "co-operate"),
        ("e\u0301t\u00e9", "\u00e9t\u00e9"),
        ("\ufefftitle\u200b", "title"),
        ("\uf0b7", "\u2022"),
        ("a\x00b\x1bc", "a\ufffdb\ufffdc"),
        ("\ud800x", "\ufffdx"),
        ("\ue123", "\ufffd"),
        ("x\u00b2", "x\u00b2"),
        ("\ufefb", "\u0644\u0627"),
        ("\u0645\u06cc\u200c\u0631\u0648\u062f", "\u0645\u06cc\u200c\u0631\u0648\u062f"),
        ("two words", "two words"),
        ("two\u2003words", "twowords"),
        ("a\u0339 \u0334", "a\u0334\u0339"),
    ],
)
def test_characters_become_what_every_format_can_hold(raw, clean):
    assert clean_text(raw) == clean


@given(st.text(st.characters()))
def test_clean_text_stays_clean_and_can_be_written_anywhere(text):
    clean = clean_text(text)
    assert clean_text(clean) == clean
    clean.encode("utf-8")
    assert not any(letter < " " or "\x7f" <= letter <= "\x9f" for letter in clean)
