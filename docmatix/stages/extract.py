"""extract: read every document of a shard in a child process that may die, and keep its content or a reason."""

from __future__ import annotations

import contextlib
import hashlib
from collections import Counter, deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any

from docmatix.core.documents import Document, Refusal
from docmatix.core.ledger import Ledger
from docmatix.facts.extraction import extract_document
from docmatix.facts.listing import count_facts
from docmatix.pdf.sandbox import Sandbox
from docmatix.pdf.settings import Extract
from docmatix.pdf.text_source import wants_ocr
from docmatix.pipeline import EXTRACT, PIPELINE
from docmatix.sources.documents import read_documents
from docmatix.sources.locators import Locator, SourceDocument
from docmatix.stages.support.cpu_slots import CpuSlots
from docmatix.stages.support.job import Job, ShardProgress
from docmatix.stages.support.page_ocr import PageOcr
from docmatix.stages.support.planned_documents import read_plan
from docmatix.stages.support.poison_documents import PoisonDocuments
from docmatix.storage.page_rows import page_to_row
from docmatix.storage.parquet import ShardWriter


def extract_shard(
    job: Job, shard: int, *, sandbox: Sandbox, progress: ShardProgress, ocr: PageOcr | None = None
) -> None:
    """Read the documents of one planned shard and commit their content. The record's `extra` counts facts by kind, and
    pages by where their text is from. `ocr` reads pictures of pages; by default one at a time."""
    with contextlib.ExitStack() as stack:
        if ocr is None:
            ocr = stack.enter_context(PageOcr(job.config.extract.ocr.choose(), slots=CpuSlots(1)))
        _Extraction(job, shard, sandbox=sandbox, progress=progress, ocr=ocr).run()


MAX_WAITING = 32  # documents read ahead of one whose pages OCR is reading
MAX_WAITING_BYTES = 256 << 20  # of their files


@dataclass(slots=True)
class _Waiting:
    """A document of which the layer was read; `pages` are those that OCR is reading."""

    index: int
    locator: Locator
    source: SourceDocument | Refusal
    outcome: Document | Refusal
    pages: dict[int, Future[str | Refusal]] = field(default_factory=dict)

    @property
    def size(self) -> int:
        return 0 if isinstance(self.source, Refusal) else len(self.source.pdf)

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

    def __init__(self, job: Job, shard: int, *, sandbox: Sandbox, progress: ShardProgress, ocr: PageOcr) -> None:
        self._job, self._shard, self._sandbox, self._progress, self._ocr = job, shard, sandbox, progress, ocr
        self._settings = job.config.extract
        self._poison = PoisonDocuments(job, EXTRACT, shard, attempt=progress.attempt)
        self._ledger = Ledger(PIPELINE[EXTRACT].units)
        self._facts: Counter[str] = Counter()
        self._text_from: Counter[str] = Counter()
        self._ocr_pages = 0

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
        looks = self._ocr.engine.reads or self._job.shows_pages
        outcome = self._poison.refuse(index) or self._read(source, keep_pictures=looks)
        begun = _Waiting(index, locator, source, outcome)
        if looks and isinstance(outcome, Document):
            wanted = [
                page for page in outcome.pages if (wants_ocr(page) if self._ocr.engine.reads else page.is_image_only)
            ]
            begun.pages = {page.number: self._ocr.read(source.pdf, page) for page in wanted}
        return begun

    def _finish(self, document: _Waiting, writer: ShardWriter) -> None:
        source, outcome = document.source, document.outcome
        if document.pages and not isinstance(source, Refusal):
            readings: dict[int, str | Refusal] = {}
            for number, page in document.pages.items():
                readings[number] = self._ocr.wait(page)
                self._ocr_pages += 1
                self._progress.update(ocr_pages=self._ocr_pages)
            with self._poison.in_hand(document.index, "read"):
                outcome = self._read(source, readings=readings, keep_pictures=self._job.shows_pages)
            bugs = (page for page in readings.values() if isinstance(page, Refusal) and page.reason == "internal_error")
            if isinstance(outcome, Refusal):
                # a document that only a bug has left without text must count as one
                outcome = next(bugs, outcome)
        row = self._describe(document, outcome)
        self._ledger.enter("documents")
        for page in row["pages"]:
            self._ledger.enter("pages")
            self._ledger.settle("pages", page["reason"])
        self._ledger.settle("documents", row["reason"])
        writer.add({"index": document.index, **row})
        self._progress.update(done=document.index + 1)

    def _describe(self, document: _Waiting, outcome: Document | Refusal) -> dict[str, Any]:
        locator, source = document.locator, document.source
        row: dict[str, Any] = {"source_uri": locator.source_uri, "pages": [], "bytes": locator.size}
        if isinstance(source, Refusal):
            return row | {"reason": source.reason, "detail": source.detail}
        sha256 = hashlib.sha256(source.pdf).hexdigest()
        row |= {"doc_id": sha256[:32], "sha256": sha256, "bytes": len(source.pdf)}
        if isinstance(outcome, Refusal):
            return row | {"reason": outcome.reason, "detail": outcome.detail}
        row |= {"language": outcome.language, "signature": outcome.signature}
        self._facts.update(count_facts(outcome.pages))
        self._text_from.update(page.text_from for page in outcome.pages)
        row["pages"] = [page_to_row(page) for page in outcome.pages]
        return row | {"reason": None, "detail": ""}

    def _read(self, source: SourceDocument, **options: Any) -> Document | Refusal:
        settings = self._settings
        outcome = self._run(source, settings, options)
        if isinstance(outcome, Refusal) and settings.tables and outcome.reason in _SPENT:
            # a page of thousands of lines may take its tables long: rather no facts than no document
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


_SPENT = ("timeout", "out_of_memory", "crashed")
