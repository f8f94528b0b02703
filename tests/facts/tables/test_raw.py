"""Tables by geometry: what holds of every page, ruled grids, and tables without rules."""

from __future__ import annotations

from itertools import pairwise, product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from docmatix.facts.tables.turning import turn_back, turn_page
from tests.facts.tables.setting import PITCH, draw, draw_grid, find, read, read_rows, read_words, set_rows, write

LEFTS = (50.0, 200.0, 280.0, 360.0)
FRUIT = [
    ["Fruit", "2019", "2020", "2021"],
    ["Apples", "12.5", "13.1", "14.0"],
    ["Pears", "7.5", "8.0", "9.1"],
    ["Plums", "3.2", "2.9", "3.3"],
    ["Cherries", "1.0", "1.2", "0.8"],
]


@given(
    st.lists(
        st.tuples(st.integers(0, 580), st.integers(0, 780), st.sampled_from(["12", "Total", "a b", "—"])), max_size=30
    ),
    st.lists(st.tuples(*[st.integers(0, 600)] * 4), max_size=12),
)
@settings(deadline=None, max_examples=60)
def test_whatever_is_on_a_page_each_word_is_in_one_cell_and_no_cells_overlap(
    pieces: list[tuple[int, int, str]], rules: list[tuple[int, int, int, int]]
) -> None:
    page = write((float(x), float(y), text) for x, y, text in pieces)
    straight = [(x0, y0, x1, y0) if x1 > y1 else (x0, y0, x0, y1) for x0, y0, x1, y1 in rules]
    tables = find(page, draw(straight))
    held = [word for table in tables for cell in table.cells for word in cell.words]
    assert len(held) == len(set(held))
    for table in tables:
        places = [
            place
            for cell in table.cells
            for place in product(
                range(cell.row, cell.row + cell.row_span), range(cell.column, cell.column + cell.column_span)
            )
        ]
        assert 0 <= table.trust <= 1
        assert all(0 <= corner <= 1 for corner in table.box)
        assert len({(cell.row, cell.column) for cell in table.cells}) == len(table.cells), places


def test_a_drawn_grid_gives_cells_with_their_spans() -> None:
    page = write(set_rows([["", "Sales", ""], ["Fruit", "2019", "2020"], ["Apples", "12", "13"]], (55, 155, 255)))
    rules = [
        *[(50, y, 350, y) for y in (195, 223, 237)],
        (150, 209, 350, 209),
        *[(x, 195, x, 237) for x in (50, 150, 350)],
        (250, 209, 250, 237),
    ]
    (table,) = find(page, draw(rules))
    spans = {read_words(page, cell.words): (cell.row_span, cell.column_span) for cell in table.cells}
    assert table.ruled
    assert table.header_rows == 2
    assert spans["Sales"] == (1, 2)
    assert spans["Fruit"] == (2, 1)
    assert spans["12"] == (1, 1)


def test_a_grid_may_be_open_at_its_sides() -> None:
    page = write(set_rows(FRUIT, LEFTS))
    rules = [(45, 197 + 14 * row, 400, 197 + 14 * row) for row in range(6)]
    (table,) = find(page, draw([*rules, *[(x, 197, x, 267) for x in (195, 275, 355)]]))
    assert table.ruled
    assert read_rows(page, table) == FRUIT


def test_rows_of_numbers_in_one_drawn_cell_are_cut_apart() -> None:
    page = write(set_rows(FRUIT, LEFTS))
    (table,) = find(page, draw(draw_grid((45, 195, 275, 355, 420), (196, 211, 268))))
    assert read_rows(page, table) == FRUIT


def test_lines_of_text_in_one_drawn_cell_stay_together() -> None:
    rows = [["Name", "Task"], ["Anna", "writes the first"], ["", "half of it"], ["Ben", "reads it"]]
    page = write(set_rows(rows, (55, 155)))
    (table,) = find(page, draw(draw_grid((50, 150, 300), (196, 211, 239, 254))))
    assert read_rows(page, table) == [["Name", "Task"], ["Anna", "writes the first half of it"], ["Ben", "reads it"]]


def test_filled_boxes_draw_a_table_where_nothing_else_does() -> None:
    page = write(set_rows(FRUIT, LEFTS))
    xs, ys = (45, 195, 275, 355, 430), (197, 211, 225, 239, 253, 267)
    boxes = [(x0, y0, x1, y1) for y0, y1 in pairwise(ys) for x0, x1 in pairwise(xs)]
    (table,) = find(page, draw(boxes=boxes))
    assert table.ruled
    assert read_rows(page, table) == FRUIT


