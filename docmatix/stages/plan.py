"""plan: list the source and divide it into shards of locators, without reading any document.

New documents are appended as new shards, so that everything made from planned shards stays valid. Recognising the new
ones takes 8 bytes of memory for each planned document.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict
from itertools import count, islice

import numpy as np
import numpy.typing as npt

from docmatix.core.ledger import Ledger
from docmatix.core.redaction import hide_in_url
from docmatix.pipeline import PIPELINE, PLAN
from docmatix.sources.locators import Locator
from docmatix.stages.support.job import Job
from docmatix.storage.records import Record


def plan_shards(
    job: Job,
    listing: Iterable[Locator],
    *,
    limit: int | None = None,
    on_shard: Callable[[int], object] = lambda shards: None,
) -> int:
    """Append a shard for every `plan.documents_per_shard` new locators, up to `limit` documents in the whole plan.

    Returns the number of shards appended, and calls `on_shard` with it after each.
    """
    known, taken = _read_known(job)
    # a lost record leaves a gap: numbering from the count of records would overwrite an existing shard
    free = (number for number in count() if number not in taken)
    left = None if limit is None else max(0, limit - len(known))
    new = (locator for locator in listing if not _contains(known, _key(locator)))
    appended = 0
    for chunk in _chunk(islice(new, left), job.config.plan.documents_per_shard):
        ledger = Ledger(PIPELINE[PLAN].units)
        ledger.enter("documents", len(chunk))
        ledger.keep("documents", len(chunk))
        with job.committing(PLAN, next(free), ledger=ledger) as writer:
            for locator in chunk:
                writer.add(asdict(locator) | {"address": hide_in_url(locator.address)})
        appended += 1
        on_shard(appended)
    return appended


def _read_known(job: Job) -> tuple[npt.NDArray[np.uint64], set[int]]:
    """The keys of the planned documents, ascending, and the numbers of the shards."""
    records: list[tuple[int, Record]] = list(job.run.records(PLAN))
    keys = np.empty(sum(record.rows for _, record in records), dtype=np.uint64)
    at = 0
    for shard, _ in records:
        for row in job.run.iterate_rows(PLAN, shard):
            keys[at] = _key(Locator(**row))
            at += 1
    keys.sort()
    return keys, {shard for shard, _ in records}


def _contains(known: npt.NDArray[np.uint64], key: int) -> bool:
    at = int(np.searchsorted(known, np.uint64(key)))
    return at < len(known) and int(known[at]) == key


def _key(locator: Locator) -> int:
    place = f"{hide_in_url(locator.address)}\n{locator.member}\n{locator.offset}\n{locator.row}\n{locator.problem}"
    return int.from_bytes(hashlib.blake2b(place.encode(), digest_size=8).digest())


def _chunk(items: Iterator[Locator], size: int) -> Iterator[list[Locator]]:
    while chunk := list(islice(items, size)):
        yield chunk
