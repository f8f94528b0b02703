"""Answers of the process that reads PDFs: what is honest comes through as it was, and nothing breaks the parent."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from docmatix.core.documents import Box, Cell, Document, Fact, Page, Part, Refusal, Table, Word, compose_text
from docmatix.core.profiles import Profile
from docmatix.pdf.answers import MAX_READING_BYTES, Malformed, find_form, pack_refusal, unpack_refusal
from docmatix.pdf.page_pictures import read_page_picture
from docmatix.pdf.reading import describe_texts, read_document
from docmatix.pdf.rendering import render_pages
from docmatix.pdf.settings import Extract, Rendering
from docmatix.text.minhash import SIGNATURE_LENGTH
from docmatix.text.page_signatures import PAGE_SIGNATURE_BYTES
from tests import pdfs

DOCUMENTS, IMAGES, PLAIN = find_form(read_document), find_form(render_pages), find_form(len)

WORDS = (
    Word("Größe", Box(0.0, 0.125, 0.25, 1.0), 0, 0),
    Word("می‌شود", Box(0.00001, 0.1, 0.33333, 0.2), 1, 0),
    Word("�", Box(0, 0, 1, 1), 2, 1, 10.125, bold=True, confidence=0.75),
)
BOX = Box(0.1, 0.2, 0.3, 0.4)
CELLS = (
    Cell(0, 0, 1, 2, "a", BOX, header=True),
    Cell(1, 0, 1, 1, "one two", BOX, path=("a", "one two"), role="key"),
    Cell(1, 1, 1, 1, "ß", BOX, path=("a",)),
)
TABLES = (Table(BOX, CELLS, "Table 1", "EUR", ("1 A note.",), 0, 0.5, continues=True),)
FACTS = (Fact("field", "Größe", "ß", ("Maße",), (BOX,), (BOX, BOX), 0.75), Fact("title", "", "a", (), (BOX,)))
DOCUMENT = Document(
    "0123456789abcdef" * 2,
    (
        Page(
            *(1, 612.0, 792.55, 90, 0.1234, compose_text(WORDS), WORDS, TABLES),
            facts=FACTS,
            text_from="ocr",
            route_reason="no_layer",
            ocr_confidence=0.75,
            profile=Profile(text=0.5, tables=1, chart=0.25),
            text_signature=bytes(range(PAGE_SIGNATURE_BYTES)),
        ),
        Page(2, 0.0, 0.0, 0, 0.0, "", (), reason="unreadable"),
        Page(3, 612.0, 792.0, 0, 1.0, compose_text(WORDS[:1]), WORDS[:1], reason="no_text", text_quality=0.75),
    ),
    "de",
    tuple(range(2**32 - SIGNATURE_LENGTH, 2**32)),
)


def test_a_document_comes_through_as_it_was():
    assert DOCUMENTS.unpack(memoryview(DOCUMENTS.pack(DOCUMENT))) == DOCUMENT


def test_a_part_of_a_document_comes_through_with_its_numbers():
    pages = tuple(replace(page, number=page.number + 128) for page in DOCUMENT.pages)
    part = replace(DOCUMENT, pages=pages, language=None, signature=None, part=Part(131, 77, (0, 2**1024 - 1)))
    assert DOCUMENTS.unpack(memoryview(DOCUMENTS.pack(part))) == part


FALSE_PARTS: list[Any] = [
    *([0, 1, []], [2**31, 1, []], [True, 1, []], [5, -1, []], [5, 1], {}),
    *([5, 1, ["x"]], [5, 1, [3]], [5, 1, ["0x" + "f" * 257]]),
]


@pytest.mark.parametrize(
    ("first", "part"),
    [
        *((first, [5, 1, []]) for first in (0, -1, 2**31, True, "1", 1.0)),
        *((1, part) for part in FALSE_PARTS),
        (2, None),
    ],
)
def test_a_part_that_cannot_be_is_malformed(first, part):
    page = [612.0, 792.0, 0, 0.0, "blank", None, 0, [], [], "layer", "", None, None, None]
    header = json.dumps(["0" * 32, None, None, first, part, [page]]).encode()
    with pytest.raises(Malformed):
        DOCUMENTS.unpack(memoryview(len(header).to_bytes(4, "little") + header))


@pytest.mark.parametrize("signed", ["", "00" * (PAGE_SIGNATURE_BYTES - 1), "zz" * PAGE_SIGNATURE_BYTES, 5, [0], True])
def test_a_page_with_another_signature_than_there_are_is_malformed(signed):
    page = [612.0, 792.0, 0, 0.0, "blank", None, 0, [], [], "layer", "", None, None, signed]
    header = json.dumps(["0" * 32, None, None, 1, None, [page]]).encode()
    with pytest.raises(Malformed):
        DOCUMENTS.unpack(memoryview(len(header).to_bytes(4, "little") + header))


def test_language_and_signature_come_through_and_nothing_else_does():
    form = find_form(describe_texts)
    for said in (("de", DOCUMENT.signature), (None, None)):
        assert form.unpack(memoryview(form.pack(said))) == said
    for false in (b"[]", b'["deu", null]', b'["de", [1]]', b'{"de": null}', b"null"):
        with pytest.raises(Malformed):
            form.unpack(memoryview(false))


def test_what_ocr_reads_is_a_text_of_a_bounded_length():
    form = find_form(read_page_picture)
    assert form.unpack(memoryview(form.pack("[[],[1,2,0,0.0]]"))) == "[[],[1,2,0,0.0]]"
    for false in (b"[[]]", b"1", b"null", b'"' + b"a" * MAX_READING_BYTES + b'"'):
        with pytest.raises(Malformed, match="a reading"):
            form.unpack(memoryview(false))


def test_a_document_of_pages_without_words_comes_through():
    blank = Document("0" * 32, (Page(1, 612, 792, 0, 0.0, "", (), reason="blank"),), None, None)
    assert DOCUMENTS.unpack(memoryview(DOCUMENTS.pack(blank))) == blank


def test_what_is_read_and_drawn_comes_through_as_it_was():
    pdf = pdfs.write_distinct_pdf(1)
    document, images = read_document(pdf, settings=Extract()), render_pages(pdf, [1, 1], settings=Rendering(dpi=36))
    assert DOCUMENTS.unpack(memoryview(DOCUMENTS.pack(document))) == document
    assert IMAGES.unpack(memoryview(IMAGES.pack(images))) == images


def test_a_refusal_comes_through_with_what_can_be_said_of_it():
    said = unpack_refusal(memoryview(pack_refusal(Refusal("unreadable", "x\ud800" * 10_000))))
    assert (said.reason, said.detail) == ("unreadable", "x?" * 5_000)


@pytest.mark.parametrize("value", [float("nan"), b"bytes", object(), DOCUMENT])
def test_what_has_no_form_cannot_be_packed(value):
    with pytest.raises((TypeError, ValueError)):
        PLAIN.pack(value)


@given(st.data())
def test_whatever_is_done_to_an_answer_it_is_a_document_or_malformed(data: st.DataObject):
    answer = bytearray(DOCUMENTS.pack(DOCUMENT))
    for _ in range(data.draw(st.integers(1, 4))):
        place = data.draw(st.integers(0, len(answer)))
        answer[place : place + data.draw(st.integers(0, 4))] = data.draw(st.binary(max_size=4))
    try:
        document = DOCUMENTS.unpack(memoryview(answer))
    except Malformed:
        return
    for page in document.pages:
        assert page.text == compose_text(page.words)
        assert all(0 <= x0 <= x1 <= 1 and 0 <= y0 <= y1 <= 1 for x0, y0, x1, y1 in (word.box for word in page.words))


@given(st.binary(max_size=200))
def test_bytes_of_any_kind_are_an_answer_or_malformed(answer: bytes):
    for unpack in (DOCUMENTS.unpack, IMAGES.unpack, PLAIN.unpack, unpack_refusal):
        try:
            unpack(memoryview(answer))
        except Malformed:
            continue
