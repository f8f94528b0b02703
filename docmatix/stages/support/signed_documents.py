"""What `dedup` reads of the documents of a shard of `extract`, as columns."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from docmatix.pipeline import EXTRACT
from docmatix.stages.support.job import Job
from docmatix.text.minhash import SIGNATURE_LENGTH
from docmatix.text.page_signatures import PAGE_SIGNATURE_BYTES

_COLUMNS = [
    *("index", "doc_id", "source_uri", "reason", "signature"),
    *(f"pages.list.element.{name}" for name in ("reason", "text_from", "ocr_confidence")),
]
_OF_PAGES = [f"pages.list.element.{name}" for name in ("number", "text_signature")]
_EMPTY = np.iinfo(np.uint32).max


class SignedDocuments(NamedTuple):
    """The documents that `extract` could read, in order."""

    indices: npt.NDArray[np.int32]
    doc_ids: npt.NDArray[np.bytes_]
    uris: list[str]
    pages: npt.NDArray[np.int32]
    """Usable ones."""
    signatures: npt.NDArray[np.uint32]
    signed: npt.NDArray[np.bool_]
    scanned: npt.NDArray[np.bool_]
    """Of which OCR has read any usable page."""
    page_counts: npt.NDArray[np.int32]
    """Of pages that can be compared."""
    page_numbers: npt.NDArray[np.int32]
    """Of all these pages."""
    page_signatures: npt.NDArray[np.uint8]


def read_signed_documents(job: Job, shard: int) -> SignedDocuments:
    """A shard's readable documents. Rows that follow each other with the same index are pages of one document. Without
    `dedup.pages` no page can be compared."""
    name = job.run.part_name(EXTRACT, job.record(EXTRACT, shard))
    columns = _COLUMNS + _OF_PAGES if job.config.dedup.pages else _COLUMNS
    read = [_read_batch(batch) for batch in job.run.iterate_batches(name, columns=columns)]
    if not read:
        return _read_batch(pa.RecordBatch.from_pylist([], schema=pa.schema([("index", pa.int32())])))
    index, doc_ids, *others = (
        np.concatenate(column) for column in zip(*(each[:2] + each[3:] for each in read), strict=True)
    )
    return _join_pages(SignedDocuments(index, doc_ids, [uri for each in read for uri in each.uris], *others))


def _read_batch(batch: pa.RecordBatch) -> SignedDocuments:
    batch = batch.filter(batch.column("reason").is_null()) if "reason" in batch.schema.names else batch
    if not len(batch):
        return SignedDocuments(
            *(np.empty(0, np.int32), np.empty(0, "S32"), [], np.empty(0, np.int32)),
            *(np.empty((0, SIGNATURE_LENGTH), np.uint32), np.empty(0, np.bool_), np.empty(0, np.bool_)),
            *(np.empty(0, np.int32), np.empty(0, np.int32), np.empty((0, PAGE_SIGNATURE_BYTES), np.uint8)),
        )
    signatures, signed = _read_signatures(batch.column("signature"))
    pages = batch.column("pages")
    sizes = np.asarray(pages.value_lengths().fill_null(0), dtype=np.int64)
    each = pages.flatten()
    usable = np.asarray(each.field("reason").is_null())
    names = {field.name for field in each.type}
    # pages of earlier versions tell neither, and were never read by OCR
    read = np.zeros(len(each), dtype=np.bool_)
    if "text_from" in names:
        read |= np.asarray(pa.compute.equal(each.field("text_from"), "ocr").fill_null(False))
    if "ocr_confidence" in names:
        read |= np.asarray(each.field("ocr_confidence").is_valid())
    compared, numbers, page_signatures = _read_pages(each, usable)
    return SignedDocuments(
        np.asarray(batch.column("index"), dtype=np.int32),
        np.array(batch.column("doc_id").to_pylist(), dtype="S32"),
        batch.column("source_uri").to_pylist(),
        _sum(usable, sizes).astype(np.int32),
        signatures,
        signed,
        _sum(usable & read, sizes) > 0,
        _sum(compared, sizes).astype(np.int32),
        numbers,
        page_signatures,
    )


def _read_pages(
    pages: Any, usable: npt.NDArray[np.bool_]
) -> tuple[npt.NDArray[np.bool_], npt.NDArray[np.int32], npt.NDArray[np.uint8]]:
    """Which pages can be compared, with their numbers and signatures."""
    found: list[bytes] = []
    compared, numbers = np.zeros(len(pages), dtype=np.bool_), np.empty(0, np.int32)
    # those of earlier versions have no signature
    if "text_signature" in {field.name for field in pages.type}:
        signatures = pages.field("text_signature")
        whole = pa.compute.equal(pa.compute.binary_length(signatures), PAGE_SIGNATURE_BYTES).fill_null(False)
        compared = usable & np.asarray(whole)
        numbers = np.asarray(pages.field("number"), dtype=np.int32)[compared]
        found = signatures.filter(pa.array(compared)).to_pylist()
    rows = np.frombuffer(b"".join(found), dtype=np.uint8).reshape(len(found), PAGE_SIGNATURE_BYTES)
    return compared, numbers, rows


def _read_signatures(column: Any) -> tuple[npt.NDArray[np.uint32], npt.NDArray[np.bool_]]:
    signed = np.asarray(column.is_valid())
    lengths = np.asarray(column.value_lengths().fill_null(0), dtype=np.int64)
    values = np.asarray(column.flatten(), dtype=np.uint32)
    signatures = np.zeros((len(column), SIGNATURE_LENGTH), dtype=np.uint32)
    if (lengths[signed] == SIGNATURE_LENGTH).all():
        signatures[signed] = values.reshape(-1, SIGNATURE_LENGTH)
        return signatures, signed
    ends = np.cumsum(lengths)
    for row in np.flatnonzero(signed).tolist():
        own = values[ends[row] - lengths[row] : ends[row]][:SIGNATURE_LENGTH]
        signatures[row] = _EMPTY
        signatures[row, : len(own)] = own
    return signatures, signed


def _sum(values: npt.NDArray[np.bool_], sizes: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """The sum of each of the lists of these sizes."""
    sums = np.concatenate(([0], np.cumsum(values)))
    ends = np.cumsum(sizes)
    summed: npt.NDArray[np.int64] = sums[ends] - sums[ends - sizes]
    return summed


def _join_pages(rows: SignedDocuments) -> SignedDocuments:
    follows = (
        np.concatenate(([False], rows.indices[1:] == rows.indices[:-1])) if len(rows.indices) else np.empty(0, np.bool_)
    )
    if not follows.any():
        return rows
    first = np.flatnonzero(~follows)
    # the signature is that of the first row that has one
    best = np.maximum.reduceat(np.where(rows.signed, len(follows) - np.arange(len(follows)), 0), first)
    chosen = np.where(best > 0, len(follows) - best, first)
    return SignedDocuments(
        rows.indices[first],
        rows.doc_ids[first],
        [rows.uris[row] for row in first.tolist()],
        np.add.reduceat(rows.pages, first).astype(np.int32),
        rows.signatures[chosen],
        rows.signed[chosen],
        np.logical_or.reduceat(rows.scanned, first),
        np.add.reduceat(rows.page_counts, first).astype(np.int32),
        rows.page_numbers,
        rows.page_signatures,
    )
