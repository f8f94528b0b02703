"""Answers that differ from a page in a detail: a sign, a group of digits, a month, a negation."""

from __future__ import annotations

import pytest

from docmatix.core.documents import Box, Page, Word, compose_text
from docmatix.curation.grounding import ground
from tests.pages import write_page

ENOUGH = 0.6
"""The default `min_score` of the filter."""


def score(answer: str, text: str, question: str = "") -> float:
    found = ground(answer, [write_page(text)], question=question).score
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("answer", "text"),
    [
        ("3 percent", "The change of the price was −3 percent in June."),
        ("3 percent", "The change of the price was -3 percent in June."),
        ("3 percent", "The change of the price was minus 3 percent in June."),
        ("4 %", "The margin fell by – 4 % in June."),
        ("4 %", "Margin:\t– 4 %\t7 %"),
        ("-3 percent", "The change of the price was 3 percent in June."),
        ("18 degrees", "It was − 18 degrees in the chamber."),
        ("240.00", "Value added tax: $ (240.00)"),
        ("$4.5 million", "The loss was USD (4.5) million in May."),
        ("3 percent", "The rate is 3 ½ percent."),
        ("3 percent", "The rate is 3½ percent."),
        ("3 percent", "The rate is 3 1/2 percent."),
        ("½ percent", "The rate is 3 ½ percent."),
        ("2 percent", "The rate is 3 1/2 percent."),
        ("500 euros", "The ministry spent 12 500 euros on chairs."),
        ("500 euros", "The ministry of culture spent 12\n500 euros on chairs for it."),
        ("500 euros", "The ministry spent 1 012 500 euros on chairs."),
        ("EUR 1", "The ministry spent EUR 1 250 000 on chairs."),
        ("1,200", "The ministry spent 11,200 euros on chairs."),
        ("500 francs", "The fee is 12’500 francs."),
        ("5", "The probability is .5 in all."),
        (".5", "The probability is 5 in all."),
        ("34,567", "The state has 12,34,567 people."),
        ("10", "A sample has 10⁶ cells."),
        ("$4", "The share costs $4 billion."),
        ("5 crore", "They got Rs. 5 lakh."),
        ("500 euros", "The ministry spent 1\ufffd 500 euros on chairs."),
        ("200 dollars", "The house is \ufffd200 dollars."),
        ("1\ufffd00 dollars", "The house is 1\ufffd00 dollars."),
        ("3 May", "The meeting was on 3 April in the hall."),
        ("3 May 2019", "The meeting was on 3 April 2019 in the hall."),
        ("June 3, 2019", "The meeting was on April 3, 2019 in the hall."),
        ("May", "The council may meet in the hall."),
        ("3 May", "Rule 3 may apply here."),
        ("US", "The council told us to meet."),
        ("IT department", "It meets in the department of health."),
        ("WHO", "Those who meet in the hall pay."),
        ("4.5", "売上は4.5万円であった"),
        ("2000", "人口は1億2000万である"),
        ("4,5", "Der Umsatz betrug 4,5 Millionen Euro."),
        ("500.00", "Balance due:\t500.00-"),
        ("5 horses", "The farm has 5 cows."),
        ("5 mg", "The dose is 5 g."),
        ("The tenant does not pay the rent", "The tenant pays the rent every month."),
        ("No tenant may smoke", "Every tenant may smoke in the yard."),
        ("$500", "The fee is €500 in all."),
        ("500 dollars", "The fee is EUR 500 in all."),
        ("The fee is £500", "The fee is 500 euros in all."),
        ("5%", "The fee is 5 euros."),
        ("$5", "The rate is 5 percent in all."),
        ("3 cats", "There are four cats in the yard."),
        ("200 cats", "There are two hundred and one cats in the yard."),
        ("2 cats", "There are two hundred cats in the yard."),
        ("2 cats", "There are a hundred and two cats in the yard."),
        ("2 hours", "It takes two and a half hours to walk."),
        ("5 cats", "There are twenty-five cats in the yard."),
        ("10 am", "It opens at 10 pm each day."),
        ("10:30 a.m.", "It opens at 10:30 p.m. each day."),
    ],
)
def test_an_answer_that_is_wrong_in_a_detail_is_not_grounded(answer: str, text: str) -> None:
    assert score(answer, text) < ENOUGH


