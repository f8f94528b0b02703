"""Headers that geometry got wrong are mended: fields above them cut off, spanning ones parted from what is below."""

from __future__ import annotations

from docmatix.core.documents import Box, Word
from docmatix.facts.tables.meaning.reading import read_table
from tests.facts.tables.raw_tables import find_path, read, write_raw
from tests.pages import make_page


def test_fields_above_the_header_are_no_part_of_the_table():
    table = read(
        ("Account no.:", "43625", "", ""),
        ("Opening balance:", "8,094.36", "", ""),
        ("Date", "Entry", "Debit", "Credit"),
        ("01.06.2020", "Club fee", "219.74", ""),
        ("02.06.2020", "Pharmacy", "401.28", ""),
        ("03.06.2020", "Salary", "", "2,900.00"),
    )
    assert find_path(table, "401.28") == ("Debit", "Pharmacy")
    assert "43625" not in [cell.text for cell in table.cells]
    assert table.box.y0 > 0.23
    assert table.confidence >= 0.5


def test_upper_headers_with_a_few_digits_are_no_fields():
    table = read(
        ("", ("Finland", 2), ("EU-25", 2)),
        ("Year", "Men", "Women", "Men", "Women"),
        ("1995", "15.1", "15.7", "8.7", "12.0"),
        ("2000", "10.6", "9.1", "6.4", "9.3"),
    )
    assert find_path(table, "9.3") == ("EU-25", "Women", "2000")


def test_a_spanning_header_in_one_cell_with_the_first_below_it_is_parted():
    table = read(
        ("Country", "Actual\n2019", "2020", "Plan\n2019", "2020"),
        ("Finland", "37.5", "41.1", "257.1", "62.1"),
        ("Denmark", "13.4", "47.9", "184.9", "166.7"),
    )
    assert find_path(table, "47.9") == ("Actual", "2020", "Denmark")
    assert find_path(table, "257.1") == ("Plan", "2019", "Finland")


def test_headers_of_two_words_that_do_not_repeat_stay_whole():
    table = read(
        ("Country", "Gross output", "Net output", "Gross trade", "Net trade"),
        ("Finland", "37.5", "41.1", "257.1", "62.1"),
        ("Denmark", "13.4", "47.9", "184.9", "166.7"),
    )
    assert find_path(table, "47.9") == ("Net output", "Denmark")


def test_spanning_headers_that_were_left_above_the_table_are_taken_in():
    page, raw, drawing = write_raw(
        ("Country", "2019", "2020", "2019", "2020"),
        ("Finland", "37.5", "41.1", "257.1", "62.1"),
        ("Denmark", "13.4", "47.9", "184.9", "166.7"),
    )
    words = [Word(text, Box(x, 0.18, x + 0.04, 0.192), 99, 0, 10.0) for text, x in (("Actual", 0.32), ("Plan", 0.62))]
    table = read_table(make_page([*page.words, *words]), raw, drawing)
    assert table is not None
    assert find_path(table, "62.1") == ("Plan", "2020", "Finland")
    assert find_path(table, "13.4") == ("Actual", "2019", "Denmark")


def test_what_stands_far_above_the_header_is_no_part_of_the_table():
    page, raw, drawing = write_raw(
        ("Yearly report", "", "Page 1"),
        ("Name", "Office", "Phone"),
        ("Berger, Anna", "Archive", "558"),
        ("Zoller, Max", "Press", "2574"),
    )
    words = [
        word._replace(box=word.box._replace(y0=word.box.y0 - 0.06, y1=word.box.y1 - 0.06)) if place < 4 else word
        for place, word in enumerate(page.words)
    ]
    table = read_table(make_page(words), raw, drawing)
    assert table is not None
    assert find_path(table, "2574") == ("Phone", "Zoller, Max")


def test_a_header_alone_in_the_middle_of_all_columns_is_over_all_of_them():
    page, raw, drawing = write_raw(
        ("", "", "", "Women"),
        ("", ("Exports", 2), ("Imports", 2)),
        ("Country", "2009", "2010", "2009", "2010"),
        ("Spain", "20.9", "64.75", "28.35", "265.32"),
        ("Italy", "53.5", "71.70", "222.87", "152.68"),
    )
    place = next(at for at, word in enumerate(page.words) if word.text == "Women")
    words = list(page.words)
    words[place] = words[place]._replace(box=words[place].box._replace(x0=0.406, x1=0.436))
    table = read_table(make_page(words), raw, drawing)
    assert table is not None
    assert find_path(table, "20.9") == ("Women", "Exports", "2009", "Spain")
    assert find_path(table, "152.68") == ("Women", "Imports", "2010", "Italy")
