"""Page numbers and running heads."""

from __future__ import annotations

import pytest

from tests.facts.layout.drawn import PROSE, Line, find, list_values, make_page, of_kind, write


def _text(number: int) -> list[Line]:
    return write(60, 120, PROSE * (2 + number % 3))


def test_page_numbers_count_on_from_page_to_page_wherever_they_stand() -> None:
    pages = [make_page(*_text(at), Line(60 if at % 2 else 520, 770, str(40 + at)), number=at + 1) for at in range(4)]
    assert [list_values(facts, "page_number") for facts in find(*pages)] == [["40"], ["41"], ["42"], ["43"]]


def test_roman_page_numbers_are_read() -> None:
    pages = [make_page(*_text(at), Line(300, 770, roman), number=at + 1) for at, roman in enumerate(["iii", "iv", "v"])]
    assert [list_values(facts, "page_number") for facts in find(*pages)] == [["iii"], ["iv"], ["v"]]


@pytest.mark.parametrize("text", ["Page 3 of 10", "Seite 3 von 10", "Strona 3 z 10", "página 3", "- 3 -"])
def test_a_single_page_says_its_number_in_words_or_alone(text: str) -> None:
    (facts,) = find(make_page(*_text(1), Line(290, 780, text)))
    (number,) = of_kind(facts, "page_number")
    assert number.value == "3"


def test_a_year_that_stays_the_same_is_no_page_number() -> None:
    pages = [make_page(*_text(at), Line(60, 770, "Report 2015"), number=at + 1) for at in range(3)]
    for facts in find(*pages):
        assert list_values(facts, "page_number") == []
        assert list_values(facts, "running_head") == ["Report 2015"]


def test_a_running_head_is_given_without_its_page_number() -> None:
    pages = [make_page(Line(60, 40, f"Annual Report {at + 7}"), *_text(at), number=at + 1) for at in range(3)]
    for at, facts in enumerate(find(*pages)):
        assert list_values(facts, "running_head") == ["Annual Report"]
        assert list_values(facts, "page_number") == [str(at + 7)]


def test_running_heads_may_alternate_between_left_and_right() -> None:
    pages = [
        make_page(Line(60 if at % 2 else 440, 40, "Office of Water"), *_text(at), number=at + 1) for at in range(4)
    ]
    assert all(list_values(facts, "running_head") == ["Office of Water"] for facts in find(*pages))


def test_a_line_within_the_text_that_repeats_is_no_running_head() -> None:
    pages = [
        make_page(*_text(1), Line(60, 400, "Office of Water"), *write(60, 430, PROSE), number=at + 1) for at in range(3)
    ]
    assert not any(list_values(facts, "running_head") for facts in find(*pages))


def test_numbers_of_lines_are_no_page_numbers() -> None:
    lines = [*write(60, 120, PROSE * 3), *(Line(20, 120 + 26 * at, str(at + 1)) for at in range(26))]
    (facts,) = find(make_page(*lines))
    assert list_values(facts, "page_number") == []


def test_a_sentence_that_comes_again_is_no_running_head() -> None:
    pages = [make_page(*write(60, 70, PROSE), Line(300, 770, str(at + 1)), number=at + 1) for at in range(3)]
    assert not any(list_values(facts, "running_head") for facts in find(*pages))


def test_the_number_of_a_chapter_in_large_print_is_no_page_number() -> None:
    pages = [make_page(Line(60, 60, str(at + 1), 24), *_text(at), number=at + 1) for at in range(2)]
    assert not any(list_values(facts, "page_number") for facts in find(*pages))


@pytest.mark.parametrize(
    ("printed", "number"),
    [("7-45", "7-45"), ("A-3", "A-3"), ("- 3 -", "3"), ("12 | Page", "12"), ("Page 3 of 10", "3")],
)
def test_page_numbers_have_many_forms(printed: str, number: str) -> None:
    (facts,) = find(make_page(*_text(1), *write(60, 400, PROSE), Line(290, 775, printed)))
    assert list_values(facts, "page_number") == [number]


def test_a_word_that_begins_like_one_for_pages_is_no_page_number() -> None:
    (facts,) = find(make_page(Line(500, 40, "Sheet1"), *_text(1)))
    assert list_values(facts, "page_number") == []


def test_a_running_head_loses_the_number_that_a_gap_parts_from_it() -> None:
    pages = [
        make_page(*_text(at), Line(60, 775, f"Control of access{' ' * 5}{number}"), number=at + 1)
        for at, number in enumerate([4, 15, 77])
    ]
    for facts, number in zip(find(*pages), ["4", "15", "77"], strict=True):
        assert list_values(facts, "running_head") == ["Control of access"]
        assert list_values(facts, "page_number") == [number]
