"""Proves a run: checksums, rows, ledgers, ids, row groups, images, boxes. Reads everything, changes nothing."""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import pyarrow.parquet as pq

from docmatix.driver import check_chain, read_job
from docmatix.errors import LedgerError
from docmatix.ledger import Ledger
from docmatix.run_directory import Record, RunDirectory
from docmatix.schemas import DATASETS
from docmatix.stages.job import Job
from docmatix.stages.pack import divide_run

_VIEWER_LIMIT = 300_000_000
"""Bytes of a row group past which the Hub's viewer refuses to show it (dataset-viewer #1771)."""


def find_problems(run: RunDirectory) -> Iterator[str]:
    """Everything that is wrong with a run, one sentence each; nothing for a sound one."""
    job = read_job(run)
    for stage in job.stages:
        for shard, record in run.records(stage):
            yield from _check_part(run, stage, shard, record)
        ledger = run.ledger(stage)
        try:
            ledger.require_balance(stage)
            if ledger.accounts and stage != "plan":
                check_chain(job, stage, ledger)
        except LedgerError as error:
            yield str(error)
    for stage in job.stages[1:-1]:
        stale = [shard for shard in run.shards(stage) if not job.is_current(stage, shard)]
        if stale:
            yield f"{stage} has {len(stale)} shards made from other settings or inputs, the first is {stale[0]}."
    planned = set(run.shards("plan"))
    for stage in job.stages[1:-1]:
        if missing := planned - set(run.shards(stage)):
            yield f"{stage} lacks {len(missing)} of {len(planned)} shards, the first is {min(missing)}."
    yield from _check_dataset(job)


_ROWS = {
    "plan": ("documents", "kept"),
    "extract": ("documents", "entered"),
    "verify": ("pairs", "entered"),
    "curate": ("pairs", "entered"),
    "pack": ("rows", "kept"),
}
"""Which figure of a stage's ledger its rows must agree with."""


def _check_part(run: RunDirectory, stage: str, shard: int, record: Record) -> Iterator[str]:
    name = run.part_name(stage, record)
    if not run.exists(name):
        yield f"{name} is missing, though shard {shard} of {stage} is committed."
        return
    digest, size = hashlib.sha256(), 0
    with run.open(name) as stream:
        while block := stream.read(1 << 20):
            digest.update(block)
            size += len(block)
    if size != record.size or digest.hexdigest() != record.sha256:
        yield f"{name} is damaged: its content is not what was committed."
        return
    with run.open(name) as stream, pq.ParquetFile(stream) as parquet:
        if parquet.metadata.num_rows != record.rows:
            yield f"{name} has {parquet.metadata.num_rows} rows, {record.rows} were committed."
    counted = _ROWS.get(stage)
    if counted is not None:
        unit, side = counted
        account = Ledger.from_json(record.ledger).accounts[unit]
        if getattr(account, side) != record.rows:
            yield f"{name} has {record.rows} rows, but its ledger counts {getattr(account, side)} {unit}."
    for replies in record.extra.get("replies", ()):
        if not run.exists(f"{stage}/replies/{replies}"):
            yield f"{stage}/replies/{replies} is missing: stored replies are lost."


def _check_dataset(job: Job) -> Iterator[str]:
    run = job.run
    if len(run.shards("curate")) < len(run.shards("plan")) or not run.shards("plan"):
        return
    expected = {output.name.rsplit("/", 1)[1] for output in divide_run(job)}
    present = set(run.names("dataset/data"))
    for name in sorted(expected - present):
        yield f"dataset/data/{name} is missing."
    for name in sorted(present - expected):
        yield f"dataset/data/{name} belongs to no shard."
    for name in ("README.md", "stats.json"):
        if not run.exists(f"dataset/{name}"):
            yield f"dataset/{name} is missing: the build did not finish."
    identities: list[int] = []
    rows = 0
    for name in sorted(expected & present):
        try:
            for row in _read_rows(job, f"dataset/data/{name}"):
                rows += 1
                identities += [_hash_id(identity) for identity in _ids(row)]
                yield from (f"{name}: {problem}" for problem in check_row(row))
            yield from _check_row_groups(run, f"dataset/data/{name}")
        except Exception as error:
            yield f"dataset/data/{name} cannot be read: {error}"
    known = np.array(identities, dtype=np.uint64)
    if len(np.unique(known)) != len(known):
        yield "The dataset holds a sample or a pair twice."
    if run.exists("dataset/stats.json"):
        try:
            counted = json.loads(run.read("dataset/stats.json"))["rows"]
        except (ValueError, LookupError, TypeError) as error:
            yield f"dataset/stats.json cannot be read ({error}): run the build once more, which writes it."
        else:
            if counted != rows:
                yield "dataset/stats.json counts other rows than the dataset has."


def _read_rows(job: Job, name: str) -> Iterator[dict[str, Any]]:
    with job.run.open(name) as stream, pq.ParquetFile(stream) as parquet:
        if not parquet.schema_arrow.equals(DATASETS[job.config.pack.schema_]):
            raise ValueError("its schema is not the one that pack.schema names")
        for batch in parquet.iter_batches(batch_size=1, use_threads=False):
            yield from batch.to_pylist()


def _check_row_groups(run: RunDirectory, name: str) -> Iterator[str]:
    with run.open(name) as stream, pq.ParquetFile(stream) as parquet:
        for number in range(parquet.metadata.num_row_groups):
            size = parquet.metadata.row_group(number).total_byte_size
            if size > _VIEWER_LIMIT:
                yield f"{name}: row group {number} has {size >> 20} MB; the Hub's viewer would refuse it."
        if b"huggingface" not in (parquet.schema_arrow.metadata or {}):
            yield f"{name} lacks the `huggingface` metadata: its images would be read as bytes."


def check_row(row: Mapping[str, Any]) -> Iterator[str]:
    """What is wrong with one row of a dataset: images that do not open, texts or boxes out of place."""
    from PIL import Image

    identity = row.get("sample_id") or row["texts"][0]["source"]
    for image in row["images"]:
        try:
            with Image.open(io.BytesIO(image["bytes"])) as opened:
                opened.load()
        except Exception as error:
            yield f"an image of {identity} does not open: {error}"
    if not row["texts"] or any(not text["user"] or not text["assistant"] for text in row["texts"]):
        yield f"{identity} has an empty pair."
    if "annotations" not in row:
        return
    if len(row["annotations"]) != len(row["texts"]):
        yield f"{identity} has {len(row['texts'])} pairs and {len(row['annotations'])} annotations."
    if len(row["page_numbers"]) != len(row["images"]):
        yield f"{identity} has {len(row['images'])} images and {len(row['page_numbers'])} page numbers."
    for annotation in row["annotations"]:
        for evidence in annotation["evidence"] or ():
            if evidence["page"] not in row["page_numbers"]:
                yield f"the evidence of {annotation['pair_id']} is on page {evidence['page']}, outside its sample."
            for x0, y0, x1, y1 in evidence["boxes"]:
                if not (0 <= x0 <= x1 <= 1 and 0 <= y0 <= y1 <= 1):
                    yield f"an evidence box of {annotation['pair_id']} lies outside its page."


def _ids(row: Mapping[str, Any]) -> list[str]:
    if "sample_id" not in row:
        return []
    return [row["sample_id"], *(annotation["pair_id"] for annotation in row["annotations"])]


def _hash_id(identity: str) -> int:
    return int.from_bytes(hashlib.blake2b(identity.encode(), digest_size=8).digest())
