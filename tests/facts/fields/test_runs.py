"""Rows of labels and values without a colon, totals, leader dots, and tables that are none of these."""

from __future__ import annotations

from docmatix.core.documents import Box, Cell, Table
from tests.facts.fields.forms import HEIGHT, WIDTH, Text, list_pairs, read, write_form


def test_rows_of_label_gap_and_value_are_fields() -> None:
    rows = [("Phone", "+49 30 901820"), ("E-mail", "info@example.org"), ("IBAN", "DE02 1203 0000"), ("VAT no.", "DE81")]
    page = write_form(*(Text(x, 80 + 13 * at, pair[x > 100]) for at, pair in enumerate(rows) for x in (60, 160)))
    assert list_pairs(read(page)) == rows


def test_labels_that_end_where_values_begin_are_fields_even_if_all_is_text() -> None:
    rows = [("Name", "Luca Marchetti"), ("Employer", "Mobili Fontana"), ("Town", "Torino")]
    page = write_form(
        *(
            text
            for at, (label, value) in enumerate(rows)
            for text in (Text(160 - 5 * len(label), 80 + 13 * at, label), Text(172, 80 + 13 * at, value))
        )
    )
    assert list_pairs(read(page)) == rows


def test_totals_are_fields_with_their_currency() -> None:
    rows = [("Subtotal", "1,000.00"), ("VAT 21 %", "210.00"), ("Total due", "1,210.00")]
    texts = []
    for at, (label, value) in enumerate(rows):
        y = 500 + 15 * at
        texts += [Text(360, y, label), Text(440, y, "EUR"), Text(540 - 5 * len(value), y, value)]
    assert list_pairs(read(write_form(*texts))) == [(label, f"EUR {value}") for label, value in rows]


def test_leader_dots_lead_to_a_value_or_to_nothing() -> None:
    page = write_form(
        Text(60, 80, "Price"),
        Text(120, 80, "." * 40),
        Text(340, 80, "19,90 EUR"),
        Text(60, 95, "Delivery"),
        Text(120, 95, "." * 40),
        Text(340, 95, "3 days"),
        Text(60, 110, "Name"),
        Text(120, 110, "." * 60),
    )
    facts = read(page)
    assert list_pairs(facts) == [("Price", "19,90 EUR"), ("Delivery", "3 days")]
    assert list_pairs(facts, "empty_field") == [("Name", "")]


def test_contents_are_no_fields() -> None:
    rows = [("Preface", "ix"), ("Introduction", "1"), ("Methods", "7"), ("Results", "12")]
    page = write_form(
        *(
            text
            for at, (label, value) in enumerate(rows)
            for text in (
                Text(60, 80 + 13 * at, label),
                Text(140, 80 + 13 * at, "." * 50),
                Text(420 - 5 * len(value), 80 + 13 * at, value),
            )
        )
    )
    assert read(page) == []


def test_rows_of_a_table_of_three_columns_are_no_fields() -> None:
    rows = [("Belgium", "120", "728"), ("France", "425", "120"), ("Ireland", "85", "272"), ("Norway", "394", "56")]
    page = write_form(
        *(Text(x, 80 + 13 * at, row[(60, 160, 260).index(x)]) for at, row in enumerate(rows) for x in (60, 160, 260))
    )
    assert read(page) == []


def test_a_table_of_data_keeps_its_cells_but_not_the_totals_under_it() -> None:
    rows = [("Item", "Qty", "Price", "Amount"), ("Chair", "2", "10.00", "20.00"), ("Desk", "1", "99.00", "99.00")]
    xs = (60, 200, 280, 360)
    texts = [
        Text(x, 80 + 14 * at, row[column], bold=at == 0) for at, row in enumerate(rows) for column, x in enumerate(xs)
    ]
    for at, (label, value) in enumerate([("Subtotal", "119.00"), ("VAT", "22.61"), ("To pay", "141.61")]):
        texts += [Text(270, 130 + 14 * at, label), Text(360, 130 + 14 * at, value)]
    box = Box(55 / WIDTH, 75 / HEIGHT, 420 / WIDTH, 175 / HEIGHT)
    cells = tuple(
        Cell(at, column, 1, 1, text, box, header=at == 0)
        for at, row in enumerate(rows)
        for column, text in enumerate(row)
    )
    facts = read(write_form(*texts), tables=[Table(box, cells)])
    assert list_pairs(facts) == [("Subtotal", "119.00"), ("VAT", "22.61"), ("To pay", "141.61")]


def test_two_columns_of_prose_are_no_fields() -> None:
    left = "the committee met again in the spring and heard"
    right = "no decision was taken before the summer recess"
    page = write_form(*(Text(x, 80 + 12 * at, left if x < 300 else right) for x in (60, 320) for at in range(6)))
    assert read(page) == []


def test_the_steps_of_an_axis_beside_names_are_no_values() -> None:
    names = [Text(60, 80 + 26 * at, name) for at, name in enumerate(("Plant", "Processor", "Terminal"))]
    steps = [Text(160, 80 + 13 * at, f"{48 - 2 * at}.00") for at in range(6)]
    assert read(write_form(*names, *steps)) == []


def test_a_heading_with_links_beside_it_is_no_field() -> None:
    page = write_form(
        Text(60, 80, "Guidelines", size=18, bold=True),
        Text(300, 84, "Index"),
        Text(60, 104, "Carcinoma", size=18, bold=True),
        Text(300, 108, "Discussion"),
    )
    assert read(page) == []
