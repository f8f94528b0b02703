"""What the numbers of a table are in, in eight languages, and what kind of thing a cell says."""

from __future__ import annotations

import pytest

from docmatix.facts.tables.meaning.kinds import find_kind, find_unit
from tests.facts.tables.raw_tables import find_path, read

ROWS = (("North", "12", "13"), ("South", "14", "15"))


@pytest.mark.parametrize(
    ("text", "unit"),
    [
        ("in thousands of EUR", "thousands of EUR"),
        ("(EUR million)", "EUR million"),
        ("in Mio. €", "Mio. €"),
        ("in Tausend Euro", "Tausend Euro"),
        ("TEUR", "TEUR"),
        ("Angaben in %", "%"),
        ("in Prozent", "Prozent"),
        ("en millions d’euros", "millions d’euros"),
        ("en milliers", "milliers"),
        ("(en %)", "%"),
        ("en miles de euros", "miles de euros"),
        ("(por ciento)", "por ciento"),
        ("in migliaia di euro", "migliaia di euro"),
        ("em milhares de euros", "milhares de euros"),
        ("in duizenden euro’s", "duizenden euro’s"),
        ("in miljoenen euro", "miljoenen euro"),
        ("w tys. zł", "tys. zł"),
        ("mln zł", "mln zł"),
        ("kWh", "kWh"),
        ("kg/m²", "kg/m²"),
        ("单位：人民币元", "人民币元"),
        ("(金额单位:万元)", "万元"),
        ("€ per kg", "€ per kg"),
        ("Sales", ""),
        ("in Germany", ""),
        ("WBC", ""),
    ],
)
def test_units_are_known_in_eight_languages(text: str, unit: str):
    assert find_unit(text) == unit


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("12", "number"),
        ("1 234,50", "number"),
        ("(240.00)", "number"),
        ("$ 1,200", "number"),
        ("-12.5 %", "number"),
        ("3–5", "number"),
        ("45.2 (12.3)", "number"),
        ("12 kg", "number"),
        ("1,207.63 Cr.", "number"),
        ("2019", "period"),
        ("2019/20", "period"),
        ("Q1 2020", "period"),
        ("Apr-2015", "period"),
        ("1. Quartal", "period"),
        ("März 2020", "period"),
        ("2 trimestre", "period"),
        ("Q2 2006 – Q1 2010**", "period"),
        ("12.03.2020", "date"),
        ("12 mars 2020", "date"),
        ("3 de mayo de 2020", "date"),
        ("December 31, 2019", "date"),
        ("EUR", "unit"),
        ("–", "blank"),
        ("n/a", "blank"),
        ("", "blank"),
        ("IP65", "code"),
        ("Net sales", "text"),
    ],
)
def test_cells_are_numbers_periods_dates_units_codes_words_or_nothing(text: str, kind: str):
    assert find_kind(text) == kind


def test_the_unit_stands_in_the_corner_in_a_row_of_its_own_in_the_caption_or_above():
    corner = read(("EUR million", "2019", "2020"), *ROWS)
    row = read(("Region", "2019", "2020"), ("", ("in EUR million", 2)), *ROWS)
    caption = read(("Region", "2019", "2020"), *ROWS, above="Table 3: Sales by region (EUR million)")
    line = read(("Region", "2019", "2020"), *ROWS, above="Table 3: Sales by region\nin EUR million")
    every = read(("Region", "Sales (EUR million)", "Costs (EUR million)"), *ROWS)
    assert {table.unit for table in (corner, row, caption, line, every)} == {"EUR million"}
    assert find_path(row, "15") == ("2020", "South")
    assert line.caption == "Table 3: Sales by region"


def test_a_corner_that_names_the_rows_is_no_unit():
    assert read(("Years", "Sales", "Costs"), ("2019", "12", "13"), ("2020", "14", "15")).unit == ""


def test_columns_of_different_units_have_none_together():
    assert read(("Region", "Sales (EUR)", "Area (km²)"), *ROWS).unit == ""
