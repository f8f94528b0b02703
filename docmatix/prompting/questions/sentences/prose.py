"""Which words of a page stand in its running text: not in tables, fields, headings or captions."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence

from docmatix.core.documents import Box, Page, Word
from docmatix.facts.listing import MIN_CONFIDENCE

APART = frozenset(
    "title heading field empty_field checkbox caption footnote date addressee subject signatory page_number "
    "running_head".split()
)
"""Kinds of facts whose words are in no sentence."""


def mark_parts(page: Page, words: Sequence[Word]) -> list[int | None]:
    """The part of the text in which each word stands: 0, or the number of its item of a list; None where it is in a
    table, a field, a heading or the like."""
    parts: list[int | None] = [0] * len(words)
    places = _Places(words)
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


class _Places:
    """Finds words by their boxes."""

    def __init__(self, words: Sequence[Word]) -> None:
        self._boxes = [word.box for word in words]
        self._order = sorted(range(len(words)), key=lambda place: self._boxes[place].y0 + self._boxes[place].y1)
        self._middles = [(self._boxes[place].y0 + self._boxes[place].y1) / 2 for place in self._order]

    def find(self, boxes: Sequence[Box]) -> Iterator[int]:
        """The places of the words whose middle is in one of the boxes."""
        for box in boxes:
            start, end = bisect_left(self._middles, box.y0), bisect_right(self._middles, box.y1)
            for place in self._order[start:end]:
                if box.x0 <= (self._boxes[place].x0 + self._boxes[place].x1) / 2 <= box.x1:
                    yield place
