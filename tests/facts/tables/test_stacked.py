"""What stands above tables, and tables above each other."""

from __future__ import annotations

import pytest

from tests.facts.tables.setting import PITCH, draw, find, read_rows, read_words, set_rows, write

SALES = [["Country", "2019", "2020"], ["Italy", "310", "45"], ["France", "75", "88"], ["Norway", "412", "29"]]
LEFTS = (50.0, 200.0, 280.0)


def test_a_header_that_comes_again_after_a_gap_begins_another_table() -> None:
    sizes = [["Property", "Value"], ["Weight", "12 kg"], ["Height", "310 mm"], ["Width", "45 mm"]]
    power = [["Property", "Value"], ["Voltage", "230 V"], ["Current", "16 A"], ["Power", "2100 W"]]
    lower = 200 + 6 * PITCH
    page = write([*set_rows(sizes, (50, 200)), (50, lower - 18, "Power"), *set_rows(power, (50, 200), top=lower)])
    rules = [(45, y, 260, y) for top in (200, lower) for y in (top - 3, top + PITCH - 2, top + 4 * PITCH)]
    first, second = find(page, draw(rules))
    assert read_rows(page, first) == sizes
    assert read_rows(page, second) == power


def test_a_header_that_comes_again_at_once_stays_in_its_table() -> None:
    page = write(set_rows([*SALES, *SALES], LEFTS))
    assert len(find(page)) == 1


@pytest.mark.parametrize("unit", ["(thousands)", "in tonnes"])
def test_a_unit_above_a_header_of_two_rows_is_no_header(unit: str) -> None:
    page = write(
        [
            (50, 200 - 2 * PITCH, unit),
            (227.5, 200 - PITCH, "Sales"),
            (367.5, 200 - PITCH, "Costs"),
            *set_rows([[*row, *row[1:]] for row in SALES], (50.0, 200.0, 260.0, 340.0, 400.0)),
        ]
    )
    (table,) = find(page)
    assert read_words(page, table.caption_words) == unit
    assert read_rows(page, table)[0] == ["Sales", "Costs"]


def test_a_header_beside_what_is_below_it_makes_no_column_of_its_own_under_a_caption() -> None:
    header = [(95.0, 200.0, "Date"), (175.0, 200.0, "Nuts"), (255.0, 200.0, "Bolts")]
    body = set_rows(
        [["2015", "136.1", "223.6"], ["2016", "98.4", "71.3"], ["2017", "112.9", "45.7"], ["2018", "87.2", "310.5"]],
        (50, 200, 290),
        top=200 + PITCH,
    )
    page = write([(40, 200 - PITCH, "Table 3: Parts"), *header, *body])
    (table,) = find(page, draw([(40, y, 330, y) for y in (198, 212, 200 + 5 * PITCH)]))
    assert {cell.column for cell in table.cells} == {0, 1, 2}
    assert read_rows(page, table)[0] == ["Date", "Nuts", "Bolts"]
