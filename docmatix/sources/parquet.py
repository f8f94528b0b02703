"""Parquet files with a column of PDF bytes: a document is a row.

Planning reads footers. Reading decodes only that column, a few rows at a time, from the start of the row group.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator
from itertools import accumulate, islice
from typing import Any, ClassVar, Literal

from docmatix.core.documents import Refusal
from docmatix.core.errors import SetupError
from docmatix.sources.locators import FoundFile, Locator, SourceDocument, UnreadableError
from docmatix.sources.remote_files import RangeFile, check_size
from docmatix.sources.source import Source
from docmatix.storage.bombs import check_claims, is_bomb
from docmatix.storage.errors import describe
from docmatix.storage.patience import Patience

_ROWS_AT_ONCE = 8
_LARGE_CHUNK_BYTES = 64 << 20
"""Size of the column in a row group from which its rows are decoded one by one: all of them may repeat one large value
that is stored once."""
_BUFFER_BYTES = 1 << 20
"""Read from the column at once; unbuffered, Arrow holds the row group's whole compressed column chunk."""


class ParquetSource(Source):
    """Parquet files with a column of PDF bytes."""

    suffix: ClassVar[str] = ".parquet"
    described: ClassVar[str] = "Parquet files that hold PDFs"
    holds: ClassVar[str] = "row"

    kind: Literal["parquet"]
    column: str = "pdf"
    """A binary column, or a struct with a binary field `bytes` (as `datasets` stores files)."""

    def locate(self, file: FoundFile, *, patience: Patience) -> Iterator[Locator]:
        return locate_rows(file, column=self.column, patience=patience)

    def read(
        self, file: RangeFile, locators: Iterator[Locator], *, max_file_bytes: int | None
    ) -> Iterator[tuple[Locator, SourceDocument | Refusal]]:
        return read_rows(file, locators, column=self.column, max_file_bytes=max_file_bytes)


def locate_rows(found: FoundFile, *, column: str, patience: Patience) -> Iterator[Locator]:
    """One locator per row; a file that is not valid Parquet gives one with the problem `unreadable_archive`. Raises
    `SetupError`, which lists the columns, if `column` is missing or is not binary."""
    problem, rows = found.problem, 0
    if not problem:
        with RangeFile(found.address, patience=patience) as file:
            try:
                parquet = _open_parquet(file)
                _find_leaf(parquet.schema_arrow, column, name=found.source_uri)
                check_claims(parquet.metadata, file.size)
                rows = parquet.metadata.num_rows
            except ValueError:  # a kilobyte may claim billions of rows
                problem = "unreadable_archive"
            except UnreadableError as refused:
                problem = refused.refusal.reason
    if problem:
        yield Locator(found.source_uri, found.address, etag=found.etag, problem=problem)
    for row in range(rows):
        yield Locator(f"{found.source_uri}#{row}", found.address, row=row, etag=found.etag)


def read_rows(
    file: RangeFile, locators: Iterator[Locator], *, column: str, max_file_bytes: int | None
) -> Iterator[tuple[Locator, SourceDocument | Refusal]]:
    """The documents of locators that all name rows of `file`. Rows in ascending order are decoded only once."""
    try:
        parquet = _open_parquet(file)
    except UnreadableError as refused:
        yield from ((locator, refused.refusal) for locator in locators)
        return
    try:
        leaf = _find_leaf(parquet.schema_arrow, column, name=file.address)
    except SetupError as error:
        # the column existed when the file was planned
        yield from ((locator, Refusal("source_changed", str(error))) for locator in locators)
        return
    ends = list(accumulate(parquet.metadata.row_group(i).num_rows for i in range(parquet.num_row_groups)))
    group, next_row = -1, 0
    values: Iterator[Any] = iter(())
    value: Any = None
    damage: Refusal | None = None
    for locator in locators:
        row = locator.row
        assert row is not None
        if not ends or row >= ends[-1]:
            yield locator, Refusal("source_changed", f"no row {row}")
            continue
        wanted = bisect_right(ends, row)
        if wanted != group or (row < next_row and not damage):
            group, next_row, damage = wanted, ends[wanted - 1] if wanted else 0, None
            stored, unpacked = _measure_column(parquet, group, leaf)
            if is_bomb(stored, unpacked):
                damage = Refusal("too_large", f"its row group unpacks from {stored} bytes to {unpacked}")
            elif ends[wanted] - next_row == 1 and _is_too_large(unpacked, max_file_bytes):
                damage = Refusal("too_large", f"{unpacked} bytes")
            values = _decode_column(parquet, group, leaf, at_once=1 if unpacked > _LARGE_CHUNK_BYTES else _ROWS_AT_ONCE)
        try:
            if damage is None:
                value = next(islice(values, row - next_row, None))
                next_row = row + 1
        except UnreadableError as refused:
            damage = refused.refusal
        except StopIteration:
            damage = Refusal("unreadable_archive", "the row group ends early")
        yield locator, damage or _judge_value(value, max_file_bytes=max_file_bytes)


