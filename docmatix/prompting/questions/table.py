"""Questions for a table as a whole: what it is called, and which columns it has."""

from __future__ import annotations

from collections.abc import Iterator

from docmatix.core.documents import Page, Table
from docmatix.core.pairs import Evidence
from docmatix.facts.listing import MIN_CONFIDENCE
from docmatix.prompting.questions.plain_texts import is_answer, is_label, join_list, strip_label
from docmatix.prompting.questions.question import AskedPages, Asking, Draft, make_topic
from docmatix.text.english import is_period
from docmatix.text.pieces import fold

MOST_COLUMNS = 8


def draft_questions(asked: AskedPages) -> Iterator[Draft]:
    """Drafts for each table; those that are not trusted make `the table` ambiguous."""
    for page in asked.pages:
        for number, table in enumerate(page.tables):
            source = f"table {page.number}:{number}"
            yield _draft_title(page, table, source)
            yield _draft_columns(page, table, source, asked.language)


def _draft_title(page: Page, table: Table, source: str) -> Draft:
    """The text of its caption without its number, or of the heading that is its caption."""
    topic, said = make_topic("title of the table"), fold(table.caption)
    named = (fact for fact in page.facts if fact.kind in ("caption", "heading") and fact.boxes and fold(fact.value))
    fact = next((fact for fact in named if said in (fold(fact.value), fold(f"{fact.label} {fact.value}"))), None)
    trusted = table.confidence >= MIN_CONFIDENCE and fact is not None and is_answer(fact.value, max_words=25)
    evidence = (Evidence(page.number, fact.value, fact.boxes),) if fact else ()
    # each table has a title of its own, or none, so that two of them never agree
    answer = fact.value if fact else source
    asking = Asking("table.title", {}, topic)
    return Draft("table", (asking,), answer, "text", evidence, source, 0.8, asked=trusted)


def _draft_columns(page: Page, table: Table, source: str, language: str) -> Draft:
    """The headers, where each column has one in one row."""
    headers = [cell for cell in table.cells if cell.header and cell.text]
    columns = {cell.column for cell in table.cells}
    whole = {cell.column for cell in headers} == columns and all(cell.column_span == 1 for cell in headers)
    # the first row of two columns may be a label and its value
    plain = len({cell.row for cell in headers}) == 1 and 2 < len(headers) <= MOST_COLUMNS
    texts = [cell.text for cell in headers]
    trusted = table.confidence >= MIN_CONFIDENCE and whole and plain
    trusted = trusted and len(set(texts)) == len(texts) and all(is_label(text) or is_period(text) for text in texts)
    evidence = tuple(Evidence(page.number, cell.text, (cell.box,)) for cell in headers)
    topic = make_topic("columns of the table")
    askings = [Asking("table.columns", {}, topic)]
    if is_label(table.caption):
        slots = {"table": strip_label(table.caption)}
        askings.append(Asking("table.columns_of", slots, make_topic("columns", table.caption)))
    answer = join_list(texts, language) or source
    return Draft("table", tuple(askings), answer, "list", evidence, source, 0.6, asked=trusted)
