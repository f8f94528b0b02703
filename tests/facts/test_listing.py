"""What is known of a page, as one list."""

from __future__ import annotations

from docmatix.core.documents import Box, Cell, Fact, Page, Table
from docmatix.facts.listing import count_facts, list_facts

BOX = Box(0.1, 0.1, 0.2, 0.2)
TABLE = Table(
    BOX,
    (
        Cell(0, 0, 1, 1, "Region", BOX, header=True),
        Cell(0, 1, 1, 2, "Sales", BOX, header=True),
        Cell(1, 1, 1, 1, "2019", BOX, header=True),
        Cell(1, 2, 1, 1, "2020", BOX, header=True),
        Cell(2, 0, 1, 1, "North", BOX, role="key"),
        Cell(2, 1, 1, 1, "12", BOX, path=("Sales", "2019", "North")),
        Cell(2, 2, 1, 1, "–", BOX, path=("Sales", "2020", "North"), role="empty"),
    ),
    confidence=0.75,
)
FIELD = Fact("field", "Date", "3 May 2021", (), (BOX,), (BOX,))


def make_page(*facts: Fact, table: Table = TABLE) -> Page:
    return Page(1, 595.0, 842.0, 0, 0.0, "", (), (table,), facts=facts)


def test_cells_with_a_value_follow_the_facts_beside_the_tables():
    cell = Fact("cell", "2019", "12", ("Sales", "2019", "North"), (BOX,), (), 0.75)
    assert list_facts(make_page(FIELD)) == [FIELD, cell]


def test_only_facts_that_can_be_trusted_are_counted():
    pages = [
        make_page(FIELD, FIELD._replace(confidence=0.25)),
        make_page(table=Table(BOX, TABLE.cells, confidence=0.4)),
    ]
    assert count_facts(pages) == {"field": 1, "cell": 1, "table": 1}
