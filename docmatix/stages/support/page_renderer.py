"""Page images out of a source's documents, with the check that these are still the documents that were read.

`pack` renders what it publishes; `generate` renders what a vision model is sent, and drops it again.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import OrderedDict
from collections.abc import Generator, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from docmatix.core.documents import Refusal
from docmatix.core.errors import StorageFailed
from docmatix.core.pairs import Failure, Picture
from docmatix.pdf.reading import make_doc_id
from docmatix.pdf.rendering import PageImage, render_pages
from docmatix.pdf.sandbox import Sandbox
from docmatix.pdf.settings import Rendering
from docmatix.sources.documents import read_documents
from docmatix.sources.locators import Locator, SourceDocument
from docmatix.stages.plan import read_plan
from docmatix.stages.support.job import Job
from docmatix.storage import scratch
from docmatix.storage.errors import storage_errors

DOCUMENTS_AT_HAND = 4
"""Documents that a shard keeps on disk to render from. Requests come in the order of the plan, so that one would do but
for those that are halved later."""

THE_PAGES_FAULT = ("timeout", "out_of_memory", "crashed", "unrenderable")
"""Of a request they are one reason: its own `timeout` is the model server's."""


@contextlib.contextmanager
def temporary_pdf(source: SourceDocument | Refusal) -> Iterator[tuple[Path, str] | Refusal]:
    """A document as a temporary file, with the id of its content: a manual of 250 windows is handed to the child as an
    open file 250 times, not as 100 MB."""
    if isinstance(source, Refusal):
        yield source
        return
    aside = scratch.name_file(".pdf")
    try:
        with (
            storage_errors(str(aside.parent), folder=aside.parent, wanted=len(source.pdf)),
            scratch.open_private(aside) as stream,
        ):
            stream.write(source.pdf)
        yield aside, make_doc_id(source.pdf)
    finally:
        aside.unlink(missing_ok=True)


def render_kept(
    pdf: tuple[Path, str] | Refusal,
    page_numbers: Sequence[int],
    *,
    doc_id: str,
    settings: Rendering,
    sandbox: Sandbox,
    timeout_s: int,
) -> list[PageImage] | Refusal:
    """Pages of a document that is kept aside, or why there are none: `source_changed` if it is not `doc_id`.

    Raises StorageFailed where the file aside is gone: that says nothing about the document.
    """
    if isinstance(pdf, Refusal):
        return pdf
    path, found = pdf
    if found != doc_id:
        return Refusal("source_changed", "the PDF is not the one that was read by extract")
    try:
        stream = path.open("rb", buffering=0)
    except FileNotFoundError:
        raise StorageFailed(
            f"The temporary file {path} has vanished while it was in use: have nothing else tidy {path.parent}, or set"
            " TMPDIR to another folder; the same command continues."
        ) from None
    # open, since the child can open no files itself
    with stream:
        outcome: list[PageImage] | Refusal = sandbox.run(
            render_pages, stream, page_numbers, settings=settings, timeout_s=timeout_s
        )
    if not isinstance(outcome, Refusal) and len(outcome) != len(page_numbers):
        return Refusal("crashed", f"gave {len(outcome)} images of {len(page_numbers)} pages")
    return outcome


class PageRenderer:
    """Renders the pictures of a shard's requests, one request at a time, in a thread of its own: it takes 50 to 200 ms
    a page, in which the event loop has hundreds of requests to look after.

    Nothing is read, and no child started, before the first request; `close` ends both.
    """

    def __init__(self, job: Job, shard: int, *, sandbox: Sandbox | None = None) -> None:
        self._job, self._shard = job, shard
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="pictures")
        # of extract, since what it refuses must not hang on settings that `generate` does not depend on
        self._sandbox = sandbox or Sandbox(memory_mb=job.config.extract.memory_mb)
        self._at_hand: OrderedDict[int, tuple[contextlib.ExitStack, tuple[Path, str] | Refusal]] = OrderedDict()
        self._wanted = 0
        self._opened = False
        self._documents = self._read_wanted()
        self._trouble: Exception | None = None
        self.rendered = 0
        """Pictures so far."""

    async def render(self, index: int, pictures: Sequence[Picture]) -> list[bytes] | Failure:
        """The JPEGs of pictures of the shard's document `index`, or why there are none: `unrenderable`,
        `source_changed`, or what keeps the document from being read (`missing`, `unreadable`, ...)."""
        self._opened = True
        outcome = await asyncio.get_running_loop().run_in_executor(self._thread, self._render, index, pictures)
        if not isinstance(outcome, Refusal):
            return [image.data for image in outcome]
        if outcome.reason in THE_PAGES_FAULT:
            return Failure("unrenderable", f"{outcome.reason}: {outcome.detail}")
        return Failure(outcome.reason, outcome.detail)

    async def close(self) -> None:
        """Wait for the page that is being rendered, if any, and clean up."""
        if self._opened:
            await asyncio.get_running_loop().run_in_executor(self._thread, self._clean_up)
        self._thread.shutdown(wait=False)

    # What follows runs in the thread.

    def _render(self, index: int, pictures: Sequence[Picture]) -> list[PageImage] | Refusal:
        first = pictures[0]
        outcome = render_kept(
            self._fetch(index),
            [picture.page for picture in pictures],
            doc_id=first.doc_id,
            settings=Rendering(
                dpi=first.dpi,
                max_side_px=first.max_side_px,
                quality=first.quality,
                image_format="jpeg",
                color="rgb",  # to look for colour takes longer than to draw it
            ),
            sandbox=self._sandbox,
            timeout_s=self._job.config.extract.timeout_s,
        )
        self.rendered += 0 if isinstance(outcome, Refusal) else len(outcome)
        return outcome

    def _fetch(self, index: int) -> tuple[Path, str] | Refusal:
        if self._trouble is not None:
            raise self._trouble
        if index not in self._at_hand:
            while len(self._at_hand) >= DOCUMENTS_AT_HAND:
                self._at_hand.popitem(last=False)[1][0].close()
            self._wanted = index
            stack = contextlib.ExitStack()
            try:
                document = next(self._documents)
            except Exception as error:
                # the generator has ended with it: a next call would raise StopIteration, which no future can hold
                self._trouble = error
                raise
            self._at_hand[index] = stack, stack.enter_context(temporary_pdf(document))
        self._at_hand.move_to_end(index)
        return self._at_hand[index][1]

    def _read_wanted(self) -> Generator[SourceDocument | Refusal]:
        """The document `_wanted`, whenever the next one is taken: one reader, that walks through a tar or a Parquet
        file once where the documents are wanted in order."""
        locators = read_plan(self._job, self._shard)

        def follow() -> Iterator[Locator]:
            while True:
                yield locators[self._wanted]

        config = self._job.config
        for _, source in read_documents(
            follow(),
            source=config.source,
            max_file_bytes=config.extract.max_file_mb << 20,
            patience_s=config.limits.store_patience_s,
        ):
            yield source

    def _clean_up(self) -> None:
        with contextlib.ExitStack() as stack:
            stack.callback(self._documents.close)
            stack.callback(self._sandbox.close)
            for kept, _ in self._at_hand.values():
                stack.push(kept)
            self._at_hand.clear()
