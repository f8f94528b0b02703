"""Rows are called by the column that names them best, below the sections and groups they stand in."""

from __future__ import annotations

import pytest

from docmatix.core.documents import Box
from docmatix.facts.tables.meaning.reading import read_table
from tests.facts.tables.raw_tables import find_cell, find_path, read, write_raw
from tests.pages import make_page


def test_names_are_preferred_to_serial_numbers_codes_and_dates():
    for first in (("1", "2", "3"), ("A-17", "B-99", "C-20"), ("01.02.2020", "02.02.2020", "03.02.2020")):
        names = ("Gloves", "Helmets", "Chains")
        rows = [(one, name, str(12 + at)) for at, (one, name) in enumerate(zip(first, names, strict=True))]
        table = read(("No.", "Article", "Number"), *rows)
        assert table.key_column == 1
        assert find_path(table, "13") == ("Number", "Helmets")
        assert find_path(table, first[1]) == ("No.", "Helmets")


def test_dates_name_rows_where_nothing_else_does():
    table = read(
        ("Year", "Tyres", "Bells"), ("2018", "18.6", "3.1"), ("2019", "40.7", "93.1"), ("2020", "25.4", "17.7")
    )
    assert table.key_column == 0
    assert find_path(table, "93.1") == ("Bells", "2019")


def test_a_column_whose_names_repeat_names_no_rows_and_the_next_does():
    table = read(
        ("Section", "Employee", "Room"), ("Post", "Weber", "12"), ("Post", "Braun", "13"), ("Post", "Vogel", "14")
    )
    assert table.key_column == 1


def test_two_columns_name_rows_together_where_neither_does_alone():
    table = read(
        ("Place", "Year", "Births"),
        ("Ulm", "2019", "12"),
        ("Ulm", "2020", "13"),
        ("Bonn", "2019", "14"),
        ("Bonn", "2020", "15"),
    )
    assert find_path(table, "14") == ("Births", "Bonn", "2019")


def test_nothing_names_rows_of_numbers():
    table = read(("0.47", "0.40", "0.03"), ("0.60", "0.07", "0.60"), ("0.55", "0.56", "0.52"))
    assert table.key_column is None
    assert table.confidence < 0.5


def test_a_column_that_holds_the_first_row_of_each_group_comes_before_the_name():
    table = read(
        ("Region", "Country", "Sales"),
        ("South", "Italy", "12"),
        ("", "Spain", "13"),
        ("North", "Norway", "14"),
        ("", "Sweden", "15"),
    )
    assert (table.key_column, find_cell(table, "North").role) == (1, "key")
    assert find_path(table, "15") == ("Sales", "North", "Sweden")


def test_a_group_that_spans_its_rows_comes_before_the_name():
    table = read(
        ("Illness", "Count", "Persons"),
        (("Asthma", 1, 2), "Number", "12"),
        ("^", "Share", "13"),
        (("Allergy", 1, 2), "Number", "14"),
        ("^", "Share", "15"),
        ruled=True,
    )
    assert find_path(table, "15") == ("Persons", "Allergy", "Share")


def test_a_group_that_is_centred_beside_its_rows_is_spread_over_them():
    table = read(
        ("Region", "Country", "Sales"),
        ("", "Italy", "12"),
        ("South", "Spain", "13"),
        ("", "Malta", "14"),
        ("", "Norway", "15"),
        ("North", "Sweden", "16"),
        ("", "Finland", "17"),
        header_rows=1,
    )
    assert find_path(table, "12") == ("Sales", "South", "Italy")
    assert find_path(table, "15") == ("Sales", "North", "Norway")
    assert find_cell(table, "North").row_span == 3


def test_a_row_with_a_name_alone_is_a_section_until_the_next():
    table = read(
        ("", "2019", "2020"),
        ("Current assets", "", ""),
        ("Cash", "12", "13"),
        ("Stocks", "14", "15"),
        ("Liabilities", "", ""),
        ("Loans", "16", "17"),
    )
    assert find_cell(table, "Liabilities").role == "section"
    assert find_path(table, "13") == ("2020", "Current assets", "Cash")
    assert find_path(table, "17") == ("2020", "Liabilities", "Loans")


