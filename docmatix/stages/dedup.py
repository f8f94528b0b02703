"""dedup: decide from signatures which documents are left out, and in favour of which others.

The only stage that needs all documents together, so it runs in the driver, in a memory of `dedup.memory_mb`. It needs
no watchdog: it waits for nothing but files, for at most `limits.store_patience_s`.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import dropwhile, groupby
from operator import itemgetter
from typing import Any, TypeVar

import numpy as np

from docmatix.core.ledger import Ledger
from docmatix.pipeline import DEDUP, EXTRACT, PIPELINE
from docmatix.stages.support.duplicate_search import Documents, LeftOut, find_duplicates
from docmatix.stages.support.job import Job
from docmatix.stages.support.signed_documents import SignedDocuments, read_signed_documents
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
    """Commit the documents to leave out, shard by shard; `show` is called after each shard read and each committed."""
    settings = job.config.dedup
    shards = job.run.shards(EXTRACT)
    with (
        Workspace("docmatix-dedup", memory_bytes=settings.memory_mb << 20) as workspace,
        ThreadPoolExecutor(_THREADS, thread_name_prefix="dedup") as threads,
    ):
        read = _ReadShards(workspace, Bands(settings.threshold))
        for shard, found in zip(
            shards, _map(threads, lambda each: read_signed_documents(job, each), shards), strict=True
        ):
            read.add(shard, found)
            show(0, {"done": read.documents.count})
        left_out = find_duplicates(
            read.documents,
            exact=settings.exact,
            near=settings.near,
            compare_twins=lambda scans, others: _compare_twins(job, read, scans, others),
        )
        _forget_stale(job, shards)
        done = 0
        committed = _map(threads, lambda each: _commit(job, *each), read.iterate_shards(left_out))
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

    def __init__(self, workspace: Workspace, bands: Bands) -> None:
        self.documents = Documents(workspace, bands)
        self.shards: list[tuple[int, int]] = []
        """Each with the number of its first document."""
        self._indices, self._pages = workspace.column(np.int32), workspace.column(np.int32)
        self._uris = TextColumn(workspace)

    def add(self, shard: int, found: SignedDocuments) -> None:
        self.shards.append((shard, self.documents.count))
        self.documents.add(found.doc_ids, found.signatures, found.signed, found.scanned)
        self._indices.append(found.indices)
        self._pages.append(found.pages)
        self._uris.append(found.uris)

    def iterate_shards(self, left_out: LeftOut) -> Iterator[tuple[int, Ledger, list[dict[str, Any]]]]:
        """Each shard with its ledger, and the rows of the documents that are left out."""
        ends = [first for _, first in self.shards[1:]] + [self.documents.count]
        for (shard, first), end in zip(self.shards, ends, strict=True):
            inside = slice(*np.searchsorted(left_out.numbers, (first, end)).tolist())
            own = left_out.select(inside)
            reasons = ["near_duplicate" if near else "duplicate" for near in own.near.tolist()]
            yield shard, self._count(first, end, own.numbers, reasons), list(self._make_rows(own, reasons))

    def _count(self, first: int, end: int, left_out: Numbers, reasons: Sequence[str]) -> Ledger:
        ledger = Ledger(PIPELINE[DEDUP].units)
        pages = self._pages.read(first, end) if end > first else np.empty(0, np.int32)
        dropped = pages[left_out - first].tolist()
        ledger.enter("documents", end - first)
        ledger.keep("documents", end - first - len(left_out))
        ledger.enter("pages", int(pages.sum()))
        ledger.keep("pages", int(pages.sum()) - sum(dropped))
        for reason, count in zip(reasons, dropped, strict=True):
            ledger.drop("documents", reason)
            ledger.drop("pages", reason, count)
        return ledger

    def _make_rows(self, left_out: LeftOut, reasons: Sequence[str]) -> Iterator[dict[str, Any]]:
        favoured, places = np.unique(left_out.favoured, return_inverse=True)
        others = self._identify(favoured)
        index = self._indices.take(left_out.numbers).tolist()
        similarity = left_out.similarity.tolist()
        for row, (doc_id, uri) in enumerate(self._identify(left_out.numbers)):
            other_id, other_uri = others[places[row]]
            yield {
                **{"index": index[row], "doc_id": doc_id, "source_uri": uri, "reason": reasons[row]},
                **{"favoured_doc_id": other_id, "favoured_source_uri": other_uri, "similarity": similarity[row]},
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


def _compare_twins(job: Job, read: _ReadShards, scans: Numbers, others: Numbers) -> Twins:
    """Those of the pairs that are twins, by their words, which are read again, shard by shard, and kept on disk."""
    wanted = np.unique(np.concatenate((scans, others)))
    bags = _WordBags(read.documents.workspace, wanted)
    ends = [first for _, first in read.shards[1:]] + [read.documents.count]
    for (shard, first), end in zip(read.shards, ends, strict=True):
        inside = slice(*np.searchsorted(wanted, (first, end)).tolist())
        if inside.start < inside.stop:
            places = set((wanted[inside] - first).tolist())
            for place, pages in enumerate(_iterate_pages(job, shard)):
                if place in places:
                    bags.add(make_bag(_iterate_words(pages)))
    return find_twins(scans, others, bags.read, threshold=job.config.dedup.threshold)


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


def _iterate_pages(job: Job, shard: int) -> Iterator[list[Mapping[str, Any]]]:
    """The pages of each readable document of a shard; rows that follow each other with the same index are one."""
    rows = (row for row in job.run.iterate_rows(EXTRACT, shard, columns=["index", "reason", *_WORDS]))
    for _, own in groupby((row for row in rows if row["reason"] is None), key=itemgetter("index")):
        yield [page for row in own for page in row["pages"]]


def _iterate_words(pages: Iterable[Mapping[str, Any]]) -> Iterator[tuple[str, float | None]]:
    for page in pages:
        if page["reason"] is None:
            texts = page["word_texts"]
            yield from zip(texts, page["word_confidences"] or [None] * len(texts), strict=True)
