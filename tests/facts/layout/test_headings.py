"""Titles, headings with their paths, and sections."""

from __future__ import annotations

from docmatix.core.documents import Box, Page, make_table
from tests.facts.layout.drawn import PROSE, Line, find, list_values, make_page, of_kind, write


def _report() -> list[Line]:
    return [
        Line(180, 80, "Annual Survey of Waters", 20, True),
        Line(60, 130, "1 Scope", 14, True),
        *write(60, 150, PROSE + " " + PROSE),
        Line(60, 200, "1.1 Sampling", 12, True),
        *write(60, 218, PROSE),
        Line(60, 262, "2 Results", 14, True),
        *write(60, 282, PROSE),
    ]


def test_the_largest_text_at_the_head_of_the_first_page_is_the_title() -> None:
    (facts,) = find(make_page(*_report()))
    assert list_values(facts, "title") == ["Annual Survey of Waters"]


def test_a_title_of_two_lines_is_one() -> None:
    lines = [Line(180, 80, "Annual Survey of", 20, True), Line(180, 104, "Waters", 20, True), *_report()[1:]]
    (facts,) = find(make_page(*lines))
    (title,) = of_kind(facts, "title")
    assert title.value == "Annual Survey of Waters"
    assert len(title.boxes) == 2


def test_large_print_on_a_cover_is_no_heading_above_the_others() -> None:
    cover = make_page(
        Line(150, 200, "AquaLine 240", 28, True),
        Line(150, 300, "Operating manual", 18, True),
        Line(150, 700, "May 2021"),
    )
    _, facts = find(cover, make_page(*_report()[1:], number=2))
    assert [fact.path for fact in of_kind(facts, "heading")] == [(), ("1 Scope",), ()]


def test_headings_have_the_headings_above_them_as_path() -> None:
    (facts,) = find(make_page(*_report()))
    assert [(fact.value, fact.path) for fact in of_kind(facts, "heading")] == [
        ("1 Scope", ()),
        ("1.1 Sampling", ("1 Scope",)),
        ("2 Results", ()),
    ]


def test_a_numbered_heading_does_not_stand_under_one_of_another_number() -> None:
    lines = [*_report()[:-2], Line(60, 262, "5.2 Costs", 12, True), *write(60, 282, PROSE)]
    (facts,) = find(make_page(*lines))
    assert [fact.path for fact in of_kind(facts, "heading")] == [(), ("1 Scope",), ()]


def test_levels_follow_from_size_where_headings_have_no_numbers() -> None:
    lines = [
        Line(60, 130, "Scope", 14, True),
        *write(60, 150, PROSE),
        Line(60, 200, "Sampling", 12, True),
        *write(60, 218, PROSE),
        Line(60, 262, "Results", 14, True),
        *write(60, 282, PROSE),
    ]
    (facts,) = find(make_page(*lines))
    assert [(fact.value, fact.path) for fact in of_kind(facts, "heading")] == [
        ("Scope", ()),
        ("Sampling", ("Scope",)),
        ("Results", ()),
    ]


def test_a_section_is_a_heading_and_the_whole_paragraph_under_it() -> None:
    (facts,) = find(make_page(*_report()))
    section = of_kind(facts, "section")[0]
    assert (section.label, section.value) == ("1 Scope", PROSE + " " + PROSE)
    assert len(section.boxes) == 3
    assert len(section.label_boxes) == 1


def test_a_paragraph_in_the_next_column_belongs_to_the_section() -> None:
    lines = [
        *write(40, 100, PROSE + " " + PROSE + " " + PROSE, width=44),
        Line(40, 260, "Outlook", 14, True),
        *write(40, 280, "Several towns have since followed this example in order to save the cost of their", width=44),
        *write(330, 100, "own buildings and of the heating within them over the years.", width=44),
    ]
    (facts,) = find(make_page(*lines))
    (section,) = of_kind(facts, "section")
    assert section.value.startswith("Several towns")
    assert section.value.endswith("over the years.")


