"""Whole sentences of running text."""

from __future__ import annotations

import pytest

from docmatix.core.documents import Page, Word, locate_words
from docmatix.text.sentences import split_sentences
from tests.pages import make_page, write_page

FIRST = "The reading room of the library has 38 seats for all of its readers."
SECOND = "The fee for adults is 40 euros in the first year of the club."


def list_sentences(page: Page, parts: list[int | None] | None = None) -> list[str]:
    found = split_sentences(page.words, locate_words(page.words), parts or [0] * len(page.words))
    return [sentence.text for sentence in found]


def print_as(page: Page, line: int, *, size: float = 10.0, bold: bool = False) -> Page:
    """The page with one line in another print, all others in ten points."""
    words = [word._replace(size=10.0) for word in page.words]
    return make_page([word._replace(size=size, bold=bold) if word.line == line else word for word in words])


def test_a_sentence_may_cross_lines_and_blocks() -> None:
    page = write_page("The reading room of the\nlibrary has 38 seats for", "all of its readers. " + SECOND)
    assert list_sentences(page) == [FIRST, SECOND]


def test_a_heading_in_another_print_does_not_run_into_its_text() -> None:
    page = write_page(f"The rules of the house\n{FIRST}")
    assert list_sentences(print_as(page, 0, size=14.0)) == list_sentences(print_as(page, 0, bold=True)) == [FIRST]


def test_a_bold_heading_in_the_line_of_its_text_is_left_out_and_a_bold_name_is_not_cut_off() -> None:
    def embolden(text: str, count: int) -> Page:
        words = [word._replace(size=10.0, bold=place < count) for place, word in enumerate(write_page(text).words)]
        return make_page(words)

    assert list_sentences(embolden(f"Opening hours. {FIRST}", 2)) == [FIRST]
    assert list_sentences(embolden(f"Note: {FIRST}", 1)) == [FIRST]
    # whether "Dunmore" belongs to what is bold cannot be known
    assert list_sentences(embolden("Hughes Dunmore was founded in 1974 by the city council.", 1)) == []
    assert list_sentences(embolden(FIRST, 99)) == [FIRST]


def test_text_in_smaller_print_below_a_sentence_is_no_part_of_it() -> None:
    page = write_page("The reading room of the library has 38 seats\nfor members who paid the fee of the club.")
    assert list_sentences(print_as(page, 1, size=7.0)) == []
    assert len(list_sentences(print_as(page, 1, size=10.0))) == 1


@pytest.mark.parametrize(
    "text",
    [
        "Scope of the report The rules of the house were printed in 1974 by the council.",
        "Opening hours In the winter the library is open until 8 p.m. for all of its readers.",
        "Smith, J., and Jones, K., Reading rooms of Kent, vol. 3, pp. 12–40, was printed in the year.",
        "Hughes et al. (2019) The reading of old maps, In: Maps, Dunhaven Press, was printed then.",
    ],
)
def test_a_heading_that_runs_in_and_a_reference_are_no_sentences(text: str) -> None:
    assert list_sentences(write_page(text)) == []


@pytest.mark.parametrize("mark", ["•", "–", "-", "▪", "(a)", "a)", "1.", "iv)"])
def test_items_that_begin_with_a_mark_are_apart(mark: str) -> None:
    page = write_page(f"The members of the club shall pay\n{mark} {FIRST}\n{mark} {SECOND}")
    assert list_sentences(page) == [FIRST, SECOND]


def test_a_sentence_lies_in_one_part_and_words_without_one_are_left_out() -> None:
    page = write_page("All members of the club of the town shall\n" + FIRST)
    ones = [0 if word.line == 0 else 1 for word in page.words]
    assert list_sentences(page, [*ones]) == [FIRST]
    assert list_sentences(page, [None if word.line == 0 else 0 for word in page.words]) == [FIRST]
    assert list_sentences(page, [None] * len(page.words)) == []


@pytest.mark.parametrize(
    "text",
    [
        "Die Bibliothek wurde am 3. Mai 1974 im 19. Bezirk der Stadt von der Bürgermeisterin eröffnet.",
        "Der Beitrag kostet z.B. für Kinder ca. 40 Euro im ersten Jahr und später etwas mehr.",
        "La salle de lecture a été ouverte par Mme. Hugues et compte 38 places pour les lecteurs.",
        "La cuota del club es de 40 euros para los adultos según la pág. 12 del reglamento.",
    ],
)
def test_abbreviations_and_ordinals_of_other_languages_end_no_sentence(text: str) -> None:
    assert list_sentences(write_page(text)) == [text]


def test_the_marks_of_notes_are_left_out() -> None:
    words: list[Word] = list(write_page("The council carried out a study ⁵¹ of the old library of the town.").words)
    assert list_sentences(make_page(words)) == ["The council carried out a study of the old library of the town."]
