"""Lists and their items."""

from __future__ import annotations

import pytest

from tests.facts.layout.drawn import PROSE, Line, find, list_values, make_page, of_kind, write


def test_an_item_has_its_number_its_whole_text_and_its_path() -> None:
    lines = [
        Line(60, 80, "Measures", 14, True),
        *write(60, 100, PROSE + " The office proposes the following:"),
        Line(75, 140, "1. cheaper fares for schools and for"),
        Line(90, 152, "all their teachers"),
        Line(75, 164, "2. longer hours"),
        Line(75, 176, "3. a common ticket for bus and train"),
        *write(60, 210, PROSE),
    ]
    (facts,) = find(make_page(*lines))
    items = of_kind(facts, "list_item")
    assert [(item.label, item.value) for item in items] == [
        ("1.", "cheaper fares for schools and for all their teachers"),
        ("2.", "longer hours"),
        ("3.", "a common ticket for bus and train"),
    ]
    assert len(items[0].boxes) == 2
    assert items[0].path == ("Measures", "The office proposes the following:")


def test_nested_items_stand_under_the_item_above_them() -> None:
    lines = [
        *write(60, 80, PROSE),
        Line(75, 120, "• fares"),
        Line(95, 132, "– for schools"),
        Line(95, 144, "– for the old"),
        Line(75, 156, "• hours on Saturdays"),
        *write(60, 190, PROSE),
    ]
    (facts,) = find(make_page(*lines))
    assert [(item.label, item.value, item.path) for item in of_kind(facts, "list_item")] == [
        ("•", "fares", ()),
        ("–", "for schools", ("fares",)),
        ("–", "for the old", ("fares",)),
        ("•", "hours on Saturdays", ()),
    ]


def test_a_number_at_the_start_of_a_line_of_prose_is_no_item() -> None:
    lines = [
        Line(60, 100, "The council met for the first time in the spring of"),
        Line(60, 112, "1998. It has since met every year in order to talk of the"),
        Line(60, 124, "2. amendment of its rules and of those of its members."),
    ]
    (facts,) = find(make_page(*lines, *write(60, 160, PROSE)))
    assert list_values(facts, "list_item") == []


def test_a_single_number_is_no_list() -> None:
    (facts,) = find(make_page(*write(60, 80, PROSE), Line(60, 120, "3) see above"), *write(60, 150, PROSE)))
    assert list_values(facts, "list_item") == []


def test_numbered_headings_with_text_between_are_no_list() -> None:
    lines = [
        Line(60, 80, "1. Scope", 12, True),
        *write(60, 98, PROSE),
        Line(60, 140, "2. Results", 12, True),
        *write(60, 158, PROSE),
    ]
    (facts,) = find(make_page(*lines))
    assert list_values(facts, "list_item") == []
    assert list_values(facts, "heading") == ["1. Scope", "2. Results"]


def test_a_bullet_may_stand_against_the_first_word() -> None:
    lines = [*write(60, 80, PROSE), Line(75, 120, "◦fares for schools"), Line(75, 134, "◦hours on Saturdays")]
    (facts,) = find(make_page(*lines, *write(60, 180, PROSE)))
    assert [(item.label, item.value) for item in of_kind(facts, "list_item")] == [
        ("◦", "fares for schools"),
        ("◦", "hours on Saturdays"),
    ]


def test_numbered_lines_that_each_have_text_below_are_no_items() -> None:
    lines: list[Line] = []
    for at in range(4):
        lines += [Line(60, 80 + 120 * at, f"({at + 1}) Costs of the programme"), *write(60, 110 + 120 * at, PROSE)]
    (facts,) = find(make_page(*lines))
    assert list_values(facts, "list_item") == []


def test_an_item_that_breaks_off_at_the_end_of_a_page_is_left_out() -> None:
    lines = [
        Line(75, 700, "• fares for schools"),
        Line(75, 714, "• longer hours on Saturdays and on Sundays for all the visitors and"),
        Line(82, 726, "for those who have come from far away in order to read here and"),
    ]
    (facts,) = find(make_page(*write(60, 80, PROSE), *lines))
    assert list_values(facts, "list_item") == ["fares for schools"]


