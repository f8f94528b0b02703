"""The evidence of pairs: boxes inside their page, quotes that stand on it."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any


class PageTexts:
    """The texts of a document's pages by number, white space aside."""

    def __init__(self, pages: Iterable[Mapping[str, Any]]) -> None:
        self._texts = {page["number"]: page["text"] for page in pages or ()}
        self._folded: dict[int, str] = {}

    def get(self, number: int) -> str | None:
        if number not in self._folded and number in self._texts:
            self._folded[number] = " ".join((self._texts[number] or "").split())
        return self._folded.get(number)


def check_evidence(pair: Mapping[str, Any], texts: PageTexts) -> Iterator[str]:
    """What is wrong with the evidence of a curated pair: boxes, pages, quotes that are not on their page."""
    yield from check_places(pair, pair["page_numbers"])
    for evidence in pair["evidence"] or ():
        text = texts.get(evidence["page"])
        if text is None:
            yield f"the evidence of {pair['pair_id']} is on page {evidence['page']}, which its document does not have."
        elif " ".join(evidence["quote"].split()) not in text:
            yield f"the evidence of {pair['pair_id']} quotes what does not stand on page {evidence['page']}."


def check_places(pair: Mapping[str, Any], pages: Sequence[int]) -> Iterator[str]:
    for evidence in pair["evidence"] or ():
        if evidence["page"] not in pages:
            yield f"the evidence of {pair['pair_id']} is on page {evidence['page']}, outside its sample."
        for box in evidence["boxes"]:
            if len(box) != 4 or not all(map(math.isfinite, box)):
                yield f"an evidence box of {pair['pair_id']} is no box."
            elif not (0 <= box[0] <= box[2] <= 1 and 0 <= box[1] <= box[3] <= 1):
                yield f"an evidence box of {pair['pair_id']} lies outside its page."
