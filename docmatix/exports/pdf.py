"""`pdf`: the documents themselves with all of their pairs, one row a document: the published Docmatix's second shape.

    OUT/data/train-*.parquet    pdf: the file's bytes; texts: [{"user", "assistant", "source"}]; doc_id; source_uri

Needs a run, and the source as it was: a document that is gone or has changed is left out with all its pairs (`missing`,
`source_changed`, ...), and so is one too large for a row (`row_too_large`).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from itertools import groupby
from pathlib import Path
from typing import Any

import pyarrow as pa

from docmatix.core.documents import Refusal
from docmatix.exports.parquet import write_rows
from docmatix.pdf.reading import make_doc_id
from docmatix.pipeline import CURATE
from docmatix.sources.documents import read_documents
from docmatix.stages.plan import read_plan
from docmatix.stages.support.job import Job
from docmatix.storage.schemas import TEXTS, publish_schema

MAX_ROW_BYTES = 100 << 20
"""A reader holds a row group at once, and a row cannot be divided."""

SCHEMA = publish_schema([("pdf", pa.binary()), ("texts", TEXTS), ("doc_id", pa.string()), ("source_uri", pa.string())])


Key = tuple[str, tuple[int, int]]
"""A document: its id, and its shard and index, as a run that keeps duplicates has an id more than once."""


def list_keys(job: Job) -> Iterator[Key]:
    """Every document with kept pairs, once."""
    for shard in job.run.shards(CURATE):
        rows = job.run.iterate_rows(CURATE, shard, columns=["index", "doc_id", "reason"])
        kept = ((row["doc_id"], (shard, row["index"])) for row in rows if row["reason"] is None)
        yield from (key for key, _ in groupby(kept))


def write_documents(
    job: Job, folder: Path, *, split: str, chosen: Mapping[Key, str] | None = None
) -> tuple[int, int, Counter[str]]:
    """The documents of a run that have kept pairs; of `chosen` only those of `split`. Returns how many documents and
    pairs were written, and how many pairs were left out, by reason."""
    left_out: Counter[str] = Counter()
    documents = pairs = 0

    def list_rows() -> Iterator[tuple[dict[str, Any], int]]:
        nonlocal documents, pairs
        for shard in job.run.shards(CURATE):
            for row in _read_rows(job, shard, split=split, chosen=chosen, left_out=left_out):
                documents, pairs = documents + 1, pairs + len(row["texts"])
                yield row, len(row["pdf"])

    write_rows(list_rows(), folder, schema=SCHEMA, split=split)
    return documents, pairs, left_out


def _read_rows(
    job: Job, shard: int, *, split: str, chosen: Mapping[Key, str] | None, left_out: Counter[str]
) -> Iterator[dict[str, Any]]:
    def is_wanted(row: Mapping[str, Any]) -> bool:
        key = (row["doc_id"], (shard, row["index"]))
        return row["reason"] is None and (chosen is None or chosen.get(key) == split)

    columns = ["index", "doc_id", "source_uri", "question", "answer", "reason"]
    kept = [row for row in job.run.iterate_rows(CURATE, shard, columns=columns) if is_wanted(row)]
    documents = [list(rows) for _, rows in groupby(kept, key=lambda row: row["index"])]
    locators = read_plan(job, shard)
    bound = job.config.extract.max_file_mb << 20
    wanted = [locators[rows[0]["index"]] for rows in documents]
    sources = read_documents(wanted, source=job.config.source, max_file_bytes=bound)
    for rows, (_, source) in zip(documents, sources, strict=True):
        if isinstance(source, Refusal):
            left_out[source.reason] += len(rows)
        elif make_doc_id(source.pdf) != rows[0]["doc_id"]:
            left_out["source_changed"] += len(rows)
        elif len(source.pdf) > MAX_ROW_BYTES:
            left_out["row_too_large"] += len(rows)
        else:
            uri = rows[0]["source_uri"]
            texts = [{"user": row["question"], "assistant": row["answer"], "source": uri} for row in rows]
            yield {"pdf": source.pdf, "texts": texts, "doc_id": rows[0]["doc_id"], "source_uri": uri}
