"""Reads the pictures of pages by OCR, several at once, each page in a child process of its own limits."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from types import TracebackType
from typing import Any, Protocol

from docmatix.core.documents import Page, Refusal
from docmatix.pdf.ocr.engine import OcrEngine
from docmatix.pdf.page_pictures import read_page_picture
from docmatix.pdf.sandbox import Sandbox
from docmatix.pdf.text_source import has_bare_pictures
from docmatix.stages.support.cpu_slots import CpuSlots

SPARE = 1  # children kept for the next page; others end with their page, as many workers may have some


class Child(Protocol):
    """What runs a function on a hostile PDF: a `Sandbox`."""

    @property
    def run(self) -> Callable[..., Any]: ...


class PageOcr:
    """An engine at work on as many pages at once as there are `slots`. `make_child` makes what a page is read in."""

    def __init__(self, engine: OcrEngine, *, slots: CpuSlots, make_child: Callable[[], Child] | None = None) -> None:
        self.engine = engine
        self._slots = slots
        self._make_child = make_child or (
            lambda: Sandbox(memory_mb=engine.memory_mb, readable=engine.list_files(), runs_per_child=100)
        )
        self._threads = ThreadPoolExecutor(slots.count, thread_name_prefix="ocr")
        self._spare: list[Child] = []
        self._lock = threading.Lock()
        self._closed = False
        self.counted = {"ocr_pages": 0.0, "ocr_seconds": 0.0, "ocr_waited_seconds": 0.0}
        """Pages read so far, the time that they took one by one, and how long somebody waited for them."""

    def __enter__(self) -> PageOcr:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def read(self, pdf: bytes, page: Page) -> Future[str | Refusal]:
        """Have a page of a PDF read; the result is what `docmatix.pdf.page_pictures.read_page_picture` returns, or the
        refusal of its child."""
        return self._threads.submit(self._read, pdf, page)

    def wait(self, page: Future[str | Refusal]) -> str | Refusal:
        """The result of a page."""
        started = time.monotonic()
        try:
            return page.result()
        finally:
            with self._lock:
                self.counted["ocr_waited_seconds"] += time.monotonic() - started

    def close(self) -> None:
        """Give up what is not read yet."""
        self._closed = True
        self._threads.shutdown(cancel_futures=True)
        for child in self._spare:
            _end(child)
        self._slots.close()

    def _read(self, pdf: bytes, page: Page) -> str | Refusal:
        with self._slots.hold():
            with self._lock:
                child = self._spare.pop() if self._spare else None
            child = child or self._make_child()
            started = time.monotonic()
            try:
                read: str | Refusal = child.run(
                    read_page_picture,
                    pdf,
                    page.number,
                    engine=self.engine,
                    beside_layer=has_bare_pictures(page),
                    timeout_s=self.engine.timeout_s,
                )
            except BaseException:
                _end(child)
                raise
        with self._lock:
            self.counted["ocr_pages"] += 1
            self.counted["ocr_seconds"] += time.monotonic() - started
            if len(self._spare) < SPARE and not self._closed:
                self._spare.append(child)
                return read
        _end(child)
        return read


def _end(child: Child) -> None:
    if isinstance(child, Sandbox):
        child.close()
