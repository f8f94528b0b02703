"""Which words of a page stand in its running text: not in tables, fields, headings or captions."""

from __future__ import annotations

from collections.abc import Sequence

from docmatix.core.documents import Page, Word
from docmatix.facts.listing import MIN_CONFIDENCE
from docmatix.prompting.questions.word_places import WordPlaces

APART = frozenset(
    "title heading field empty_field checkbox caption footnote date addressee subject signatory page_number "
    "running_head".split()
)
"""Kinds of facts whose words are in no sentence."""


def mark_parts(page: Page, words: Sequence[Word]) -> list[int | None]:
    """The part of the text in which each word stands: 0, or the number of its item of a list; None where it is in a
    table, a field, a heading or the like."""
    parts: list[int | None] = [0] * len(words)
    places = WordPlaces(words)
    items = 0
    for fact in page.facts:
        if fact.kind == "list_item":
            items += 1
            parts_of_item: int | None = items
        elif fact.kind in APART and fact.confidence >= MIN_CONFIDENCE:
            parts_of_item = None
        else:
            continue
        for place in places.find(fact.boxes):
            if parts[place] is not None:
                parts[place] = parts_of_item
        for place in places.find(fact.label_boxes):
            parts[place] = None
    for place in places.find([table.box for table in page.tables]):
        parts[place] = None
    return parts
