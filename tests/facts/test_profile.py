"""What a page is like, told from its facts and its geometry."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from docmatix.core.documents import Box, Fact, Page, make_table
from docmatix.core.profiles import COUNTS, SCORES, SHARES
from docmatix.facts.profile import profile_page
from docmatix.pdf.drawings import Drawing, FilledBox, Outline, Rule, Widget
from tests.facts.tables.setting import Piece, draw, write

SCALE: list[Piece] = [(60.0, 200.0 + 30 * n, str(100 - 20 * n)) for n in range(6)]
AXES = (Rule(80, 195, 80, 360), Rule(80, 360, 300, 360))
PROSE: list[Piece] = [(60, 400.0 + 14 * n, "the harvest was better than in the years before") for n in range(6)]
CAPTION = Fact("caption", "Figure 1", "Sales", (), (Box(0.2, 0.49, 0.4, 0.5),), (Box(0.1, 0.49, 0.18, 0.5),))


def add_facts(page: Page, *facts: Fact) -> Page:
    return replace(page, facts=facts)


def make_fact(kind: str, place: float = 0.2) -> Fact:
    return Fact(kind, "Name", "Ada", (), (Box(0.2, place, 0.3, place + 0.01),), (Box(0.1, place, 0.15, place + 0.01),))


def test_evenly_stepped_numbers_beside_a_line_are_a_chart() -> None:
    assert profile_page(write([*SCALE, *PROSE]), Drawing(AXES)).chart > 0.9


def test_numbers_beside_words_are_rows_of_a_table_and_no_chart() -> None:
    names: list[Piece] = [(90.0, y, "Pears") for _, y, _ in SCALE]
    assert profile_page(write([*SCALE, *names]), Drawing(AXES)).chart < 0.5


def test_numbers_that_grow_downwards_or_unevenly_are_no_scale() -> None:
    for numbers in ("0 20 40 60 80 100", "100 97 60 52 20 0"):
        pieces: list[Piece] = [(60.0, 200.0 + 30 * n, text) for n, text in enumerate(numbers.split())]
        assert profile_page(write(pieces), Drawing(AXES)).chart < 0.5


def test_bars_with_their_names_are_a_chart_and_without_them_are_not() -> None:
    bars = Drawing(
        boxes=tuple(FilledBox(100 + 50 * n, 300 - 30 * n, 130 + 50 * n, 340, False, (0.2,)) for n in range(4))
    )
    names: list[Piece] = [(105.0 + 50 * n, 345.0, name) for n, name in enumerate(("Kent", "York", "Bath", "Ely"))]
    assert profile_page(write([*names, *PROSE]), bars).chart >= 0.5
    assert profile_page(write(PROSE), bars).chart < 0.5


def test_slices_of_several_colours_are_a_chart() -> None:
    colours = ((1.0, 0.0, 0.0), (0.0, 0.0, 1.0))
    slices = tuple(Outline(200, 200, 300, 300, 2, 2, colour) for colour in colours)
    assert profile_page(write(PROSE), Drawing(outlines=slices)).chart >= 0.5


def test_a_picture_above_a_caption_is_a_figure_and_a_caption_of_a_table_is_none() -> None:
    page = add_facts(write(PROSE), CAPTION)
    assert profile_page(page, Drawing(pictures=(Box(0.1, 0.2, 0.5, 0.48),))).figure > 0.9
    assert profile_page(page, Drawing()).figure == 0
    table = replace(page, tables=(make_table(Box(0.1, 0.2, 0.5, 0.48), [["a", "b"]]),))
    assert profile_page(table, Drawing(pictures=(Box(0.1, 0.7, 0.3, 0.8),))).figure < 0.5


def test_a_large_picture_without_text_on_it_is_a_figure_and_a_logo_or_a_background_is_none() -> None:
    page = write(PROSE)
    assert profile_page(page, Drawing(pictures=(Box(0.1, 0.05, 0.6, 0.3),))).figure >= 0.5
    assert profile_page(page, Drawing(pictures=(Box(0.1, 0.05, 0.25, 0.1),))).figure < 0.5
    assert profile_page(page, Drawing(pictures=(Box(0.0, 0.0, 1.0, 1.0),))).figure < 0.5


def test_words_that_ocr_has_read_in_a_picture_leave_it_a_figure_and_those_of_a_scan_make_it_none() -> None:
    page = write([*PROSE, *((60, 60.0 + 14 * n, "seldom often always never") for n in range(12))])
    picture = Drawing(pictures=(Box(0.05, 0.05, 0.95, 0.4),))
    assert profile_page(page, picture).figure < 0.5
    in_picture = tuple(word._replace(confidence=0.9) if word.box.y1 < 0.4 else word for word in page.words)
    assert profile_page(replace(page, words=in_picture), picture).figure >= 0.5
    read = tuple(word._replace(confidence=0.9) for word in page.words)
    scan = replace(page, words=read, text_from="ocr")
    assert profile_page(scan, Drawing(pictures=(Box(0.0, 0.0, 1.0, 1.0),))).figure < 0.5


def test_empty_fields_and_boxes_to_tick_are_of_a_form_and_fields_with_values_are_not() -> None:
    page = write(PROSE)
    blank = [make_fact(kind, 0.1 * n) for n, kind in enumerate(("empty_field", "empty_field", "checkbox"))]
    assert profile_page(add_facts(page, *blank), Drawing()).form >= 0.5
    assert profile_page(add_facts(page, *(make_fact("field", 0.05 * n) for n in range(9))), Drawing()).form < 0.5


def test_the_fields_of_a_form_without_a_word_are_of_a_form() -> None:
    drawing = Drawing(widgets=(Widget(72, 72, 90, 90, "checkbox", "", "", False),))
    assert profile_page(write([]), drawing).form >= 0.4


def test_one_box_to_tick_in_much_text_is_no_form() -> None:
    text: list[Piece] = [(60, 60.0 + 12 * n, "the harvest was better than in the years before") for n in range(55)]
    assert profile_page(add_facts(write(text), make_fact("checkbox"), make_fact("checkbox", 0.4)), Drawing()).form < 0.5


def tick(label: str, *, checked: bool, place: float, question: str = "") -> Fact:
    return make_fact("checkbox", place)._replace(
        label=question, value=label, path=("checked" if checked else "unchecked",)
    )


@pytest.mark.parametrize("labels", [("适用", "不适用"), ("Có", "Không"), ("該当", "非該当")])
def test_boxes_that_say_what_applies_are_of_a_report_and_those_beside_questions_are_of_a_form(
    labels: tuple[str, str],
) -> None:
    page = write(PROSE)
    said = [tick(labels[n % 2], checked=n % 2 == 1, place=0.05 * n) for n in range(8)]
    assert profile_page(add_facts(page, *said), Drawing()).form < 0.5
    asked = [fact._replace(label=f"Question {n // 2}") for n, fact in enumerate(said)]
    assert profile_page(add_facts(page, *asked), Drawing()).form >= 0.5
    empty = [fact._replace(path=("unchecked",)) for fact in said]
    assert profile_page(add_facts(page, *empty), Drawing()).form >= 0.5
    assert profile_page(add_facts(page, *said, make_fact("empty_field", 0.9)), Drawing()).form >= 0.5


def test_the_parts_of_a_letter_are_of_a_letter() -> None:
    page = write(PROSE)
    assert profile_page(add_facts(page, make_fact("addressee"), make_fact("date")), Drawing()).letter > 0.7
    assert profile_page(add_facts(page, make_fact("date")), Drawing()).letter < 0.5


def test_few_large_words_on_a_screen_are_a_slide_and_a_wide_page_of_small_print_is_none() -> None:
    page = write([(60, 60, "Harvest of the year"), (60, 200, "better than before")], size=24)
    assert profile_page(replace(page, width_pt=960.0, height_pt=540.0), Drawing()).slide >= 0.5
    small: list[Piece] = [(60, 60.0 + 9 * n, "the harvest was better than in the years before") for n in range(45)]
    assert profile_page(replace(write(small, size=8), width_pt=842.0, height_pt=595.0), Drawing()).slide < 0.5


def test_rows_that_end_in_growing_numbers_of_pages_are_contents_and_telephone_numbers_are_not() -> None:
    def write_rows(numbers: list[str]) -> Page:
        rows: list[Piece] = []
        for n, number in enumerate(numbers):
            rows += [(60.0, 100.0 + 20 * n, f"Chapter {'.' * 40}"), (540.0 - 5 * len(number), 100.0 + 20 * n, number)]
        return write(rows)

    assert profile_page(write_rows("1 4 9 9 13 20 31".split()), Drawing()).contents >= 0.5
    assert profile_page(write_rows("4121 1980 7300 2114 9021 3310 1002".split()), Drawing()).contents < 0.5


@pytest.mark.parametrize("title", ["Layer {}", "Ward {}", "Abbildung {}"])
def test_titles_of_figures_that_are_counted_are_no_contents(title: str) -> None:
    rows: list[Piece] = [(100.0, 100.0 + 80 * n, title.format(n + 1)) for n in range(7)]
    assert profile_page(write(rows), Drawing()).contents < 0.5


@pytest.mark.parametrize(
    "row",
    [
        "1721 Tag#:SJ3095-1 GO SJ 2012-122590518 WA-GR FOUND _d__",
        "INVOICE NO. 00{n}71 PAID ____ DATE __/__/____ CLERK #4",
        "$$ 50 000 TO 100 000 $   ITEM {n} OF THE BUDGET",
    ],
)
def test_letters_of_one_width_without_the_signs_of_programs_are_of_a_typewriter(row: str) -> None:
    page = write([(60.0, 100.0 + 12 * n, row.format(n=n)) for n in range(9)], size=8)
    assert profile_page(page, Drawing()).code < 0.5


def test_a_short_legend_in_letters_of_one_width_is_no_code() -> None:
    lines = ("$ = 0 to 50 000 $ a year", "$$ = 50 000 to 100 000 $ a year", "WHAT IS NEEDED AND BY WHOM")
    page = write([(60.0, 100.0 + 12 * n, line) for n, line in enumerate(lines)], size=8)
    assert profile_page(page, Drawing()).code < 0.5


def test_letters_of_one_width_with_the_signs_of_programs_are_code() -> None:
    lines = ("def add(left, right):", "total = left + right", "return total", "print(add(1, 2))", "items[0] = total")
    page = write([(60.0, 100.0 + 12 * n, line) for n, line in enumerate(lines)], size=8)  # letters are 5 points wide
    assert profile_page(page, Drawing()).code >= 0.5


def test_entries_with_years_and_initials_are_references_and_dates_of_a_statement_are_not() -> None:
    def write_lines(line: str) -> Page:
        return write([(60.0, 100.0 + 14 * n, line) for n in range(12)])

    assert profile_page(write_lines("Byron A. and Keats J. (1998): Orchards. Journal 4"), Drawing()).references >= 0.5
    assert profile_page(write_lines("01/08/2019 Cartoleria S.p.A. 125,84"), Drawing()).references < 0.5


def test_a_page_that_was_found_blank_is_blank_and_one_with_a_picture_is_not() -> None:
    page = write([])
    assert profile_page(replace(page, reason="blank"), Drawing()).blank == 1
    assert profile_page(replace(page, reason="no_text", image_share=0.9), Drawing()).blank == 0


def test_a_page_of_which_nothing_was_read_but_its_number_may_have_a_drawing() -> None:
    numbered = write([(300, 770, "12")])
    assert profile_page(numbered, Drawing()).blank == 0.9
    assert profile_page(replace(numbered, reason="no_text"), Drawing()).blank < 0.5


def test_what_pictures_hold_lowers_the_confidence() -> None:
    page = write(PROSE)
    assert profile_page(replace(page, image_share=0.8), Drawing()).confidence < profile_page(page, Drawing()).confidence


def test_items_below_one_lead_in_are_one_list() -> None:
    items = [make_fact("list_item", 0.1 * n)._replace(value=str(n), path=("Bring",)) for n in range(3)]
    nested = make_fact("list_item", 0.6)._replace(value="x", path=("Bring", "2"))
    other = make_fact("list_item", 0.7)._replace(value="y", path=("Leave",))
    assert profile_page(add_facts(write(PROSE), *items, nested, other), Drawing()).lists == 2


PLACES = st.floats(0, 600, width=32)


@given(
    st.lists(st.tuples(PLACES, PLACES, st.text("a1. =;{", min_size=1, max_size=12)), max_size=30),
    st.lists(st.tuples(PLACES, PLACES, PLACES, PLACES), max_size=10),
)
def test_shares_and_scores_are_within_their_bounds(
    pieces: list[Piece], boxes: list[tuple[float, float, float, float]]
) -> None:
    upright = [(min(x0, x1), min(y0, y1), max(x0, x1), max(y0, y1)) for x0, y0, x1, y1 in boxes]
    profile = profile_page(write(pieces), draw(boxes=upright))
    for name in (*SHARES, *SCORES, "confidence"):
        assert 0 <= getattr(profile, name) <= 1, name
    assert all(getattr(profile, name) >= 0 for name in COUNTS)
    assert profile == profile_page(write(pieces), draw(boxes=upright))
