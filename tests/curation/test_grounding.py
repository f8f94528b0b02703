"""Grounding: which answers are on the page, where, and how sure that is."""

from __future__ import annotations

import time
from collections.abc import Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from docmatix.core.documents import Box, Page, Word, compose_text, locate_words
from docmatix.core.pairs import Evidence
from docmatix.curation.grounding import MISSING_NUMBER_CAP, NEAR_CEILING, ground
from docmatix.curation.page_index import index_pages
from docmatix.curation.terms import has_content
from docmatix.text.numbers import cuts_number, find_numbers
from docmatix.text.pieces import split_pieces


def make_page(text: str, number: int = 1) -> Page:
    """A page with one line of text for each line, words a tenth of the page wide."""
    words = [
        Word(word, Box(column / 100, row / 100, (column + 1) / 100, (row + 1) / 100), row, row)
        for row, line in enumerate(text.strip("\n").split("\n"))
        for column, word in enumerate(line.split(" "))
        if word
    ]
    return Page(number, 612, 792, 0, 0.0, compose_text(words), tuple(words))


REPORT = make_page(
    """ACME Corporation Annual Report 2019
Net income rose to $3.5 million, up from $2.1 million (see note [12]).
The board of directors approved a well-
known plan to consoli-
date three plants by March 31, 2021.
Contact: jane.doe@example.org, tel. 555-0199
Total assets 1,234,567.50
Employees 2 345
Our oﬃce is in the U.S. and has “smart” meters at 20 °C, 10⁶ of them, 1½ each."""
)


def score(answer: str, *pages: Page) -> float | None:
    return ground(answer, pages or (REPORT,)).score


# --- printed answers --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "answer",
    [
        "$3.5 million",
        "3.5 million",
        "$3.5 Million.",
        "jane.doe@example.org",
        "[12]",
        "U.S.",
        "annual report",
        "1,234,567.50",
        "1234567.50",
        "1.234.567,50",
        "well-known plan",
        "well known plan",
        "consolidate three plants",
        "March 31, 2021",
        "555–0199",
        "office",
        "'smart' meters",
        "20°C",
        "10⁶",
        "2 345",
        "1. Net income",
    ],
)
def test_an_answer_is_printed_whatever_its_spelling(answer: str):
    assert score(answer) == 1.0


@pytest.mark.parametrize(
    "answer", ["port", "3.5 mill", "5 million", "35 million", "234", "106", "2.1", "10", "1", "note 1"]
)
def test_a_part_of_a_word_or_number_is_not_printed(answer: str):
    assert score(answer) != 1.0


def test_the_magnitude_of_a_number_may_be_left_to_the_question():
    assert ground("2.1", [REPORT], question="From how many million dollars did it rise?").score == 1.0
    assert ground("2.1", [REPORT], question="From how much did it rise?").score == 0.0


def test_the_evidence_is_the_words_as_printed_with_a_box_for_each_line():
    (evidence,) = ground("well known plan to consolidate three plants", [REPORT]).evidence
    assert evidence.page == 1
    assert evidence.quote == "well- known plan to consoli- date three plants"
    assert evidence.boxes == (Box(0.06, 0.02, 0.07, 0.03), Box(0.0, 0.03, 0.04, 0.04), Box(0.0, 0.04, 0.03, 0.05))


def test_a_box_surrounds_uneven_words_of_a_line():
    words = (Word("Grand", Box(0.1, 0.20, 0.2, 0.25), 0, 0), Word("Total", Box(0.22, 0.18, 0.3, 0.24), 0, 0))
    page = Page(7, 612, 792, 0, 0.0, compose_text(words), words)
    (evidence,) = ground("grand total", [page]).evidence
    assert evidence == Evidence(7, "Grand Total", (Box(0.1, 0.18, 0.3, 0.25),))


def test_of_several_places_the_one_near_the_words_of_the_question_is_the_evidence():
    filler = "\n".join("filler text without meaning goes on and on" for _ in range(12))
    page = make_page(f"Deposit due: $500\n{filler}\nMonthly rent: $500")
    assert ground("$500", [page], question="What is the monthly rent?").evidence[0].boxes[0].y0 == 0.13
    assert ground("$500", [page], question="How much is the deposit?").evidence[0].boxes[0].y0 == 0
    assert ground("$500", [page]).evidence[0].boxes[0].y0 == 0


def test_a_literal_place_is_better_evidence_than_one_spelt_otherwise():
    page = make_page("Contact us today\nMade in the U.S. by hand")
    assert ground("U.S.", [page]).evidence[0].quote == "U.S."
    assert ground("us", [page]).evidence[0].quote == "us"


def test_only_the_pages_of_the_sample_ground_an_answer():
    pages = [make_page("alpha one", 3), make_page("beta two", 4)]
    assert ground("beta", pages, within=[3]).score == 0.0
    assert ground("beta", pages, within=[3, 4, 99]).evidence[0].page == 4