def test_bars_of_a_chart_are_no_table() -> None:
    page = write([(105.0 + 40 * bar, 300.0, str(7 + bar)) for bar in range(5)])
    bars = [(100 + 40 * bar, 320, 130 + 40 * bar, 400) for bar in range(5)]
    lines = draw_grid([60.0, *[100.0 + 20 * at for at in range(11)]], [200.0, 250.0, 290.0, 330.0, 370.0, 400.0])
    assert find(page, draw(lines, bars)) == []


def test_aligned_text_gives_a_table_without_any_rule() -> None:
    page = write(set_rows(FRUIT, LEFTS))
    (table,) = find(page)
    assert not table.ruled
    assert read_rows(page, table) == FRUIT
    assert table.header_rows == 1


def test_a_table_keeps_its_caption_and_its_notes_beside_the_cells() -> None:
    above = [(50.0, 180.0, "Table 3: Sales of fruit by year")]
    below = [(50.0, 285.0, "Source: own survey.")]
    page = write([*above, *set_rows(FRUIT, LEFTS), *below])
    (table,) = find(page)
    assert read_words(page, table.caption_words) == "Table 3: Sales of fruit by year"
    assert read_words(page, table.note_words) == "Source: own survey."
    assert read_rows(page, table) == FRUIT


def test_a_label_on_two_lines_is_one_cell() -> None:
    rows = [
        ["Fruit", "2019", "2020"],
        ["Apples and", "", ""],
        ["other pome fruit", "7.5", "8.0"],
        ["Plums", "3.2", "2.9"],
    ]
    page = write(set_rows([*rows, ["Figs", "0.1", "0.2"]], LEFTS))
    (table,) = find(page)
    assert ["Apples and other pome fruit", "7.5", "8.0"] in read_rows(page, table)


def test_a_header_over_two_columns_spans_them_by_the_rule_beneath_it() -> None:
    header = [(230.0, 172.0, "Sales"), (50.0, 186.0, "Fruit"), (200.0, 186.0, "2019"), (280.0, 186.0, "2020")]
    header += [(360.0, 186.0, "Share")]
    page = write([*header, *set_rows(FRUIT[1:], LEFTS)])
    (table,) = find(page, draw([(195, 184, 310, 184)]))
    sales = next(cell for cell in table.cells if read_words(page, cell.words) == "Sales")
    assert (sales.row, sales.column, sales.column_span) == (0, 1, 2)
    assert table.header_rows == 2


def test_a_header_over_two_columns_spans_them_by_their_common_middle() -> None:
    header = [(247.0, 172.0, "£"), (50.0, 186.0, "Fruit"), (200.0, 186.0, "Male"), (280.0, 186.0, "Both")]
    header += [(360.0, 186.0, "Share")]
    page = write([*header, *set_rows(FRUIT[1:], LEFTS)])
    (table,) = find(page)
    pounds = next(cell for cell in table.cells if read_words(page, cell.words) == "£")
    assert (pounds.column, pounds.column_span) == (1, 2)


def test_a_currency_sign_set_apart_belongs_to_its_number() -> None:
    rows = [["Fund", "$", "1,200", "$", "900"], ["Roads", "$", "300", "$", "250"], ["Parks", "$", "80", "$", "75"]]
    page = write(set_rows([["Name", "", "2019", "", "2020"], *rows], (50, 180, 215, 270, 305)))
    (table,) = find(page)
    assert read_rows(page, table)[1] == ["Fund", "$ 1,200", "$ 900"]


def test_leaders_part_a_label_from_its_number_and_are_left_out() -> None:
    rows = [
        ["Roads . . . . . . . . .", "300", "250"],
        ["Public parks . . . . . .", "80", "75"],
        ["Total . . . . . . . . . .", "380", "325"],
    ]
    page = write(set_rows([["Item", "2019", "2020"], *rows], (50, 180, 240)))
    (table,) = find(page)
    assert read_rows(page, table)[1:] == [
        ["Roads", "300", "250"],
        ["Public parks", "80", "75"],
        ["Total", "380", "325"],
    ]


def test_tables_side_by_side_with_rows_of_their_own_are_two() -> None:
    left = set_rows(FRUIT, (40, 120, 160, 200))
    right = set_rows(FRUIT, (330, 420, 460, 500), top=207.0)
    page = write([*left, *right])
    tables = find(page)
    assert [read_rows(page, table) for table in tables] == [FRUIT, FRUIT]


def test_a_table_beside_a_column_of_prose_is_found_alone() -> None:
    sentence = "and so the committee went on to say that every"
    prose = [(40.0, 150.0 + 12 * line, sentence) for line in range(14)]
    page = write([*prose, *set_rows(FRUIT, (330, 420, 460, 500), top=190.0)])
    (table,) = find(page)
    assert read_rows(page, table) == FRUIT


