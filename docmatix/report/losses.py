"""What was left out before there was a pair to judge: documents, pages, windows and requests, with some examples."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from docmatix.displays import describe_pages
from docmatix.draws import Smallest
from docmatix.pipeline import CURATE, DEDUP, EXTRACT, GENERATE, VERIFY
from docmatix.report.gallery import clip_text
from docmatix.stages.job import Job

EXAMPLES = 5
"""Shown for each reason."""

_UNITS = {"documents": "document", "pages": "page", "windows": "window", "requests": "request", "pairs": "pair"}


@dataclass(frozen=True, slots=True)
class Example:
    """One item that was left out: what it is, and what is known of why."""

    what: str
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Lost:
    """So many `unit`s that a stage dropped for a reason, with a few of them."""

    stage: str
    unit: str
    reason: str
    count: int
    examples: tuple[Example, ...] = ()


@dataclass(frozen=True, slots=True)
class _Found:
    stage: str
    unit: str
    reason: str
    example: Example
    shard: int = 0
    index: int | None = None
    """Of the document in its shard, where its name is still to be looked up."""


def gather_losses(job: Job, *, seed: int) -> list[Lost]:
    """Every reason of every stage but `curate`, whose pairs are in the gallery; the counts are the ledger's."""
    drawn: dict[tuple[str, str, str], Smallest[_Found]] = {}
    for found in _iterate_found(job):
        key = (found.stage, found.unit, found.reason)
        drawn.setdefault(key, Smallest(EXAMPLES, seed=seed)).add(f"{found.shard}/{found.example}", found)
    chosen = {key: each.items() for key, each in drawn.items()}
    names = _look_up_names(job, [found for each in chosen.values() for found in each])
    lost = []
    for stage in job.stages:
        if stage == CURATE:
            continue
        for unit, account in job.run.ledger(stage).accounts.items():
            for reason, count in account.dropped.most_common():
                examples = tuple(_name(found, names) for found in chosen.get((stage, unit, reason), ()))
                lost.append(Lost(stage, _UNITS.get(unit, unit), reason, count, examples))
    return lost


def _iterate_found(job: Job) -> Iterator[_Found]:
    yield from _read_extract(job)
    for shard in _losing_shards(job, DEDUP):
        for row in job.run.iterate_rows(DEDUP, shard):
            favour = f"in favour of {row['favoured_source_uri']} (similarity {row['similarity']:.2f})"
            yield _Found(DEDUP, "documents", row["reason"], _example(row["source_uri"], favour), shard)
    columns = ["index", "sample_id", "page_numbers", "prompt", "request_id", "reason", "detail", "malformed"]
    for shard in _losing_shards(job, GENERATE):
        for row in job.run.iterate_rows(GENERATE, shard, columns=columns):
            pages = describe_pages(row["page_numbers"]) or "no page"
            unit = "requests" if row["request_id"] else "windows"
            about = f"{row['prompt']}: {row['detail']}" if row["prompt"] and row["detail"] else row["detail"]
            if row["reason"]:
                example = _example(pages, about or row["prompt"] or "")
                yield _Found(GENERATE, unit, row["reason"], example, shard, row["index"])
            for malformed in row["malformed"] or ():
                asked = f"{row['prompt']}, reply to request {row['request_id']}"
                yield _Found(GENERATE, "pairs", malformed, _example(pages, asked), shard, row["index"])
    for shard in _losing_shards(job, VERIFY):
        for row in job.run.iterate_rows(VERIFY, shard, columns=["pair_id", "request_id", "reason", "detail"]):
            if row["reason"]:
                for unit in ("pairs", "requests"):
                    yield _Found(VERIFY, unit, row["reason"], _example(row["pair_id"], row["detail"] or ""), shard)


def _read_extract(job: Job) -> Iterator[_Found]:
    columns = ["source_uri", "reason", "detail", "pages.list.element.number", "pages.list.element.reason"]
    for shard in _losing_shards(job, EXTRACT):
        for row in job.run.iterate_rows(EXTRACT, shard, columns=columns):
            if row["reason"]:
                example = _example(row["source_uri"], row["detail"] or "")
                yield _Found(EXTRACT, "documents", row["reason"], example, shard)
            for page in row["pages"] or ():
                if page["reason"]:
                    example = _example(f"{row['source_uri']}, page {page['number']}")
                    yield _Found(EXTRACT, "pages", page["reason"], example, shard)


def _losing_shards(job: Job, stage: str) -> Iterator[int]:
    """Shards of a stage that dropped anything at all: the others need not be opened."""
    if stage in job.stages:
        for shard, record in job.run.records(stage):
            if any(line["dropped"] for line in record.ledger):
                yield shard


def _look_up_names(job: Job, found: list[_Found]) -> dict[tuple[int, int], str]:
    wanted = {(each.shard, each.index) for each in found if each.index is not None}
    names = {}
    for shard in sorted({shard for shard, _ in wanted}):
        for row in job.run.iterate_rows(EXTRACT, shard, columns=["index", "source_uri"]):
            if (shard, row["index"]) in wanted:
                names[shard, row["index"]] = row["source_uri"]
    return names


def _name(found: _Found, names: dict[tuple[int, int], str]) -> Example:
    if found.index is None:
        return found.example
    source = names.get((found.shard, found.index), "")
    return Example(clip_text(f"{source}, {found.example.what}", 300), found.example.detail)


def _example(what: str, detail: str = "") -> Example:
    return Example(clip_text(what, 300), clip_text(detail, 300))
