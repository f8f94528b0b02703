"""Keeps words that OCR is not sure of out of facts: they are masked while facts are found, and shown again after."""

from __future__ import annotations

from dataclasses import replace

from docmatix.core.documents import UNKNOWN, Box, Page, Word, compose_text


def mask_doubtful(page: Page, min_confidence: float) -> Page:
    """The page with U+FFFD for each letter and digit of the words of less confidence, so that nothing is asked about
    what has them. Words of the text layer stay."""
    words = tuple(
        _mask(word) if word.confidence is not None and word.confidence < min_confidence else word for word in page.words
    )
    return page if words == page.words else replace(page, words=words, text=compose_text(words))


def unmask(page: Page, original: Page) -> Page:
    """The page with the words and text of the one that was masked; tables and facts as they were found, but no blank
    beside a masked word, which may be what was written there."""
    masked = [word.box for word, was in zip(page.words, original.words, strict=True) if word.text != was.text]
    facts = tuple(
        fact
        for fact in page.facts
        if fact.kind != "empty_field"
        or not any(_are_level(box, other) for box in (*fact.boxes, *fact.label_boxes) for other in masked)
    )
    return replace(page, words=original.words, text=original.text, facts=facts)


def _are_level(one: Box, other: Box) -> bool:
    shared = min(one.y1, other.y1) - max(one.y0, other.y0)
    return shared > 0.3 * min(one.y1 - one.y0, other.y1 - other.y0)


def _mask(word: Word) -> Word:
    # its marks tell a label from a value; a word of marks alone is none that anybody can be sure of
    masked = "".join(UNKNOWN if each.isalnum() else each for each in word.text)
    return word._replace(text=masked if UNKNOWN in masked else UNKNOWN * len(word.text))
