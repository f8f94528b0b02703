"""Windows: which pages make a sample."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from docmatix.core.documents import DUPLICATE_PAGE, Page
from docmatix.prompting.windows import cut_windows
from tests.jobs import make_page


def make_pages(reasons: list[str | None]) -> list[Page]:
    return [make_page("", number=number, reason=reason) for number, reason in enumerate(reasons, 1)]


def cut(reasons: list[str | None], max_pages: int = 4) -> list[list[int]]:
    return [window.page_numbers for window in cut_windows("d", make_pages(reasons), max_pages=max_pages)]


@given(st.lists(st.none() | st.sampled_from(["blank", "no_text"]), max_size=40), st.integers(1, 6))
def test_windows_are_bounded_and_consecutive_and_hold_every_usable_page_once(reasons, max_pages):
    windows = cut_windows("d", make_pages(reasons), max_pages=max_pages)
    numbers = [number for window in windows for number in window.page_numbers]
    usable = [number for number, reason in enumerate(reasons, 1) if reason is None]
    assert [page.number for window in windows for page in window.pages if page.reason is None] == usable
    assert len(set(numbers)) == len(numbers)
    assert numbers == sorted(numbers)
    for window in windows:
        first, last = window.page_numbers[0], window.page_numbers[-1]
        assert window.page_numbers == list(range(first, last + 1))
        assert len(window.pages) <= max_pages
        assert window.pages[0].reason is None
        assert window.pages[-1].reason is None
        assert window.sample_id == f"d-{first}"


def test_a_blank_page_in_between_stays_and_at_the_ends_goes():
    assert cut(["blank", None, "blank", None, "blank", "blank", None]) == [[2, 3, 4], [7]]


def test_a_new_window_begins_after_blank_pages_past_its_end():
    assert cut([None, "blank", "blank", "blank", "blank", None], 2) == [[1], [6]]


def test_a_document_without_a_usable_page_has_no_window():
    assert cut(["blank", "no_text"]) == []
    assert cut([]) == []


def test_a_page_that_is_left_out_ends_a_window_and_is_in_none():
    assert cut([None, DUPLICATE_PAGE, None]) == [[1], [3]]
    assert cut([DUPLICATE_PAGE, "blank", None, "blank", DUPLICATE_PAGE, None, None], 3) == [[3], [6, 7]]
    assert cut([None, None, DUPLICATE_PAGE, *[None] * 4], 3) == [[1, 2], [4, 5, 6], [7]]
    assert cut([DUPLICATE_PAGE, DUPLICATE_PAGE]) == []


def make_scans(reasons: list[str | None]) -> list[Page]:
    """Of which nothing could be read."""
    return [page if page.reason is None else replace(page, text_from="none") for page in make_pages(reasons)]


def test_pages_that_are_pictures_are_usable_where_pictures_are_sent_and_blank_or_broken_ones_never_are():
    pages = make_scans(["blank", "no_text", None, "unreadable", "garbled", "hidden", "unrenderable", "blank"])
    cut = [
        [window.page_numbers for window in cut_windows("d", pages, max_pages=3, pictures=wanted)]
        for wanted in (True, False)
    ]
    assert cut == [[[2, 3], [5, 6]], [[3]]]
    first = cut_windows("d", pages, max_pages=3, pictures=True)[0]
    assert [page.number for page in first.list_shown(pictures=True)] == [2, 3]
    assert [page.number for page in first.list_shown(pictures=False)] == [3]


def test_a_page_that_nobody_has_tried_to_read_otherwise_is_no_picture():
    assert cut_windows("d", make_pages(["no_text", "garbled"]), max_pages=4, pictures=True) == []


REASONS = st.sampled_from([None, "blank", "no_text", "garbled", "unreadable"])


@given(st.lists(st.none() | st.sampled_from(["blank", "unreadable"]), max_size=20), st.integers(1, 6))
def test_without_pages_that_are_pictures_windows_are_the_same_whatever_is_sent(reasons, max_pages):
    pages = make_scans(reasons)
    with_pictures = cut_windows("d", pages, max_pages=max_pages, pictures=True)
    assert with_pictures == cut_windows("d", pages, max_pages=max_pages)


@given(st.lists(REASONS, max_size=20), st.integers(1, 6))
def test_every_page_that_can_be_shown_is_in_one_window(reasons, max_pages):
    pages = make_scans(reasons)
    windows = cut_windows("d", pages, max_pages=max_pages, pictures=True)
    shown = [page.number for window in windows for page in window.list_shown(pictures=True)]
    assert shown == [number for number, each in enumerate(reasons, 1) if each in (None, "no_text", "garbled")]
    assert all(window.list_shown(pictures=True)[0] is window.pages[0] for window in windows)


def test_a_long_document_is_divided_and_nothing_of_it_is_lost():
    windows = cut([None] * 10_001, 4)
    assert len(windows) == 2501
    assert windows[-1] == [10_001]
