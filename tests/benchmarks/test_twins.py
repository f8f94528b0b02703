"""How twins are counted."""

from __future__ import annotations

from benchmarks.twins import Twins, print_found
from docmatix.core.documents import Box, Page, Word, compose_text
from tests.pdfs import write_distinct_text


def make_page(words: list[str], confidence: float | None) -> Page:
    placed = tuple(Word(word, Box(0, 0, 1, 1), 0, 0, confidence=confidence) for word in words)
    return Page(1, 612, 792, 0, 0.0, compose_text(placed), placed)


def test_scans_are_counted_that_are_left_out_in_favour_of_what_they_were_printed_from(capsys) -> None:
    texts = [write_distinct_text(number).split() for number in range(3)]
    twins = [Twins([make_page(text, None)], [make_page(text[::-1], 0.97)]) for text in texts]
    twins.append(Twins([make_page(texts[0][:-9], None)], [make_page(texts[0], 0.97)]))
    print_found(twins, state="clean", threshold=0.85)
    assert capsys.readouterr().out == "| clean | 4 | 0 | 3 | 2 | 2 | 0 | 0 |\n"
