"""Header rows are told from rows of values, and composed into what each column is called."""

from __future__ import annotations

import pytest

from docmatix.core.documents import Box, Table, Word
from docmatix.facts.tables import find_tables
from docmatix.facts.tables.meaning.reading import read_table
from tests.facts.tables.raw_tables import Text, find_cell, find_path, read, write_raw
from tests.facts.tables.setting import draw, set_rows
from tests.facts.tables.setting import write as write_page
from tests.pages import make_page


def count_header_rows(table: Table) -> int:
    return max((cell.row + 1 for cell in table.cells if cell.header), default=0)


def test_words_above_numbers_are_a_header():
    table = read(("Country", "Sales", "Staff"), ("Spain", "1,200", "30"), ("Italy", "980", "25"))
    assert count_header_rows(table) == 1
    assert find_path(table, "980") == ("Sales", "Italy")


def test_years_above_numbers_are_a_header():
    table = read(("", "2019", "2020"), ("Sales", "1,200", "1,985"), ("Costs", "980", "1,990"))
    assert find_path(table, "1,990") == ("2020", "Costs")


def test_years_below_a_header_are_values_where_all_are_years():
    table = read(("Firm", "Founded", "Closed"), ("Adler", "1920", "1950"), ("Brandt", "1931", "1961"))
    assert count_header_rows(table) == 1
    assert find_path(table, "1931") == ("Founded", "Brandt")


def test_a_header_over_several_columns_stands_before_those_below():
    table = read(
        ("Region", ("Sales", 2), ("Costs", 2)),
        ("", "2019", "2020", "2019", "2020"),
        ("North", "12", "13", "9", "8"),
        ("South", "22", "23", "7", "6"),
    )
    assert count_header_rows(table) == 2
    assert find_path(table, "8") == ("Costs", "2020", "North")
    assert find_path(table, "22") == ("Sales", "2019", "South")


def test_a_header_down_several_rows_is_said_once():
    table = read(
        (("Region", 1, 2), ("Sales", 2), ("Staff", 1, 2)),
        ("^", "2019", "2020", "^"),
        ("North", "12", "13", "9"),
        ("South", "22", "23", "7"),
        ruled=True,
    )
    assert find_path(table, "7") == ("Staff", "South")
    assert find_path(table, "23") == ("Sales", "2020", "South")


def test_three_rows_of_headers_are_composed():
    table = read(
        ("", ("International", 4)),
        ("", ("Cargo", 2), ("Mail", 2)),
        ("", "Tons", "Change", "Tons", "Change"),
        ("April", "24,153", "95.1", "4,201", "92.3"),
        ("May", "22,411", "94.1", "4,777", "91.0"),
    )
    assert find_path(table, "4,777") == ("International", "Mail", "Tons", "May")


def test_lines_of_a_header_that_stand_in_two_rows_are_one_text():
    table = read(
        ("", "Number of", "Retail"),
        ("Country", "outlets", "sales"),
        ("Spain", "440", "89"),
        ("Italy", "627", "311"),
    )
    page_path = find_path(table, "627")
    assert page_path in (("Number of outlets", "Italy"), ("Number of", "outlets", "Italy"))


def test_numbers_of_columns_say_nothing():
    table = read(("Item", "Plan", "Actual"), ("(1)", "(2)", "(3)"), ("Chairs", "12", "14"), ("Tables", "31", "29"))
    assert count_header_rows(table) == 2
    assert find_path(table, "29") == ("Actual", "Tables")


def test_a_title_over_the_whole_table_is_no_header_of_a_column():
    table = read(
        (("*Sales by region", 3),),
        ("*Region", "*2019", "*2020"),
        ("North", "12", "13"),
        ("South", "14", "15"),
        ruled=True,
    )
    assert table.caption == "Sales by region"
    assert find_path(table, "15") == ("2020", "South")


def test_bold_tells_the_header_of_a_table_of_words():
    table = read(
        ("*Article", "*Status", "*Place"),
        ("Roof repair", "finished", "Lyon"),
        ("New boiler", "planned", "Nice"),
        ("Windows", "delayed", "Lille"),
    )
    assert count_header_rows(table) == 1
    assert find_path(table, "planned") == ("Status", "New boiler")
    assert table.confidence >= 0.5


def test_a_colour_behind_tells_the_header_of_a_table_of_words():
    rows = [("Article", "Status"), ("Roof repair", "finished"), ("New boiler", "planned"), ("Windows", "delayed")]
    assert count_header_rows(read(*rows, fill=[0])) == 1


def test_labels_and_values_need_no_header():
    table = read(("Weight:", "12 kg"), ("Length:", "300 mm"), ("Warranty:", "2 years"))
    assert count_header_rows(table) == 0
    assert find_path(table, "300 mm") == ("Length",)


def test_a_row_whose_values_are_words_is_no_second_header():
    table = read(
        ("*Property", "*Value", "*Unit"),
        ("Protection", "IP65", ""),
        ("Weight", "12", "kg"),
        ("Length", "30", "mm"),
        ruled=True,
    )
    assert count_header_rows(table) == 1
    assert find_path(table, "IP65") == ("Value", "Protection")