def test_a_section_that_spans_two_columns_is_one_and_a_name_without_value_is_none():
    table = read(("Item", "Price"), (("Drinks", 2),), ("Tea", "2.10"), ("Juice", ""), ("Milk", "1.40"), ruled=True)
    assert find_path(table, "1.40") == ("Price", "Drinks", "Milk")
    assert find_cell(table, "Juice").role == "key"


def test_names_without_values_in_a_grid_are_no_sections():
    table = read(
        ("Item", "2019", "2020"),
        ("Cash", "12", "13"),
        ("Bills", "", ""),
        ("Notes", "", ""),
        ("Loans", "16", "17"),
        ruled=True,
    )
    assert find_path(table, "17") == ("2020", "Loans")


def test_sections_stand_in_each_other():
    table = read(
        ("", "2019", "2020"),
        ("*Assets", "", ""),
        ("Current", "", ""),
        ("Cash", "12", "13"),
        ("Fixed", "", ""),
        ("Land", "14", "15"),
        ("*Liabilities", "", ""),
        ("Long-term", "", ""),
        ("Loans", "16", "17"),
    )
    assert find_path(table, "13") == ("2020", "Assets", "Current", "Cash")
    assert find_path(table, "14") == ("2019", "Assets", "Fixed", "Land")
    assert find_path(table, "16") == ("2019", "Liabilities", "Long-term", "Loans")


def test_indented_rows_stand_under_the_one_above():
    table = read(
        ("EUR", "2019", "2020"),
        ("Revenue", "30", "33"),
        (">Products", "12", "13"),
        (">Services", "18", "20"),
        ("Costs", "25", "26"),
        (">Wages", "15", "16"),
        (">Rent", "10", "10.5"),
        ("Profit", "5", "7"),
    )
    assert find_path(table, "20") == ("2020", "Revenue", "Services")
    assert find_path(table, "7") == ("2020", "Profit")


def test_centred_names_are_not_indented():
    table = read(
        ("Route", "2019", "2020"),
        ("Transpacific Ocean", "12", "13"),
        ("Europe", "14", "15"),
        ("Oceania", "16", "17"),
        ("Korea", "18", "19"),
        ("South America", "20", "21"),
        centred=True,
    )
    assert find_path(table, "19") == ("2020", "Korea")


def test_a_section_ends_where_names_stand_out_again():
    table = read(
        ("", "2019", "2020"),
        ("Assets:", "", ""),
        (">Cash", "12", "13"),
        (">Land", "14", "15"),
        ("Staff", "100", "120"),
        ("Branches", "7", "8"),
    )
    assert find_path(table, "15") == ("2020", "Assets", "Land")
    assert find_path(table, "8") == ("2020", "Branches")


def test_a_name_that_goes_on_in_the_next_row_is_one():
    table = read(
        ("", "2019", "2020"),
        ("Grants to schools and", "", ""),
        ("other places", "12", "13"),
        ("Repair of streets", "14", "15"),
        ("and bridges", "", ""),
        ("Staff", "100", "120"),
    )
    assert find_path(table, "13") == ("2020", "Grants to schools and other places")
    # two points of white space part rows here: closer lines are needed for this
    assert find_path(table, "120")[-1] == "Staff"


@pytest.mark.parametrize(
    "name",
    ["Total", "Gesamt", "Summe", "Somme", "Total général", "Suma", "Totale", "Totaal", "Razem", "Ogółem", "Insgesamt",
     "Subtotal", "Zwischensumme", "Sous-total", "Gesamtbetrag", "EU15 Total", "Łącznie"],
)  # fmt: skip
def test_totals_are_known_by_name(name: str):
    table = read(("", "Sales"), ("North", "12"), ("South", "13"), (name, "26"))
    assert find_cell(table, "26").role == "total"
    assert find_cell(table, "13").role == ""


