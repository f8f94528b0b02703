"""Documents in one row of `extract` or in several."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from docmatix.core.documents import Page
from docmatix.prompting.windows import cut_windows, iterate_windows
from docmatix.storage.document_rows import DocumentCursor, group_documents, keep_first_rows
from docmatix.storage.page_rows import page_from_row, page_to_row
from tests.jobs import make_page

counts = st.lists(st.integers(0, 12), max_size=5)
"""Of the pages of documents."""


def write_rows(pages: Sequence[int], cuts: Sequence[int]) -> list[dict[str, Any]]:
    """Documents of so many pages, each cut into rows of as many as `cuts` say in turn."""
    rows = []
    for index, count in enumerate(pages):
        numbers = list(range(1, count + 1))
        for place in range(max(1, count)):
            size = cuts[place % len(cuts)]
            some, numbers = numbers[:size], numbers[size:]
            content = [{"number": number, "of": index} for number in some]
            rows.append({"index": index, "doc_id": f"d{index}", "pages": content or None})
            if not numbers:
                break
    return rows


@given(counts, st.lists(st.integers(1, 12), min_size=1))
def test_a_document_has_its_pages_in_order_wherever_its_rows_are_cut(pages, cuts):
    rows = write_rows(pages, cuts)
    read = [(first["doc_id"], [page["number"] for page in of_it]) for first, of_it in group_documents(rows)]
    assert read == [(f"d{index}", list(range(1, count + 1))) for index, count in enumerate(pages)]
    assert [row["doc_id"] for row in keep_first_rows(rows)] == [f"d{index}" for index in range(len(pages))]


@given(counts, st.lists(st.integers(1, 12), min_size=1))
def test_documents_may_be_passed_over_before_their_pages_are_read(pages, cuts):
    rows = write_rows(pages, cuts)
    assert [first["index"] for first, _ in group_documents(rows)] == list(range(len(pages)))


@given(counts, st.lists(st.integers(1, 12), min_size=1), st.data())
def test_windows_are_found_again_by_going_through_the_rows_once(pages, cuts, data):
    cursor = DocumentCursor(write_rows(pages, cuts))
    for index in data.draw(st.lists(st.integers(0, max(0, len(pages) - 1)), unique=True).map(sorted)):
        document = cursor.find(index)
        assert (document is None) == (not pages)
        first = 1
        while document is not None and first <= pages[index] + 2:
            numbers = list(range(first, first + data.draw(st.integers(1, 5))))
            taken = cursor.take_pages(numbers)
            assert taken == [{"number": number, "of": index} for number in numbers if number <= pages[index]]
            assert cursor.take_pages(numbers) == taken
            first = numbers[-1] + data.draw(st.integers(1, 3))


def test_no_page_is_read_for_a_window_of_none_and_an_unknown_document_is_none():
    cursor = DocumentCursor(write_rows([2], [1]))
    assert cursor.find(0) is not None
    assert cursor.take_pages([]) == []
    assert [page["number"] for page in cursor.take_pages([1, 2])] == [1, 2]
    assert cursor.find(7) is None


@given(
    st.lists(st.none() | st.sampled_from(["blank", "no_text"]), max_size=30),
    st.integers(1, 6),
    st.lists(st.integers(1, 9), min_size=1),
)
def test_windows_do_not_depend_on_where_rows_are_cut(reasons, max_pages, cuts):
    pages = [make_page("", number=number, reason=reason) for number, reason in enumerate(reasons, 1)]
    whole = cut_windows("d", pages, max_pages=max_pages)
    rows: list[dict[str, Any]] = []
    place = 0
    while place < len(pages) or not rows:
        size = cuts[len(rows) % len(cuts)]
        rows.append({"index": 0, "pages": [*map(page_to_row, pages[place : place + size])]})
        place += size
    ((_, of_document),) = ((first, list(of_it)) for first, of_it in group_documents(rows))
    assert list(iterate_windows("d", map(page_from_row, of_document), max_pages=max_pages)) == whole


def test_no_more_pages_than_those_of_a_window_are_read_ahead():
    taken: list[int] = []

    def read() -> Iterator[Page]:
        for number in range(1, 100):
            taken.append(number)
            yield make_page("", number=number)

    windows = iterate_windows("d", read(), max_pages=4)
    assert next(windows).page_numbers == [1, 2, 3, 4]
    assert taken == [1, 2, 3, 4]
