"""dedup: decide from signatures which documents are left out, which pages of the others, and in favour of which.

The only stage that needs all documents together, so it runs in the driver, in a memory of `dedup.memory_mb`. It needs
no watchdog: it waits for nothing but files, for at most `limits.store_patience_s`.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import dropwhile
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt

from docmatix.core.documents import DUPLICATE_PAGE
from docmatix.core.ledger import Ledger
from docmatix.pipeline import DEDUP, EXTRACT, PIPELINE
from docmatix.stages.support.compared_documents import KNOWN_LEFT_OUT, Documents, LeftOut
from docmatix.stages.support.decided_documents import (
    DOCUMENTS_IN_A_FILE,
    DecidedFile,
    Shards,
    begin_chain,
    extend_chain,
    find_decided,
    remove_others,
    write_decided,
)
from docmatix.stages.support.duplicate_pages import (
    NO_PAGES,
    ComparedPages,
    LeftOutPages,
    PageHashes,
    Shingles,
    find_duplicate_pages,
    split_signatures,
)
from docmatix.stages.support.duplicate_search import find_duplicates
from docmatix.stages.support.job import Job
from docmatix.stages.support.signed_documents import SignedDocuments, read_signed_documents
from docmatix.storage.document_rows import group_documents
from docmatix.storage.records import name_record
from docmatix.storage.workspace import TextColumn, Workspace
from docmatix.text.minhash import Bands
from docmatix.text.near_duplicates import Numbers, Twins
from docmatix.text.twins import WordBag, find_twins, make_bag

T = TypeVar("T")
R = TypeVar("R")

_WORDS = [f"pages.list.element.{name}" for name in ("reason", "word_texts", "word_confidences")]
_THREADS = 8

# receives the number of committed shards, and figures: `done` is the number of documents read
Show = Callable[[int, Mapping[str, float]], object]


def dedup_documents(job: Job, *, show: Show = lambda shards, figures: None) -> None:
    """Commit what to leave out, shard by shard; `show` is called after each shard read and each committed.

    Where the first shards are decided about, and current, theirs stands: the others are compared with what is kept of
    them (`docmatix.stages.support.decided_documents`), with the same outcome."""
    settings = job.config.dedup
    shards = job.run.shards(EXTRACT)
    with (
        Workspace("docmatix-dedup", memory_bytes=settings.memory_mb << 20) as workspace,
        ThreadPoolExecutor(_THREADS, thread_name_prefix="duplicates") as threads,
    ):
        read = _ReadShards(job, Documents(workspace, Bands(settings.threshold)), ComparedPages(workspace))
        for file in find_decided(job, shards, read.documents):
            read.add_decided(file)
        read.documents.read_known = lambda numbers: read.iterate_signatures(threads, numbers)
        read.pages.read_known = lambda places: read.iterate_shingles(threads, places)
        new = shards[len(read.shards) :]
        for shard, found in zip(new, _map(threads, lambda shard: read_signed_documents(job, shard), new), strict=True):
            read.add(shard, found)
            show(0, {"done": read.documents.count - read.documents.known})
        left_out = find_duplicates(
            read.documents, exact=settings.exact, near=settings.near, compare_twins=read.compare_twins
        )
        left_out_pages = read.find_pages(left_out)
        _forget_stale(job, new)
        # before the commits, after which nothing would bring it back; it counts once all its shards are committed
        read.keep_decided(left_out)
        done = 0
        committed = _map(threads, lambda each: _commit(job, *each), read.iterate_new(left_out, left_out_pages))
        for number, documents in enumerate(committed, 1):
            done += documents
            show(number, {"done": done})


def _map(threads: ThreadPoolExecutor, function: Callable[[T], R], items: Iterable[T]) -> Iterator[R]:
    """The results in the order of the items, of which only a few are taken ahead."""
    waiting: deque[Future[R]] = deque()
    try:
        for item in items:
            waiting.append(threads.submit(function, item))
            if len(waiting) > 2 * _THREADS:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    finally:
        for future in waiting:
            future.cancel()


def _forget_stale(job: Job, shards: Sequence[int]) -> None:
    """Remove the records of shards that come after one that is not current: they may rest on it, and would pass for
    current if this build were killed once that one is committed."""
    stale = list(dropwhile(lambda shard: job.is_current(DEDUP, shard), shards))
    job.run.remove(*(name_record(DEDUP, shard) for shard in stale if job.run.read_record(DEDUP, shard) is not None))


class _ReadShards:
    """What was read of the shards: what decides, and what is written about a document that is left out."""

    def __init__(self, job: Job, documents: Documents, pages: ComparedPages) -> None:
        self.documents, self.pages = documents, pages
        self.shards: list[int] = []
        self._job, self._firsts, self._first_pages = job, [0], [0]
        self._decided: list[DecidedFile] = []
        workspace = documents.workspace
        self._indices, self._usable = workspace.column(np.int32), workspace.column(np.int32)
        """Of new documents alone."""
        self._uris = TextColumn(workspace)

    def add_decided(self, file: DecidedFile) -> None:
        """Add the shards that a file has, before any other."""
        documents, found = self.documents, []
        counts: list[npt.NDArray[np.int32]] = []
        for block in file.iterate_blocks(documents):
            left_out = np.flatnonzero(block.flags & KNOWN_LEFT_OUT)
            of_these = (block.near[left_out], block.favoured[left_out], block.similarity[left_out])
            found.append(LeftOut(left_out + documents.count, *of_these))
            documents.add_known(block.ids, block.flags, block.keys, block.word_keys)
            self.pages.add_known(block.pages)
            counts.append(block.pages.counts)
            self._uris.append(block.uris)
        documents.left_out = LeftOut(*(np.concatenate(each) for each in zip(documents.left_out, *found, strict=True)))
        self.shards += file.shards.numbers
        begin, first_page = self._firsts[-1], self._first_pages[-1]
        self._firsts += (begin + np.cumsum(file.shards.documents, dtype=np.int64)).tolist()
        ends = np.cumsum(np.concatenate(([0], *counts)), dtype=np.int64)
        self._first_pages += (first_page + ends[np.array(self._firsts[-len(file.shards.numbers) :]) - begin]).tolist()
        self._decided.append(file)

    def add(self, shard: int, found: SignedDocuments) -> None:
        self.documents.add(found.doc_ids, found.signatures, found.signed, found.scanned)
        self._indices.append(found.indices)
        self._usable.append(found.pages)
        words, answers, shingles = split_signatures(found.page_signatures)
        self.pages.add(PageHashes(found.page_counts, found.page_numbers, words, answers), shingles)
        self._first_pages.append(len(self.pages))
        self._uris.append(found.uris)
        self.shards.append(shard)
        self._firsts.append(self.documents.count)

    @property
    def _new(self) -> int:
        """The place of the first shard that is not decided about."""
        return sum(len(file.shards.numbers) for file in self._decided)

    def find_pages(self, left_out: LeftOut) -> LeftOutPages:
        """The pages to leave out of the new documents that stay."""
        settings = self._job.config.dedup
        if not settings.pages or not (settings.exact or settings.near):
            return NO_PAGES
        gone = self.documents.workspace.array(self.documents.count, np.bool_)
        gone[self.documents.left_out.numbers] = True
        gone[left_out.numbers] = True
        return find_duplicate_pages(self.pages, gone, near=settings.near, threshold=settings.threshold)

    def iterate_new(
        self, left_out: LeftOut, left_out_pages: LeftOutPages
    ) -> Iterator[tuple[int, Ledger, list[dict[str, Any]]]]:
        """Each new shard with its ledger, and the rows of the documents and pages that are left out."""
        for place in range(self._new, len(self.shards)):
            first, end = self._firsts[place : place + 2]
            inside = slice(*np.searchsorted(left_out.numbers, (first, end)).tolist())
            own = left_out.select(inside)
            reasons = ["near_duplicate" if near else "duplicate" for near in own.near.tolist()]
            inside = slice(*np.searchsorted(left_out_pages.documents, (first, end)).tolist())
            own_pages = left_out_pages.select(inside)
            ledger = self._count(first, end, own.numbers, reasons, pages=len(own_pages.numbers))
            rows = [*self._make_rows(own, reasons), *self._make_page_rows(own_pages)]
            yield self.shards[place], ledger, sorted(rows, key=lambda row: row["index"])

    def keep_decided(self, left_out: LeftOut) -> None:
        """Keep what was decided about the new shards, and remove what does not count any more."""
        names, chain = [file.name for file in self._decided], begin_chain(self._job)
        for file in self._decided:
            chain = extend_chain(chain, file.shards)
        place = self._new
        while place < len(self.shards):
            first = self._firsts[place]
            end = max(place + 1, bisect_right(self._firsts, first + DOCUMENTS_IN_A_FILE) - 1)
            numbers = tuple(self.shards[place:end])
            parts = tuple(self._job.record(EXTRACT, shard).sha256 for shard in numbers)
            shards = Shards(numbers, parts, tuple(np.diff(self._firsts[place : end + 1]).tolist()))
            names.append(
                write_decided(
                    self._job,
                    self.documents,
                    self.pages,
                    self._uris,
                    left_out,
                    shards,
                    first=first,
                    after=chain,
                )
            )
            chain, place = extend_chain(chain, shards), end
        remove_others(self._job, names)

    def iterate_signatures(
        self, threads: ThreadPoolExecutor, numbers: Numbers
    ) -> Iterator[tuple[Numbers, npt.NDArray[np.uint32]]]:
        """Signatures of documents that are decided about, by their numbers, ascending, from their shards."""
        wanted = list(self._divide(numbers, self._firsts))
        read = _map(threads, lambda each: read_signed_documents(self._job, each[0]).signatures, wanted)
        for (_, first, own), signatures in zip(wanted, read, strict=True):
            yield own, signatures[own - first]

    def iterate_shingles(self, threads: ThreadPoolExecutor, places: Numbers) -> Iterator[tuple[Numbers, Shingles]]:
        """The same of pages of documents that are decided about, by their places."""
        wanted = list(self._divide(places, self._first_pages))
        read = _map(threads, lambda each: read_signed_documents(self._job, each[0]).page_signatures, wanted)
        for (_, first, own), signatures in zip(wanted, read, strict=True):
            yield own, split_signatures(signatures[own - first])[2]

    def _divide(self, numbers: Numbers, firsts: Sequence[int]) -> Iterator[tuple[int, int, Numbers]]:
        """Each shard that has any of the numbers, the first that it has of all, and those that it has."""
        bounds = np.searchsorted(numbers, firsts).tolist()
        for place, shard in enumerate(self.shards):
            if bounds[place] < bounds[place + 1]:
                yield shard, firsts[place], numbers[bounds[place] : bounds[place + 1]]

    def compare_twins(self, scans: Numbers, others: Numbers) -> Twins:
        """Those of the pairs that are twins, by their words, which are read again, shard by shard, and kept on disk."""
        wanted = np.unique(np.concatenate((scans, others)))
        bags = _WordBags(self.documents.workspace, wanted)
        for shard, first, own in self._divide(wanted, self._firsts):
            places = set((own - first).tolist())
            for place, pages in enumerate(_iterate_pages(self._job, shard)):
                if place in places:
                    bags.add(make_bag(_iterate_words(pages)))
        return find_twins(scans, others, bags.read, threshold=self._job.config.dedup.threshold)

    def _count(self, first: int, end: int, left_out: Numbers, reasons: Sequence[str], *, pages: int) -> Ledger:
        ledger = Ledger(PIPELINE[DEDUP].units)
        known = self.documents.known
        usable = self._usable.read(first - known, end - known)
        dropped = usable[left_out - first].tolist()
        ledger.enter("documents", end - first)
        ledger.keep("documents", end - first - len(left_out))
        ledger.enter("pages", int(usable.sum()))
        ledger.keep("pages", int(usable.sum()) - sum(dropped) - pages)
        for reason, count in zip(reasons, dropped, strict=True):
            ledger.drop("documents", reason)
            ledger.drop("pages", reason, count)
        if pages:
            ledger.drop("pages", DUPLICATE_PAGE, pages)
        return ledger

    def _make_rows(self, left_out: LeftOut, reasons: Sequence[str]) -> Iterator[dict[str, Any]]:
        favoured, places = np.unique(left_out.favoured, return_inverse=True)
        others = self._identify(favoured)
        index = self._indices.take(left_out.numbers - self.documents.known).tolist()
        similarity = left_out.similarity.tolist()
        for row, (doc_id, uri) in enumerate(self._identify(left_out.numbers)):
            other_id, other_uri = others[places[row]]
            yield {
                **{"index": index[row], "doc_id": doc_id, "source_uri": uri, "reason": reasons[row]},
                **{"favoured_doc_id": other_id, "favoured_source_uri": other_uri, "similarity": similarity[row]},
            }

    def _make_page_rows(self, left_out: LeftOutPages) -> Iterator[dict[str, Any]]:
        """Those of pages, in their order; the documents that have them stay."""
        both = np.concatenate((left_out.documents, left_out.favoured_documents))
        numbers, places = np.unique(both, return_inverse=True)
        names = self._identify(numbers)
        own, others = np.split(places, 2)
        new = np.unique(left_out.documents)
        index = self._indices.take(new - self.documents.known)[np.searchsorted(new, left_out.documents)].tolist()
        pages, favoured = left_out.numbers.tolist(), left_out.favoured_numbers.tolist()
        for row, similarity in enumerate(left_out.similarity.tolist()):
            doc_id, uri = names[own[row]]
            other_id, other_uri = names[others[row]]
            yield {
                **{"index": index[row], "doc_id": doc_id, "source_uri": uri, "reason": DUPLICATE_PAGE},
                **{"favoured_doc_id": other_id, "favoured_source_uri": other_uri, "similarity": similarity},
                **{"page_number": pages[row], "favoured_page_number": favoured[row]},
            }

    def _identify(self, numbers: Numbers) -> list[tuple[str, str]]:
        ids = [doc_id.decode() for doc_id in self.documents.ids.take(numbers).tolist()]
        return list(zip(ids, self._uris.take(numbers), strict=True))


def _commit(job: Job, shard: int, ledger: Ledger, rows: Sequence[Mapping[str, Any]]) -> int:
    with job.committing(DEDUP, shard, ledger=ledger) as writer:
        for row in rows:
            writer.add(row)
    return ledger.accounts["documents"].entered


# --- twins of scans ---------------------------------------------------------------------------------------------------


class _WordBags:
    """The words of documents, by their numbers, on disk."""

    def __init__(self, workspace: Workspace, numbers: Numbers) -> None:
        self._numbers, self._words = numbers, workspace.column(np.uint32)
        self._bounds: list[tuple[int, int, int]] = []

    def add(self, bag: WordBag) -> None:
        """Add that of the next of the documents."""
        begin = len(self._words)
        self._words.append(bag.words)
        self._words.append(bag.sure)
        self._bounds.append((begin, begin + len(bag.words), len(self._words)))

    def read(self, number: int) -> WordBag:
        begin, middle, end = self._bounds[int(np.searchsorted(self._numbers, number))]
        words = self._words.read(begin, end)
        return WordBag(words[: middle - begin], words[middle - begin :])


def _iterate_pages(job: Job, shard: int) -> Iterator[Iterator[Mapping[str, Any]]]:
    """The pages of each readable document of a shard."""
    rows = job.run.iterate_rows(EXTRACT, shard, columns=["index", "reason", *_WORDS])
    return (pages for first, pages in group_documents(rows) if first["reason"] is None)


def _iterate_words(pages: Iterable[Mapping[str, Any]]) -> Iterator[tuple[str, float | None]]:
    for page in pages:
        if page["reason"] is None:
            texts = page["word_texts"]
            yield from zip(texts, page["word_confidences"] or [None] * len(texts), strict=True)