def test_a_heading_at_the_foot_of_a_page_has_its_section_on_the_next() -> None:
    first = make_page(*_report()[:-2], Line(60, 700, "3 Costs", 14, True))
    second = make_page(*write(60, 80, PROSE), Line(60, 120, "4 End", 14, True), *write(60, 140, PROSE), number=2)
    one, other = find(first, second)
    assert "3 Costs" in list_values(one, "heading")
    assert ("3 Costs", PROSE) in [(fact.label, fact.value) for fact in of_kind(other, "section")]


def test_a_broken_word_is_made_whole_in_a_section() -> None:
    lines = [
        Line(60, 100, "Method", 14, True),
        Line(60, 120, "The survey was carried out by a regional univer-"),
        Line(60, 132, "sity and two offices of the state."),
        *write(60, 170, PROSE),
    ]
    (facts,) = find(make_page(*lines))
    (section,) = of_kind(facts, "section")
    assert section.value == "The survey was carried out by a regional university and two offices of the state."


def test_labels_bold_lead_ins_and_sentences_are_no_headings() -> None:
    lines = [
        *write(60, 80, PROSE * 3),
        Line(60, 160, "Definition. A number that divides two others is shared.", first_bold=True),
        Line(60, 172, "It is the greatest if no other is greater than it is."),
        Line(60, 220, "Name:", bold=True),
        Line(160, 220, "Anna Berger"),
        Line(60, 234, "Town:", bold=True),
        Line(160, 234, "Trier"),
        Line(60, 280, "Please return this form before the first of May.", bold=True),
        *write(60, 300, PROSE),
    ]
    (facts,) = find(make_page(*lines))
    assert list_values(facts, "heading") == []


def test_what_stands_in_a_table_is_no_heading() -> None:
    lines = [
        *write(60, 80, PROSE * 3),
        Line(60, 200, "Region", 12, True),
        Line(60, 216, "North of the river and all the towns along it"),
    ]
    table = make_table(Box(0.08, 0.22, 0.9, 0.3), [["Region"], ["North of the river and all the towns along it"]])
    cells = tuple(cell._replace(box=table.box) for cell in table.cells)
    (facts,) = find(make_page(*lines), tables=[[type(table)(table.box, cells)]])
    assert list_values(facts, "heading") == []


def test_larger_print_alone_on_its_row_is_a_heading_though_a_table_was_seen_around_it() -> None:
    rows = [Line(60, 100, "Personal details", 14, True)]
    rows += [Line(60, 130 + 16 * at, f"label {at} value {at}") for at in range(8)]
    rows += [Line(60, 280, "Declaration", 14, True)]
    rows += [Line(60, 310 + 16 * at, f"label {at} value {at}") for at in range(8)]
    box = Box(0.08, 0.09, 0.6, 0.6)
    table = make_table(box, [["x"]])
    table = type(table)(box, tuple(cell._replace(box=box) for cell in table.cells))
    (facts,) = find(make_page(Line(60, 60, "Application", 20, True), *rows), tables=[[table]])
    assert list_values(facts, "heading") == ["Personal details", "Declaration"]


def test_lines_of_contents_are_no_headings_and_no_items() -> None:
    lines = [Line(60, 80, "Contents", 16, True)]
    lines += [Line(60, 120 + 14 * at, f"{at + 1}. Part {'.' * 60} {3 * at + 2}", bold=True) for at in range(6)]
    lines += write(60, 400, PROSE * 4)
    (facts,) = find(make_page(*lines))
    assert not of_kind(facts, "heading")
    assert not of_kind(facts, "list_item")


