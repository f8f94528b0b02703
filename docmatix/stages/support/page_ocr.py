"""Reads the pictures of pages by OCR, several at once, each page in a child process of its own limits."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from types import TracebackType

from docmatix.core.documents import Page, Refusal
from docmatix.pdf.ocr.engine import OcrEngine
from docmatix.pdf.page_pictures import read_page_picture
from docmatix.pdf.sandbox import Sandbox
from docmatix.pdf.text_source import has_bare_pictures
from docmatix.stages.support.child_pool import Child, ChildPool
from docmatix.stages.support.cpu_slots import CpuSlots

SPARE = 1  # children kept for the next page; others end with their page, as many workers may have some


class PageOcr:
    """An engine at work on as many pages at once as there are `slots`. `make_child` makes what a page is read in."""

    def __init__(self, engine: OcrEngine, *, slots: CpuSlots, make_child: Callable[[], Child] | None = None) -> None:
        self.engine = engine
        self._children = ChildPool(
            make_child
            or (lambda: Sandbox(memory_mb=engine.memory_mb, readable=engine.list_files(), runs_per_child=100)),
            slots=slots,
            spare=SPARE,
        )
        self._lock = threading.Lock()
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
        return self._children.submit(lambda child: self._read(child, pdf, page))

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
        self._children.close()

    def _read(self, child: Child, pdf: bytes, page: Page) -> str | Refusal:
        started = time.monotonic()
        read: str | Refusal = child.run(
            read_page_picture,
            pdf,
            page.number,
            engine=self.engine,
            beside_layer=has_bare_pictures(page),
            timeout_s=self.engine.timeout_s,
        )
        with self._lock:
            self.counted["ocr_pages"] += 1
            self.counted["ocr_seconds"] += time.monotonic() - started
        return read
