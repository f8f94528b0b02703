"""Shards of a run, written and read back."""

from __future__ import annotations

import os
from typing import Any

import pyarrow as pa

from docmatix.core.ledger import Ledger
from docmatix.storage.records import Record, committing
from docmatix.storage.run import Run
from docmatix.storage.store import Store

ASIDE = f".{'a' * 32}.tmp"
SCHEMA = pa.schema([("name", pa.string()), ("payload", pa.binary())])


def commit(run: Run, stage: str, shard: int, *names: str, extra: dict[str, Any] | None = None) -> Record:
    ledger = Ledger()
    ledger.enter("documents", len(names))
    ledger.keep("documents", len(names))
    with committing(run, stage, shard, schema=SCHEMA, fingerprint="f", ledger=ledger, inputs=["i"], extra=extra) as w:
        for name in names:
            w.add({"name": name, "payload": b""})
    record = run.read_record(stage, shard)
    assert record is not None
    return record


def read_names(run: Run, stage: str, shard: int) -> list[str]:
    return [row["name"] for row in run.iterate_rows(stage, shard)]


def list_files(store: Store) -> list[str]:
    """Every file of a store, relative to it."""
    found = store.fs.find(store.root)
    return sorted(os.path.relpath(path, store.root) for path in found)
