"""Parquet files of an export, near a target size, with row groups that a reader can hold."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pyarrow as pa

from docmatix.storage.parquet import ShardWriter
from docmatix.storage.store import Store

FILE_BYTES = 400 << 20
ROW_GROUP_BYTES = 64 << 20


def write_rows(rows: Iterable[tuple[dict[str, Any], int]], folder: Path, *, schema: pa.Schema, split: str) -> None:
    """Write rows, each with its size in bytes, to `folder/data/SPLIT-00000.parquet` and so on.

    There is at least one file, so that an empty split can be loaded too.
    """
    store = Store(folder)
    rest = iter(rows)
    number, row = 0, next(rest, None)
    while row is not None or number == 0:
        with contextlib.ExitStack() as stack:
            pending = stack.enter_context(store.writing("data"))
            writer = ShardWriter(pending, schema, row_group_bytes=ROW_GROUP_BYTES, for_images=True)
            written = 0
            while row is not None and (not written or written + row[1] <= FILE_BYTES):
                writer.add(row[0], size=row[1])
                written += row[1] or 1
                row = next(rest, None)
            writer.close()
            pending.publish(f"data/{split}-{number:05d}.parquet")
        number += 1
