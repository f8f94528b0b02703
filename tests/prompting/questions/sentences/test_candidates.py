"""Candidate answers of a page."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from docmatix.core.documents import Page
from docmatix.prompting.questions.sentences.candidates import MAX_CONTEXT_CHARS, find_candidates, find_phrases
from docmatix.prompting.questions.sentences.question_grammar import question_grammar
from tests.pages import make_page, write_page, write_table

PROSE = (
    "The Riverside Library was founded on 12 March 1974 by Eleanor Hughes.\n"
    "The city council granted $45,000 in 1975. About 62% of the books were\n"
    "bought by the Dunhaven Savings Bank. The reading room has 38 seats."
)


def list_answers(page: Page, *, limit: int = 20) -> list[str]:
    return [candidate.answer for candidate in find_candidates(page, limit=limit)]


def test_dates_shares_counts_and_names_are_found() -> None:
    assert {"12 March 1974", "Eleanor Hughes", "62%", "38"} <= {*list_answers(write_page(PROSE))}


def test_an_answer_stands_at_its_place_in_the_page() -> None:
    page = write_page("Annual report", PROSE)
    for candidate in find_candidates(page, limit=20):
        assert " ".join(page.text[candidate.start : candidate.end].split()) == candidate.answer
        assert candidate.answer in candidate.context


def test_an_answer_may_cross_the_end_of_a_line() -> None:
    page = write_page("The new bridge over the Tamar was opened on 12\nMarch 1974 by the mayor of Dunmore.")
    assert "12 March 1974" in list_answers(page)


def test_a_word_hyphenated_at_the_end_of_a_line_is_whole_in_the_context() -> None:
    page = write_page("The new rail-\nway bridge over the Tamar was opened in May 1974 by the mayor.")
    assert "railway bridge" in find_candidates(page, limit=1)[0].context


def test_a_form_line_gives_its_value_with_its_label() -> None:
    page = write_page("Routing number: 011200365\nDue date:\t14 May 2024")
    found = {candidate.label: candidate.answer for candidate in find_candidates(page, limit=5)}
    assert found == {"Routing number": "011200365", "Due date": "14 May 2024"}


def test_running_text_behind_a_colon_is_no_value() -> None:
    page = write_page("Real time collaboration: tools like this one let\nseveral people edit a text.")
    assert list_answers(page) == []


def test_a_cell_comes_with_its_column_and_row() -> None:
    page = write_table(
        ("Region", "Revenue", "Manager"), ("North", "$4,200", "Ann Hughes"), ("South", "$3,100", "Bo Li")
    )
    found = {candidate.answer: candidate for candidate in find_candidates(page, limit=10)}
    assert found["$3,100"].label == "Revenue"
    assert found["$3,100"].context.startswith("Region: South | Revenue: $3,100")
    assert page.text[found["Bo Li"].start : found["Bo Li"].end] == "Bo Li"


def test_equal_cells_are_told_apart_by_their_height() -> None:
    page = write_table(("Region", "Units", "Price"), ("North", "7", "$3"), ("South", "7", "$4"), ("East", "9", "$5"))
    seven = next(candidate for candidate in find_candidates(page, limit=20) if candidate.answer == "7")
    row = page.text.split("\n")[1 if "North" in seven.context else 2]
    assert row.split()[0] in seven.context
    assert page.text[: seven.start].count("\n") == (1 if "North" in seven.context else 2)


def test_rows_of_the_same_name_are_not_asked_about() -> None:
    assert list_answers(write_table(("Region", "Units"), ("North", "7"), ("North", "9"))) == []


@pytest.mark.parametrize(
    "text",
    [
        "The results are shown in Table 3 and in Figure 12 of the annex below.",
        "Introduction to the history of the bridge ............... 12\nThe opening of the bridge ............... 14",
        "def main(x): return {x = 12} if x <= 3 else {x = 14} while x_1 == y_2",
        "It was founded in 1974 and it was closed again by them in 1999.",
    ],
)
def test_numbers_that_name_nothing_are_left_alone(text: str) -> None:
    assert list_answers(write_page(text)) == []


def test_running_heads_and_references_are_left_alone() -> None:
    head = write_page("Annual report of the Dunmore trust was printed in 2019.", top=0.02)
    references = write_page("References", "Hughes, A. The old library was founded in 1974. Dunhaven Press.")
    assert list_answers(head) == []
    assert list_answers(references) == []


def test_no_sentence_is_asked_more_than_twice_and_no_answer_twice() -> None:
    page = write_page(PROSE, PROSE.replace("1974", "1984"))
    found = find_candidates(page, limit=20)
    contexts = [candidate.context for candidate in found]
    assert max(map(contexts.count, contexts)) <= 2
    assert len({candidate.answer for candidate in found}) == len(found)


def test_candidates_are_at_most_the_limit_and_in_page_order() -> None:
    found = find_candidates(write_page(PROSE), limit=3)
    assert len(found) == 3
    assert [one.start for one in found] == sorted(one.start for one in found)


def test_every_candidate_has_a_grammar() -> None:
    pages = [write_page(PROSE), write_table(("Part", "Price"), ("Thread", "$4"), ("Seal", "$5"))]
    assert all(question_grammar(one) for page in pages for one in find_candidates(page, limit=20))


def test_phrases_of_a_sentence_include_its_dates_and_names() -> None:
    phrases = find_phrases("The library was founded on 12 March 1974 by Eleanor Hughes.")
    assert {"12 March 1974", "Eleanor Hughes"} <= {*phrases}


WORD = st.text(st.characters(blacklist_categories=("Z", "C")), min_size=1, max_size=12)


@given(st.lists(st.lists(WORD, min_size=1, max_size=30).map(" ".join), min_size=1, max_size=8))
def test_any_page_gives_candidates_that_stand_in_it(lines: list[str]) -> None:
    page = write_page("\n".join(lines))
    for candidate in find_candidates(page, limit=6):
        assert " ".join(page.text[candidate.start : candidate.end].split()) == candidate.answer
        assert len(candidate.context) <= MAX_CONTEXT_CHARS


@pytest.mark.timeout(60)
@pytest.mark.parametrize("word", ["1,000", "Aa", "Name:", "The", ".", "(", "walked", "a" * 50])
def test_a_page_of_half_a_million_words_takes_seconds(word: str) -> None:
    page = write_page(" ".join([word] * 500_000))
    assert len(find_candidates(page, limit=6)) <= 6


# --- numbers as wholes ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("sentence", "answer"),
    [
        ("The programme received EUR 1 250 000 from the Regional Fund last year.", "EUR 1 250 000"),
        ("The programme received €1 250 000 from the Regional Fund last year.", "€1 250 000"),
        ("The ministry spent 12 500 euros on new furniture for the offices.", "12 500 euros"),
        ("The fee of the service is 12’500 francs for each member of the club.", "12’500"),
        ("The company sold 1.250.000 bottles of wine in the whole of the region last year.", "1.250.000"),
        ("The hospital treated 4,5 million patients in the course of the year.", "4,5 million"),
        ("The court awarded Rs. 5 crore to the family of the victim.", "Rs. 5 crore"),
        ("The rate of interest is 3 ½ percent for the loans of the bank.", "3 ½ percent"),
        ("The rate of interest is 3 1/2 percent for the loans of the bank.", "3 1/2 percent"),
        ("The deficit reached −3,5 % of output in the second year.", "−3,5 %"),
        ("The temperature in the chamber was − 18 degrees during the test.", "− 18"),
        ("The daily dose of the vitamin is 5 µg for adults and children.", "5 µg"),
        ("The area of the park is 14 km² according to the survey.", "14 km²"),
    ],
)
def test_a_number_is_an_answer_as_a_whole(sentence: str, answer: str) -> None:
    assert list_answers(write_page(sentence)) == [answer]


@pytest.mark.parametrize(
    "sentence",
    [
        "The margin fell by – 4 % in the third quarter of the year.",
        "The change of the price was minus 3 percent in the third quarter.",
        "The loss of the company was USD (4.5) million in the first half of the year.",
        "The firm employed two hundred and fifty people in the region of the coast.",
        "The firm employed 3 to 5 people in the region of the coast.",
        "The firm employed between 30 and 50 people in the region of the coast.",
        "The price of the share rose from $4 to $1.2 billion before it.",
        "The ministry spent \ufffd 500 euros on new furniture for the offices.",
        "The ministry spent 1\ufffd500 euros on new furniture for the offices.",
        "The ministry of cul\ufffdure spent 500 euros on new furniture for the offices.",
    ],
)
def test_a_part_of_a_number_or_one_that_is_not_known_is_no_answer(sentence: str) -> None:
    assert not any(any(map(str.isdigit, answer)) for answer in list_answers(write_page(sentence)))
    assert not {"two", "two hundred", "fifty"} & {*list_answers(write_page(sentence))}


def test_the_currency_in_a_column_of_its_own_belongs_to_the_value() -> None:
    form = write_page("Net amount:\t$\t1,200.00\ta\nTax amount:\t(240.00)\tEUR\nUnit price:\t12\t$\t15")
    assert list_answers(form) == ["$ 1,200.00", "(240.00) EUR"]
    table = write_table(
        ("Item", "Currency", "Price", "Margin"), ("Seal", "EUR", "4.00", "− 3"), ("Pump", "EUR", "51.00", "7")
    )
    answers = {
        candidate.label: candidate.answer
        for candidate in find_candidates(table, limit=9)
        if "Pump" in candidate.context
    }
    assert answers["Price"] == "EUR 51.00"


def test_a_spaced_number_in_a_form_line_is_whole_and_two_columns_are_two_numbers() -> None:
    page = write_page("Ticket price: 12 500 EUR\nBoat price: 12\t500")
    assert list_answers(page) == ["12 500 EUR", "12"]


def test_the_mark_of_a_footnote_is_no_part_of_a_number_beside_it() -> None:
    page = write_page("The company paid $320 1 to the owners of the house.\nNet amount: $450 2")
    words = [
        word._replace(box=word.box._replace(y1=word.box.y1 - 0.006)) if word.text in {"1", "2"} else word
        for word in page.words
    ]
    assert list_answers(make_page(words)) == ["$320", "$450"]
    assert "$320" not in list_answers(page)


# --- tables whose header or rows are not what they seem ---------------------------------------------------------------


@pytest.mark.parametrize(
    "rows",
    [
        (
            ("Region", "2020", "", "2021", ""),
            ("", "Sales", "Cost", "Sales", "Cost"),
            ("North", "120", "80", "131", "85"),
        ),
        (("", "2020", "2021"), ("Region", "Sales", "Sales"), ("North", "120", "131"), ("South", "7", "9")),
        (("Region", "Sales", "Cost"), ("", "USD", "%"), ("North", "120", "80"), ("South", "7", "9")),
        (("Region", "Sales", "Cost"), ("Name", "million", "share"), ("North", "120", "80"), ("South", "7", "9")),
    ],
)
def test_a_table_with_two_rows_of_headers_is_not_asked_about(rows: tuple[tuple[str, ...], ...]) -> None:
    assert list_answers(write_table(*rows)) == []


def test_words_above_numbers_in_one_column_are_a_cell() -> None:
    page = write_table(
        ("Program", "Duration", "When"),
        ("Rinse", "as needed", "daily"),
        ("Wash", "9 hours", "often"),
        ("Dry", "2 hours", "x"),
    )
    assert {"as needed", "9 hours"} <= {*list_answers(page)}


def test_a_dash_for_an_empty_cell_is_no_sign_of_the_next_one() -> None:
    page = write_table(("Region", "Sales", "Cost"), ("North", "–", "80"), ("South", "7", "9"))
    assert "80" in list_answers(page)


def test_a_name_of_several_rows_is_not_asked_about() -> None:
    page = write_table(
        ("Region", "Year", "Sales"),
        ("North", "2020", "120"),
        ("", "2021", "220"),
        ("South", "2020", "330"),
    )
    assert {one.context.split(" | ")[0] for one in find_candidates(page, limit=9)} <= {"Region: South"}


@pytest.mark.parametrize(
    "rows",
    [
        (("West", "David Green", "Paper"), ("Central", "Erin Black", "Glass"), ("Islands", "Frank Stone", "Wool")),
        (("West", "140", "85"), ("Central", "150", "90"), ("Islands", "160", "70")),
        (("West", "Oak", "Leeds"), ("Central", "Elm", "Derby"), ("Islands", "Yew", "Ely")),
    ],
)
def test_the_first_row_of_a_table_that_goes_on_from_another_page_is_no_header(
    rows: tuple[tuple[str, ...], ...],
) -> None:
    assert list_answers(write_table(*rows, top=0.1)) == []


def test_a_header_at_the_top_of_a_page_is_told_by_its_words_above_numbers() -> None:
    assert "7" in list_answers(write_table(("Shire", "Hens"), ("Kent", "7"), ("Avon", "9"), top=0.1))


def test_nothing_is_asked_where_a_character_is_unknown() -> None:
    known = "The reading room of the library has 38 seats for all of its readers."
    assert list_answers(write_page(known))
    assert not list_answers(write_page(known.replace("38", "3\ufffd")))
    # an unknown sign before a number may be its minus
    assert not list_answers(write_page(known.replace("38", "\ufffd 38")))
    lines = "Invoice number: 4711\nOrder date: 3 May 2021"
    assert list_answers(write_page(lines)) == ["4711", "3 May 2021"]
    assert list_answers(write_page(lines.replace("3 May", "\ufffd May"))) == ["4711"]
