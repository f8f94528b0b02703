"""Pages whose text is known to be in one place, and how it is judged where they are read."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest

from benchmarks.routed_pages import Labelled, draw_pages
from benchmarks.routes import Routed, find_faults, route_page
from docmatix.core.documents import Box, Page, Word
from docmatix.pdf.text_source import TextSource


def make_page(**changes: Any) -> Labelled:
    page: dict[str, Any] = {"label": "half scanned", "how": "stamp", "name": "a.pdf p1", "pdf": b""}
    return Labelled(**page | {"text_from": "layer", "pictures": True} | changes)


def make_routed(text_from: Any = "layer", *, pictures: bool = True, words: str = "") -> Routed:
    boxes = [Word(text, Box(0, 0, 1, 1), 0, 0) for text in words.split()]
    return Routed(TextSource(text_from, "so"), pictures, Page(1, 612, 792, 0, 0.0, words, tuple(boxes)))


def test_as_many_pages_of_each_label_are_drawn_the_same_every_time() -> None:
    pages = list(draw_pages(2, seed=3))
    assert set(Counter(page.label for page in pages).values()) == {2}
    assert len({page.label for page in pages}) == 4
    again = draw_pages(2, seed=3)
    assert [page._replace(pdf=b"") for page in again] == [page._replace(pdf=b"") for page in pages]


def test_another_source_of_the_text_and_pictures_left_out_are_faults() -> None:
    assert find_faults(make_page(), make_routed()) == []
    assert find_faults(make_page(), make_routed("ocr")) == ["read from ocr (so), not layer"]
    assert find_faults(make_page(), make_routed(pictures=False)) == ["pictures not read (so)"]
    assert find_faults(make_page(pictures=False), make_routed()) == ["pictures read"]
    assert find_faults(make_page(pictures=None), make_routed()) == []


def test_a_word_of_the_layer_that_is_gone_is_a_fault() -> None:
    page = make_page(kept=("one", "two"))
    assert find_faults(page, make_routed(words="two one")) == []
    assert find_faults(page, make_routed(words="one")) == ["words lost: two"]


@pytest.mark.parametrize("number", range(4))
def test_plain_pages_of_each_label_are_read_where_they_should_be(number: int) -> None:
    page = list(draw_pages(1, seed=1))[number]
    assert find_faults(page, route_page(page.pdf)) == []
