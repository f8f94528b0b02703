"""Windows: the samples of a document, which follow from facts about its pages before a model is asked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from docmatix.core.documents import Page


@dataclass(frozen=True, slots=True)
class Window:
    """Consecutive pages of one document: one row of the dataset, if any pair of it survives."""

    sample_id: str
    doc_id: str
    pages: tuple[Page, ...]

    @property
    def page_numbers(self) -> list[int]:
        return [page.number for page in self.pages]


def cut_windows(doc_id: str, pages: Sequence[Page], *, max_pages: int) -> list[Window]:
    """Divide a document into windows of at most `max_pages` consecutive pages, with each usable page in exactly one.

    A window begins and ends with a usable page (`Page.reason` is None); unusable ones inside it stay.
    """
    windows: list[Window] = []
    at = 0
    while at < len(pages):
        if pages[at].reason is not None:
            at += 1
            continue
        span = list(pages[at : at + max_pages])
        at += max_pages
        while span[-1].reason is not None:
            span.pop()
        windows.append(Window(f"{doc_id}-{span[0].number}", doc_id, tuple(span)))
    return windows
