"""The scan among the samples is read: its words, its fields, and where they are."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

import pytest

from docmatix.core.documents import Document, Page, Refusal
from docmatix.facts.extraction import extract_document
from docmatix.pdf.ocr.tesseract import Tesseract
from docmatix.pdf.page_pictures import read_page_picture
from docmatix.pdf.settings import Extract
from tests.pdf.ocr.installed import needs

SAMPLES = Path(__file__).parents[3] / "samples"
ENGINE = Tesseract(languages=("eng",))
pytestmark = needs(ENGINE)


@pytest.fixture(scope="module")
def claim() -> Document:
    pdf = (SAMPLES / "claim.pdf").read_bytes()
    readings = {number: read_page_picture(pdf, number, engine=ENGINE, beside_layer=False) for number in (1, 2)}
    read = extract_document(pdf, settings=Extract(), readings=readings)
    assert not isinstance(read, Refusal), read
    return read


def list_printed(name: str) -> Counter[str]:
    """The words of a sample's text, without its markup."""
    text = (SAMPLES / "text" / f"{name}.md").read_text(encoding="utf-8")
    text = re.sub(r"^!.*|\[[ x]\]|\*\*|::|[|#]|:?--+:?", " ", text, flags=re.MULTILINE)
    return Counter(word.rstrip(":?") for word in text.split())


def measure_recall(printed: Counter[str], page: Page) -> float:
    read = Counter(word.text.rstrip(":?") for word in page.words)
    return (printed & read).total() / printed.total()


def test_both_pages_are_read_by_ocr_and_their_words_are_the_printed_ones(claim: Document) -> None:
    assert claim.language == "en"
    for page, name in zip(claim.pages, ("claim", "statement"), strict=True):
        assert (page.text_from, page.route_reason, page.reason) == ("ocr", "no_layer", None)
        assert page.ocr_confidence is not None
        assert page.ocr_confidence > 0.85
        assert measure_recall(list_printed(name), page) > 0.95


def test_the_fields_of_the_form_are_found_where_they_are_printed(claim: Document) -> None:
    fields = {fact.label: fact for fact in claim.pages[1].facts if fact.kind == "field"}
    values = {label: fact.value for label, fact in fields.items()}
    expected = {"License": "CCB 204871", "Work begun": "01/30/2023", "Estimate": "$10,460.00"}
    assert expected.items() <= values.items()
    (box,) = fields["Estimate"].boxes
    # on the page as it lies in the scanner, 1.4 degrees askew
    assert box.x0 == pytest.approx(0.646, abs=0.02)
    assert box.y0 == pytest.approx(0.518, abs=0.02)
