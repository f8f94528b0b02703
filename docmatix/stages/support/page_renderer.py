"""Renders page images from a source's documents, provided that these have not changed since `extract` read them.

`pack` publishes the images; `generate` sends them to a vision model and discards them.
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
from docmatix.core.pairs import Failure, Picture, Reply, Request
from docmatix.pdf.reading import make_doc_id
from docmatix.pdf.rendering import PageImage, render_pages
from docmatix.pdf.sandbox import Sandbox
from docmatix.pdf.settings import Rendering
from docmatix.sources.documents import read_documents
from docmatix.sources.locators import Locator, SourceDocument
from docmatix.stages.support.child_pool import Child
from docmatix.stages.support.concurrency import RequestPool
from docmatix.stages.support.job import Job
from docmatix.stages.support.planned_documents import read_plan
from docmatix.storage import scratch
from docmatix.storage.errors import storage_errors

# per shard, kept on disk to render from; requests follow the plan, so that one would do but for those halved later
MAX_DOCUMENTS = 4

# all become `unrenderable` for a request, whose own `timeout` means the model server's
PAGE_FAULTS = ("timeout", "out_of_memory", "crashed", "unrenderable")


@contextlib.contextmanager
def temporary_pdf(source: SourceDocument | Refusal) -> Iterator[tuple[Path, str] | Refusal]:
    """A document as a temporary file, with its id: the child gets an open file for each window rather than 100 MB."""
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
    sandbox: Child,
    timeout_s: int,
) -> list[PageImage] | Refusal:
    """Pages of a `temporary_pdf`, or why there are none: `source_changed` if the document is not `doc_id`.

    Raises StorageFailed if the file has vanished, since that says nothing about the document.
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
            f"The temporary file {path} has vanished while it was in use. Stop whatever cleans up {path.parent}, or set"
            " TMPDIR to another folder, and rerun the command to resume the build."
        ) from None
    # passed open, since the child cannot open files
    with stream:
        outcome: list[PageImage] | Refusal = sandbox.run(
            render_pages, stream, page_numbers, settings=settings, timeout_s=timeout_s
        )
    if not isinstance(outcome, Refusal) and len(outcome) != len(page_numbers):
        return Refusal("crashed", f"returned {len(outcome)} images of {len(page_numbers)} pages")
    return outcome


class PageRenderer:
    """Renders the pictures of a shard's requests, one request at a time, in a thread of its own, since the 50 to 200 ms
    of a page would block the event loop. No document is read and no child started before the first request; `close`
    ends both."""

    def __init__(self, job: Job, shard: int, *, sandbox: Sandbox | None = None) -> None:
        self._job, self._shard = job, shard
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="pictures")
        # extract's limit, since refusals must not depend on settings outside `generate`'s fingerprint
        self._sandbox = sandbox or Sandbox(memory_mb=job.config.extract.memory_mb)
        self._at_hand: OrderedDict[int, tuple[contextlib.ExitStack, tuple[Path, str] | Refusal]] = OrderedDict()
        self._wanted = 0
        self._opened = False
        self._documents = self._read_wanted()
        self._trouble: Exception | None = None
        self.rendered = 0

    async def render(self, index: int, pictures: Sequence[Picture]) -> list[bytes] | Failure:
        """The JPEGs of pictures of the shard's document `index`, or why there are none: `unrenderable`,
        `source_changed`, or why the document cannot be read (`missing`, `unreadable`)."""
        self._opened = True
        outcome = await asyncio.get_running_loop().run_in_executor(self._thread, self._render, index, pictures)
        if not isinstance(outcome, Refusal):
            return [image.data for image in outcome]
        if outcome.reason in PAGE_FAULTS:
            return Failure("unrenderable", f"{outcome.reason}: {outcome.detail}")
        return Failure(outcome.reason, outcome.detail)

    async def send(self, index: int, request: Request, *, pool: RequestPool) -> Reply | Failure:
        """Ask about the shard's document `index`, with the pictures that the request shows, if any."""
        if not request.pictures:
            return await pool.ask(request)
        async with pool.pictured:
            pictures = await self.render(index, request.pictures)
            return pictures if isinstance(pictures, Failure) else await pool.ask(request, pictures=pictures)

    async def close(self) -> None:
        """Wait for the page that is being rendered, if any, and clean up."""
        if self._opened:
            await asyncio.get_running_loop().run_in_executor(self._thread, self._clean_up)
        self._thread.shutdown(wait=False)

    # the methods below run in the thread

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
                color="rgb",  # detecting colour takes longer than drawing it
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
            while len(self._at_hand) >= MAX_DOCUMENTS:
                self._at_hand.popitem(last=False)[1][0].close()
            self._wanted = index
            stack = contextlib.ExitStack()
            try:
                document = next(self._documents)
            except Exception as error:
                # the generator has ended: another call would raise StopIteration, which a future cannot carry
                self._trouble = error
                raise
            self._at_hand[index] = stack, stack.enter_context(temporary_pdf(document))
        self._at_hand.move_to_end(index)
        return self._at_hand[index][1]

    def _read_wanted(self) -> Generator[SourceDocument | Refusal]:
        """Yields the document `_wanted` from one reader, which passes through a tar or a Parquet file once if documents
        are wanted in order."""
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