def test_stars_in_the_comments_of_a_program_are_no_bullets() -> None:
    lines = [
        Line(60, 100, "/*"),
        Line(60, 112, "* This program is free"),
        Line(60, 124, "* software."),
        Line(60, 136, "*/"),
    ]
    (facts,) = find(make_page(*write(60, 60, PROSE), *lines))
    assert list_values(facts, "list_item") == []


def test_a_list_beside_another_column_does_not_stand_under_what_is_lower_there() -> None:
    left = [Line(60, 120 + 14 * at, f"{at + 1}. fares of sort {at}") for at in range(3)]
    right = [Line(300, 120 + 14 * at, f"• hours of day {at}") for at in range(3)]
    (facts,) = find(make_page(*write(60, 80, PROSE), *left, *right))
    assert {fact.path for fact in of_kind(facts, "list_item")} == {()}


@pytest.mark.parametrize("sign", ["y", "l", "§", "Ø", "↑", "`", "\N{REPLACEMENT CHARACTER}"])
def test_letters_and_signs_of_symbol_fonts_are_bullets_where_they_begin_lines_apart_from_their_text(sign: str) -> None:
    items = [Line(70, 220 + 16 * at, f"{sign}    {text}") for at, text in enumerate(["Sleep more", "Eat well", "Walk"])]
    (facts,) = find(make_page(*write(60, 120, PROSE), *items, *write(60, 320, PROSE)))
    assert [(fact.label, fact.value) for fact in of_kind(facts, "list_item")] == [
        ("", "Sleep more"),
        ("", "Eat well"),
        ("", "Walk"),
    ]


def test_a_word_of_one_letter_that_begins_lines_of_a_text_is_no_bullet() -> None:
    lines = [Line(60, 120 + 12 * at, f"y los documentos de la oficina número {at}") for at in range(4)]
    (facts,) = find(make_page(*lines))
    assert of_kind(facts, "list_item") == []


def test_a_question_leads_into_its_answers() -> None:
    items = [Line(80, 152 + 16 * at, text) for at, text in enumerate(["A. Zinc oxide", "B. Lead", "C. Tin plate"])]
    (facts,) = find(make_page(Line(60, 120, "Which of these metals is the heaviest by far?"), *items))
    assert [fact.path for fact in of_kind(facts, "list_item")] == [
        ("Which of these metals is the heaviest by far?",)
    ] * 3


def test_a_short_line_close_above_names_its_list() -> None:
    items = [Line(80, 172 + 16 * at, f"• {text}") for at, text in enumerate(["Zinc oxide", "Lead", "Tin plate"])]
    (facts,) = find(make_page(*write(60, 60, PROSE), Line(60, 155, "Metals in use"), *items))
    assert [fact.path for fact in of_kind(facts, "list_item")] == [("Metals in use",)] * 3


def test_an_item_with_an_indented_first_line_goes_on_while_its_sentence_does() -> None:
    lines = [
        *write(60, 60, PROSE),
        Line(80, 120, "• Requiring all those who may wish to run engines,"),
        Line(60, 132, "to keep a list of them in a place that is known."),
        Line(80, 144, "• Installing new and better lamps."),
    ]
    (facts,) = find(make_page(*lines))
    assert list_values(facts, "list_item")[0].endswith("in a place that is known.")


def test_a_line_of_code_before_the_sentence_is_no_part_of_a_lead_in() -> None:
    items = [Line(80, 152 + 16 * at, f"• {text}") for at, text in enumerate(["INTEGER;", "BOOLEAN;", "STRING;"])]
    lines = [Line(60, 120, "Version"), Line(60, 132, "Here is the list of the kinds that a reader can manage:")]
    (facts,) = find(make_page(*write(60, 60, PROSE), *lines, *items))
    paths = {fact.path for fact in of_kind(facts, "list_item")}
    assert paths == {("Here is the list of the kinds that a reader can manage:",)}


def test_numbers_and_comments_of_code_are_no_bullets() -> None:
    lines = [Line(60, 120 + 16 * at, f"#    This file was made by program {at}") for at in range(3)]
    (facts,) = find(make_page(*write(60, 60, PROSE), *lines))
    assert of_kind(facts, "list_item") == []
