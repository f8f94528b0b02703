"""Labels with a colon, and what only looks like one."""

from __future__ import annotations

import pytest

from tests.facts.fields.forms import Text, list_pairs, mirror, read, write_form

LETTER = [
    ("en", ["Invoice no.: 4711", "Date: 12 March 2024", "Phone: +44 20 7946 0018"]),
    ("de", ["Rechnungs-Nr.: 4711", "Datum: 12. März 2024", "Telefon: +49 30 901820"]),
    ("fr", ["Facture n° : 4711", "Date : 12 mars 2024", "Téléphone : 01 23 45 67 89"]),
    ("es", ["Factura n.º: 4711", "Fecha: 12 de marzo de 2024", "Teléfono: 91 123 45 67"]),
    ("it", ["Fattura n.: 4711", "Data: 12 marzo 2024", "Telefono: 06 1234567"]),
    ("pt", ["Fatura n.º: 4711", "Data: 12 de março de 2024", "Telefone: 21 123 45 67"]),
    ("nl", ["Factuurnummer: 4711", "Datum: 12 maart 2024", "Telefoon: 020 1234567"]),
    ("pl", ["Faktura nr: 4711", "Data: 12 marca 2024", "Telefon: 22 123 45 67"]),
    ("zh", ["发票号： 4711", "日期： 2024年3月12日", "电话： 010 1234567"]),
]


@pytest.mark.parametrize(("language", "lines"), LETTER, ids=[language for language, _ in LETTER])
def test_lines_with_a_colon_are_fields_in_any_language(language: str, lines: list[str]) -> None:
    page = write_form(*(Text(60, 80 + 15 * at, line) for at, line in enumerate(lines)))
    pairs = [tuple(part.strip() for part in line.replace("：", ":").split(":", 1)) for line in lines]
    assert list_pairs(read(page)) == pairs


def test_a_value_may_stand_in_a_column_of_its_own_with_its_currency_apart_and_lines_below() -> None:
    page = write_form(
        Text(60, 80, "Name:"),
        Text(200, 80, "Ada Birch"),
        Text(60, 95, "Address:"),
        Text(200, 95, "12 Mill Lane"),
        Text(200, 107, "York YO1 7HH"),
        Text(60, 125, "Total:"),
        Text(200, 125, "EUR"),
        Text(260, 125, "1,250.00"),
    )
    facts = read(page)
    assert list_pairs(facts) == [
        ("Name", "Ada Birch"),
        ("Address", "12 Mill Lane York YO1 7HH"),
        ("Total", "EUR 1,250.00"),
    ]
    assert [len(fact.boxes) for fact in facts] == [1, 2, 1]


def test_an_address_under_its_label_is_the_value() -> None:
    page = write_form(
        Text(60, 80, "Bill to:", bold=True),
        Text(60, 94, "Acorn Supplies Ltd"),
        Text(60, 106, "12 Mill Lane"),
        Text(60, 118, "York YO1 7HH"),
    )
    assert list_pairs(read(page)) == [("Bill to", "Acorn Supplies Ltd 12 Mill Lane York YO1 7HH")]


def test_two_labels_in_a_line_have_a_value_each() -> None:
    page = write_form(Text(60, 80, "Date: 1 May 2024  Number: 77"), Text(60, 95, "Tel.: 0123 456  Fax: 0123 457"))
    assert list_pairs(read(page)) == [
        ("Date", "1 May 2024"),
        ("Number", "77"),
        ("Tel.", "0123 456"),
        ("Fax", "0123 457"),
    ]


def test_a_label_without_a_value_among_others_is_known_as_empty() -> None:
    page = write_form(
        Text(60, 80, "Surname:"),
        Text(200, 80, "Birch"),
        Text(60, 96, "First name:"),
        Text(200, 96, "Ada"),
        Text(60, 112, "Passport no.:"),
    )
    facts = read(page)
    assert list_pairs(facts) == [("Surname", "Birch"), ("First name", "Ada")]
    assert list_pairs(facts, "empty_field") == [("Passport no.", "")]