def test_scripts_without_spaces_are_matched_inside_their_long_words():
    page = make_page("本契約は2019年3月に東京で締結された。\n서울은 한국의 수도이다\nกรุงเทพมหานครเป็นเมืองหลวง")
    for answer in ("東京", "2019年3月", "서울", "กรุงเทพ", "締結された"):
        found = ground(answer, [page])
        assert found.score == 1.0
        assert len(found.evidence[0].boxes) == 1
    assert ground("大阪", [page]).score == 0.0


def test_right_to_left_words_are_matched():
    page = make_page("تم توقيع العقد في ٢٠١٩ بين الطرفين")
    assert ground("توقيع العقد", [page]).score == 1.0
    assert ground("2019", [page]).score == 1.0


# --- spans ------------------------------------------------------------------------------------------------------------


def test_the_span_an_answer_was_taken_from_is_its_evidence():
    page = make_page("Deposit: $500\nRent: $500")
    start = page.text.rindex("$500")
    found = ground("$500", [page], span=(1, start, start + 4))
    assert found.score == 1.0
    assert found.evidence[0].boxes == (Box(0.01, 0.01, 0.02, 0.02),)


def test_a_span_inside_a_word_stands_for_the_whole_word():
    start = REPORT.text.index("3.5")
    assert ground("3.5", [REPORT], span=(1, start, start + 3)).evidence[0].quote == "$3.5"


def test_a_yes_with_a_span_is_printed():
    page = make_page("Smoker: Yes")
    assert ground("Yes", [page], span=(1, 8, 11)).score == 1.0
    assert ground("Yes", [page]).score is None


@pytest.mark.parametrize("span", [(1, 0, 4), (9, 0, 4), (1, -5, 4), (1, 10**9, 10**9 + 4), (1, 4, 4)])
def test_a_span_that_does_not_hold_the_answer_is_not_believed(span: tuple[int, int, int]):
    page = make_page("Rent: $500")
    assert ground("$500", [page], span=span).evidence[0].quote == "$500"


# --- near answers -----------------------------------------------------------------------------------------------------


def test_the_words_of_a_sentence_in_another_order_are_near():
    found = ground("The net income was up to $3.5 million from $2.1 million.", [REPORT])
    assert found.score == NEAR_CEILING
    assert found.evidence[0].quote.startswith("Net income rose to $3.5 million, up from $2.1")


def test_an_answer_with_invented_words_scores_their_share():
    assert score("The board of directors approved a plan") == NEAR_CEILING
    low = score("The board of astronauts rejected a proposal for bananas")
    assert low is not None
    assert low < 0.3


def test_an_answer_about_something_else_scores_nothing_and_has_no_evidence():
    found = ground("Bananas grow on trees.", [REPORT])
    assert (found.score, found.evidence) == (0.0, ())


def test_a_number_that_the_pages_do_not_have_caps_the_score():
    assert score("Net income rose to $3.5 million, up from $2.2 million") == MISSING_NUMBER_CAP
    assert score("3.6 million") == 0.0


def test_numbers_are_found_with_a_space_at_the_thousands_and_in_other_spellings():
    assert score("There were 2,345 employees.") == NEAR_CEILING
    assert score("Total assets of 1 234 567.50") == NEAR_CEILING
    assert ground("2,345", [REPORT]).evidence[0].quote == "2 345"


def test_a_word_hyphenated_at_the_end_of_a_line_is_one_word():
    found = ground("They consolidate plants.", [REPORT])
    assert found.evidence[0].quote.startswith("consoli- date")


def test_the_numbers_of_a_list_are_the_answer_s_own():
    answer = "1. Net income rose.\n2. The board approved a plan.\n7. Three plants are in it."
    assert score(answer) == pytest.approx(NEAR_CEILING)


def test_a_yes_with_reasons_is_judged_by_its_reasons():
    assert score("Yes, the board approved the plan.") == NEAR_CEILING
    assert score("Yes. Bananas grow on trees.") == 0.0


def test_words_scattered_over_a_page_do_not_ground_an_answer():
    filler = " ".join(f"filler{letter}" for letter in "abcdefghijklmnopqrstuvwxyz")
    page = make_page(f"\n{filler}\n".join(["profit", "doubled", "Tokyo", "branch", "opened", "yesterday"]))
    assert (score("Profit doubled: Tokyo branch opened yesterday", page) or 0) < 0.3


def test_an_answer_from_two_places_has_two_pieces_of_evidence_in_reading_order():
    pages = [make_page("The tenant pays the rent monthly.", 2), make_page("The landlord repairs the roof.", 5)]
    found = ground("The landlord repairs the roof. The tenant pays rent monthly!", pages)
    assert found.score == NEAR_CEILING
    assert [item.page for item in found.evidence] == [2, 5]


