"""extract: read every document of a shard in a child process that may die, and keep its content or a reason."""

from __future__ import annotations

import contextlib
import hashlib
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

from docmatix.core.documents import Document, Part, Refusal
from docmatix.core.ledger import Ledger
from docmatix.facts.listing import count_facts
from docmatix.pdf.channel import NamedFunction
from docmatix.pdf.reading import PageRange, describe_texts
from docmatix.pdf.sandbox import Sandbox
from docmatix.pdf.settings import Extract
from docmatix.pdf.text_source import wants_ocr
from docmatix.pipeline import EXTRACT, PIPELINE
from docmatix.sources.documents import read_documents
from docmatix.sources.locators import Locator, SourceDocument
from docmatix.stages.support.cpu_slots import CpuSlots
from docmatix.stages.support.job import Job, ShardProgress
from docmatix.stages.support.long_documents import PAGES_AT_ONCE, LongDocument, Readings, count_pages, read_parts
from docmatix.stages.support.page_ocr import PageOcr
from docmatix.stages.support.planned_documents import read_plan
from docmatix.stages.support.poison_documents import PoisonDocuments
from docmatix.storage.page_rows import page_to_row
from docmatix.storage.parquet import ShardWriter

# importing what finds tables and facts takes a worker 0.4 s, and its child alone calls it
extract_document: Callable[..., Document | Refusal] = NamedFunction("docmatix.facts.extraction", "extract_document")


def extract_shard(
    job: Job,
    shard: int,
    *,
    sandbox: Sandbox,
    progress: ShardProgress,
    ocr: PageOcr | None = None,
    pages_at_once: int = PAGES_AT_ONCE,
) -> None:
    """Read the documents of one planned shard and commit their content. The record's `extra` counts facts by kind, and
    pages by where their text is from. `ocr` reads pictures of pages; by default one at a time. A document of more than
    `pages_at_once` pages is read, and has rows, of so many."""
    with contextlib.ExitStack() as stack:
        if ocr is None:
            ocr = stack.enter_context(PageOcr(job.config.extract.ocr.choose(), slots=CpuSlots(1)))
        _Extraction(job, shard, sandbox=sandbox, progress=progress, ocr=ocr, pages_at_once=pages_at_once).run()


# read ahead of a document whose pages OCR is reading
MAX_WAITING = 32  # documents
MAX_WAITING_BYTES = 128 << 20  # of their files
MAX_WAITING_PAGES = 2 * PAGES_AT_ONCE  # with words and facts, or what OCR has read of them


@dataclass(slots=True)
class _Waiting:
    """A document of which the layer was read; `pages` are those that OCR is reading."""

    index: int
    locator: Locator
    source: SourceDocument | Refusal
    outcome: Document | Refusal
    pages: dict[int, Future[str | Refusal]] = field(default_factory=dict)
    count: int = 0
    """Of the pages that are in memory."""

    @property
    def part(self) -> Part | None:
        """Of a long document, what is known of its first pages."""
        return self.outcome.part if isinstance(self.outcome, Document) else None

    @property
    def size(self) -> int:
        return 0 if isinstance(self.source, Refusal) else len(self.source.pdf)

    def take_outcome(self) -> Document | Refusal:
        """The outcome, of which this then keeps no page."""
        outcome = self.outcome
        if isinstance(outcome, Document):
            self.outcome = replace(outcome, pages=())
        return outcome

    def cancel(self) -> None:
        """Give up the pages that OCR has not begun."""
        for page in self.pages.values():
            page.cancel()

    @property
    def is_read(self) -> bool:
        return all(page.done() for page in self.pages.values())


@contextlib.contextmanager
def _cancelling(waiting: Iterable[_Waiting]) -> Iterator[None]:
    """Cancel what still waits at the end: the pages of a shard that failed would be read before those of the next."""
    try:
        yield
    finally:
        for document in waiting:
            document.cancel()


