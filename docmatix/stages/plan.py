"""plan: list the source and divide it into shards of locators, without reading any document.

New documents are appended as new shards, so that everything made from planned shards stays valid. Recognising the new
ones takes 8 bytes of memory for each planned document, and reading as many: their keys lie in a file beside the plan.
"""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from itertools import count, islice

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from docmatix.config import Plan
from docmatix.core.errors import BuildError
from docmatix.core.ledger import Ledger
from docmatix.core.redaction import hide_in_url
from docmatix.pipeline import PIPELINE, PLAN
from docmatix.sources.locators import Locator
from docmatix.stages.support.job import Job
from docmatix.storage.parquet import ShardWriter
from docmatix.storage.run_files import PLANNED_KEYS

FIRST_DOCUMENTS, MOST_DOCUMENTS = 2, 64
GROWTH = 16
"""A shard has at most this part of the documents before it, so that at the end no core waits long for the last one."""
ALONE_SHARE = 4
"""A document of more than this part of `plan.shard_mb` has a shard of its own."""

_READ_AT_ONCE = 16  # shards of a plan without keys: on an object store each is a request
_KEYS = pa.schema([("sha256", pa.string()), ("keys", pa.list_(pa.uint64())), ("seal", pa.string())])

Keys = npt.NDArray[np.uint64]


def plan_shards(
    job: Job,
    listing: Iterable[Locator],
    *,
    limit: int | None = None,
    on_shard: Callable[[int], object] = lambda shards: None,
) -> int:
    """Append shards of new locators (`divide_documents`), up to `limit` documents in the whole plan. The record's
    `extra` has the `bytes` of a shard's documents, as far as they are known.

    Returns the number of shards appended, and calls `on_shard` with it after each.
    """
    by_shard, all_kept = _read_keys(job)
    known = np.sort(np.concatenate([*by_shard.values(), np.empty(0, dtype=np.uint64)]))
    taken = set(job.run.shards(PLAN))
    # a lost record leaves a gap: numbering from the count of records would overwrite an existing shard
    free = (number for number in count() if number not in taken)
    left = None if limit is None else max(0, limit - len(known))
    new = (locator for locator in listing if not _contains(known, _key(locator)))
    appended = 0
    try:
        for chunk in divide_documents(islice(new, left), job.config.plan):
            ledger = Ledger(PIPELINE[PLAN].units)
            ledger.enter("documents", len(chunk))
            ledger.keep("documents", len(chunk))
            number, size = next(free), sum(locator.size or 0 for locator in chunk)
            with job.committing(PLAN, number, ledger=ledger, extra={"bytes": size}) as writer:
                for locator in chunk:
                    writer.add(asdict(locator) | {"address": hide_in_url(locator.address)})
            by_shard[job.record(PLAN, number).sha256] = np.fromiter(map(_key, chunk), dtype=np.uint64)
            appended += 1
            on_shard(appended)
    finally:
        if appended or not all_kept:
            _write_keys(job, by_shard)
    return appended


def divide_documents(documents: Iterable[Locator], plan: Plan) -> Iterator[list[Locator]]:
    """Documents as shards, in order: `plan.documents_per_shard` each, or by default few at first and more later; none
    of more than `plan.shard_mb` in all, and large ones alone."""
    most_bytes = plan.shard_mb << 20
    shard: list[Locator] = []
    size = before = 0
    for document in documents:
        adds = document.size or 0
        most = plan.documents_per_shard or min(MOST_DOCUMENTS, max(FIRST_DOCUMENTS, before // GROWTH))
        alone = adds * ALONE_SHARE > most_bytes
        if shard and (len(shard) >= most or alone or size + adds > most_bytes):
            yield shard
            before += len(shard)
            shard, size = [], 0
        shard.append(document)
        size += adds
        if alone:
            yield shard
            before += 1
            shard, size = [], 0
    if shard:
        yield shard


def _read_keys(job: Job) -> tuple[dict[str, Keys], bool]:
    """The keys of the planned documents, by the SHA-256 of their shard, and whether the file of keys has them all; of
    shards that it has not, they are read from the shard itself."""
    wanted = {record.sha256: shard for shard, record in job.run.records(PLAN)}
    found: dict[str, Keys] = {}
    with contextlib.suppress(BuildError):  # it is missing, or damaged
        for batch in job.run.iterate_batches(PLANNED_KEYS):
            for sha256, keys, seal in zip(*(batch.column(name) for name in _KEYS.names), strict=True):
                values = keys.values.to_numpy()
                if sha256.as_py() in wanted and seal.as_py() == _seal(sha256.as_py(), values):
                    found |= {sha256.as_py(): values}
    left = {sha256: shard for sha256, shard in wanted.items() if sha256 not in found}

    def read(shard: int) -> Keys:
        return np.fromiter((_key(Locator(**row)) for row in job.run.iterate_rows(PLAN, shard)), dtype=np.uint64)

    if left:  # all, in a run of an earlier version
        with ThreadPoolExecutor(_READ_AT_ONCE) as threads:
            found |= dict(zip(left, threads.map(read, left.values()), strict=True))
    return found, not left


def _write_keys(job: Job, by_shard: dict[str, Keys]) -> None:
    with job.run.writing(PLAN) as pending:
        writer = ShardWriter(pending, _KEYS)
        for sha256, keys in by_shard.items():
            row = {"sha256": sha256, "keys": keys, "seal": _seal(sha256, keys)}
            writer.add(row, size=keys.nbytes + len(sha256))
        writer.close()
        pending.publish(PLANNED_KEYS)


def _seal(sha256: str, keys: Keys) -> str:
    """A hash that shows a flipped bit: a key that is none would plan a document twice, or never."""
    return hashlib.blake2b(sha256.encode() + keys.tobytes(), digest_size=8).hexdigest()


def _contains(known: Keys, key: int) -> bool:
    at = int(np.searchsorted(known, np.uint64(key)))
    return at < len(known) and int(known[at]) == key


def _key(locator: Locator) -> int:
    place = f"{hide_in_url(locator.address)}\n{locator.member}\n{locator.offset}\n{locator.row}\n{locator.problem}"
    return int.from_bytes(hashlib.blake2b(place.encode(), digest_size=8).digest())
