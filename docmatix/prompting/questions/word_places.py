"""The words of a page, found by the box that their middle lies in."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence

from docmatix.core.documents import Box, Word


class WordPlaces:
    """Sorts the words of a page by height once, so that a box looks at those beside it alone."""

    def __init__(self, words: Sequence[Word]) -> None:
        self._words = words
        self._order = sorted(range(len(words)), key=lambda place: words[place].box.y0 + words[place].box.y1)
        self._middles = [(words[place].box.y0 + words[place].box.y1) / 2 for place in self._order]

    def find(self, boxes: Sequence[Box]) -> Iterator[int]:
        """The places of the words whose middle is in one of the boxes."""
        for box in boxes:
            start, end = bisect_left(self._middles, box.y0), bisect_right(self._middles, box.y1)
            for place in self._order[start:end]:
                other = self._words[place].box
                if box.x0 <= (other.x0 + other.x1) / 2 <= box.x1:
                    yield place

    def list_within(self, box: Box) -> list[Word]:
        """The words whose middle is in a box, in reading order."""
        return [self._words[place] for place in sorted(self.find([box]))]