class _Extraction:
    """One shard. Documents are written in plan order; while OCR is at the pages of one, those after it are read."""

    def __init__(
        self, job: Job, shard: int, *, sandbox: Sandbox, progress: ShardProgress, ocr: PageOcr, pages_at_once: int
    ) -> None:
        self._job, self._shard, self._sandbox, self._progress, self._ocr = job, shard, sandbox, progress, ocr
        self._pages_at_once = pages_at_once
        self._settings = job.config.extract
        self._poison = PoisonDocuments(job, EXTRACT, shard, attempt=progress.attempt)
        self._ledger = Ledger(PIPELINE[EXTRACT].units)
        self._facts: Counter[str] = Counter()
        self._text_from: Counter[str] = Counter()
        self._ocr_pages = self._parts_read = 0

    def run(self) -> None:
        locators = read_plan(self._job, self._shard)
        # lazily: a document whose fetching kills workers must not be fetched
        fetched = read_documents(
            (locator for index, locator in enumerate(locators) if self._poison.refuse(index, "fetch") is None),
            source=self._job.config.source,
            max_file_bytes=self._settings.max_file_mb << 20,
            patience_s=self._job.config.limits.store_patience_s,
        )
        extra: dict[str, Any] = {}
        waiting: deque[_Waiting] = deque()
        with (
            self._job.committing(EXTRACT, self._shard, ledger=self._ledger, extra=extra) as writer,
            _cancelling(waiting),
        ):
            for index, locator in enumerate(locators):
                with self._poison.in_hand(index, "fetch") as go_on:
                    source = self._poison.refuse(index, "fetch") or next(fetched)[1]
                    go_on("read")
                    waiting.append(self._begin(index, locator, source))
                while waiting and (
                    waiting[0].is_read
                    or len(waiting) > MAX_WAITING
                    or sum(each.size for each in waiting) > MAX_WAITING_BYTES
                    or sum(each.count for each in waiting) > MAX_WAITING_PAGES
                ):
                    self._finish(waiting[0], writer)
                    waiting.popleft()
            while waiting:
                self._finish(waiting[0], writer)
                waiting.popleft()
            extra["facts"] = dict(sorted(self._facts.items()))
            extra["text_from"] = dict(sorted(self._text_from.items()))

    def _begin(self, index: int, locator: Locator, source: SourceDocument | Refusal) -> _Waiting:
        if isinstance(source, Refusal):
            return _Waiting(index, locator, source, source)
        # to be a document, one needs pages with text or such that a model is shown; which they are, OCR must tell
        outcome = self._poison.refuse(index) or self._read(source, keep_pictures=self._looks)
        begun = _Waiting(index, locator, source, outcome)
        if isinstance(outcome, Document):
            begun.pages = self._begin_ocr(source, outcome)
            begun.count = count_pages(outcome, begun.pages)
            if begun.pages:
                begun.take_outcome()  # it is read again, with what OCR has read
        return begun

    @property
    def _looks(self) -> bool:
        return self._ocr.engine.reads or self._job.shows_pages

    def _begin_ocr(self, source: SourceDocument, document: Document) -> dict[int, Future[str | Refusal]]:
        if not self._looks:
            return {}
        reads = self._ocr.engine.reads
        wanted = [page for page in document.pages if (wants_ocr(page) if reads else page.is_image_only)]
        return {page.number: self._ocr.read(source.pdf, page) for page in wanted}

    def _wait(self, page: Future[str | Refusal]) -> str | Refusal:
        reading = self._ocr.wait(page)
        self._ocr_pages += 1
        self._progress.update(ocr_pages=self._ocr_pages)
        return reading

    def _finish(self, document: _Waiting, writer: ShardWriter) -> None:
        source, part = document.source, document.part
        rows: Iterator[dict[str, Any]]
        if isinstance(source, Refusal):
            rows = self._describe(document, source)
        elif part is not None:
            rows = self._describe_long(document, source, part)
        else:
            rows = self._describe(document, self._read_again(document, source))
        self._ledger.enter("documents")
        for number, row in enumerate(rows):
            for page in row["pages"]:
                self._ledger.enter("pages")
                self._ledger.settle("pages", page["reason"])
            if number == 0:
                self._ledger.settle("documents", row["reason"])
            writer.add({"index": document.index, **row})
        self._progress.update(done=document.index + 1)

    def _read_again(self, document: _Waiting, source: SourceDocument) -> Document | Refusal:
        """The document, with what OCR has read, if it had to read any."""
        if not document.pages:
            return document.outcome
        readings = {number: self._wait(page) for number, page in document.pages.items()}
        with self._poison.in_hand(document.index, "read"):
            again = self._read(source, readings=readings, keep_pictures=self._job.shows_pages)
        return _blame_bugs(again, readings) if isinstance(again, Refusal) else again

    def _describe_long(self, document: _Waiting, source: SourceDocument, part: Part) -> Iterator[dict[str, Any]]:
        """The rows of a document of which the first part was read."""
        read_before = self._ocr_pages

        with self._poison.in_hand(document.index, "read"):
            read = read_parts(
                part,
                document.take_outcome,
                document.pages,
                at_once=self._pages_at_once,
                max_words=self._settings.max_words,
                read=partial(self._read_part, source),
                begin=partial(self._begin_ocr, source),
                wait=self._wait,
            )
            if isinstance(read, Refusal):
                return self._describe(document, read)
            found, refused = read
            keep = self._job.shows_pages if self._ocr_pages > read_before else self._looks
            if (refusal := found.refuse(keep_pictures=keep)) is not None:
                return self._describe(document, _blame_bugs(refusal, refused))
            described = self._sandbox.run(
                describe_texts, found.texts, found.picture_hashes, timeout_s=self._settings.timeout_s
            )
        if isinstance(described, Refusal):
            return self._describe(document, described)
        self._facts.update(found.facts)
        self._text_from.update(found.text_from)
        return self._compose_rows(_identify(document), found, *described)

    def _compose_rows(
        self, row: dict[str, Any], found: LongDocument, language: str | None, signature: tuple[int, ...] | None
    ) -> Iterator[dict[str, Any]]:
        row |= {"language": language, "signature": signature, "reason": None, "detail": ""}
        for pages in found.iterate_rows():
            yield row | {"pages": pages}
            row["signature"] = None

    def _describe(self, document: _Waiting, outcome: Document | Refusal) -> Iterator[dict[str, Any]]:
        row = _identify(document)
        if isinstance(outcome, Refusal):
            return iter([row | {"reason": outcome.reason, "detail": outcome.detail}])
        self._facts.update(count_facts(outcome.pages))
        self._text_from.update(page.text_from for page in outcome.pages)
        pages = [page_to_row(page) for page in outcome.pages]
        known = {"language": outcome.language, "signature": outcome.signature, "pages": pages}
        return iter([row | known | {"reason": None, "detail": ""}])

    def _read_part(self, source: SourceDocument, start: int, readings: Readings) -> Document | Refusal:
        part = self._read(source, start=start, readings=readings)
        self._parts_read += 1
        self._progress.update(parts_read=self._parts_read)  # each may take as long as a document: they are its progress
        return part

    def _read(self, source: SourceDocument, *, start: int = 1, **options: Any) -> Document | Refusal:
        options["wanted"] = PageRange(start, self._pages_at_once)
        settings = self._settings
        outcome = self._run(source, settings, options)
        if isinstance(outcome, Refusal) and settings.tables and outcome.reason in _SPENT:
            # a page of thousands of lines may take its tables long: rather no facts of these pages than no document
            outcome = self._run(source, settings.model_copy(update={"tables": False}), options)
        return outcome

    def _run(self, source: SourceDocument, settings: Extract, options: dict[str, Any]) -> Document | Refusal:
        return self._sandbox.run(
            extract_document,
            source.pdf,
            settings=settings,
            twin=source.twin,
            timeout_s=settings.timeout_s,
            **options,
        )


def _identify(document: _Waiting) -> dict[str, Any]:
    """What a document's rows say of it, whatever becomes of it."""
    locator, source = document.locator, document.source
    row: dict[str, Any] = {"source_uri": locator.source_uri, "pages": [], "bytes": locator.size}
    if isinstance(source, Refusal):
        return row
    sha256 = hashlib.sha256(source.pdf).hexdigest()
    return row | {"doc_id": sha256[:32], "sha256": sha256, "bytes": len(source.pdf)}


def _blame_bugs(refusal: Refusal, readings: Readings) -> Refusal:
    """The refusal; a document that only a bug has left without text must count as one."""
    bugs = (page for page in readings.values() if isinstance(page, Refusal) and page.reason == "internal_error")
    return next(bugs, refusal)


_SPENT = ("timeout", "out_of_memory", "crashed")
