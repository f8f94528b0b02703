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
from docmatix.text.minhash import SHINGLE_NUMBERS, WORD_NUMBERS, Duplicate, choose_duplicates
from docmatix.text.twins import WordBag, find_candidates, find_twins, make_bag

_COLUMNS = [
    *("index", "doc_id", "source_uri", "reason", "signature"),
    *(f"pages.list.element.{name}" for name in ("reason", "text_from", "ocr_confidence")),
]
_WORDS = [f"pages.list.element.{name}" for name in ("reason", "word_texts", "word_confidences")]


# receives the number of committed shards, and figures: `done` is the number of documents read
Show = Callable[[int, Mapping[str, float]], object]


def dedup_documents(job: Job, *, show: Show = lambda shards, figures: None) -> None:
    """Commit the documents to leave out, shard by shard; `show` is called after each shard read and each committed."""
    settings = job.config.dedup
    shards = job.run.shards(EXTRACT)
    doc_ids, signatures, signed, scanned = _read_signatures(job, shards, show=show)
    duplicates = choose_duplicates(
        doc_ids,
        signatures,
        signed,
        exact=settings.exact,
        near=settings.near,
        threshold=settings.threshold,
        twins=_find_twins(job, shards, signed, scanned) if settings.near and scanned.any() else None,
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
) -> tuple[npt.NDArray[np.bytes_], npt.NDArray[np.uint32], npt.NDArray[np.bool_], npt.NDArray[np.bool_]]:
    """Of all readable documents, in plan order: their ids, their signatures, which of them have one, and of which OCR
    has read any usable page."""
    count = sum(_count_documents(job, shard) for shard in shards)
    doc_ids = np.zeros(count, dtype="S32")
    signatures = np.zeros((count, SHINGLE_NUMBERS), dtype=np.uint32)
    signed, scanned = np.zeros(count, dtype=np.bool_), np.zeros(count, dtype=np.bool_)
    number = 0
    for shard in shards:
        for row in _read_documents(job, shard):
            doc_ids[number] = row["doc_id"].encode()
            if row["signature"] is not None:
                signatures[number], signed[number] = row["signature"][:SHINGLE_NUMBERS], True
            scanned[number] = any(map(_has_ocr, row["pages"]))
            number += 1
        show(0, {"done": number})
    return doc_ids, signatures, signed, scanned


def _has_ocr(page: Mapping[str, Any]) -> bool:
    """Whether OCR has read words of a usable page; never in runs of earlier versions."""
    read = page.get("text_from") == "ocr" or page.get("ocr_confidence") is not None
    return read and page["reason"] is None


def _find_twins(
    job: Job, shards: Sequence[int], signed: npt.NDArray[np.bool_], scanned: npt.NDArray[np.bool_]
) -> dict[int, list[tuple[int, float]]]:
    """The twins of scans. Takes 256 bytes a document, and 8 a word of those compared, which are read again."""
    words = np.zeros((len(signed), WORD_NUMBERS), dtype=np.uint32)
    number = 0
    for shard in shards:
        for row in _read_documents(job, shard, columns=["reason", "signature"]):
            if row["signature"] is not None:
                words[number] = row["signature"][SHINGLE_NUMBERS:]
            number += 1
    candidates = find_candidates(words, signed, scanned)
    wanted = {number for pair in candidates for number in pair}
    bags: dict[int, WordBag] = {}
    number = 0
    for shard in shards if wanted else ():
        rows = _count_documents(job, shard)
        if wanted.intersection(range(number, number + rows)):
            for place, row in enumerate(_read_documents(job, shard, columns=["reason", *_WORDS]), number):
                if place in wanted:
                    bags[place] = make_bag(_iterate_words(row["pages"]))
        number += rows
    return find_twins(candidates, bags, threshold=job.config.dedup.threshold)


def _iterate_words(pages: Sequence[Mapping[str, Any]]) -> Iterator[tuple[str, float | None]]:
    for page in pages:
        if page["reason"] is None:
            texts = page["word_texts"]
            yield from zip(texts, page["word_confidences"] or [None] * len(texts), strict=True)


def _count_documents(job: Job, shard: int) -> int:
    """How many of a shard's documents `extract` could read."""
    return Ledger.from_json(job.record(EXTRACT, shard).ledger).accounts["documents"].kept


def _read_documents(job: Job, shard: int, *, columns: Sequence[str] = _COLUMNS) -> Iterator[dict[str, Any]]:
    """A shard's documents that `extract` could read, in order."""
    return (row for row in job.run.iterate_rows(EXTRACT, shard, columns=list(columns)) if row["reason"] is None)


def _find_favoured(job: Job, shards: Sequence[int], numbers: set[int]) -> dict[int, dict[str, Any]]:
    found: dict[int, dict[str, Any]] = {}
    number = 0
    for shard in shards if numbers else ():
        for row in _read_documents(job, shard):
            if number in numbers:
                found[number] = {"doc_id": row["doc_id"], "source_uri": row["source_uri"]}
            number += 1
    return found
