"""Long documents, read some pages at a time, so that neither a worker nor its child holds one whole.

What follows from all pages (language, signature, whether any is usable) is decided at their end; until then their rows
lie compressed: 20 bytes a word in place of 300. A part that cannot be read refuses the whole document, as a page that
ends its child always has.
"""

from __future__ import annotations

import pickle
import zlib
from collections import Counter, deque
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any

from docmatix.core.documents import Document, Page, Part, Refusal
from docmatix.facts.listing import count_facts
from docmatix.pdf.reading import AFTER, BEFORE, refuse_unusable
from docmatix.storage.page_rows import page_to_row

PAGES_AT_ONCE = 128
"""A document of more pages is read so many at a time, with a few around them, and has as many rows in `extract`. With
their words and facts they take 30 MB, of dense pages 50; reading the others around them takes 9 % of the time."""

Readings = Mapping[int, str | Refusal]


@dataclass(slots=True)
class LongDocument:
    """The pages of a long document that were read so far, in order."""

    facts: Counter[str] = field(default_factory=Counter)
    text_from: Counter[str] = field(default_factory=Counter)
    texts: list[str] = field(default_factory=list)
    """Of the usable pages."""
    picture_hashes: list[int] = field(default_factory=list)
    words: int = 0
    reasons: Counter[str] = field(default_factory=Counter)
    has_pictures: bool = False
    _rows: list[bytes] = field(default_factory=list)

    def add(self, document: Document) -> None:
        """Add the next pages."""
        assert document.part is not None, "a whole document"
        self.facts.update(count_facts(document.pages))
        self.text_from.update(page.text_from for page in document.pages)
        self.texts += [page.text for page in document.pages if page.reason is None]
        self.picture_hashes += document.part.picture_hashes
        self.words += document.part.words
        self.reasons.update(str(page.reason) for page in document.pages)
        self.has_pictures = self.has_pictures or any(page.is_image_only for page in document.pages)
        rows = [page_to_row(page) for page in document.pages]
        self._rows.append(zlib.compress(pickle.dumps(rows, pickle.HIGHEST_PROTOCOL), 1))

    def refuse(self, *, keep_pictures: bool) -> Refusal | None:
        """Why it is no document, if it is none, once all pages are there."""
        return None if self.texts or (keep_pictures and self.has_pictures) else refuse_unusable(self.reasons)

    def iterate_rows(self) -> Iterator[list[dict[str, Any]]]:
        """The rows of its pages, as many at once as were read at once."""
        for rows in self._rows:
            yield pickle.loads(zlib.decompress(rows))


@dataclass(slots=True)
class _Begun:
    """Pages of which the layer was read; of some, OCR reads the pictures."""

    document: Document | Refusal
    pictures: dict[int, Future[str | Refusal]]


Read = Callable[[int, Readings], Document | Refusal]
"""Reads a part from its first page on, with what OCR made of pages in it and around it."""
Begin = Callable[[Document], dict[int, Future[str | Refusal]]]
"""Has OCR read the pages of a part that need it."""
Wait = Callable[[Future[str | Refusal]], str | Refusal]


def read_parts(
    part: Part,
    take_first: Callable[[], Document | Refusal],
    pictures: dict[int, Future[str | Refusal]],
    *,
    at_once: int,
    max_words: int,
    read: Read,
    begin: Begin,
    wait: Wait,
) -> tuple[LongDocument, Readings] | Refusal:
    """Read a long document of which the first part was read (`take_first`), and OCR has begun with the `pictures` of
    some of its pages; or why it cannot be. While OCR is at a part, the layer of the next one is read. Also returns the
    readings that are refused."""
    found = LongDocument()
    waiting = deque([_Begun(take_first(), pictures)])
    readings: dict[int, str | Refusal] = {}
    refused: dict[int, str | Refusal] = {}
    try:
        for start in range(1, part.page_count + 1, at_once):
            end = min(part.page_count, start + at_once - 1)
            if end < part.page_count:
                following = _check(read(end + 1, {}), part, end + 1, at_once)
                if isinstance(following, Refusal):
                    return following
                waiting.append(_Begun(following, begin(following)))
                del following
            wanted = [each for begun in waiting for each in begun.pictures.items()]
            for number, picture in wanted:
                if number <= end + AFTER and number not in readings:
                    readings[number] = wait(picture)
            near = {number: each for number, each in readings.items() if start - BEFORE <= number <= end + AFTER}
            refused |= {number: each for number, each in near.items() if isinstance(each, Refusal)}
            document = waiting.popleft().document if not near else _check(read(start, near), part, start, at_once)
            if isinstance(document, Refusal):
                return document
            found.add(document)
            if found.words > max_words:
                return Refusal("too_large", f"more than {max_words} words by page {end}")
            if near:
                waiting.popleft()
            del document  # before the part after the next is read
            readings = {number: each for number, each in readings.items() if number > end - BEFORE}
    finally:
        for begun in waiting:
            for picture in begun.pictures.values():
                picture.cancel()
    return found, refused


def _check(document: Document | Refusal, part: Part, start: int, at_once: int) -> Document | Refusal:
    """The document, if it is the part that was asked for: a hostile child may say anything."""
    if isinstance(document, Refusal):
        return document
    wanted = range(start, min(part.page_count, start + at_once - 1) + 1)
    if (
        document.part is None
        or document.part.page_count != part.page_count
        or [page.number for page in document.pages] != list(wanted)
    ):
        return Refusal("crashed", "gave a malformed answer: other pages than were asked for")
    return document


def count_pages(document: Document | Refusal | None, pictures: Mapping[int, object]) -> int:
    """How many pages of a document are in memory, or will be as OCR reads them."""
    pages: tuple[Page, ...] = document.pages if isinstance(document, Document) else ()
    return max(len(pages), len(pictures))