def test_a_bold_row_that_adds_up_is_a_total_whatever_its_name():
    rows = [("", "2019", "2020"), ("North", "12", "1.5"), ("South", "13", "2.5"), ("East", "1", "0.5")]
    assert find_cell(read(*rows, ("*Europe", "*26", "*4.5")), "26").role == "total"
    assert find_cell(read(*rows, ("*Europe", "*27", "*5.5")), "27").role == ""


def test_a_grand_total_stands_outside_of_the_last_section():
    table = read(
        ("", "2019", "2020"),
        ("*South", "", ""),
        ("Italy", "12", "13"),
        ("Total", "12", "13.0"),
        ("*North", "", ""),
        ("Norway", "14", "15"),
        ("Total", "14", "15.0"),
        ("Total", "26", "28"),
    )
    assert find_path(table, "15.0") == ("2020", "North", "Total")
    assert find_path(table, "28") == ("2020", "Total")


def test_sums_below_an_invoice_are_named_by_what_stands_beside_them():
    table = read(
        ("Pos.", "Article", "Number", "Price", "Amount"),
        ("1", "Chairs", "2", "12.00", "24.00"),
        ("2", "Tables", "1", "30.00", "30.00"),
        ("3", "Lamps", "3", "5.00", "15.00"),
        ("", "", "", "Subtotal:", "69.00"),
        ("", "", "", "VAT:", "13.11"),
    )
    assert find_path(table, "13.11") == ("Amount", "VAT")
    assert find_cell(table, "VAT:").role == "key"
    assert find_path(table, "12.00") == ("Price", "Chairs")


@pytest.mark.parametrize("sign", ["-", "–", "—", "n/a", "n.a.", "k.A.", "n.d.", "...", "./."])
def test_signs_for_nothing_are_empty_cells(sign: str):
    table = read(("", "Sales"), ("North", "12"), ("South", sign), ("West", "4"))
    assert find_cell(table, sign).role == "empty"


def test_bullets_and_leaders_are_no_part_of_a_name():
    table = read(("", "Sales"), ("North", "12"), ("– of which wood .....", "5"), ("West:", "4"))
    assert find_path(table, "5")[-1] == "of which wood"
    assert find_path(table, "4")[-1] == "West"


def test_a_table_of_one_row_of_numbers_needs_no_name():
    table = read(("*Agree", "*Disagree", "*Total"), ("60", "16", "76"))
    assert table.key_column is None
    assert find_path(table, "16") == ("Disagree",)
    assert table.confidence >= 0.5


def test_sections_below_the_header_of_two_columns_are_no_headers():
    table = read(
        ("*Indicator", "*Weight"), ("*Effect", ""), (">Jobs", "40"), (">Studies", "15"), ("*Staff", ""), (">Pay", "11")
    )
    assert find_path(table, "40") == ("Weight", "Effect", "Jobs")


def test_names_to_the_right_stand_under_those_to_the_left():
    page, raw, drawing = write_raw(
        ("Route", "2019", "2020"),
        ("Delayed", "1,590", "349"),
        ("Weather", "41", "15"),
        ("Other causes", "273", "188"),
        ("Cancelled", "151", "2"),
        ("Weather", "61", "0"),
        ("Other causes", "9", "1"),
    )
    words = [
        word._replace(box=Box(word.box.x0 + shift, word.box.y0, word.box.x1 + shift, word.box.y1))
        for word in page.words
        for shift in [{"Weather": 0.088, "Other": 0.058, "causes": 0.058}.get(word.text, 0.0)]
    ]
    table = read_table(make_page(words), raw, drawing)
    assert table is not None
    assert find_path(table, "61") == ("2019", "Cancelled", "Weather")
    assert find_path(table, "188") == ("2020", "Delayed", "Other causes")


