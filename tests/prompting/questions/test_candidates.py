"""Candidate answers of a page."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from docmatix.core.documents import Page
from docmatix.prompting.questions.candidates import MAX_CONTEXT_CHARS, find_candidates, find_phrases
from docmatix.prompting.questions.wording import question_grammar
from tests.pages import write_page, write_table

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
