"""Labels, values and names of rows whose words are broken at a line's end."""

from __future__ import annotations

from docmatix.core.documents import Box, Page, Word, locate_words
from docmatix.curation.grounding import ground
from docmatix.facts.tables import find_tables
from docmatix.text.sentences import split_sentences
from tests.pages import make_page, rule_grid, write_page

HEIGHT = 0.014


def list_pairs(page: Page) -> dict[str, str]:
    return {fact.label: fact.value for fact in page.facts if fact.kind == "field" and fact.confidence >= 0.5}


def list_sentences(page: Page) -> list[str]:
    spans, skip = locate_words(page.words), [False] * len(page.words)
    return [sentence.text for sentence in split_sentences(page.words, spans, skip)]


def write_cells(*rows: tuple[str, ...]) -> Page:
    """A page with one ruled table; a newline in a cell starts a line, and every cell is a block of its own."""
    words: list[Word] = []
    line, block = 0, 0
    for r, row in enumerate(rows):
        top = 0.2 + 0.05 * r
        for c, cell in enumerate(row):
            for at, text in enumerate(cell.split("\n")):
                x = 0.11 + 0.2 * c
                for word in text.split():
                    y = top + 0.005 + 1.2 * HEIGHT * at
                    words.append(Word(word, Box(x, y, x + 0.008 * len(word), y + HEIGHT), line, block))
                    x += 0.008 * len(word) + 0.006
                line += 1
            block += 1
    xs, ys = [0.1 + 0.2 * c for c in range(len(rows[0]) + 1)], [0.2 + 0.05 * r for r in range(len(rows) + 1)]
    return make_page(words, tables=find_tables(make_page(words), rule_grid(xs, ys)))


def test_cells_hold_whole_words():
    page = write_cells(
        ("Region", "Preva-\nlence", "Self-\nemployed"), ("Schles-\nwig", "12 %", "410"), ("Baden-\nBaden", "7 %", "99")
    )
    assert page.tables[0].rows == (
        ("Region", "Prevalence", "Self-employed"),
        ("Schleswig", "12 %", "410"),
        ("Baden-Baden", "7 %", "99"),
    )


def test_a_cell_is_spelt_as_elsewhere_on_the_page():
    page = write_cells(("Loan", "long-term rate"), ("the long-\nterm loan", "4 %"), ("other", "5 %"))
    assert page.tables[0].rows[1][0] == "the long-term loan"


def test_spans_of_years_stay_apart_in_a_cell():
    page = write_cells(("Period", "Sales"), ("2019-\n2020", "12 tons"), ("later", "9 tons"))
    assert "2019-2020" not in {cell.text for cell in page.tables[0].cells}
    assert "12 tons" not in list_pairs(page).values()


def test_rows_with_broken_names_are_known_by_their_whole_names():
    page = write_cells(("Region", "Preva-\nlence"), ("Schles-\nwig", "12 %"), ("Baden-\nBaden", "7 %"))
    cells = {cell.path: cell.text for table in page.tables for cell in table.cells}
    assert cells["Prevalence", "Schleswig"] == "12 %"
    assert cells["Prevalence", "Baden-Baden"] == "7 %"


def test_a_broken_value_is_one_word_and_is_found_as_printed():
    page = write_cells(
        ("Town", "Main trade", "People"), ("Aldbury", "Ship-\nbuilding", "410"), ("Kelso", "Weaving", "99")
    )
    assert "Shipbuilding" in {cell.text for table in page.tables for cell in table.cells}
    start = page.text.index("Ship-")
    grounding = ground("Shipbuilding", [page], span=(1, start, page.text.index("building") + len("building")))
    assert grounding.score == 1.0
    assert [evidence.quote for evidence in grounding.evidence] == ["Ship- building"]
    assert len(grounding.evidence[0].boxes) == 2


def test_a_label_broken_at_a_line_s_end_is_whole():
    page = write_page("Permit num-\nber: 45871\nDue date: 14 May 2024")
    assert list_pairs(page) == {"Permit number": "45871", "Due date": "14 May 2024"}


def test_the_rest_of_a_word_of_a_long_line_is_no_label():
    page = write_page("Please write here what you have been given as your personal permit num-\nber: 45871")
    assert list_pairs(page) == {}


def test_a_value_that_goes_on_in_the_next_line_is_not_taken():
    page = write_page("Annual budget: 1,200 kilo-\ngrams of iron\nDue date: 14 May 2024")
    assert list_pairs(page) == {"Due date": "14 May 2024"}


def test_prose_has_whole_words():
    page = write_page(
        "The rate of unemploy-\nment among self-\nemployed people of Baden-\nBaden fell by a long-\nterm trend.\n"
        "A long-term trend is one that goes on for more than a year."
    )
    assert list_sentences(page)[0] == (
        "The rate of unemployment among self-employed people of Baden-Baden fell by a long-term trend."
    )
