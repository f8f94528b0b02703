"""Candidate answers of a page."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from docmatix.core.documents import Box, Fact, Page
from docmatix.prompting.questions.sentences.candidates import MAX_FRAMED_CHARS, find_candidates, find_phrases
from docmatix.prompting.questions.sentences.question_grammar import question_grammar
from tests.pages import make_page, write_page, write_table


def join_boxes(boxes: list[Box]) -> Box:
    return Box(boxes[0].x0, boxes[0].y0, boxes[-1].x1, boxes[-1].y1)


PROSE = (
    "The Riverside Library was founded on 12 March 1974 by Eleanor Hughes.\n"
    "The city council granted $45,000 in 1975. About 62% of the books were\n"
    "bought by the Dunhaven Savings Bank. The reading room has 38 seats."
)


def list_answers(page: Page, *, limit: int = 20, framed_only: bool = True, english: bool = True) -> list[str]:
    found = find_candidates(page, limit=limit, framed_only=framed_only, english=english)
    return [candidate.answer for candidate in found]


def list_numbers(page: Page, *, framed_only: bool = False, english: bool = True) -> list[str]:
    answers = list_answers(page, framed_only=framed_only, english=english)
    return [answer for answer in answers if any(map(str.isdigit, answer))]


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


def test_running_text_behind_a_colon_is_no_value() -> None:
    page = write_page("Real time collaboration: tools like this one let\nseveral people edit a text.")
    assert list_answers(page) == []


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


@pytest.mark.parametrize(
    "page",
    [
        write_page("Routing number: 011200365\nDue date:\t14 May 2024"),
        write_table(("Region", "Revenue", "Manager"), ("North", "$4,200", "Ann Hughes"), ("South", "$3,100", "Bo Li")),
    ],
)
def test_fields_and_cells_are_left_to_the_questions_from_facts(page: Page) -> None:
    assert list_answers(page) == list_answers(page, framed_only=False) == []


HEADED = "The city council granted $45,000 to the library in 1975 for a reading room."


@pytest.mark.parametrize(
    "kind", ["title", "heading", "caption", "field", "checkbox", "footnote", "running_head", "subject"]
)
def test_a_heading_caption_or_field_is_no_part_of_a_sentence(kind: str) -> None:
    page = write_page("The history of the town\n" + HEADED)
    heading = [word.box for word in page.words if word.line == 0]
    fact = Fact(kind, "", "The history of the town", (), (join_boxes(heading),))
    contexts = {one.context for one in find_candidates(replace(page, facts=(fact,)), limit=9, framed_only=False)}
    assert contexts == {HEADED}
    # a doubtful fact takes no words out of the text
    doubtful = replace(page, facts=(fact._replace(confidence=0.3),))
    assert HEADED not in {one.context for one in find_candidates(doubtful, limit=9, framed_only=False)}


def test_items_of_a_list_are_sentences_of_their_own() -> None:
    page = write_page("Members of the club shall pay\nThe fee of the club is $40 for adults and\nchildren of the town.")
    item = Fact("list_item", "", "", (), (Box(0.0, page.words[-1].box.y0 - 0.02, 1.0, page.words[-1].box.y1),))
    contexts = {one.context for one in find_candidates(replace(page, facts=(item,)), limit=9, framed_only=False)}
    assert contexts == {"The fee of the club is $40 for adults and children of the town."}


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


def test_every_framed_candidate_has_a_grammar() -> None:
    found = find_candidates(write_page(PROSE), limit=20)
    assert found
    assert all(map(question_grammar, found))


def test_phrases_of_a_sentence_include_its_dates_and_names() -> None:
    phrases = find_phrases("The library was founded on 12 March 1974 by Eleanor Hughes.")
    assert {"12 March 1974", "Eleanor Hughes"} <= {*phrases}


# --- candidates for a model that needs no frame -----------------------------------------------------------------------

OPEN = (
    "It was closed again in 1987, when Ann Hughes left. Members paid 40 euros if they lived near. "
    "They were 71% of all its members. "
    "Questions go to info@tamar.example or to the Royal Tamar Society of Leeds."
)


def test_a_model_without_a_grammar_is_asked_about_every_span() -> None:
    page = write_page(PROSE.replace("\n", " "), OPEN)
    framed, every = list_answers(page), list_answers(page, framed_only=False, limit=60)
    assert {*framed} < {*every}
    assert {"1987", "40 euros", "71%", "info@tamar.example", "Royal Tamar Society of Leeds"} <= {*every} - {*framed}
    assert [one.start for one in find_candidates(page, limit=60, framed_only=False)] == sorted(
        one.start for one in find_candidates(page, limit=60, framed_only=False)
    )


def test_sentences_that_open_with_a_pronoun_come_last() -> None:
    page = write_page("It was closed again by the mayor in 1987. The ferry over the Tamar was sold in 1991.")
    assert list_answers(page, framed_only=False, limit=1) == ["1991"]


@pytest.mark.parametrize(
    ("sentence", "answers"),
    [
        ("Die Bibliothek wurde am 3. Mai 1974 von Eleonore Hugel für 1,5 Mio. Euro eröffnet.",
         {"3. Mai 1974", "Eleonore Hugel", "1,5 Mio. Euro"}),
        ("Der Anteil der Bücher für Kinder stieg im vergangenen Jahr auf 62 Prozent des Bestands.", {"62 Prozent"}),
        ("La ville a versé 45 000 euros à la bibliothèque municipale le 12 mars 1974, soit 62 % du prix demandé.",
         {"45 000 euros", "12 mars 1974", "62 %"}),
        ("La biblioteca fue fundada por la señora Elena Hidalgo el 12 de marzo de 1974 en la ciudad.",
         {"Elena Hidalgo", "12 de marzo de 1974"}),
        ("Il comune ha speso 3,4 milioni di euro per la nuova sala di lettura nel 1975.", {"1975"}),
        ("A biblioteca foi aberta em maio de 1974 e recebe 120 leitores por dia na cidade.", {"maio de 1974", "120"}),
        ("De bibliotheek is op 12 maart 1974 geopend door Eleonora Huigens en telt 38 plaatsen.",
         {"12 maart 1974", "Eleonora Huigens", "38"}),
        ("Biblioteka została otwarta 12 marca 1974 i kosztowała wtedy 45 000 zł według rady miasta.",
         {"12 marca 1974", "45 000 zł"}),
        ("Anfragen nimmt der Verein unter info@tamar.example oder unter www.tamar.example/neu entgegen.",
         {"info@tamar.example", "www.tamar.example/neu"}),
    ],
)  # fmt: skip
def test_pages_in_other_languages_offer_what_is_written_alike_in_all(sentence: str, answers: set[str]) -> None:
    found = find_candidates(write_page(sentence), limit=20, framed_only=False, english=False)
    assert answers <= {one.answer for one in found}
    assert {one.context for one in found} == {sentence}


@pytest.mark.parametrize(
    "sentence",
    [
        "Der Kurs hat zwischen 12 und 15 Plätze für die Kinder der Stadt und der Dörfer.",
        "Le cours a de 12 à 15 places pour les enfants de la ville et des villages.",
        "Die Regeln stehen in Artikel 12 und auf Seite 7 des Hefts für die Mitglieder.",
        "Der Verein hat mehr als 1\ufffd500 Mitglieder in der Stadt und in den Dörfern.",
    ],
)
def test_ends_of_ranges_and_numbers_that_name_something_are_no_answers_in_other_languages_either(sentence: str) -> None:
    assert list_numbers(write_page(sentence), english=False) == []


WORD = st.text(st.characters(blacklist_categories=("Z", "C")), min_size=1, max_size=12)


@given(st.lists(st.lists(WORD, min_size=1, max_size=30).map(" ".join), min_size=1, max_size=8))
def test_any_page_gives_candidates_that_stand_in_it(lines: list[str]) -> None:
    page = write_page("\n".join(lines))
    framed = find_candidates(page, limit=6)
    others = find_candidates(page, limit=6, framed_only=False)
    foreign = find_candidates(page, limit=6, framed_only=False, english=False)
    for candidate in (*framed, *others, *foreign):
        assert " ".join(page.text[candidate.start : candidate.end].split()) == candidate.answer
    assert all(len(candidate.context) <= MAX_FRAMED_CHARS for candidate in framed)


@pytest.mark.timeout(60)
@pytest.mark.parametrize("word", ["1,000", "Aa", "Name:", "The", ".", "(", "walked", "a" * 50])
def test_a_page_of_half_a_million_words_takes_seconds(word: str) -> None:
    page = write_page(" ".join([word] * 500_000))
    assert len(find_candidates(page, limit=6)) <= 6
    assert len(find_candidates(page, limit=6, framed_only=False)) <= 6


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
    assert list_numbers(write_page(sentence)) == [answer]
    assert list_numbers(write_page(sentence), framed_only=True) in ([], [answer])


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
    page = write_page(sentence)
    # that of "rose from $4 to $1.2 billion" is whole, but in no frame
    assert {*list_numbers(page), *list_numbers(page, english=False)} <= {"$1.2 billion"}
    assert list_numbers(page, framed_only=True) == []
    assert not {"two", "two hundred", "fifty"} & {*list_answers(write_page(sentence), framed_only=False)}


def test_the_mark_of_a_footnote_is_no_part_of_a_number_beside_it() -> None:
    page = write_page("The company paid $320 1 to the owners of the house.")
    words = [
        word._replace(box=word.box._replace(y1=word.box.y1 - 0.006)) if word.text == "1" else word
        for word in page.words
    ]
    assert list_numbers(make_page(words)) == list_numbers(make_page(words), framed_only=True) == ["$320"]
    assert list_numbers(page) == []


def test_nothing_is_asked_where_a_character_is_unknown() -> None:
    known = "The reading room of the library has 38 seats for all of its readers."
    assert list_answers(write_page(known))
    assert not list_answers(write_page(known.replace("38", "3\ufffd")))
    # an unknown sign before a number may be its minus
    assert not list_answers(write_page(known.replace("38", "\ufffd 38")))