def test_fields_of_a_page_from_right_to_left_are_those_of_its_mirror_image() -> None:
    page = write_form(
        Text(60, 80, "שם:"),
        Text(200, 80, "דוד"),
        Text(60, 96, "עיר:"),
        Text(200, 96, "חיפה"),
        Text(60, 112, "מספר:"),
        Text(200, 112, "4711"),
    )
    facts = read(mirror(page))
    assert list_pairs(facts) == [("שם", "דוד"), ("עיר", "חיפה"), ("מספר", "4711")]
    assert all(fact.boxes[0].x0 < fact.label_boxes[0].x0 for fact in facts)


@pytest.mark.parametrize(
    "line",
    [
        "Note: this is a remark that the reader should keep in mind for the rest of the page.",
        "Figure 3: Sales by region",
        "Table 2.1: Overview",
        "The meeting begins at 10:30 sharp",
        "See https://example.org/a:b for more",
        "The ratio is 3:1 in favour",
        "config: {'key': 1};",
        "he said: yes",
        "(Unbalanced: bracket",
        "Source: National Institute of Statistics.",
        "Figure A1: Sales by Region",
        "Warning: Do not open the cover",
        "Note: All amounts are in thousands of euros",
        "In: Proceedings of the Ninth Conference",
        "Abstract: We present a method",
    ],
)
def test_what_only_looks_like_a_label_is_no_field(line: str) -> None:
    assert read(write_form(Text(60, 80, line))) == []


def test_a_colon_in_a_paragraph_makes_no_field() -> None:
    page = write_form(
        Text(60, 80, "Summary: the agency proposes to adopt a new directive for"),
        Text(60, 92, "certain aeroplanes of this type. It was prompted by reports of"),
        Text(60, 104, "cracks: these were found in the frames of six of the machines."),
    )
    assert read(page) == []


def test_a_label_broken_at_a_line_s_end_is_whole() -> None:
    page = write_form(
        Text(60, 80, "Permit num-"), Text(60, 93, "ber: 45871"), Text(60, 106, "Valid until: 14 May 2024")
    )
    facts = read(page)
    assert list_pairs(facts) == [("Permit number", "45871"), ("Valid until", "14 May 2024")]
    assert len(facts[0].label_boxes) == 2


def test_a_hyphen_that_belongs_to_a_label_stays() -> None:
    page = write_form(Text(60, 80, "Date (self-"), Text(60, 93, "employed): 2019"), Text(60, 106, "Town: Kelso"))
    assert list_pairs(read(page))[0] == ("Date (self-employed)", "2019")


def test_a_lead_in_and_the_number_of_something_else_are_no_field() -> None:
    page = write_form(Text(60, 80, "The work falls into these parts:"), Text(300, 80, "60"))
    assert read(page) == []


def test_what_people_say_is_no_field() -> None:
    lines = ["ANNA: Where are you going?", "TOM: To the market.", "ANNA: Then wait for me.", "TOM: I will."]
    assert read(write_form(*(Text(60, 80 + 14 * at, line) for at, line in enumerate(lines)))) == []


def test_a_heading_in_bold_with_a_colon_is_no_field() -> None:
    assert read(write_form(Text(60, 80, "SECTION III: ELECTION OF BENEFITS", bold=True))) == []


def test_the_first_row_of_a_group_of_a_table_is_no_value() -> None:
    page = write_form(
        Text(60, 80, "Comments:"), Text(60, 92, "Family supports"), Text(200, 92, "25"), Text(60, 104, "Change")
    )
    assert read(page) == []


def test_a_dash_between_two_fields_of_a_line_belongs_to_none() -> None:
    lines = ["SIRET: 12345678200077 - DUNS: 1235487", "Date: 3 May 2024"]
    page = write_form(*(Text(60, 80 + 14 * at, line) for at, line in enumerate(lines)))
    assert list_pairs(read(page)) == [("SIRET", "12345678200077"), ("DUNS", "1235487"), ("Date", "3 May 2024")]


def test_a_label_over_an_address_that_begins_with_a_label_is_not_empty() -> None:
    lines = ["Account number:", "Bill to:", "ATTN: Northgate Limited", "93 Sandy Lane", "Leeds"]
    page = write_form(*(Text(60, 80 + 12 * at, line) for at, line in enumerate(lines)))
    assert "Bill to" not in [fact.label for fact in read(page)]


def test_a_quotation_that_goes_on_is_no_value() -> None:
    page = write_form(Text(60, 80, 'Footnote b was new: "Estimated risk is 6 percent'), Text(60, 92, "Town: Kelso"))
    assert [fact.label for fact in read(page)] == ["Town"]
