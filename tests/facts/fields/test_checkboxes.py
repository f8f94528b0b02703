"""Check boxes and radio buttons, as glyphs, drawn, and as widgets."""

from __future__ import annotations

import pytest

from docmatix.core.documents import Fact
from docmatix.facts.fields import find_fields
from docmatix.pdf.drawings import Drawing, FilledBox, Mark, Widget
from docmatix.pdf.reading import ReadDocument, read_pages
from docmatix.pdf.settings import Extract
from tests.facts.fields.forms import Text, draw_box, join_drawings, read, write_form


def list_options(facts: list[Fact]) -> list[tuple[str, str, str]]:
    return [(fact.label, fact.value, fact.path[0]) for fact in facts if fact.kind == "checkbox"]


@pytest.mark.parametrize(
    ("ticked", "unticked"),
    [
        ("☒", "☐"),
        ("☑", "☐"),
        ("[x]", "[ ]"),
        ("■", "□"),
        ("●", "○"),
        ("◉", "○"),
        ("✓", "□"),
        ("√", "□"),
        ("(X)", "( )"),
    ],
)
def test_glyphs_tell_what_is_ticked(ticked: str, unticked: str) -> None:
    page = write_form(Text(60, 80, f"Do you smoke?  {ticked} yes  {unticked} no"))
    assert list_options(read(page)) == [("Do you smoke?", "yes", "checked"), ("Do you smoke?", "no", "unchecked")]


def test_options_under_a_question_share_it() -> None:
    page = write_form(
        Text(60, 80, "How did you hear of us?"), Text(70, 94, "☐ from friends"), Text(70, 108, "☒ in a newspaper")
    )
    assert list_options(read(page)) == [
        ("How did you hear of us?", "from friends", "unchecked"),
        ("How did you hear of us?", "in a newspaper", "checked"),
    ]


def test_boxes_may_follow_their_options() -> None:
    page = write_form(Text(60, 80, "Payment:  cash [ ]  transfer [X]"))
    assert list_options(read(page)) == [("Payment", "cash", "unchecked"), ("Payment", "transfer", "checked")]


def test_a_glyph_may_be_set_as_one_word_with_its_option() -> None:
    page = write_form(Text(60, 80, "Status:  ☒single  ☐married"))
    assert list_options(read(page)) == [("Status", "single", "checked"), ("Status", "married", "unchecked")]


def test_several_options_may_be_set_as_one_word() -> None:
    assert list_options(read(write_form(Text(60, 80, "√适用□不适用")))) == [
        ("", "适用", "checked"),
        ("", "不适用", "unchecked"),
    ]


def test_an_option_goes_on_below_whatever_stands_in_the_next_column() -> None:
    page = write_form(
        Text(60, 80, "Taken: (Check all that apply)"),
        Text(76, 94, "Petitioned for an order (child in"),
        Text(76, 106, "need of services)"),
        Text(316, 94, "Visits"),
        Text(316, 106, "Reports"),
    )
    boxes = join_drawings(*(draw_box(x, y, x + 9, y + 9) for x, y in ((60, 96), (300, 96), (300, 108))))
    options = list_options(read(page, boxes))
    assert options[0][:2] == ("Taken: (Check all that apply)", "Petitioned for an order (child in need of services)")
    assert [option for _, option, _ in options[1:]] == ["Visits", "Reports"]


def test_a_question_of_several_lines_is_whole() -> None:
    page = write_form(
        Text(60, 80, "Is this request related"), Text(60, 92, "to any of these wars?  ☐ one  ☐ two"), Text(60, 130, "B")
    )
    assert list_options(read(page)) == [
        ("Is this request related to any of these wars?", "one", "unchecked"),
        ("Is this request related to any of these wars?", "two", "unchecked"),
    ]


def test_questions_under_each_other_stay_apart() -> None:
    lines = ["Do you smoke  [X] yes  [ ] no", "Do you drive  [ ] yes  [X] no"]
    page = write_form(*(Text(60, 80 + 13 * at, line) for at, line in enumerate(lines)))
    assert [question for question, _, _ in list_options(read(page))] == ["Do you smoke"] * 2 + ["Do you drive"] * 2


