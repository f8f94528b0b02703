"""What was dropped before there was a pair: documents, pages, windows and requests, with examples."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar, Literal

from docmatix.core.draws import Smallest
from docmatix.pipeline import CURATE, DEDUP, EXTRACT, GENERATE
from docmatix.report.gallery import clip_text
from docmatix.report.markup import fill_file
from docmatix.report.part import ReportContext, ReportPart
from docmatix.review.displays import describe_pages
from docmatix.review.dropped_items import DroppedItem, describe_favoured, iterate_dropped
from docmatix.stages.support.job import Job

EXAMPLES = 5
"""Shown for each reason."""

_UNITS = {"documents": "document", "pages": "page", "windows": "window", "requests": "request", "pairs": "pair"}


@dataclass(frozen=True, slots=True)
class Example:
    """A dropped item, and what is known of why."""

    what: str
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Lost:
    """How many of a `unit` a stage dropped for a reason, with examples."""

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
    """Of the document in its shard, if its name must still be looked up."""


class LossesPart(ReportPart):
    """Every reason of every stage but `curate`, with a few examples."""

    kind: Literal["losses"] = "losses"
    title: ClassVar[str] = "Left out before there was a pair"
    link: ClassVar[str] = "Left out"

    def render(self, context: ReportContext) -> str:
        return fill_file("losses.html", found=gather_losses(context.job, seed=context.seed))


def gather_losses(job: Job, *, seed: int) -> list[Lost]:
    """The losses of every stage but `curate`, whose pairs are in the gallery; counts come from the ledgers."""
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
    for item in iterate_dropped(job):
        row, index = item.row, None
        if item.stage == EXTRACT:
            page = "" if item.page is None else f", page {item.page}"
            example = _example(f"{row['source_uri']}{page}", "" if page else row["detail"] or "")
        elif item.stage == DEDUP:
            page = "" if item.page is None else f", page {item.page}"
            example = _example(f"{row['source_uri']}{page}", describe_favoured(row))
        elif item.stage == GENERATE:
            index = row["index"]
            example = _example(describe_pages(row["page_numbers"]) or "no page", _describe_request(item))
        else:
            example = _example(row["pair_id"], row["detail"] or "")
        for unit in item.units:
            yield _Found(item.stage, unit, item.reason, example, item.shard, index)


def _describe_request(item: DroppedItem) -> str:
    prompt, detail = item.row["prompt"], item.row["detail"]
    if item.units == ("pairs",):
        return f"{prompt}, reply to request {item.row['request_id']}"
    return f"{prompt}: {detail}" if prompt and detail else detail or prompt or ""


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