def test_names_alone_in_a_drawn_grid_are_sections_where_all_other_rows_are_full():
    table = read(
        ("Property", "Value", "Unit"),
        ("Electric data", "", ""),
        ("Voltage", "668.6", "V"),
        ("Current", "513", "A"),
        ("Mechanical data", "", ""),
        ("Weight", "12", "kg"),
        ("Height", "310", "mm"),
        header_rows=1,
        ruled=True,
    )
    assert find_path(table, "513") == ("Value", "Electric data", "Current")
    assert find_path(table, "310") == ("Value", "Mechanical data", "Height")


def test_names_alone_in_a_drawn_grid_are_none_where_others_have_no_value_either():
    table = read(
        ("Property", "Value", "Unit"),
        ("Voltage", "", ""),
        ("Current", "513", "A"),
        ("Power", "", ""),
        ("Frequency", "", ""),
        ("Weight", "12", "kg"),
        header_rows=1,
        ruled=True,
    )
    assert find_path(table, "513") == ("Value", "Current")


def test_a_rate_behind_the_name_of_a_sum_is_a_part_of_it():
    goods = (
        ("Goods", "Count", "Price", "Unit", "Sum"),
        ("Board", "2", "3.50", "box", "7.00"),
        ("Paper", "4", "2.00", "box", "8.50"),
        ("Total", "", "", "", "15.50"),
    )
    near = read(*goods, ("", "", "Values added tax set for", "20 %", "3.10"))
    assert find_path(near, "3.10") == ("Sum", "Values added tax set for 20 %")
    far = read(*goods, ("", "", "Tax", "20 %", "3.10"))
    assert find_cell(far, "20 %").row == 4


def test_numbers_that_hold_for_several_rows_are_groups_of_names_that_come_again():
    table = read(
        ("Layers", "Heads", "Language", "Simple", "Complex", "All"),
        ("6", "6", "OTSL", "0.965", "0.934", "0.955"),
        ("", "", "HTML", "0.969", "0.927", "0.956"),
        ("4", "4", "OTSL", "0.938", "0.904", "0.928"),
        ("", "", "HTML", "0.952", "0.909", "0.937"),
    )
    assert find_path(table, "0.952") == ("Simple", "4", "4", "HTML")
    assert table.confidence >= 0.5


def test_classes_within_groups_name_rows():
    table = read(
        ("Road", "Lanes", "Traffic", "Light", "Heavy", "Most"),
        ("Motorway", "eight", "80000≤Q<100000", "0.92", "1.02", "1.11"),
        ("", "", "60000≤Q<80000", "0.87", "0.93", "1.10"),
        ("", "six", "60000≤Q<80000", "0.97", "1.04", "1.12"),
        ("", "", "45000≤Q<60000", "0.82", "0.91", "1.05"),
        ("Main road", "four", "25000≤Q<40000", "0.85", "0.94", "1.06"),
        ("", "", "15000≤Q<30000", "0.80", "0.90", "1.03"),
    )
    assert find_path(table, "0.97") == ("Light", "Motorway", "six", "60000≤Q<80000")


def test_counts_name_rows_where_their_header_says_what_they_count():
    rows = (("0", "138", "6.9"), ("1", "178", "8.8"), ("2", "626", "31.1"), ("3", "1070", "53.2"))
    assert find_path(read(("No. of correct answers", "Freq.", "Percent"), *rows), "626") == ("Freq.", "2")
    assert read(("Line no.", "Freq.", "Percent"), *rows).key_column is None


def test_cells_that_several_rows_of_one_name_share_have_no_path():
    table = read(
        ("Company", "Staff", "Sites"),
        ("Ames", "12", "1"),
        ("Bolt", "14", "2"),
        ("Ames", "16", "3"),
        ("Cray", "18", "4"),
        ("Dunn", "20", "5"),
    )
    assert find_path(table, "12") == ()
    assert find_path(table, "14") == ("Staff", "Bolt")
    assert table.confidence >= 0.5