def test_a_sign_in_the_cells_of_a_table_is_no_tick() -> None:
    page = write_form(*(Text(60 + 60 * at, 80, text) for at, text in enumerate(("91.0", "(X)", "63.1", "(X)", "28.0"))))
    assert list_options(read(page)) == []


@pytest.mark.parametrize("bullet", ["■", "●", "○", "✓", "□"])
def test_bullets_are_no_check_boxes(bullet: str) -> None:
    page = write_form(*(Text(60, 80 + 14 * at, f"{bullet} item {at} of the list") for at in range(3)))
    assert list_options(read(page)) == []


def test_bullets_of_two_levels_are_no_radio_buttons() -> None:
    page = write_form(Text(60, 80, "● first point"), Text(80, 94, "○ part of it"), Text(60, 108, "● second point"))
    assert list_options(read(page)) == []


def test_drawn_squares_are_ticked_by_what_is_drawn_or_written_in_them() -> None:
    page = write_form(
        Text(76, 80, "single"), Text(62, 95, "X", size=7), Text(76, 94, "married"), Text(76, 108, "divorced")
    )
    squares = join_drawings(*(draw_box(60, 82 + 14 * at, 69, 91 + 14 * at) for at in range(3)))
    drawing = squares._replace(marks=(Mark(61, 111, 68, 118, False, None),))
    assert [(value, state) for _, value, state in list_options(read(page, drawing))] == [
        ("single", "unchecked"),
        ("married", "checked"),
        ("divorced", "checked"),
    ]


def test_the_key_of_a_chart_is_no_group_of_check_boxes() -> None:
    page = write_form(Text(76, 80, "imports"), Text(76, 94, "exports"))
    boxes = (FilledBox(60, 82, 69, 91, False, (0.1, 0.2, 0.9)), FilledBox(60, 96, 69, 105, False, (0.9, 0.5, 0.1)))
    assert read(page, Drawing(boxes=boxes)) == []


def test_widgets_know_their_state() -> None:
    page = write_form(Text(60, 80, "Newsletter:"), Text(152, 80, "yes"), Text(212, 80, "no"))
    widgets = (
        Widget(140, 81, 149, 90, "radio", "n", "", True),
        Widget(200, 81, 209, 90, "radio", "n", "", False),
    )
    assert list_options(read(page, Drawing(widgets=widgets))) == [
        ("Newsletter", "yes", "checked"),
        ("Newsletter", "no", "unchecked"),
    ]


def test_check_boxes_of_a_pdf_are_read_with_their_crosses_and_dots() -> None:
    import pymupdf

    with pymupdf.open() as document:
        page = document.new_page()
        page.insert_text((60, 90), "Marital status:")
        for at, option in enumerate(["single", "married", "widowed"]):
            x = 160 + 90 * at
            page.draw_rect((x, 82, x + 9, 91))
            page.insert_text((x + 14, 90), option)
        page.draw_line((250, 82), (259, 91))
        page.draw_line((259, 82), (250, 91))
        page.insert_text((60, 120), "Contact:")
        for at, option in enumerate(["letter", "phone"]):
            x = 160 + 90 * at
            page.draw_circle((x + 4.5, 116), 4.5)
            page.insert_text((x + 14, 120), option)
        page.draw_circle((164.5, 116), 2, fill=(0, 0, 0))
        pdf = document.tobytes()
    settings = Extract(min_words=1)
    read_document = read_pages(pdf, settings=settings, with_drawings=True)
    assert isinstance(read_document, ReadDocument)
    facts = find_fields(read_document.document.pages[0], read_document.drawings[0], ())
    assert list_options(facts) == [
        ("Marital status", "single", "unchecked"),
        ("Marital status", "married", "checked"),
        ("Marital status", "widowed", "unchecked"),
        ("Contact", "letter", "checked"),
        ("Contact", "phone", "unchecked"),
    ]
