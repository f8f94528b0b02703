"""Reads the files of a run once each, and finds row groups that a reader could not load."""

from __future__ import annotations

import contextlib
import hashlib
import tempfile
from collections.abc import Iterator
from typing import IO, NamedTuple

import pyarrow.parquet as pq

from docmatix.storage.run import Run

VIEWER_LIMIT = 300_000_000  # bytes; the Hub's viewer shows no larger row group (dataset-viewer #1771)
_LARGEST_GROUP = 120_000_000  # bytes of several rows; `pack.row_group_mb` is at most 100
REBUILD = "Rerun the build to rewrite it."


class Opened(NamedTuple):
    """A file that was read to its end, and a stream to read it again without asking the storage."""

    stream: IO[bytes]
    sha256: str
    size: int


@contextlib.contextmanager
def open_once(run: Run, name: str) -> Iterator[Opened]:
    """Read a file and keep it open; a remote one is copied to local disk, so that it is transferred once.

    Raises FileNotFoundError.
    """
    digest, size = hashlib.sha256(), 0
    with contextlib.ExitStack() as stack:
        stream = stack.enter_context(run.open(name))
        copy = None if run.local else stack.enter_context(tempfile.TemporaryFile())
        while block := stream.read(4 << 20):
            digest.update(block)
            size += len(block)
            if copy is not None:
                copy.write(block)
        held = copy or stream
        held.seek(0)
        yield Opened(held, digest.hexdigest(), size)


def check_row_groups(part: pq.ParquetFile, *, decode: bool = True) -> Iterator[str]:
    """Row groups that are too large, or (with `decode`) cannot be decoded: nested columns past 2 GiB are written
    without an error (Ray #29492)."""
    for number in range(part.metadata.num_row_groups):
        group = part.metadata.row_group(number)
        size = f"row group {number} holds {group.total_byte_size >> 20} MB"
        if group.total_byte_size > VIEWER_LIMIT:
            yield f"{size}, more than the Hub's viewer shows."
        elif group.num_rows > 1 and group.total_byte_size > _LARGEST_GROUP:
            yield f"{size} in {group.num_rows} rows, which readers must load at once."
        if decode:
            try:
                rows = sum(len(batch) for batch in part.iter_batches(64, row_groups=[number], use_threads=False))
            except Exception as error:
                yield f"row group {number} cannot be read: {error}."
            else:
                if rows != group.num_rows:
                    yield f"row group {number} has {rows} rows, not the {group.num_rows} that it claims."


def describe_redo(stage: str, shard: int) -> str:
    """What to do about a shard that is wrong."""
    return f"Remove {stage}/part-{shard:05d}.json and rerun the build to redo the shard."