@pytest.mark.parametrize(
    ("answer", "text"),
    [
        ("-3 percent", "The change of the price was −3 percent in June."),
        ("−3 percent", "The change of the price was minus 3 percent in June."),
        ("– 4 %", "The margin fell by – 4 % in June."),
        ("-18 degrees", "It was − 18 degrees in the chamber."),
        ("-$240.00", "Value added tax: $ (240.00)"),
        ("$ (240.00)", "Value added tax: $ (240.00)"),
        ("240", "All of the members (240) came."),
        ("3½ percent", "The rate is 3 ½ percent."),
        ("3 1/2 percent", "The rate is 3 ½ percent."),
        ("3 ½ percent", "The rate is 3 1/2 percent."),
        ("12,500 euros", "The ministry spent 12 500 euros on chairs."),
        ("12 500 euros", "The ministry spent 12,500 euros on chairs."),
        ("1200", "The fee is 1,200 euros."),
        ("1200", "The fee is 1 200 euros."),
        ("0.5", "The probability is .5 in all."),
        ("1234567", "The state has 12,34,567 people."),
        ("10^6", "A sample has 10⁶ cells."),
        ("5 × 10^6", "A sample has 5 × 10⁶ cells."),
        ("4.5万円", "売上は4.5万円であった"),
        ("1億2000万", "人口は1億2000万である"),
        ("-500.00", "Balance due:\t500.00-"),
        ("4.5 million", "In millions: profit 4.5 in 2019."),
        ("500 euros", "The price – 500 euros – was high."),
        ("5 rooms", "- 5 rooms with a view\n- 6 rooms without"),
        ("5", "See pages 3–5 of it."),
        ("5", "See pp. 3 -5 of it."),
        ("$1.2 bn", "It made US$1.2 billion in all."),
        ("2020", "Dated 2020-05-03 in Graz."),
        ("3.1.2", "See section 3.1.2 of it."),
        ("500", "12\t500"),
        ("12", "12\t500"),
        ("$4.50", "It costs US$4.50 each."),
        ("3 May", "The meeting was on 3 May in the hall."),
        ("3 MAY", "The meeting was on 3 May in the hall."),
        ("May", "The council met in May of that year."),
        ("June 3, 2019", "The meeting was on 3 Jun 2019 in the hall."),
        ("US", "The council met in the US that year."),
        ("U.S.", "The council met in the U.S. that year."),
        ("Tenants do not pay the rent", "The tenant doesn't pay the rent."),
        ("Tenants must not pay any rent", "No tenant is to pay a rent."),
        ("No, the tenant pays the rent", "The tenant pays the rent."),
        ("It is in No. 5", "The shop is No. 5 in the street."),
        ("500 dollars", "The fee is $500 in all."),
        ("EUR 500", "The fee is €500 in all."),
        ("4.5 million euros", "The fee is €4.5 million in all."),
        ("5 percent", "The rate is 5% in all."),
        ("5%", "The rate is 5 per cent in all."),
        ("$500", "In dollars: Fee\t500\nRent\t7"),
        ("$300", "Share:\t5 %\t300"),
        ("3 cats", "There are three cats in the yard."),
        ("The yard has 12 cats", "There are twelve cats in the yard."),
        ("10:30 AM", "It opens at 10:30 am each day."),
        ("It opens daily at 10 pm", "It opens at 10 p.m. each day."),
    ],
)
def test_another_spelling_of_what_a_page_prints_is_grounded(answer: str, text: str) -> None:
    assert score(answer, text) >= ENOUGH


def test_words_of_the_question_prove_nothing_of_an_answer() -> None:
    text = "The total amount is given below.\nIt is $300 in all."
    question = "What is the total amount?"
    assert score("The total amount is $500", text, question) < ENOUGH
    assert score("The total amount is $300", text, question) >= ENOUGH
    assert score("The amount is a secret of the company", text, question) < ENOUGH


def test_an_answer_that_only_repeats_its_question_is_judged_by_all_of_its_words() -> None:
    assert score("Yes, the tenant pays rent.", "The tenant pays the rent.", "Does the tenant pay rent?") >= ENOUGH
    assert score("Yes, the tenant pays rent.", "Bananas grow on trees.", "Does the tenant pay rent?") < ENOUGH


def test_a_term_alone_is_looked_for_where_the_question_is() -> None:
    filler = "\n".join("filler text without meaning goes on and on" for _ in range(12))
    page = write_page(f"Deposit due: $500\n{filler}\nMonthly rent due: $500")
    found = ground("The rent is about $500", [page], question="How much is the monthly rent?")
    assert found.evidence[0].boxes[0].y0 > 0.4


def test_a_sentence_is_supported_by_one_place() -> None:
    filler = "\n".join("filler text without meaning goes on and on" for _ in range(12))
    text = f"The board approved plans.\n{filler}\nThe bridge collapsed suddenly.\n{filler}\nEleven horses escaped."
    assert score("The board approved that horses escaped and the bridge collapsed", text) < ENOUGH


def test_each_long_clause_of_a_sentence_is_supported_by_a_place_of_its_own() -> None:
    filler = "\n".join("filler text without meaning goes on and on" for _ in range(12))
    text = f"The board approved the new plans in June.\n{filler}\nThe bridge over the river collapsed in 1987."
    joined = "The board approved the new plans in {}, while the bridge over the river collapsed in {}."
    assert score(joined.format("June", "1987"), text) >= ENOUGH
    assert score(joined.format("1987", "June"), text) < ENOUGH
    assert score("The board approved plans, and rivers, and bridges, and June collapsed", text) < ENOUGH


def test_a_number_from_elsewhere_on_the_page_does_not_support_a_sentence() -> None:
    filler = "\n".join("filler text without meaning goes on and on" for _ in range(12))
    text = f"The net income of the company rose to $3 million.\n{filler}\nThe bridge is 47 metres long."
    assert score("The company's net income rose to $47 million", text) < ENOUGH
    assert score("The company's net income rose to about $3 million", text) >= ENOUGH


def test_columns_close_to_each_other_are_told_from_a_spaced_number_by_their_gap() -> None:
    def write(gap: float) -> Page:
        words = (
            Word("12", Box(0.1, 0.1, 0.12, 0.112), 0, 0),
            Word("500", Box(0.12 + gap, 0.1, 0.15 + gap, 0.112), 0, 0),
        )
        return Page(1, 595, 842, 0, 0.0, compose_text(words), words)

    assert ground("500", [write(0.02)]).score == 1.0
    assert ground("500", [write(0.005)]).score == 0.0
    assert ground("12,500", [write(0.005)]).score == 1.0
    assert ground("12,500", [write(0.02)]).score == 0.0
