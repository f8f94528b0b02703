"""Cells whose row, header or number is not what it seems at first sight, and what their numbers are in."""

from __future__ import annotations

import pytest

from docmatix.core.documents import Page
from docmatix.prompting.questions.sentences.candidates import find_candidates
from docmatix.prompting.questions.sentences.question_templates import find_template
from tests.pages import make_page, write_page, write_table


def ask(page: Page) -> dict[str, str]:
    """The first question for each answer of a page."""
    asked: dict[str, str] = {}
    for one in find_candidates(page, limit=40):
        template = find_template(one.answer, kind=one.kind, context=one.context, label=one.label)
        assert template is not None
        asked[one.answer] = " ".join((template.openings[0], *template.pieces)) + "?"
    return asked


@pytest.mark.parametrize(
    "rows",
    [
        (("Region", "Sales", "Costs"), ("Name", "2019", "2019"), ("North", "12", "9"), ("South", "13", "8")),
        (("Country", "Exports", "Imports"), ("Period", "Q1 2019", "Q2 2019"), ("Spain", "12", "9")),
        (("Item", "Plan", "Actual"), ("Month", "March", "March"), ("Hens", "12", "9"), ("Cows", "3", "4")),
    ],
)
def test_a_second_row_of_headers_may_have_a_name_and_periods(rows: tuple[tuple[str, ...], ...]) -> None:
    assert ask(write_table(*rows)) == {}


def test_years_in_a_first_row_of_years_are_cells() -> None:
    page = write_table(("Region", "Founded", "Closed"), ("North", "1920", "1950"), ("South", "1930", "1961"))
    assert "1920" in ask(page)


@pytest.mark.parametrize("value", ["9*", "13a", "14†", "7²", "15 [1]", "16 (1)", "8 1", "1,200(2)", "3.5 r", "$9*"])
def test_a_number_with_the_mark_of_a_footnote_is_no_answer_of_a_column_of_numbers(value: str) -> None:
    page = write_table(("Region", "Sales"), ("North", value), ("South", "31"), ("West", "42"))
    assert {*ask(page)} == {"31", "42"}


@pytest.mark.parametrize("value", ["45.2 (12.3)", "3 1/2", "12 kg", "(240.00)", "1 200", "12%"])
def test_a_number_with_its_unit_or_fraction_is_an_answer(value: str) -> None:
    assert value in ask(write_table(("Region", "Sales"), ("North", value), ("South", "31"), ("West", "42")))


def test_a_row_whose_name_leans_on_the_rows_above_is_not_asked_about() -> None:
    page = write_table(
        ("Item", "Amount"), ("Chairs", "12.00"), ("of which oak", "3.00"), ("less: tax", "25.00"), ("– wood", "4.00")
    )
    assert {*ask(page)} == {"12.00"}


def test_a_total_below_the_name_of_a_group_is_not_asked_about() -> None:
    rows = ("Country", "Sales", "Costs"), ("Austria", "12", "9"), ("Total", "30", "20")
    assert {"30", "20"} <= {*ask(write_table(*rows))}
    assert {*ask(write_table(rows[0], ("Europe", "", ""), *rows[1:]))} == {"12", "9"}


@pytest.mark.parametrize(
    ("corner", "scale"),
    [
        ("(in thousands)", "thousands"),
        ("EUR million", "EUR million"),
        ("€ m", "€ m"),
        ("$000", "$000"),
        ("in millions of euros", "millions of euros"),
        ("Item (US$ millions)", "US$ millions"),
        ("%", "%"),
    ],
)
def test_the_scale_in_the_corner_of_a_table_is_asked_with(corner: str, scale: str) -> None:
    page = write_table((corner, "2019", "2020"), ("Net profit", "12", "13"), ("Sales", "1,234", "999"))
    assert ask(page)["12"] == f"What was the net profit in 2019, in {scale}?"


def test_the_scale_in_the_line_above_a_table_is_asked_with() -> None:
    table = write_table(("Item", "2019", "2020"), ("Net profit", "12", "13"), ("Sales", "14%", "$4 million"))
    for caption in ("Key figures (in thousands of euros)", "Amounts in thousands of euros, except per share data"):
        above = write_page(caption, top=0.265).words
        words = [word._replace(line=-1, block=-1) for word in above]
        asked = ask(make_page([*words, *table.words], tables=table.tables))
        assert asked["12"] == "What was the net profit in 2019, in thousands of euros?"
        assert asked["14%"] == "What were the sales in 2019?"
        assert asked["$4 million"] == "What were the sales in 2020?"
    prose = [word._replace(line=-1, block=-1) for word in write_page("Sales are in millions of homes", top=0.265).words]
    assert ask(make_page([*prose, *table.words], tables=table.tables))["12"] == "What was the net profit in 2019?"


def test_counts_and_rates_are_not_asked_about_in_a_scale_that_may_not_be_theirs() -> None:
    rows = ("Net profit", "12", "13"), ("Number of employees", "400", "410"), ("Margin", "7", "8")
    assert {*ask(write_table(("EUR million", "2019", "2020"), *rows))} == {"12", "13"}


def test_a_unit_in_a_column_of_its_own_is_asked_with() -> None:
    asked = ask(write_table(("Parameter", "Unit", "Value"), ("Weight", "kg", "12"), ("Length", "mm", "30")))
    assert asked["12"] == "What is the weight in kg?"
    asked = ask(write_table(("Parameter", "Min", "Unit"), ("Supply voltage", "1.8", "V"), ("Charge rate", "3", "A")))
    assert asked["1.8"] == 'What is listed under "Min" for Supply voltage, in V?'
    asked = ask(write_table(("Item", "Unit", "Price"), ("Flour", "kg", "1.20"), ("Milk", "l", "1.40")))
    assert asked["1.20"] == "What is the price for Flour?"


def test_a_plural_with_a_unit_is_asked_for_as_a_plural() -> None:
    asked = ask(write_table(("Item", "Sales (EUR m)"), ("Flour", "1.20"), ("Milk", "1.40")))
    assert asked["1.20"] == "What are the sales in EUR m for Flour?"


def test_the_number_of_several_is_one_number() -> None:
    assert ask(write_page("No. of Employees: 45"))["45"] == "What is the number of employees?"
    asked = ask(write_table(("Item", "Costs of sale"), ("Flour", "1.20"), ("Milk", "1.40")))
    assert asked["1.20"] == "What are the costs of sale for Flour?"


def test_a_number_of_us_dollars_or_one_of_several_is_no_number_alone() -> None:
    assert ask(write_page("The price of the house in Dunmore is 12 US dollars in the spring.")) == {}
    assert ask(write_page("The chance of rain in Dunmore is 1 in 5.")) == {}


def test_the_number_of_a_row_is_not_asked_for() -> None:
    page = write_table(("No.", "Article", "Stock"), ("1", "Chairs", "40"), ("2", "Tables", "7"), ("3", "Lamps", "12"))
    assert {*ask(page)} == {"40", "7", "12"}
