"""Windows: the samples of a document, which follow from facts about its pages before a model is asked."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from docmatix.core.documents import DUPLICATE_PAGE, Page


@dataclass(frozen=True, slots=True)
class Window:
    """Consecutive pages of one document: one row of the dataset, if any pair of it survives."""

    sample_id: str
    doc_id: str
    pages: tuple[Page, ...]

    @property
    def page_numbers(self) -> list[int]:
        return [page.number for page in self.pages]

    def list_shown(self, *, pictures: bool) -> list[Page]:
        """The pages that a prompt is given: those with text, and, with `pictures`, those that are one."""
        return [page for page in self.pages if is_usable(page, pictures=pictures)]


def is_usable(page: Page, *, pictures: bool) -> bool:
    """Whether there is something to ask about a page, by its text or, with `pictures`, by its picture alone."""
    return page.reason is None or (pictures and page.is_image_only)


def cut_windows(doc_id: str, pages: Sequence[Page], *, max_pages: int, pictures: bool = False) -> list[Window]:
    """Divide a document into windows of at most `max_pages` consecutive pages, with each usable page in exactly one.

    A window begins and ends with a usable page (`is_usable`); unusable ones inside it stay, but for a page that `dedup`
    has left out, before which it ends.
    """
    return list(iterate_windows(doc_id, pages, max_pages=max_pages, pictures=pictures))


def iterate_windows(doc_id: str, pages: Iterable[Page], *, max_pages: int, pictures: bool = False) -> Iterator[Window]:
    """The windows of `cut_windows` one by one; of the pages, no more than those of a window are read ahead."""
    span: list[Page] = []

    def close() -> Iterator[Window]:
        while span and not is_usable(span[-1], pictures=pictures):
            span.pop()
        if span:
            yield Window(f"{doc_id}-{span[0].number}", doc_id, tuple(span))
        span.clear()

    for page in pages:
        if page.reason == DUPLICATE_PAGE:
            yield from close()
        elif span or is_usable(page, pictures=pictures):
            span.append(page)
            if len(span) == max_pages:
                yield from close()
    yield from close()
