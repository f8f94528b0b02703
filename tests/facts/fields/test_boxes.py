"""Labels in and beside boxes, over values, at lines to write on, and the fields of interactive forms."""

from __future__ import annotations

from docmatix.pdf.drawings import Drawing, Rule, Widget
from tests.facts.fields.forms import Text, draw_box, join_drawings, list_pairs, read, write_form


def test_a_label_in_small_print_names_the_value_in_its_box() -> None:
    page = write_form(
        Text(62, 81, "Surname", size=6),
        Text(62, 90, "Birch"),
        Text(202, 81, "First name", size=6),
        Text(202, 90, "Ada"),
        Text(62, 111, "Date of birth", size=6),
        Text(202, 111, "Passport no.", size=6),
    )
    drawing = join_drawings(
        *(draw_box(x, y, x + 140, y + 30) for x in (60, 200) for y in (80, 110)),
    )
    facts = read(page, drawing)
    assert list_pairs(facts) == [("Surname", "Birch"), ("First name", "Ada")]
    assert sorted(list_pairs(facts, "empty_field")) == [("Date of birth", ""), ("Passport no.", "")]


def test_a_grid_of_labels_and_values_is_fields() -> None:
    rows = [("Applicant", "Ada Birch"), ("Born on", "7 February 1950"), ("Members", "4")]
    texts, boxes = [], []
    for at, (label, value) in enumerate(rows):
        y = 80 + 18 * at
        texts += [Text(64, y + 3, label, bold=True), Text(184, y + 3, value)]
        boxes += [draw_box(60, y, 180, y + 18), draw_box(180, y, 400, y + 18)]
    assert list_pairs(read(write_form(*texts), join_drawings(*boxes))) == rows


def test_a_ruled_table_of_numbers_is_no_grid_of_fields() -> None:
    rows = [("Region", "Output", "Exports"), ("Belgium", "120", "728"), ("France", "425", "120")]
    texts, boxes = [], []
    for at, row in enumerate(rows):
        for column, text in enumerate(row):
            x, y = 60 + 100 * column, 80 + 18 * at
            texts.append(Text(x + 4, y + 3, text, bold=at == 0 or column == 0))
            boxes.append(draw_box(x, y, x + 100, y + 18))
    assert read(write_form(*texts), join_drawings(*boxes)) == []


def test_small_labels_over_their_values_are_fields_without_any_box() -> None:
    page = write_form(
        Text(60, 80, "Your reference", size=7),
        Text(200, 80, "Our reference", size=7),
        Text(340, 80, "Date", size=7),
        Text(60, 90, "AB-281/98"),
        Text(200, 90, "Mr Norling"),
        Text(340, 90, "3 May 2024"),
    )
    assert list_pairs(read(page)) == [
        ("Your reference", "AB-281/98"),
        ("Our reference", "Mr Norling"),
        ("Date", "3 May 2024"),
    ]


def test_a_heading_over_a_paragraph_is_no_field() -> None:
    page = write_form(
        Text(60, 80, "Publications", bold=True),
        Text(60, 94, "The results were printed in the yearbook of the society in spring"),
        Text(60, 106, "and again in a shorter form in the newsletter of the same year"),
    )
    assert read(page) == []


def test_a_line_to_write_on_is_empty_or_has_its_value() -> None:
    page = write_form(Text(60, 80, "Name:"), Text(102, 80, "Ada Birch"), Text(60, 100, "Town:"), Text(60, 120, "Date"))
    rules = (Rule(100, 92, 300, 92), Rule(100, 112, 300, 112), Rule(100, 132, 300, 132))
    facts = read(page, Drawing(rules=rules))
    assert list_pairs(facts) == [("Name", "Ada Birch")]
    assert list_pairs(facts, "empty_field") == [("Town", ""), ("Date", "")]


def test_underscores_are_empty_fields() -> None:
    page = write_form(Text(60, 80, "Name: ____________ Date: ________"), Text(60, 100, "Signature ______________"))
    assert list_pairs(read(page), "empty_field") == [("Name", ""), ("Date", ""), ("Signature", "")]


def test_labels_under_lines_name_them() -> None:
    page = write_form(Text(60, 702, "Place and date", size=7), Text(330, 702, "Signature", size=7))
    facts = read(page, Drawing(rules=(Rule(60, 700, 250, 700), Rule(330, 700, 520, 700))))
    assert list_pairs(facts, "empty_field") == [("Place and date", ""), ("Signature", "")]


