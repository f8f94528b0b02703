"""Which words are one number."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from docmatix.core.documents import Box, Word
from docmatix.text.numbers import cuts_number, find_numbers, is_prefix, is_suffix, list_near, stands_in_series

MINUS = "\N{MINUS SIGN}"


def list_wholes(text: str) -> list[str]:
    words = text.split()
    return [" ".join(words[number.start : number.stop + 1]) for number in find_numbers(words)]


@pytest.mark.parametrize(
    ("text", "wholes"),
    [
        ("received EUR 1 250 000 from the fund", ["EUR 1 250 000"]),
        ("spent 12 500 euros on it", ["12 500"]),
        ("paid 12 500,50 € for it", ["12 500,50 €"]),
        ("paid ($1 250 000) for it", ["($1 250 000)"]),
        ("a loss of USD (4.5) million in May", ["USD (4.5) million"]),
        ("Tax: $ (240.00) b", ["$ (240.00)"]),
        ("the fee is 12’500 francs", ["12’500"]),
        ("awarded Rs. 5 crore to them", ["Rs. 5 crore"]),
        ("paid US $ 500 and US $600", ["US $ 500", "US $600"]),
        (f"it was {MINUS} 18 degrees", [f"{MINUS} 18"]),
        ("it was minus 18 degrees", ["minus 18"]),
        ("fell by – 4 % in May", ["– 4 %"]),
        ("Change: - 4 %", ["- 4 %"]),
        ("the price – 500 euros – was high", ["500"]),
        ("a rate of 3 ½ percent", ["3 ½ percent"]),
        ("a rate of 3 1/2 per cent", ["3 1/2 per cent"]),
        ("about 5 × 10⁶ cells of 14 km²", ["5 × 10⁶", "14 km²"]),
        ("pages 3 – 5 of it", ["3", "5"]),
        ("in 2019 500 people", ["2019", "500"]),
        ("in 1 , 250 of them", ["1", "250"]),
        ("ten of 5, 500 and 6 0", ["5,", "500", "6", "0"]),
        ("section 3.1.2 of 2020-05-03 at 192.168.0.1", ["3.1.2", "2020-05-03", "192.168.0.1"]),
        ("no number at all, m²", []),
    ],
)
def test_a_number_is_whole_with_its_sign_groups_fraction_currency_and_unit(text: str, wholes: list[str]) -> None:
    assert list_wholes(text) == wholes


def test_a_dash_at_the_start_of_a_line_is_a_minus_on_a_line_of_numbers_and_a_bullet_elsewhere() -> None:
    assert list_wholes("- 4.2 % 3.1") == ["- 4.2 %", "3.1"]
    assert list_wholes("- 5 rooms with a view") == ["5"]
    assert list_wholes(f"{MINUS} 5 rooms with a view") == [f"{MINUS} 5"]


def make_line(*places: tuple[str, float]) -> list[Word]:
    return [Word(text, Box(x, 0.1, x + 0.01 * len(text), 0.12), 0, 0) for text, x in places]


def test_columns_beside_each_other_are_two_numbers() -> None:
    apart, close = make_line(("12", 0.1), ("500", 0.2)), make_line(("12", 0.1), ("500", 0.125))
    assert list_near(apart, aspect=0.7) == [None, False]
    assert list_near(close, aspect=0.7) == [None, True]
    assert cuts_number(["12", "500"], 1, 1)
    assert not cuts_number(["12", "500"], 1, 1, [False, False])


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("of 3 to 5 percent", "3"),
        ("between 3 and 5 percent", "5 percent"),
        ("from $4 to $1.2 billion", "$4"),
        ("two hundred people", "two"),
        ("one hundred and twenty people", "twenty"),
        ("3 and a half percent", "3"),
        ("in 2019 and 2020 we", "2019"),
        ("in 2018, 2019 and 2020", "2018,"),
        ("a box of 3 × 4 metres", "3"),
        ("a value > 4 metres", "4"),
        ("open 9 – 5 daily", "5"),
        ("about 1 in 5 people", "5"),
        ("about 4 out of 5 people", "4"),
        ("the 3 of 10 people", "3"),
        ("call 206–231– 3195 now", "3195"),
        ("down 2 5.4 percent", "5.4 percent"),
    ],
)
def test_an_end_of_a_range_or_a_part_of_a_series_does_not_stand_alone(text: str, part: str) -> None:
    words, wanted = text.split(), part.split()
    first = next(at for at in range(len(words)) if words[at : at + len(wanted)] == wanted)
    assert stands_in_series(words, first, first + len(wanted) - 1)


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("In 2019, 500 people came", "2019,"),
        ("killed 12 and injured 30 men", "12"),
        ("killed 12 in 2019", "12"),
        ("killed 12 in 2019", "2019"),
        ("rose by 9% to $145", "$145"),
        ("rose from 3 to 5 percent", "5 percent"),
        ("sold 2 million of them", "2 million"),
    ],
)
def test_a_number_beside_another_that_does_not_concern_it_stands_alone(text: str, part: str) -> None:
    words, wanted = text.split(), part.split()
    first = next(at for at in range(len(words)) if words[at : at + len(wanted)] == wanted)
    assert not stands_in_series(words, first, first + len(wanted) - 1)


def test_a_word_with_an_unknown_character_makes_the_number_beside_it_unknown() -> None:
    assert cuts_number("paid \ufffd 500 euros".split(), 2, 3)
    assert cuts_number("paid 1\ufffd 500 euros".split(), 2, 3)
    assert cuts_number("the na\ufffdve one".split(), 1, 2)
    assert not cuts_number("the \ufffd house of stone".split(), 2, 2)


def test_what_stands_in_a_column_of_its_own_beside_a_number_is_known() -> None:
    assert all(map(is_prefix, ["$", "US$", "EUR", MINUS, "Rs.", "-$"]))
    assert all(map(is_suffix, ["€", "EUR", "%", "percent", "million"]))
    assert not any(map(is_prefix, ["a", "Eur", "7", "-", "–"]))
    assert not any(map(is_suffix, ["a", "$5", "metres"]))


@given(st.lists(st.text(min_size=1, max_size=6) | st.sampled_from(["12", "500", MINUS, "½", "%", "EUR"]), max_size=20))
def test_numbers_come_in_order_and_share_no_word(words: list[str]) -> None:
    before = -1
    for number in find_numbers(words):
        assert before < number.first
        assert 0 <= number.start <= number.first <= number.last <= number.stop < len(words)
        assert number.first == number.last or cuts_number(words, number.last, number.last)
        before = number.last