def test_each_slide_has_its_title() -> None:
    pages = [
        make_page(
            Line(40, 60, title, 32),
            Line(60, 140, "• cheaper fares for schools", 18),
            Line(60, 170, "• longer hours on Saturdays", 18),
            number=number,
            width=720,
            height=540,
        )
        for number, title in enumerate(["Why we do it", "What it costs"], 1)
    ]
    one, other = find(*pages)
    assert (list_values(one, "title"), list_values(other, "title")) == (["Why we do it"], ["What it costs"])
    assert [fact.path for fact in of_kind(other, "list_item")] == [("What it costs",), ("What it costs",)]


def test_a_page_read_from_right_to_left_has_headings() -> None:
    words = "تحسين الإنتاجية وحل المشكلات من خلال البرمجة".split()

    page = make_page(Line(60, 80, " ".join(words[:3]), 16, True), *write(60, 105, " ".join(words * 6) + "."))
    mirrored = tuple(
        word._replace(box=Box(round(1 - word.box.x1, 5), word.box.y0, round(1 - word.box.x0, 5), word.box.y1))
        for word in page.words
    )
    (facts,) = find(type(page)(1, page.width_pt, page.height_pt, 0, 0.0, page.text, mirrored))
    found = list_values(facts, "heading") + list_values(facts, "title")
    assert found == [" ".join(words[:3])]


def test_headings_of_one_numbering_share_a_parent_whatever_their_size() -> None:
    lines = [Line(60, 90, "MINUTES OF THE COUNCIL", 14, True), Line(60, 120, "Those present", 12, True)]
    for at, size in enumerate((11, 11, 11.5)):
        lines += [*write(60, 140 + 70 * at, PROSE), Line(60, 185 + 70 * at, f"{'ABC'[at]}. Costs of it", size, True)]
    _, facts = find(make_page(*write(60, 80, PROSE)), make_page(*lines, *write(60, 343, PROSE), number=2))
    numbered = [fact for fact in of_kind(facts, "heading") if fact.value.endswith("it")]
    assert [fact.path for fact in numbered] == [("MINUTES OF THE COUNCIL",)] * 3


def test_a_numbering_that_begins_anew_casts_doubt_on_the_heading_above() -> None:
    lines = [Line(60, 80, "The first chapter", 16, True)]
    for at, text in enumerate(("1. Scope", "2. Results", "1. Costs")):
        lines += [Line(60, 110 + 70 * at, text, 12, True), *write(60, 128 + 70 * at, PROSE)]
    _, facts = find(make_page(*write(60, 80, PROSE)), make_page(*lines, number=2))
    assert [fact.path for fact in of_kind(facts, "heading")] == [
        (),
        ("The first chapter",),
        ("The first chapter",),
        (),
    ]


def test_a_note_in_the_margin_is_no_part_of_a_section() -> None:
    lines = [
        Line(135, 130, "1.1 Sampling", 12, True),
        Line(75, 150, "Sampling: This was carried out by the regional office with two other ones"),
        Line(135, 162, "and is now complete. It was carried out by all."),
    ]
    page = make_page(*write(135, 80, PROSE, width=70), *lines, *write(135, 200, PROSE, width=70), number=2)
    _, facts = find(make_page(*write(135, 80, PROSE, width=70)), page)
    assert list_values(facts, "heading") == ["1.1 Sampling"]
    assert list_values(facts, "section") == []


def test_lines_of_chinese_are_joined_without_a_space() -> None:
    lines = [
        Line(60, 130, "1.1 Sampling", 12, True),
        Line(60, 150, "报告期内公司的非经常性损" * 5),
        Line(60, 162, "益项目不适用。"),
    ]
    (facts,) = find(make_page(*write(60, 80, PROSE), *lines, *write(60, 200, PROSE)))
    assert list_values(facts, "section") == ["报告期内公司的非经常性损" * 5 + "益项目不适用。"]