def test_boxes_to_write_in_have_their_label_on_the_left() -> None:
    page = write_form(Text(60, 84, "Employer"), Text(164, 84, "Northgate Supplies"), Text(60, 114, "Monthly income"))
    drawing = join_drawings(draw_box(160, 80, 400, 100), draw_box(160, 110, 400, 130))
    facts = read(page, drawing)
    assert list_pairs(facts) == [("Employer", "Northgate Supplies")]
    assert list_pairs(facts, "empty_field") == [("Monthly income", "")]


def test_widgets_are_read_with_what_was_typed() -> None:
    page = write_form(
        Text(60, 84, "Surname"), Text(162, 84, "Birch"), Text(60, 114, "Country:"), Text(60, 144, "Remarks")
    )
    widgets = (
        Widget(160, 80, 400, 100, "text", "a", "Birch", False),
        Widget(160, 110, 400, 130, "choice", "b", "Norway", False),
        Widget(60, 158, 400, 200, "text", "c", "", False),
    )
    facts = read(page, Drawing(widgets=widgets))
    assert list_pairs(facts) == [("Surname", "Birch"), ("Country", "Norway")]
    assert list_pairs(facts, "empty_field") == [("Remarks", "")]
    assert facts[0].boxes[0].x1 < 0.4, "what is printed bounds the value, not the widget"


def test_a_heading_under_a_widget_is_not_its_label() -> None:
    page = write_form(
        Text(60, 80, "Did you sleep well last night? Please tell."),
        Text(60, 130, "B. RITUALS", bold=True),
        Text(60, 143, "What did you eat before going to bed?"),
    )
    widget = Widget(60, 112, 400, 127, "text", "notes", "", False)
    assert read(page, Drawing(widgets=(widget,))) == []


def test_a_word_of_a_line_of_text_over_a_rule_names_no_empty_field() -> None:
    texts = [Text(60 + 80 * at, y, word) for y in (80, 180) for at, word in enumerate(("The", "Cat", "sat"))]
    rules = tuple(Rule(60, y, 300, y) for y in (108, 208))
    assert list_pairs(read(write_form(*texts), Drawing(rules=rules)), "empty_field") == []


def test_lines_of_rows_that_are_drawn_cell_by_cell_are_nothing_to_write_on() -> None:
    rows = [("Austria", "86.2"), ("Belgium", "54.0"), ("Denmark", "3.1")]
    texts, rules = [], []
    for at, (name, number) in enumerate(rows):
        y = 80 + 16 * at
        texts += [Text(64, y, name), Text(140, y, number), Text(220, y, "9.9")]
        rules += [Rule(x, y + 11, x + 80, y + 11) for x in (60, 140, 220)]
    assert list_pairs(read(write_form(*texts), Drawing(rules=tuple(rules)))) == []


def test_an_underlined_word_of_another_column_is_no_value() -> None:
    page = write_form(
        *(Text(60, y, text) for y, text in ((80, "Promotion"), (96, "Transport"))),
        *(Text(140, y, text) for y, text in ((80, "Registration"), (96, "Consultation"))),
    )
    rules = (Rule(140, 91, 200, 91), Rule(140, 107, 200, 107))
    assert list_pairs(read(page, Drawing(rules=rules))) == []


def test_a_box_with_rounded_corners_is_nothing_to_write_on() -> None:
    page = write_form(Text(60, 96, "Weight"), Text(300, 96, "Output"))
    rules = [
        rule
        for x in (110, 350)
        for rule in (
            Rule(x + 5, 104, x + 75, 104),
            Rule(x + 5, 130, x + 75, 130),
            Rule(x, 109, x, 125),
            Rule(x + 80, 109, x + 80, 125),
        )
    ]
    assert list_pairs(read(page, Drawing(rules=tuple(rules))), "empty_field") == []


def test_a_label_of_two_lines_beside_a_widget_is_whole() -> None:
    page = write_form(Text(60, 80, "Enter the phone"), Text(60, 92, "number (abroad)"), Text(60, 120, "Town"))
    widgets = (Widget(160, 82, 300, 102, "text", "a", "", False), Widget(160, 116, 300, 134, "text", "b", "", False))
    assert list_pairs(read(page, Drawing(widgets=widgets)), "empty_field") == [
        ("Enter the phone number (abroad)", ""),
        ("Town", ""),
    ]


def test_a_blank_of_a_sentence_is_not_named_by_what_stands_under_it() -> None:
    page = write_form(Text(100, 80, "on the first of"), Text(176, 96, "(Signed)"))
    widget = Widget(172, 79, 300, 93, "text", "a", "", False)
    assert read(page, Drawing(widgets=(widget,))) == []


def test_the_boxes_of_a_diagram_are_no_fields() -> None:
    page = write_form(Text(66, 84, "Taxes"), Text(166, 84, "State budget"))
    assert read(page, join_drawings(draw_box(60, 80, 110, 100), draw_box(160, 80, 280, 100))) == []
