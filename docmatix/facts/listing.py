"""What is known of a page as one list of facts: those beside its tables, then the cells of its tables."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator

from docmatix.core.documents import Fact, Page, Table

MIN_CONFIDENCE = 0.5  # below which a fact is kept to be looked at, and nothing is asked about it


def list_facts(page: Page) -> list[Fact]:
    """The facts of a page, and one of kind `cell` for each cell of its tables that has a value. Its label is the last
    header above it; its path has all that name it, the row's name last."""
    return [*page.facts, *(fact for table in page.tables for fact in list_cells(table))]


def list_cells(table: Table) -> Iterator[Fact]:
    """The cells below the header that are neither names of rows nor empty."""
    headers = {
        column: cell.text
        for cell in table.cells
        if cell.header
        for column in range(cell.column, cell.column + cell.column_span)
    }
    for cell in table.cells:
        if not cell.header and cell.text and cell.role not in ("key", "section", "empty"):
            yield Fact("cell", headers.get(cell.column, ""), cell.text, cell.path, (cell.box,), (), table.confidence)


def count_facts(pages: Iterable[Page]) -> Counter[str]:
    """Facts by kind that can be trusted, tables and their cells among them."""
    counts: Counter[str] = Counter()
    for page in pages:
        counts.update(fact.kind for fact in list_facts(page) if fact.confidence >= MIN_CONFIDENCE)
        counts["table"] += sum(table.confidence >= MIN_CONFIDENCE for table in page.tables)
    return +counts