@pytest.mark.parametrize("answer", ["Yes", "no.", "はい", "N/A", "…", "", "  ", "-"])
def test_an_answer_without_content_cannot_be_grounded(answer: str):
    assert not has_content(answer)
    found = ground(answer, [make_page("Yes no はい N/A … -")])
    assert (found.score, found.evidence) == (None, ())


# --- invariants -------------------------------------------------------------------------------------------------------

words_of_a_page = st.lists(
    st.text(min_size=1, max_size=8).filter(lambda text: not any(c.isspace() for c in text))
    | st.sampled_from(["well-", "known", "1,234", "2", "345", "東京都", "of", "the", "a\u00adb", "12.5%"]),
    min_size=1,
    max_size=40,
)


def page_of(texts: Iterable[str], per_line: int = 5) -> Page:
    words = tuple(
        Word(
            text,
            Box(place % per_line / 10, place / 100, place % per_line / 10 + 0.1, place / 100 + 0.01),
            place // per_line,
            0,
        )
        for place, text in enumerate(texts)
    )
    return Page(1, 612, 792, 0, 0.0, compose_text(words), words)


@given(words_of_a_page, st.data())
def test_any_run_of_words_that_cuts_no_number_is_found_where_it_stands(texts: list[str], data: st.DataObject):
    page = page_of(texts)
    first = data.draw(st.integers(0, len(texts) - 1))
    last = data.draw(st.integers(first, len(texts) - 1))
    places = locate_words(page.words)
    answer = page.text[places[first].start : places[last].end]
    index = index_pages([page])
    if any(
        cuts_number(texts, place, place) and not first <= number.start <= number.stop <= last
        for number in find_numbers(texts)
        for place in range(max(first, number.start), min(last, number.stop) + 1)
    ) or any("\ufffd" in text for text in texts):
        return
    spanned = ground(answer, index, span=(1, places[first].start, places[last].end))
    if split_pieces(answer):
        assert spanned.score == 1.0
        assert spanned.evidence[0].quote == " ".join(texts[first : last + 1])
    if has_content(answer):
        assert ground(answer, index).score == 1.0


@given(st.text(max_size=300), words_of_a_page, st.text(max_size=50), st.none() | st.tuples(*[st.integers(-2, 99)] * 3))
def test_any_answer_has_a_score_within_bounds_and_always_the_same(
    answer: str, texts: list[str], question: str, span: tuple[int, int, int] | None
):
    page = page_of(texts)
    found = ground(answer, [page], span=span, question=question)
    assert found == ground(answer, [page], span=span, question=question)
    assert found.score is None or 0 <= found.score <= 1
    assert bool(found.evidence) == bool(found.score)
    for evidence in found.evidence:
        assert all(box.x0 <= box.x1 and box.y0 <= box.y1 for box in evidence.boxes)
        assert evidence.quote in " ".join(texts)


@given(
    st.lists(
        st.sampled_from("the profit rose in 2019 and fell by 3.5 percent of sales".split()), min_size=1, max_size=12
    )
)
def test_shuffled_words_of_a_page_are_never_better_than_near(words: list[str]):
    page = page_of("the profit rose in 2019 and fell by 3.5 percent of sales".split())
    found = ground(" ".join(words), [page]).score
    assert found is not None
    assert found == 1.0 or found <= NEAR_CEILING


@pytest.mark.parametrize("word", ["a", "xa", "abc-", "123", "字", "word.", "1,"])
def test_a_page_of_endless_repetition_is_read_and_searched_in_linear_time(word: str):
    page = page_of([word] * 20_000)
    start = time.process_time()
    index = index_pages([page])
    for answer in ("a", "xb a xb", word * 9, "not there", "123 123 1234", "word " * 2_000):
        ground(answer, index, question=word)
    # measured: at most 0.3 s; steps in the square of the words would take minutes
    assert time.process_time() - start < 10


def test_nothing_is_printed_across_an_unknown_character():
    page = make_page("The company employed \ufffd987 people and 200\ufffd horses.")
    assert score("987", page) == 0
    assert (score("200 horses", page) or 0) < 0.6
    assert score("\ufffd987", page) == 0


@pytest.mark.parametrize("dash", ["-", "\u2013", "\u2011"])
def test_an_end_of_a_range_is_not_printed_alone(dash: str):
    page = make_page(f"Prices rose by 2{dash}3 percent in 1999{dash}2004, and by 10.5{dash}12% later.")
    for piece in ("3 percent", "2", "3", "12%", "10.5"):
        assert (score(piece, page) or 0) <= MISSING_NUMBER_CAP
    for whole in ("2-3 percent", "2\u20133 percent", "2 to 3 percent", "10.5-12%", "2004", "1999"):
        assert score(whole, page) == 1.0
