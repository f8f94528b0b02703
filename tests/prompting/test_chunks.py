"""Chunks: what of a window goes into one request, by pages, then by gaps in the text; pictures count as well."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from docmatix.core.documents import Box, Page, Table, make_table
from docmatix.core.errors import SetupError
from docmatix.models.tokenizer import ESTIMATE, estimate_tokens
from docmatix.pdf.rendering import render_page
from docmatix.prompting.chunks import (
    MIN_BUDGET_TOKENS,
    PAGE_OVERHEAD_TOKENS,
    PageText,
    Pictures,
    compose_page,
    count_pairs,
    count_picture_tokens,
    halve_chunk,
    measure_budget,
    refer_to_picture,
    split_pages,
)
from docmatix.prompting.prompt_files import load_prompts
from tests.tokenizers import train_vocabulary

SHIPPED = Path(__file__).parents[2] / "prompts"


def make_page(text: str, *, number: int = 1, tables: tuple[Table, ...] = (), reason: str | None = None) -> Page:
    return Page(number, 612, 792, 0, 0.0, text, (), tables, reason)


def test_a_page_is_shown_with_its_tables_as_markdown():
    table = make_table(Box(0, 0, 1, 1), (("Item", "Fee"), ("Cellar | dry", "12.50")))
    empty = make_table(Box(0, 0, 1, 1), ())
    assert compose_page(make_page("Fees <s>", tables=(table, empty))) == (
        "Fees < s>\n\n| Item | Fee |\n| --- | --- |\n| Cellar \\| dry | 12.50 |"
    )


def test_pages_that_fit_go_into_one_request_and_unusable_ones_into_none():
    pages = [make_page("one", number=1), make_page("", number=2, reason="blank"), make_page("three", number=3)]
    assert split_pages(pages, budget_tokens=500) == [[PageText(1, "one"), PageText(3, "three")]]
    assert split_pages([], budget_tokens=500) == []


def test_a_window_over_the_budget_is_divided_between_pages():
    text = "word " * 40
    pages = [make_page(text, number=number) for number in range(1, 6)]
    budget = 2 * (estimate_tokens(text.strip()) + PAGE_OVERHEAD_TOKENS)
    parts = split_pages(pages, budget_tokens=budget)
    assert [[page.number for page in part] for part in parts] == [[1, 2], [3, 4], [5]]


@pytest.mark.parametrize("separator", ["\n\n", "\n", " "])
def test_a_page_over_the_budget_is_cut_at_the_widest_gap_there_is(separator):
    block = "alpha beta gamma" if separator != " " else "alphabetagamma"
    page = make_page(separator.join([block] * 30))
    parts = [part.text for request in split_pages([page], budget_tokens=100) for part in request]
    assert len(parts) > 1
    assert all(set(part.split(separator)) == {block} for part in parts)


PAGE_TEXTS = st.text(st.sampled_from("ab Zé7.\n\n字😀<|"), max_size=400)


class NeverAsked:
    """A counter that no text should reach."""

    identity = "never"

    def count(self, text: str) -> int:
        raise AssertionError(text)

    def cut(self, text: str, limit: float) -> list[tuple[str, float]]:
        raise AssertionError(text)


def test_pages_with_fewer_bytes_than_the_budget_has_tokens_are_not_counted():
    pages = [make_page("A first page.", number=1), make_page("   ", number=2), make_page("é" * 40, number=3)]
    (chunk,) = split_pages(pages, budget_tokens=4000, counter=NeverAsked())
    assert [(page.number, page.text) for page in chunk] == [(1, "A first page."), (3, "é" * 40)]
    assert split_pages([make_page("  ", number=1)], budget_tokens=4000, counter=NeverAsked()) == []


@given(st.lists(PAGE_TEXTS, max_size=4), st.integers(40, 200))
def test_no_character_is_lost_and_every_request_keeps_to_the_budget(texts, budget):
    pages = [make_page(text, number=number) for number, text in enumerate(texts, 1)]
    requests = split_pages(pages, budget_tokens=budget)
    parts = [part for request in requests for part in request]
    for number, text in enumerate(texts, 1):
        shown = "".join(part.text for part in parts if part.number == number)
        assert "".join(shown.split()) == "".join(text.split())
    for request in requests:
        tokens = sum(estimate_tokens(part.text) for part in request) + PAGE_OVERHEAD_TOKENS * len(request)
        assert tokens <= budget + len(request)  # each page's estimate is rounded up
    assert [part.number for part in parts] == sorted(part.number for part in parts)


def test_a_page_with_little_text_is_asked_for_few_pairs():
    full = PageText(1, "The committee met on Monday. " * 40)
    title = PageText(2, "Annual report")
    assert count_pairs([full], pairs_per_page=4) == 4
    assert count_pairs([full, title], pairs_per_page=4) == 4
    assert count_pairs([title], pairs_per_page=4) == 1
    assert count_pairs([full, full], pairs_per_page=2.5) == 5


def test_a_context_too_small_for_the_prompt_is_refused_with_the_one_it_needs():
    prompt = load_prompts(["broad_whole"], [SHIPPED])["broad_whole"]
    variables: dict[str, Any] = {"pages": [], "pair_count": 1, "language": None}
    budget = measure_budget(prompt, context_tokens=8000, **variables)
    needed = 8000 - budget + MIN_BUDGET_TOKENS
    assert measure_budget(prompt, context_tokens=needed, **variables) == MIN_BUDGET_TOKENS
    with pytest.raises(SetupError, match=rf"context of at least {needed} tokens .*engine has {needed - 1}:"):
        measure_budget(prompt, context_tokens=needed - 1, **variables)


def test_the_models_own_tokenizer_fits_more_into_a_request_or_less_and_keeps_to_the_budget():
    counter = train_vocabulary()
    pages = [make_page("The committee met on Monday. " * 60, number=number) for number in (1, 2, 3)]
    budget = 2 * (counter.count(compose_page(pages[0])) + PAGE_OVERHEAD_TOKENS)
    chunks = split_pages(pages, budget_tokens=budget, counter=counter)
    assert [[page.number for page in chunk] for chunk in chunks] == [[1, 2], [3]]
    assert chunks != split_pages(pages, budget_tokens=budget)


# --- pictures ---------------------------------------------------------------------------------------------------------


def test_pictures_count_against_the_budget_and_in_number():
    pages = [make_page(f"Page {number}", number=number) for number in range(1, 6)]
    costs = {page.number: 1000 for page in pages}
    by_tokens = split_pages(pages, budget_tokens=2300, picture_tokens=costs)
    assert [[page.number for page in chunk] for chunk in by_tokens] == [[1, 2], [3, 4], [5]]
    by_number = split_pages(pages, budget_tokens=9999, picture_tokens=costs, max_pages=3)
    assert [[page.number for page in chunk] for chunk in by_number] == [[1, 2, 3], [4, 5]]


def test_a_page_too_long_for_its_picture_is_cut_and_each_part_has_the_room_that_the_picture_leaves():
    page = make_page("The committee met on Monday.\n" * 100)
    chunks = split_pages([page], budget_tokens=1000, picture_tokens={1: 700})
    assert len(chunks) > 1
    for chunk in chunks:
        assert sum(estimate_tokens(part.text) for part in chunk) + 700 + PAGE_OVERHEAD_TOKENS <= 1000


def test_without_text_a_page_is_its_picture_alone():
    pages = [make_page("Long. " * 5000, number=1), make_page("", number=2, reason="blank"), make_page("x", number=3)]
    chunks = split_pages(pages, budget_tokens=3000, picture_tokens={1: 900, 3: 900}, with_text=False)
    assert chunks == [[PageText(1, ""), PageText(3, "")]]


@pytest.mark.parametrize("size", [(612, 792), (595.28, 841.89), (1191.5, 842.1), (3000, 40), (14400, 9), (100.3, 77.7)])
@pytest.mark.parametrize("settings", [Pictures(), Pictures(dpi=73, max_side_px=400), Pictures(dpi=40)])
def test_the_size_of_a_picture_is_foretold_as_it_will_be_rendered(size, settings):
    import pymupdf

    with pymupdf.open() as document:
        sheet = document.new_page(width=size[0], height=size[1])
        image = render_page(sheet, dpi=settings.dpi, max_side_px=settings.max_side_px)
        page = Page(7, round(sheet.rect.width, 2), round(sheet.rect.height, 2), 0, 0.0, "", (), ())
    picture = refer_to_picture(page, "d", settings=settings)
    assert (picture.width_px, picture.height_px) == (image.width_px, image.height_px)
    assert (picture.scale == 1.0) == (max(size) * settings.dpi / 72 <= settings.max_side_px)


def test_a_picture_costs_a_token_for_every_patch_of_28_pixels():
    picture = refer_to_picture(make_page("x"), "d", settings=Pictures())
    assert (picture.width_px, picture.height_px, picture.scale) == (1190, 1540, 0.9333)
    assert count_picture_tokens(picture) == 43 * 55 + 2


# --- halves -----------------------------------------------------------------------------------------------------------


def test_a_chunk_is_halved_between_the_pages_where_the_halves_are_most_alike():
    chunk = [PageText(1, "x" * 900), PageText(2, "x" * 100), PageText(3, "x" * 700)]
    assert halve_chunk(chunk) == [chunk[:1], chunk[1:]]
    alone = [PageText(number, "") for number in (1, 2, 3, 4)]
    assert halve_chunk(alone) == [alone[:2], alone[2:]]


def test_a_page_is_halved_at_the_widest_gap_about_its_middle():
    first, second = "The committee met. " * 40, "Nobody came. " * 60
    assert halve_chunk([PageText(3, first + "\n\n" + second)]) == [
        [PageText(3, first.rstrip())],
        [PageText(3, second)],
    ]
    assert [len(half[0].text) for half in halve_chunk([PageText(3, "x" * 2000)])] == [1000, 1000]


def test_what_is_small_already_and_a_picture_alone_are_not_halved():
    assert halve_chunk([PageText(1, "The committee met.")]) == []
    assert halve_chunk([PageText(1, "")]) == []


@given(st.lists(PAGE_TEXTS.map(lambda text: text * 9), min_size=1, max_size=4))
def test_halving_as_often_as_can_be_loses_no_character_and_comes_to_an_end(texts):
    whole = [[PageText(number, text) for number, text in enumerate(texts, 1)]]
    done = []
    while whole:
        chunk = whole.pop(0)
        halves = halve_chunk(chunk)
        whole = halves + whole
        done += [] if halves else [chunk]
    parts = [page for chunk in done for page in chunk]
    for number, text in enumerate(texts, 1):
        assert "".join("".join(part.text.split()) for part in parts if part.number == number) == "".join(text.split())
    assert all(len(chunk) == 1 and ESTIMATE.count(chunk[0].text) < MIN_BUDGET_TOKENS for chunk in done)
