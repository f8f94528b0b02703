"""Documents in the rows of `extract`: a long one stands in several consecutive rows with the same index, each with some
of its pages, of which the first alone has its signature. Whoever reads rows goes through the pages in order."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain, groupby
from operator import itemgetter
from typing import Any

Row = Mapping[str, Any]


def group_documents(rows: Iterable[Row]) -> Iterator[tuple[Row, Iterator[Row]]]:
    """Each document: its first row without the pages, and the rows of all its pages, which are read as they are
    asked for, and passed over with the next document."""
    for _, of_document in groupby(rows, key=itemgetter("index")):
        yield _open_document(of_document)


def _open_document(rows: Iterator[Row]) -> tuple[Row, Iterator[Row]]:
    first = dict(next(rows))
    pages = first.pop("pages", None)
    return first, chain(pages or (), _iterate_pages(rows))


def _iterate_pages(rows: Iterable[Row]) -> Iterator[Row]:
    for row in rows:
        yield from row.get("pages") or ()


def keep_first_rows(rows: Iterable[Row]) -> Iterator[Row]:
    """The first row of each document."""
    for _, of_document in groupby(rows, key=itemgetter("index")):
        yield next(of_document)


class DocumentCursor:
    """Goes through the documents of a shard once, forwards, and hands out the pages of their windows: of a document no
    other pages are in memory, but those read from the same row."""

    def __init__(self, rows: Iterable[Row]) -> None:
        self._documents = group_documents(rows)
        self._pages: Iterator[Row] = iter(())
        self._held: dict[int, Row] = {}

    def find(self, index: int) -> Row | None:
        """The first row, without pages, of a document; None if there is no such document any more."""
        for document, pages in self._documents:
            if document["index"] == index:
                self._pages, self._held = pages, {}
                return document
        return None

    def take_pages(self, numbers: Sequence[int]) -> list[Row]:
        """The rows of pages of the document that was found last, as far as it has them. Numbers ascend, also from one
        call to the next; a page may be asked for again until another after it is."""
        if not numbers:
            return []
        self._held = {number: page for number, page in self._held.items() if number >= numbers[0]}
        last = max(self._held, default=0)
        while last < numbers[-1] and (page := next(self._pages, None)) is not None:
            last = page["number"]
            if last >= numbers[0]:
                self._held[last] = page
        return [self._held[number] for number in numbers if number in self._held]
