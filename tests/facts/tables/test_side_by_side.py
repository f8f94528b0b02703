"""Tables side by side whose rows stand on the same lines."""

from __future__ import annotations

from tests.facts.tables.setting import PITCH, draw, find, read_rows, set_rows, write

ITEMS = [
    ["Item", "2019", "2020"],
    ["Net sales", "12.5", "13.1"],
    ["Other income", "7.5", "8.2"],
    ["Staff", "3.2", "2.9"],
    ["Rent", "1.4", "1.2"],
]
LANDS = [
    ["Country", "Bolts", "Nuts"],
    ["Italy", "310", "45"],
    ["France", "75", "88"],
    ["Norway", "412", "29"],
    ["Spain", "96", "17"],
]
LEFT, RIGHT = (50, 130, 180), (340, 420, 470)


def test_tables_on_the_same_lines_are_two_where_each_has_its_own_rules_and_its_own_names() -> None:
    page = write(set_rows(ITEMS, LEFT) + set_rows(LANDS, RIGHT))
    rules = [(x, y, x + 180, y) for x in (45, 335) for y in (195, 200 + PITCH - 2, 200 + 5 * PITCH)]
    first, second = find(page, draw(rules))
    assert read_rows(page, first) == ITEMS
    assert read_rows(page, second) == LANDS


def test_tables_on_the_same_lines_are_two_without_rules_where_one_is_longer_across_a_wide_gutter() -> None:
    longer = [*LANDS, ["Poland", "58", "61"]]
    page = write(set_rows(ITEMS, LEFT) + set_rows(longer, RIGHT))
    first, second = find(page)
    assert read_rows(page, first) == ITEMS
    assert read_rows(page, second) == longer


def test_a_table_with_a_second_column_of_names_stays_one_under_rules_over_its_width() -> None:
    rows = [left + right for left, right in zip(ITEMS, LANDS, strict=True)]
    page = write(set_rows(rows, LEFT + RIGHT))
    (table,) = find(page, draw([(45, y, 515, y) for y in (195, 200 + PITCH - 2, 200 + 5 * PITCH)]))
    assert read_rows(page, table) == rows


def test_a_table_with_a_second_column_of_names_stays_one_where_nothing_but_they_tells_of_an_end() -> None:
    rows = [left + right for left, right in zip(ITEMS, LANDS, strict=True)]
    page = write(set_rows(rows, (50, 150, 230, 310, 410, 490)))
    (table,) = find(page)
    assert read_rows(page, table) == rows


def test_tables_on_the_same_lines_are_two_where_rules_of_each_stand_at_other_heights() -> None:
    longer = [["Land", "", ""], *LANDS]
    page = write(set_rows([[], *ITEMS], LEFT) + set_rows(longer, RIGHT))
    rules = [(45, y, 225, y) for y in (200 + PITCH - 2, 200 + 6 * PITCH)]
    rules += [(335, y, 515, y) for y in (195, 200 + 6 * PITCH)]
    assert len(find(page, draw(rules))) == 2


def test_tables_on_the_same_lines_are_two_where_each_has_its_caption() -> None:
    captions = [(50, 200 - PITCH, "Table 2: Results"), (340, 200 - PITCH, "Table 3: Parts")]
    page = write(captions + set_rows(ITEMS, LEFT) + set_rows(LANDS, RIGHT))
    first, second = find(page)
    assert read_rows(page, first) == ITEMS
    assert read_rows(page, second) == LANDS
