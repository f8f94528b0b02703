"""The sizes and weights of words."""

from __future__ import annotations

from types import SimpleNamespace

import pymupdf

from docmatix.core.documents import Box, Word
from docmatix.pdf.fonts import MAX_LOOKUPS, add_fonts
from docmatix.pdf.fractions import Fractions
from docmatix.pdf.reading import open_pdf, read_page


def test_words_have_the_size_and_weight_of_their_print() -> None:
    document = pymupdf.open()
    page = document.new_page()
    page.insert_text((60, 80), "Large", fontsize=24, fontname="hebo")
    page.insert_text((60, 120), "small print", fontsize=8.2)
    words = read_page(open_pdf(document.tobytes()), 0, min_words=1).words
    assert [(word.text, word.size, word.bold) for word in words] == [
        ("Large", 24.0, True),
        ("small", 8.25, False),
        ("print", 8.25, False),
    ]


def test_a_word_that_no_span_holds_has_no_size() -> None:
    span = {"bbox": (0.0, 0.0, 0.1, 0.1), "size": 9.0, "font": "Times-Bold", "flags": 0}
    blocks = [{"lines": [{"spans": [span]}]}, {}]
    inside, outside = Word("in", Box(0.01, 0.01, 0.05, 0.05), 0, 0), Word("out", Box(0.5, 0.5, 0.6, 0.6), 1, 0)
    whole = Fractions(SimpleNamespace(rotation_matrix=(1, 0, 0, 1, 0, 0), rect=pymupdf.Rect(0, 0, 1, 1)))
    found = add_fonts([inside, outside], blocks, to_fractions=whole)
    assert [(word.size, word.bold) for word in found] == [(9.0, True), (0.0, False)]
    assert add_fonts([inside] * (MAX_LOOKUPS + 1), blocks, to_fractions=whole)[0].size == 0.0
