"""Windows: which pages make a sample."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from docmatix.core.documents import Page
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


def test_a_long_document_is_divided_and_nothing_of_it_is_lost():
    windows = cut([None] * 10_001, 4)
    assert len(windows) == 2501
    assert windows[-1] == [10_001]
