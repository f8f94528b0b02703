"""A table is trusted less for each thing that makes the meaning of its cells doubtful."""

from __future__ import annotations

import pytest

from tests.facts.tables.raw_tables import Text, find_path, read

GOOD: tuple[tuple[Text, ...], ...] = (
    ("Region", "2019", "2020"),
    ("North", "12", "13"),
    ("South", "14", "15"),
    ("West", "16", "17"),
)


def test_a_plain_table_is_trusted():
    assert read(*GOOD).confidence >= 0.9


@pytest.mark.parametrize(
    "rows",
    [
        GOOD[1:],
        (("Region", "2019", "2019"), *GOOD[1:]),
        (("Region", "2019", ""), *GOOD[1:]),
        (*GOOD[:2], ("", "14", "15"), ("", "16", "17")),
        (GOOD[0], ("North", "12", "13"), ("North", "14", "15"), ("North", "16", "17")),
        (*GOOD[:2], ("South", "140.5 150", "15"), ("West", "160.5 170", "17")),
        (*GOOD[:2], ("South", "Births", "Deaths"), ("West", "16", "17"), ("East", "Age", "Height")),
        (*GOOD, ("Table 4: Another one that begins here", "18", "19")),
    ],
    ids=["no header", "two alike", "one missing", "no names", "one name", "two numbers", "headers within", "a caption"],
)
def test_doubtful_tables_are_not_trusted(rows: tuple[tuple[Text, ...], ...]):
    assert read(*rows).confidence < 0.5


def test_lines_of_prose_are_not_trusted():
    table = read(
        ("Region", "2019"),
        ("the people of the north have", "12"),
        ("said that they want more of", "13"),
        ("it than what there was before", "14"),
    )
    assert table.confidence < 0.5


def test_what_geometry_does_not_trust_is_not_trusted():
    assert read(*GOOD, trust=0.4).confidence <= 0.4


def test_a_label_that_comes_again_in_cells_is_no_sign_of_a_form():
    table = read(
        ("Groups", "Butter", "Margarine"),
        ("Astra", "Total: 0%", "Total: 47%"),
        ("Besnier", "Total: 18%", "Total: 2%"),
        ("Others", "42%", "13%"),
        header_rows=1,
    )
    assert table.confidence >= 0.5


def test_an_upper_header_over_one_of_its_columns_is_not_trusted():
    assert read(("", "Costs", ""), ("Region", "2019", "2020"), *GOOD[1:]).confidence < 0.5


def test_values_of_words_and_of_figures_below_a_header_are_trusted():
    rows = (
        ("Density", "1.24 g/cm³", "23 °C"),
        ("Tensile strength", "53 MPa", "ISO 527"),
        ("Colour", "natural", "visual"),
        ("Melt flow", "6 g/10 min", "210 °C"),
        ("Protection", "IP54", "IEC 60529"),
        ("Flammability", "HB", "1.6 mm"),
    )
    table = read(("Property", "Value", "Condition"), *rows, header_rows=1)
    assert find_path(table, "natural") == ("Value", "Colour")
    assert table.confidence >= 0.5
