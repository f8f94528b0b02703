"""Checks runs, and changes them with files and records in agreement."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from docmatix.check.proof import find_problems
from docmatix.storage.parquet import ShardWriter
from docmatix.storage.records import Record
from docmatix.storage.run import Run
from docmatix.storage.schemas import DATASETS

DATA = "dataset/data/train-00000-of-00001.parquet"


def check(run: Run) -> str:
    return "\n".join(find_problems(run))


def flip(run: Run, name: str, *, at: int = 100) -> None:
    """Change one bit of a file."""
    path = Path(run.path(name))
    content = bytearray(path.read_bytes())
    content[at] ^= 1
    path.write_bytes(content)


def rewrite(run: Run, change: Callable[[list[dict[str, Any]]], list[dict[str, Any]]]) -> None:
    """Change the rows of the dataset, with file and record in agreement: only the rows themselves can tell."""
    rows = change(list(run.iterate_file(DATA)))
    with run.writing("dataset/data") as pending:
        writer = ShardWriter(pending, DATASETS["annotated"], for_images=True)
        for row in rows:
            writer.add(row)
        writer.close()
        pending.publish(DATA)
    record = run.read_record("pack", 0)
    assert record is not None
    content = run.read(DATA)
    sha256 = hashlib.sha256(content).hexdigest()
    run.write_record("pack", 0, replace(record, rows=len(rows), size=len(content), sha256=sha256))


def change_part(run: Run, stage: str, shard: int, schema: Any, change: Callable[[list[dict[str, Any]]], Any]) -> None:
    """Change the rows of a shard in place, with file and record in agreement."""
    record = run.read_record(stage, shard)
    assert record is not None
    rows = list(run.iterate_rows(stage, shard))
    rows = change(rows) or rows
    with run.writing(stage) as pending:
        writer = ShardWriter(pending, schema)
        for row in rows:
            writer.add(row)
        writer.close()
        name = f"part-{shard:05d}-{pending.sha256[:8]}.parquet"
        size, sha256 = pending.bytes, pending.sha256
        pending.publish(f"{stage}/{name}")
    run.remove(run.part_name(stage, record))
    run.write_record(stage, shard, replace(record, file=name, rows=len(rows), size=size, sha256=sha256))


def first_pair(rows: list[dict[str, Any]]) -> dict[str, Any]:
    pair: dict[str, Any] = next(row for row in rows if row["reason"] is None and row["evidence"])
    return pair


def first_sample(run: Run) -> str:
    sample_id: str = next(run.iterate_file(DATA))["sample_id"]
    return sample_id


def read_packed(run: Run, number: int) -> Record:
    record = run.read_record("pack", number)
    assert record is not None
    return record
