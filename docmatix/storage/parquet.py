"""Parquet files of a build: written in row groups that are bounded by bytes, read a few megabytes at a time."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from docmatix.core.errors import BuildError
from docmatix.core.redaction import hide_in_url
from docmatix.storage.bombs import check_footer
from docmatix.storage.pending import PendingFile
from docmatix.storage.ranged_file import RangedFile
from docmatix.storage.store import Store

BATCH_BYTES = 4 << 20
MOST_IN_A_BATCH = 256
WRITE_BYTES = 1 << 16

# --- writing ----------------------------------------------------------------------------------------------------------


class ShardWriter:
    """Rows of one shard into one Parquet file, a row group for every `row_group_bytes` of payload: over 2 GiB in one
    nested column are written without error and cannot be read back (Ray #29492)."""

    def __init__(
        self,
        pending: PendingFile,
        schema: pa.Schema,
        *,
        row_group_bytes: int = 16 << 20,
        for_images: bool = False,
    ) -> None:
        self._schema, self._bound = schema, row_group_bytes
        # images: no dictionary (they never repeat), and chunks cut by content, so that the Hub stores a page that two
        # versions of a dataset share only once
        options = {"use_dictionary": False, "use_content_defined_chunking": True} if for_images else {}
        # a shard of 256 rows is written in 120 pieces, each of which would be a call from C++
        self._sink = pa.BufferedOutputStream(pa.PythonFile(pending, mode="w"), WRITE_BYTES)
        self._parquet = pq.ParquetWriter(self._sink, schema, compression="zstd", write_page_index=True, **options)
        self._rows: list[Mapping[str, Any]] = []
        self._buffered = 0
        self.rows = 0

    def add(self, row: Mapping[str, Any], *, size: int | None = None) -> None:
        """Buffer a row; `size` is its payload in bytes, counted from the row where it is not given."""
        size = _payload_bytes(row) if size is None else size
        if self._rows and self._buffered + size > self._bound:
            self._flush()
        self._rows.append(row)
        self._buffered += size
        self.rows += 1

    def close(self) -> None:
        if self._rows or not self.rows:
            self._flush()
        self._parquet.close()
        self._sink.close()

    def _flush(self) -> None:
        table = pa.Table.from_pylist(self._rows, schema=self._schema)
        self._parquet.write_table(table, row_group_size=max(1, len(self._rows)))
        self._rows, self._buffered = [], 0


def _payload_bytes(value: Any) -> int:
    kind = type(value)
    if kind is str or kind is bytes:
        return len(value) + 4
    if value is None or kind is float or kind is int or kind is bool:
        return 8
    if kind is dict or isinstance(value, Mapping):
        size = 0
        for each in value.values():
            # most are texts: a call for each took a fiftieth of the time of a request
            size += len(each) + 4 if type(each) is str else 8 if each is None else _payload_bytes(each)
        return size
    if isinstance(value, (list, tuple)):
        # numbers dominate the long lists (boxes): counting the first item for all is close and 20 times faster
        if value and isinstance(value[0], (int, float)):
            return 8 * len(value)
        return sum(map(_payload_bytes, value))
    return 8


# --- reading ----------------------------------------------------------------------------------------------------------


def open_parquet(stream: Any, **options: Any) -> pq.ParquetFile:
    """A file for reading; closing it leaves its stream open. Read it with `use_threads=False`: a thread of Arrow's that
    still lets go of a Python file when the interpreter ends aborts the process."""
    # by default such threads read whole row groups ahead, with all images in them
    return pq.ParquetFile(stream, pre_buffer=False, **options)


def iterate_batches(
    file: pq.ParquetFile, columns: Sequence[str] | None = None, *, at_once: int | None = None
) -> Iterator[pa.RecordBatch]:
    """The batches of a file, of `at_once` rows or of as many as `choose_batch_size` says of each row group: one may
    have small rows, the next the pages of a long document."""
    wanted = columns and list(columns)
    if at_once is not None:
        yield from file.iter_batches(batch_size=at_once, columns=wanted, use_threads=False)
        return
    for group in range(file.num_row_groups):
        size = choose_batch_size(file, group)
        yield from file.iter_batches(batch_size=size, row_groups=[group], columns=wanted, use_threads=False)


def iterate_rows(
    file: pq.ParquetFile, columns: Sequence[str] | None = None, *, at_once: int | None = None
) -> Iterator[dict[str, Any]]:
    """The rows of a file as dicts."""
    for batch in iterate_batches(file, columns, at_once=at_once):
        yield from batch.to_pylist()


def choose_batch_size(file: pq.ParquetFile, group: int) -> int:
    """Rows of a row group to read at once: as many as hold `BATCH_BYTES` on average."""
    # a batch costs up to 1.4 ms before its first row: 16 rows at a time took 0.1 ms each
    facts = file.metadata.row_group(group)
    return max(1, min(MOST_IN_A_BATCH, BATCH_BYTES * int(facts.num_rows) // max(1, int(facts.total_byte_size))))


def list_ranges(facts: pq.FileMetaData, columns: Sequence[str] | None = None) -> list[tuple[int, int]]:
    """The ranges of a file, from its footer, that hold these columns, or all."""
    found = []
    for group in map(facts.row_group, range(facts.num_row_groups)):
        for column in map(group.column, range(group.num_columns)):
            path = column.path_in_schema
            if columns is None or any(path == each or path.startswith(f"{each}.") for each in columns):
                first = min(filter(None, (column.dictionary_page_offset, column.data_page_offset)), default=0)
                found.append((first, first + column.total_compressed_size))
    return found


def read_batches(
    store: Store,
    name: str,
    *,
    columns: Sequence[str] | None = None,
    at_once: int | None = None,
    size: int | None = None,
) -> Iterator[pa.RecordBatch]:
    """The batches of a part of a run, whose `size` may be known. Raises BuildError for one that is missing or
    damaged."""
    try:
        stream = store.open(name, size=size)
    except FileNotFoundError:
        raise BuildError(
            f"{name} is missing from {hide_in_url(store.url)}, though a commit record names it: remove the record"
            " (`docmatix check` says which) and rerun the command to redo the shard."
        ) from None
    with stream:
        try:
            parquet = open_parquet(stream)
            # a run may come from anybody, and a kilobyte can claim to unpack to gigabytes
            check_footer(parquet.metadata, stream.seek(0, os.SEEK_END))
            if isinstance(ranged := getattr(stream, "raw", None), RangedFile):
                ranged.expect(list_ranges(parquet.metadata, columns))
            yield from iterate_batches(parquet, columns, at_once=at_once)
        except (pa.ArrowException, ValueError) as error:
            raise BuildError(
                f"{name} in {hide_in_url(store.url)} is damaged ({str(error).rstrip('.')}): remove it and the commit"
                " record that names it (`docmatix check` says which) and rerun the command to redo the shard."
            ) from None


def read_rows(
    store: Store, name: str, *, columns: Sequence[str] | None = None, size: int | None = None
) -> Iterator[dict[str, Any]]:
    """The rows of a part of a run as dicts, a few in memory at a time."""
    for batch in read_batches(store, name, columns=columns, size=size):
        yield from batch.to_pylist()