def test_words_stand_in_a_cell_in_reading_order() -> None:
    page = write(set_rows(FRUIT, LEFTS))
    (table,) = find(page)
    assert all(list(cell.words) == sorted(cell.words) for cell in table.cells)
    assert [place[:2] for place in read(page, table)] == sorted(place[:2] for place in read(page, table))


@pytest.mark.parametrize("upwards", [True, False])
def test_a_table_that_runs_up_or_down_the_page_is_read_as_if_upright(upwards: bool) -> None:
    rows = [[f"the {label}", *values] for label, *values in FRUIT]
    page, drawing = write(set_rows(rows, LEFTS)), draw(draw_grid((45, 195, 275, 355, 420), (196, 211, 268)))
    turned, lines = turn_page(page, drawing, upwards=not upwards)
    (upright,) = find(page, drawing)
    (table,) = find(turned, lines)
    assert read_rows(turned, table) == rows
    boxes = [turn_back(cell.box, upwards=not upwards) for cell in table.cells]
    for box, cell in zip(boxes, upright.cells, strict=True):
        assert box == pytest.approx(cell.box, abs=1e-4)


def test_a_total_below_a_drawn_grid_is_its_last_row() -> None:
    page = write(set_rows([*FRUIT, ["Total", "24.2", "25.2", "27.2"]], LEFTS))
    rules = draw_grid((45, 195, 275, 355, 420), [197.0 + 14 * row for row in range(6)])
    (table,) = find(page, draw(rules))
    assert read_rows(page, table)[-1] == ["Total", "24.2", "25.2", "27.2"]


def test_a_header_above_a_drawn_grid_is_its_first_row() -> None:
    page = write(set_rows([["Name", "North", "South", "West"], *FRUIT[1:]], LEFTS))
    rules = draw_grid((45, 195, 275, 355, 420), [211.0 + 14 * row for row in range(5)])
    (table,) = find(page, draw(rules))
    assert read_rows(page, table)[0] == ["Name", "North", "South", "West"]
    assert table.header_rows == 1


def test_padding_between_doubled_lines_makes_no_columns() -> None:
    page = write(set_rows(FRUIT, LEFTS))
    doubled = [x for left in (40, 190, 270, 350, 415) for x in (left, left + 5)]
    (table,) = find(page, draw(draw_grid(doubled, [197.0 + 14 * row for row in range(6)])))
    assert {cell.column for cell in table.cells} == {0, 1, 2, 3}
    assert read_rows(page, table) == FRUIT


def test_text_as_long_as_prose_is_a_table_in_columns_between_rules() -> None:
    task = "reads all that the others wrote and says what is wrong with it"
    more = "then it goes to the one who prints it and comes back again on"
    rows = [["Name", "Task", "Hours"], *[[name, task, "12"] for name in ("Anna", "Ben", "Carl", "Dora")]]
    pieces = set_rows(rows, (50, 120, 500), pitch=32.0)
    pieces += [(120.0, 246.0 + 32 * row, more) for row in range(4)]
    page = write(sorted(pieces, key=lambda piece: (piece[1], piece[0])))
    (table,) = find(page, draw([(45, y, 545, y) for y in (195, 220, 365)]))
    assert read_rows(page, table)[1] == ["Anna", f"{task} {more}", "12"]


def test_a_label_whose_lower_lines_are_indented_is_one_cell() -> None:
    rows = [
        ["Agency", "2019", "2020"],
        ["Bureau of Land", "", ""],
        ["", "7.5", "8.0"],
        ["Forest Service", "3.2", "2.9"],
    ]
    rows += [["Forest Service", "3.2", "2.9"], ["Indian Affairs", "1.1", "1.0"], ["Reclamation", "0.4", "0.6"]]
    page = write(sorted([*set_rows(rows, LEFTS), (62.0, 228.0, "Management")], key=lambda piece: (piece[1], piece[0])))
    (table,) = find(page)
    assert read_rows(page, table)[1] == ["Bureau of Land Management", "7.5", "8.0"]


def test_a_section_above_indented_rows_is_a_row_of_its_own() -> None:
    pieces = set_rows([["Item", "2019", "2020"], ["Receipts", "", ""]], LEFTS)
    for row, name in enumerate(["Taxes", "Fees", "Duties", "Fines"]):
        top = 228.0 + PITCH * row
        pieces += [(62.0, top, name), *set_rows([["", "1.5", "2.5"]], LEFTS, top=top)]
    page = write(pieces)
    (table,) = find(page)
    assert read_rows(page, table)[1:3] == [["Receipts"], ["Taxes", "1.5", "2.5"]]
