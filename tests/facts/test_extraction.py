"""A PDF read with its tables and facts, on the pages that are usable."""

from __future__ import annotations

import pymupdf
import pytest

from docmatix.core.documents import FACT_KINDS, Document
from docmatix.facts.extraction import extract_document
from docmatix.pdf.answers import find_form
from docmatix.pdf.settings import Extract
from tests.pdfs import write_table_pdf

ROWS = (("Fruit", "2023", "2024"), ("Pears from Kent", "25", "46"), ("Plums", "32", "42"))
PROSE = (
    "The harvest was better than in the years before, since the spring had been mild and the summer long. All the\n"
    "orchards of the county brought in more than they had room for, and much of it was sold at the roadside."
)


def extract(pdf: bytes, **settings: bool) -> Document:
    document = extract_document(pdf, settings=Extract(min_words=1, **settings))
    assert isinstance(document, Document)
    return document


@pytest.fixture(scope="module")
def form() -> bytes:
    """A page with a title, two headings, and a field under the second; then a page of a picture alone."""
    document = pymupdf.open()
    page = document.new_page()
    page.insert_text((60, 80), "Harvest Report", fontsize=24, fontname="hebo")
    page.insert_text((60, 130), "1 Weather", fontsize=15, fontname="hebo")
    page.insert_text((60, 155), PROSE, fontsize=10)
    page.insert_text((60, 230), "2 Contact", fontsize=15, fontname="hebo")
    for line, (label, value) in enumerate((("Phone:", "020 7946 0018"), ("Office:", "Leeds"), ("Year:", "2024"))):
        page.insert_text((60, 260 + 16 * line), label, fontsize=10, fontname="hebo")
        page.insert_text((140, 260 + 16 * line), value, fontsize=10)
    document.new_page().draw_circle((200, 200), 50)
    return bytes(document.tobytes())


def test_a_table_comes_with_its_paths() -> None:
    (table,) = extract(write_table_pdf(ROWS, before="Harvests", after="All in tons.")).pages[0].tables
    assert table.rows == ROWS
    cells = {cell.text: cell.path for cell in table.cells if not cell.header}
    assert cells["46"] == ("2024", "Pears from Kent")


def test_facts_come_from_the_top_of_the_page_and_fields_under_their_headings(form: bytes) -> None:
    page, drawn = extract(form).pages
    tops = [(fact.label_boxes or fact.boxes)[0].y0 for fact in page.facts]
    assert tops == sorted(tops)
    assert {fact.kind for fact in page.facts} <= set(FACT_KINDS)
    fields = {fact.label: fact for fact in page.facts if fact.kind == "field"}
    assert fields["Phone"].value == "020 7946 0018"
    assert fields["Phone"].path == ("2 Contact",)
    assert drawn.facts == ()


def test_without_tables_nothing_is_looked_for(form: bytes) -> None:
    assert not any(page.facts or page.tables for page in extract(form, tables=False).pages)


def test_the_same_file_has_the_same_facts(form: bytes) -> None:
    assert extract(form) == extract(form)


def test_a_file_that_is_refused_is_refused_with_facts_too() -> None:
    refusal = extract_document(b"no PDF", settings=Extract())
    assert not isinstance(refusal, Document)
    assert refusal.reason == "not_pdf"


def test_facts_of_several_lines_and_of_widgets_come_out_of_the_sandbox() -> None:
    document = pymupdf.open()
    page = document.new_page()
    address = ("Ms Ada Byron", "Northgate Supplies Ltd", "91 Station Road", "Leeds LS2 8PB")
    for line, text in enumerate(address):
        page.insert_text((70, 140 + 13 * line), text)
    page.insert_text((400, 230), "4 May 2021")
    page.insert_text((70, 270), "Your order of April", fontname="hebo")
    page.insert_text((70, 300), "Dear Ms Byron,")
    page.insert_text((70, 325), PROSE, fontsize=10)
    page.insert_text((70, 380), "Yours sincerely,")
    page.insert_text((70, 420), "Grace Hopper")
    page.insert_text((70, 515), "Remarks:")
    widget = pymupdf.Widget()
    widget.field_type, widget.field_name = pymupdf.PDF_WIDGET_TYPE_TEXT, "remarks"
    widget.field_value, widget.rect = "two\nlines\tand\x01more", pymupdf.Rect(140, 500, 300, 525)
    page.add_widget(widget)
    read = extract(bytes(document.tobytes()))
    facts = {fact.kind: fact.value for fact in read.pages[0].facts}
    assert facts["addressee"] == " ".join(address)
    form = find_form(extract_document)
    assert form.unpack(memoryview(form.pack(read))) == read


def test_pages_that_can_be_compared_are_signed_and_the_same_ones_alike() -> None:
    document = pymupdf.open()
    for text in (PROSE.splitlines()[0], f"{PROSE}\n{PROSE}", f"{PROSE}\n{PROSE}", f"{PROSE}\n{PROSE}"):
        page = document.new_page()
        year = 2024 if page.number == 2 else 2023
        page.insert_text((60, 130), text.replace("summer", f"summer of {year}"), fontsize=8)
        page.insert_text((290, 820), str(page.number + 1), fontsize=8)
    read = extract(bytes(document.tobytes()))
    short, one, other, same = (page.text_signature for page in read.pages)
    assert short is None
    assert one is not None
    assert one == same
    assert one != other
    assert extract(bytes(document.tobytes()), tables=False).pages[1].text_signature is None
