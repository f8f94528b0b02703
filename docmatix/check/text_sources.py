"""Where a pair says that its words were read, against where the words of its pages were."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any


class PageSources:
    """What can be said of the pages of a document: of one with OCR beside its layer both."""

    def __init__(self, pages: Iterable[Mapping[str, Any]]) -> None:
        # runs of earlier versions read nothing but layers
        self.sources = {page["number"]: page.get("text_from") or "layer" for page in pages or ()}
        self._with_ocr = {page["number"] for page in pages or () if page.get("ocr_confidence") is not None}

    def allow(self, numbers: Iterable[int]) -> set[str]:
        """What a pair may say that rests on these pages."""
        numbers = list(numbers)
        found = {self.sources[number] for number in numbers if number in self.sources}
        return found | {"ocr"} if self._with_ocr.intersection(numbers) else found


def check_source(pair: Mapping[str, Any], pages: PageSources) -> Iterator[str]:
    """What is wrong with the sources that a curated pair names."""
    if pair.get("text_from") is None and pair.get("page_text_from") is None:
        return  # of an earlier version
    source, evidence = pair["text_from"], pair["evidence"] or ()
    if pair["page_text_from"] != [pages.sources.get(number) for number in pair["page_numbers"]]:
        yield f"the pages of {pair['pair_id']} do not say where their words were read."
    allowed = pages.allow([each["page"] for each in evidence] or pair["page_numbers"])
    if source not in allowed:
        yield f"{pair['pair_id']} rests on words of `{source}`, its pages have {' and '.join(sorted(allowed))}."
    if source != "ocr" and (pair["scores"] or {}).get("ocr_confidence") is not None:
        yield f"{pair['pair_id']} has an OCR confidence, but OCR has read none of its words."