def _measure_column(parquet: Any, group: int, leaf: str) -> tuple[int, int]:
    """The bytes of the column in a row group, stored and unpacked."""
    about = parquet.metadata.row_group(group)
    chunks = (about.column(number) for number in range(about.num_columns))
    sizes = [
        (chunk.total_compressed_size, chunk.total_uncompressed_size) for chunk in chunks if chunk.path_in_schema == leaf
    ]
    return sum(stored for stored, _ in sizes), sum(unpacked for _, unpacked in sizes)


def _is_too_large(unpacked: int, max_file_bytes: int | None) -> bool:
    return max_file_bytes is not None and unpacked > max_file_bytes + _BUFFER_BYTES  # headers come on top of the value


def _judge_value(value: Any, *, max_file_bytes: int | None) -> SourceDocument | Refusal:
    if value is None:
        return Refusal("empty", "null")
    return check_size(value.size, max_file_bytes=max_file_bytes) or SourceDocument(value.to_pybytes())


def _open_parquet(file: RangeFile) -> Any:
    from docmatix.storage.parquet import open_parquet

    return _blame_content(lambda: open_parquet(file, buffer_size=_BUFFER_BYTES))


def _decode_column(parquet: Any, group: int, leaf: str, *, at_once: int) -> Iterator[Any]:
    """The buffers of a row group's values, None for null."""
    from pyarrow import types

    batches = parquet.iter_batches(at_once, row_groups=[group], columns=[leaf], use_threads=False)
    while (batch := _blame_content(lambda: next(batches, None))) is not None:
        values = batch.column(0)
        if types.is_struct(values.type):
            values = values.field("bytes")
        yield from (value.as_buffer() for value in values)


def _blame_content(action: Any) -> Any:
    """The result of `action`, whose errors are about the file's content: Arrow raises `OSError` for damaged pages,
    while `RangeFile` has its own errors for bytes that cannot be reached."""
    from pyarrow import ArrowException

    try:
        return action()
    except (ArrowException, OSError) as error:
        raise UnreadableError(Refusal("unreadable_archive", describe(error))) from error


def _find_leaf(schema: Any, column: str, *, name: str) -> str:
    """The path of the binary column: `column` itself, or its field `bytes`, as `datasets` stores files."""
    from pyarrow import types

    def is_binary(kind: Any) -> bool:
        return bool(types.is_binary(kind) or types.is_large_binary(kind) or types.is_binary_view(kind))

    there = f"it has {', '.join(f'{field.name} ({field.type})' for field in schema)}"
    if column not in schema.names:
        raise SetupError(f"{name} has no column {column!r}; {there}: set `source.column`.")
    if (count := schema.names.count(column)) > 1:
        raise SetupError(
            f"{name} has {count} columns {column!r}: rename them, and name the one with the PDFs in `source.column`."
        )
    kind, leaf = schema.field(column).type, column
    if types.is_struct(kind) and kind.get_field_index("bytes") >= 0:  # -1 too if there are two
        kind, leaf = kind.field("bytes").type, f"{column}.bytes"
    if is_binary(kind):
        return leaf
    if types.is_dictionary(kind) and is_binary(kind.value_type):
        # decoded, a row group's dictionary would be in memory as a whole
        raise SetupError(
            f"Column {leaf!r} of {name} is dictionary-encoded ({kind}), which is not read: write it as plain binary"
            " (Arrow: `column.cast('binary')`)."
        )
    if types.is_null(kind):
        raise SetupError(
            f"Column {leaf!r} of {name} is null in every row (of type null) and holds no PDF: leave the file out, or"
            " set `source.column`."
        )
    raise SetupError(f"Column {column!r} of {name} holds no bytes; {there}: set `source.column`.")
