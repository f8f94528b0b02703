"""Reads what a run dropped before there was a pair to judge: documents, pages, windows, requests, replies, pairs.

Pairs that `curate` dropped are rows of its own table; see `docmatix.review.collection` and
`docmatix.publishing.dropped`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from docmatix.pipeline import DEDUP, EXTRACT, GENERATE, VERIFY
from docmatix.stages.support.job import Job
from docmatix.storage.run import RunDirectory


@dataclass(frozen=True, slots=True)
class DroppedItem:
    """One item that a stage dropped: the ledger's units it counts as, why, and the row that says so."""

    stage: str
    units: tuple[str, ...]
    reason: str
    shard: int
    row: Mapping[str, Any]
    page: int | None = None
    """Of a document that was kept, the page that was not."""


def iterate_dropped(job: Job, reason: str | None = None) -> Iterator[DroppedItem]:
    """What was dropped before `curate`, for one reason or any, stage by stage; shards without it are not read."""
    for stage, read in _READERS.items():
        if stage in job.stages:
            for shard in find_losing_shards(job, stage, reason):
                yield from (item for item in read(job.run, shard) if reason in (None, item.reason))


def find_losing_shards(job: Job, stage: str, reason: str | None = None) -> Iterator[int]:
    """Shards of a stage that dropped something for a reason, or for any, by their ledgers."""
    for shard, record in job.run.records(stage):
        reasons = {each for line in record.ledger for each in line["dropped"]}
        if reasons if reason is None else reason in reasons:
            yield shard


def describe_favoured(row: Mapping[str, Any]) -> str:
    """Which document `dedup` kept in place of one, and how alike they are."""
    return f"in favour of {row['favoured_source_uri']} (similarity {row['similarity']:.2f})"


def _read_extract(run: RunDirectory, shard: int) -> Iterator[DroppedItem]:
    columns = ["index", "doc_id", "source_uri", "reason", "detail"]
    columns += ["pages.list.element.number", "pages.list.element.reason"]
    for row in run.iterate_rows(EXTRACT, shard, columns=columns):
        if row["reason"]:
            yield DroppedItem(EXTRACT, ("documents",), row["reason"], shard, row)
        for page in row["pages"] or ():
            if page["reason"]:
                yield DroppedItem(EXTRACT, ("pages",), page["reason"], shard, row, page["number"])


def _read_dedup(run: RunDirectory, shard: int) -> Iterator[DroppedItem]:
    for row in run.iterate_rows(DEDUP, shard):
        yield DroppedItem(DEDUP, ("documents",), row["reason"], shard, row)


def _read_generate(run: RunDirectory, shard: int) -> Iterator[DroppedItem]:
    columns = ["index", "doc_id", "page_numbers", "prompt", "request_id", "reason", "detail", "malformed"]
    for row in run.iterate_rows(GENERATE, shard, columns=columns):
        if row["reason"]:
            unit = "requests" if row["request_id"] else "windows"
            yield DroppedItem(GENERATE, (unit,), row["reason"], shard, row)
        for malformed in row["malformed"] or ():
            yield DroppedItem(GENERATE, ("pairs",), malformed, shard, row)


def _read_verify(run: RunDirectory, shard: int) -> Iterator[DroppedItem]:
    for row in run.iterate_rows(VERIFY, shard, columns=["pair_id", "reason", "detail"]):
        if row["reason"]:
            yield DroppedItem(VERIFY, ("pairs", "requests"), row["reason"], shard, row)


_READERS: dict[str, Callable[[RunDirectory, int], Iterator[DroppedItem]]] = {
    EXTRACT: _read_extract,
    DEDUP: _read_dedup,
    GENERATE: _read_generate,
    VERIFY: _read_verify,
}