def test_a_numbered_heading_of_another_chapter_does_not_stand_under_the_chapter_before() -> None:
    lines = [
        Line(60, 80, "Protecting the data", 20, True),
        *write(60, 110, PROSE),
        Line(60, 160, "1.1 Basics", 14, True),
        *write(60, 180, PROSE),
        Line(60, 230, "2.1 Roles", 14, True),
        *write(60, 250, PROSE),
    ]
    _, facts = find(make_page(*write(60, 80, PROSE)), make_page(*lines, number=2))
    paths = {fact.value: fact.path for fact in of_kind(facts, "heading")}
    assert paths == {"Protecting the data": (), "1.1 Basics": ("Protecting the data",), "2.1 Roles": ()}


def test_nothing_stands_under_a_heading_before_pages_that_are_missing() -> None:
    def make(printed: int, at: int, *lines: Line) -> Page:
        return make_page(*lines, Line(300, 775, f"Page {printed}"), number=at)

    first = make(6, 1, Line(60, 80, "Yields", 16, True), *write(60, 110, PROSE))
    second = make(19, 2, *write(60, 80, PROSE), Line(60, 140, "Losses", 13, True), *write(60, 160, PROSE))
    _, facts = find(first, second)
    assert [(fact.value, fact.path) for fact in of_kind(facts, "heading")] == [("Losses", ())]


def test_a_line_of_text_in_chinese_that_goes_on_below_is_no_heading() -> None:
    wrapped = "公司董事会监事会及董事监事高级管理人员保证季度报告内容的真实准确完整并承担个别和连带"
    lines = [Line(60, 80 + 24 * at, wrapped, 14) for at in range(5)]
    (facts,) = find(make_page(*lines, *write(60, 260, PROSE * 4, size=9)))
    assert of_kind(facts, "heading") == []


def test_a_line_in_capitals_and_one_below_it_that_is_not_are_two_headings() -> None:
    lines = [
        *write(60, 60, PROSE),
        Line(255, 140, "MINUTES OF ORDER", 10, True),
        Line(235, 153, "Public meeting of 20 June", 10, True),
        *write(60, 180, PROSE),
    ]
    (facts,) = find(make_page(*lines))
    assert "MINUTES OF ORDER Public meeting of 20 June" not in list_values(facts, "heading")


def test_a_heading_has_no_bullet_and_a_section_is_no_list() -> None:
    lines = [
        *write(60, 60, PROSE * 2),
        Line(60, 130, "✓ More choice", 10, True),
        *write(60, 148, PROSE),
        Line(60, 200, "Less noise", 14, True),
        *[Line(60, 222 + 16 * at, f"■ {PROSE}") for at in range(3)],
    ]
    (facts,) = find(make_page(*lines))
    assert list_values(facts, "heading") == ["More choice", "Less noise"]
    assert [fact.label for fact in of_kind(facts, "section")] == ["More choice"]


def test_a_numbered_line_that_wide_gaps_set_off_is_a_heading_in_the_style_of_its_text() -> None:
    lines = [
        *write(60, 60, PROSE * 2),
        Line(60, 120, "A. Network of pictures"),
        *write(60, 145, PROSE * 2),
        Line(60, 200, "B. Imitation of styles"),
        *write(60, 225, PROSE * 2),
    ]
    (facts,) = find(make_page(*lines))
    assert list_values(facts, "heading") == ["A. Network of pictures", "B. Imitation of styles"]


def test_the_number_of_a_chapter_alone_is_no_title() -> None:
    lines = [Line(60, 80, "Chapter 1", 28, True), Line(60, 130, "What is a Science?", 22, True)]
    (facts,) = find(make_page(*lines, *write(60, 180, PROSE * 3)))
    assert list_values(facts, "title") == ["What is a Science?"]


def test_two_large_lines_apart_on_a_cover_leave_the_title_in_doubt() -> None:
    cover = make_page(Line(150, 150, "Northern Leather Company", 28, True), Line(150, 300, "Annual Report", 26, True))
    first, _ = find(cover, make_page(*write(60, 80, PROSE * 4), number=2))
    assert of_kind(first, "title") == []
