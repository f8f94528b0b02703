"""Tables of a page by geometry: where they are, their grid, and what their cells mean."""

from docmatix.facts.tables.finding import find_tables
from docmatix.facts.tables.meaning.continuation import join_continued

__all__ = ["find_tables", "join_continued"]