def test_a_section_right_below_the_header_is_none():
    table = read(
        ("*Country", "*Sales", "*Staff"),
        ("*Southern Europe", "", ""),
        ("Italy", "12", "3"),
        ("Spain", "13", "4"),
        ("*Northern Europe", "", ""),
        ("Norway", "14", "5"),
    )
    assert count_header_rows(table) == 1
    assert find_path(table, "3") == ("Staff", "Southern Europe", "Italy")


@pytest.mark.parametrize("first", ["KD-565/87", "15.02.2016", "DE87 3564 7098"])
def test_a_header_of_figures_is_not_trusted(first: str):
    table = read(
        ("Invoice", first, "Customer", "43625"), ("Order", "12", "Branch", "13"), ("Sheet", "14", "Page", "15")
    )
    assert table.confidence < 0.5


def test_a_header_with_the_first_value_in_it_is_not_trusted():
    rows = [("Test", "Result", "Limit"), ("Iron", "2.33", "6.3"), ("Zinc", "1.16", "3.2")]
    assert read(*rows).confidence >= 0.5
    rows[0] = ("Test Copper", "Result 3.9", "Limit 10.0")
    assert read(*rows).confidence < 0.5


def test_a_header_within_the_table_holds_for_the_rows_below_it():
    table = read(
        ("", "This year", "Last year"),
        ("Sales", "12", "13"),
        ("Costs", "9", "8"),
        ("", "End of year", "Beginning"),
        ("Cash", "14", "15"),
        ("Loans", "16", "17"),
    )
    assert find_path(table, "8") == ("Last year", "Costs")
    assert find_path(table, "15") == ("Beginning", "Cash")
    assert find_cell(table, "Beginning").header


def test_a_header_repeated_within_the_table_is_one():
    head = ("Item", "2019", "2020")
    table = read(head, ("Sales", "12", "13"), ("Costs", "9", "8"), head, ("Cash", "14", "15"), ("Loans", "16", "17"))
    assert find_path(table, "15") == ("2020", "Cash")
    assert sum(cell.header for cell in table.cells) == 6


def test_a_header_over_a_part_of_what_it_spans_is_over_all_of_it():
    table = read(
        ("", "", ("Sales", 2), ""),
        ("", ("Exports", 2), ("Imports", 2)),
        ("Country", "2009", "2010", "2009", "2010"),
        ("Spain", "20.9", "64.75", "28.35", "265.32"),
        ("Italy", "53.5", "71.70", "222.87", "152.68"),
    )
    assert find_path(table, "20.9") == ("Sales", "Exports", "2009", "Spain")
    assert find_path(table, "152.68") == ("Sales", "Imports", "2010", "Italy")


def test_a_header_over_all_values_that_was_left_above_the_table_is_taken_in():
    rows: tuple[tuple[Text, ...], ...] = (
        ("", ("Actual", 2), ("Plan", 2)),
        ("Long names of regions", "2009", "2010", "2009", "2010"),
        ("North", "20.9", "64.75", "28.35", "265.32"),
        ("South", "53.5", "71.70", "222.87", "152.68"),
    )
    page, raw, drawing = write_raw(*rows)
    middle = (0.25 + 0.7 + 4 * 0.006) / 2
    word = Word("Women", Box(middle - 0.015, 0.18, middle + 0.015, 0.192), 99, 0, 10.0)
    table = read_table(make_page([*page.words, word]), raw, drawing)
    assert table is not None
    assert find_path(table, "20.9") == ("Women", "Actual", "2009", "North")
    assert table.caption == ""


def test_the_first_line_of_a_header_that_was_left_above_the_table_is_taken_in():
    page, raw, drawing = write_raw(("Item", "Number", "price"), ("Lamps", "2", "12.00"), ("Chairs", "3", "30.00"))
    word = Word("Unit", Box(0.4, 0.186, 0.425, 0.198), 99, 0, 10.0)
    table = read_table(make_page([*page.words, word]), raw, drawing)
    assert table is not None
    assert find_path(table, "30.00") == ("Unit price", "Chairs")


def test_a_header_alone_in_its_line_is_no_part_of_one_below_it_that_it_is_not_in_line_with():
    body = [["Italy", "310", "45", "61", "92"], ["France", "75", "88", "17", "23"], ["Norway", "412", "29", "88", "70"]]
    lefts = (50.0, 200.0, 280.0, 360.0, 440.0)
    page = write_page(
        [
            (310, 200 - 3 * 11.0, "Europe"),
            (222, 200 - 2 * 11.0, "Sales"),
            (382, 200 - 2 * 11.0, "Costs"),
            *set_rows([["Country", "2019", "2020", "2019", "2020"]], lefts, top=200 - 11.0),
            *set_rows(body, lefts, top=204.0),
        ]
    )
    (table,) = find_tables(page, draw())
    assert find_path(table, "412") == ("Europe", "Sales", "2019", "Norway")
    assert find_path(table, "70") == ("Europe", "Costs", "2020", "Norway")
