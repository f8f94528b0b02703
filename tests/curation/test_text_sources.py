"""Where the words of a pair were read, and how sure OCR is of the least sure one."""

from __future__ import annotations

from dataclasses import replace

from docmatix.core.documents import Box, Page, Word, compose_text
from docmatix.core.pairs import Evidence
from docmatix.curation.grounding import ground
from docmatix.curation.text_sources import Source, find_source

LAYER = None


def write_page(number: int, *words: tuple[str, float | None], text_from: str = "ocr") -> Page:
    """One line of words, each with its confidence."""
    width = 1 / max(1, len(words))
    placed = tuple(
        Word(text, Box(place * width, 0.1, (place + 0.9) * width, 0.2), 0, 0, confidence=confidence)
        for place, (text, confidence) in enumerate(words)
    )
    told = [confidence for _, confidence in words if confidence is not None]
    sure = sum(told) / len(told) if told else None
    return Page(number, 612, 792, 0, 0.0, compose_text(placed), placed, text_from=text_from, ocr_confidence=sure)  # type: ignore[arg-type]


SCAN = write_page(1, ("Total", 0.98), ("amount", 0.97), ("$500", 0.71), ("due", 0.4))
PRINT = write_page(2, ("The", LAYER), ("tenant", LAYER), ("is", LAYER), ("Jane", LAYER), text_from="layer")
STAMPED = write_page(3, ("Paid", 0.8), ("in", LAYER), ("full", LAYER), text_from="layer")
PICTURE = write_page(4, text_from="none")


def test_a_pair_is_as_sure_as_the_least_sure_word_of_its_evidence():
    found = ground("Total amount $500", [SCAN])
    assert find_source(found.evidence, [SCAN]) == Source("ocr", 0.71)
    assert find_source(ground("amount", [SCAN]).evidence, [SCAN]) == Source("ocr", 0.97)


def test_words_of_the_layer_have_no_confidence():
    assert find_source(ground("Jane", [PRINT]).evidence, [PRINT]) == Source("layer")
    assert find_source(ground("in full", [STAMPED]).evidence, [STAMPED]) == Source("layer")


def test_one_word_by_ocr_is_enough():
    assert find_source(ground("Paid in full", [STAMPED]).evidence, [STAMPED]) == Source("ocr", 0.8)
    both = (*ground("Jane", [PRINT]).evidence, *ground("$500", [SCAN]).evidence)
    assert find_source(both, [SCAN, PRINT]) == Source("ocr", 0.71)


def test_a_pair_without_evidence_rests_on_its_pages():
    assert find_source((), [PRINT, PICTURE]) == Source("layer")
    assert find_source((), [PRINT, SCAN]) == Source("ocr")
    assert find_source((), [PICTURE]) == Source("none")


def test_of_the_words_in_the_boxes_of_a_page_askew_only_those_of_the_quote_count():
    whole = Evidence(1, "$500", (Box(0, 0, 1, 1),))
    assert find_source((whole,), [SCAN]) == Source("ocr", 0.71)
    assert find_source((replace(whole, quote="five hundred"),), [SCAN]) == Source("ocr", 0.4)
