"""dedup: decide from signatures which documents are left out, and in favour of which others.

The only stage that needs all documents together, so it runs in the driver. It needs no watchdog: it waits for nothing
but files, for at most `limits.store_patience_s`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from docmatix.core.ledger import Ledger
from docmatix.pipeline import DEDUP, EXTRACT, PIPELINE
from docmatix.stages.support.job import Job
from docmatix.text.minhash import SIGNATURE_LENGTH, Duplicate, choose_duplicates

_COLUMNS = ["index", "doc_id", "source_uri", "reason", "signature", "pages.list.element.reason"]


# receives the number of committed shards, and figures: `done` is the number of documents read
Show = Callable[[int, Mapping[str, float]], object]


def dedup_documents(job: Job, *, show: Show = lambda shards, figures: None) -> None:
    """Commit the documents to leave out, shard by shard; `show` is called after each shard read and each committed."""
    settings = job.config.dedup
    shards = job.run.shards(EXTRACT)
    duplicates = choose_duplicates(
        *_read_signatures(job, shards, show=show),
        exact=settings.exact,
        near=settings.near,
        threshold=settings.threshold,
    )
    by_number = {duplicate.index: duplicate for duplicate in duplicates}
    favoured = _find_favoured(job, shards, {duplicate.in_favour_of for duplicate in duplicates})
    number = 0
    for committed, shard in enumerate(shards, 1):
        rows = list(_read_documents(job, shard))
        _commit(job, shard, rows, number, by_number, favoured)
        number += len(rows)
        show(committed, {"done": number})


def _commit(
    job: Job,
    shard: int,
    rows: Sequence[Mapping[str, Any]],
    first_number: int,
    duplicates: Mapping[int, Duplicate],
    favoured: Mapping[int, Mapping[str, Any]],
) -> None:
    ledger = Ledger(PIPELINE[DEDUP].units)
    with job.committing(DEDUP, shard, ledger=ledger) as writer:
        for number, row in enumerate(rows, first_number):
            pages = sum(page["reason"] is None for page in row["pages"])
            duplicate = duplicates.get(number)
            reason = duplicate.kind if duplicate else None
            ledger.enter("documents")
            ledger.settle("documents", reason)
            ledger.enter("pages", pages)
            ledger.settle("pages", reason, pages)
            if duplicate is not None:
                other = favoured[duplicate.in_favour_of]
                writer.add(
                    {
                        **{name: row[name] for name in ("index", "doc_id", "source_uri")},
                        "reason": reason,
                        "favoured_doc_id": other["doc_id"],
                        "favoured_source_uri": other["source_uri"],
                        "similarity": duplicate.similarity,
                    }
                )


def _read_signatures(
    job: Job, shards: Sequence[int], *, show: Show
) -> tuple[npt.NDArray[np.bytes_], npt.NDArray[np.uint32], npt.NDArray[np.bool_]]:
    """Of all readable documents, in plan order: their ids, their signatures, and which of them have one."""
    count = sum(Ledger.from_json(job.record(EXTRACT, shard).ledger).accounts["documents"].kept for shard in shards)
    doc_ids = np.zeros(count, dtype="S32")
    signatures = np.zeros((count, SIGNATURE_LENGTH), dtype=np.uint32)
    signed = np.zeros(count, dtype=np.bool_)
    number = 0
    for shard in shards:
        for row in _read_documents(job, shard):
            doc_ids[number] = row["doc_id"].encode()
            if row["signature"] is not None:
                signatures[number], signed[number] = row["signature"], True
            number += 1
        show(0, {"done": number})
    return doc_ids, signatures, signed


def _read_documents(job: Job, shard: int) -> Iterator[dict[str, Any]]:
    """A shard's documents that `extract` could read, in order."""
    return (row for row in job.run.iterate_rows(EXTRACT, shard, columns=_COLUMNS) if row["reason"] is None)


def _find_favoured(job: Job, shards: Sequence[int], numbers: set[int]) -> dict[int, dict[str, Any]]:
    found: dict[int, dict[str, Any]] = {}
    number = 0
    for shard in shards if numbers else ():
        for row in _read_documents(job, shard):
            if number in numbers:
                found[number] = {"doc_id": row["doc_id"], "source_uri": row["source_uri"]}
            number += 1
    return found
