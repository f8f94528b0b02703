"""A page with a text layer and a scanned stamp keeps its words, and gets those of the stamp once."""

from __future__ import annotations

import random
from collections import Counter

from benchmarks.routed_pages import STAMP_PT
from benchmarks.routed_pictures import draw_photograph, draw_stamp, to_jpeg
from docmatix.core.documents import Page, Refusal
from docmatix.facts.extraction import extract_document
from docmatix.pdf.ocr.tesseract import Tesseract
from docmatix.pdf.page_pictures import read_page_picture
from docmatix.pdf.settings import Extract
from docmatix.pdf.text_source import has_bare_pictures
from tests import pdfs
from tests.pdf.ocr.installed import needs

ENGINE = Tesseract(languages=("eng",))
pytestmark = needs(ENGINE)

LETTER = pdfs.write_distinct_text(7)


def write_page(picture: bytes, place: tuple[float, float, float, float]) -> bytes:
    import pymupdf

    with pymupdf.open("pdf", pdfs.write_pdf(LETTER)) as document:
        document[0].insert_image(place, stream=picture)
        return bytes(document.tobytes())


def write_stamped(place: tuple[float, float] = (380, 640)) -> bytes:
    size = (1.4 * STAMP_PT[0], 1.4 * STAMP_PT[1])
    picture = to_jpeg(draw_stamp(random.Random(4), size), 75)
    return write_page(picture, (*place, place[0] + size[0], place[1] + size[1]))


def read_layer(pdf: bytes) -> Page:
    found = extract_document(pdf, settings=Extract())
    assert not isinstance(found, Refusal), found
    return found.pages[0]


def read(pdf: bytes) -> Page:
    """The page as a build reads it: its pictures only where the layer says that they may have words."""
    readings = {}
    if has_bare_pictures(read_layer(pdf)):
        readings[1] = read_page_picture(pdf, 1, engine=ENGINE, beside_layer=True)
    found = extract_document(pdf, settings=Extract(), readings=readings)
    assert not isinstance(found, Refusal), found
    return found.pages[0]


def test_the_words_of_the_layer_stay_and_those_of_the_stamp_are_added_once() -> None:
    before, page = read_layer(write_stamped()), read(write_stamped())
    assert has_bare_pictures(before)
    own = [word for word in page.words if word.confidence is None]
    added = Counter(word.text for word in page.words if word.confidence is not None)
    assert tuple(own) == before.words
    assert page.text_from == "layer"
    # "CERTIFIED", "2 MAR 1990", an office
    stamped = read_stamp()
    assert stamped
    assert sum((added & stamped).values()) >= 0.7 * stamped.total()
    assert max(added.values()) == 1


def read_stamp() -> Counter[str]:
    """The words of the stamp alone, as they are read on a page without others."""
    import pymupdf

    size = (1.4 * STAMP_PT[0], 1.4 * STAMP_PT[1])
    with pymupdf.open() as document:
        page = document.new_page()
        page.insert_image(
            (380, 640, 380 + size[0], 640 + size[1]), stream=to_jpeg(draw_stamp(random.Random(4), size), 75)
        )
        pdf = bytes(document.tobytes())
    found = extract_document(
        pdf,
        settings=Extract(),
        readings={1: read_page_picture(pdf, 1, engine=ENGINE, beside_layer=False)},
        keep_pictures=True,
    )
    assert not isinstance(found, Refusal), found
    return Counter(word.text for word in found.pages[0].words)


def test_the_facts_of_the_layer_are_those_of_the_page_without_the_stamp() -> None:
    plain, stamped = read_layer(pdfs.write_pdf(LETTER)), read(write_stamped())
    fields = {(fact.kind, fact.label, fact.value) for fact in plain.facts if fact.kind == "field"}
    assert fields
    assert fields <= {(fact.kind, fact.label, fact.value) for fact in stamped.facts}


def test_a_stamp_over_words_leaves_them_as_they_are() -> None:
    pdf = write_stamped((60, 150))
    page = read(pdf)
    assert tuple(word for word in page.words if word.confidence is None) == read_layer(pdf).words


def test_a_photograph_adds_no_words() -> None:
    size = (220.0, 140.0)
    pdf = write_page(to_jpeg(draw_photograph(random.Random(3), size), 75), (300, 600, 300 + size[0], 600 + size[1]))
    page = read(pdf)
    assert len([word for word in page.words if word.confidence is not None and word.confidence >= 0.6]) <= 2
