"""Parquet files made to fill memory: a kilobyte can claim billions of rows, unpack to gigabytes, or repeat one text.

Footers are held against the size of the file, and texts are measured before they are written out. Pages of a column may
unpack further than a lying footer says, by at most 2 GiB each.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pyarrow as pa

MOST_UNPACKED_BYTES = 512 << 20
"""Of the rows decoded at once, and of a row group that shrank by more than `_MOST_RATIO`."""
_MOST_RATIO = 32  # texts or uncompressed pictures shrink by less; page images as JPEG do not shrink


def check_footer(footer: Any, size: int) -> None:
    """Raise ValueError, in words that follow the name of the file, if its footer cannot be true of a file of this size
    or a row group would unpack to gigabytes."""
    check_claims(footer, size)
    for number in range(footer.num_row_groups):
        group = footer.row_group(number)
        chunks = [group.column(column) for column in range(group.num_columns)]
        stored = sum(chunk.total_compressed_size for chunk in chunks)
        unpacked = max(group.total_byte_size, sum(chunk.total_uncompressed_size for chunk in chunks))
        if is_bomb(stored, unpacked):
            raise ValueError(
                f"its row group {number} would unpack from {stored:,} bytes to {unpacked:,}, as no data set's does"
            )


def check_claims(footer: Any, size: int) -> None:
    """Raise ValueError if a footer counts more rows, or more bytes of columns, than the file has room for."""
    groups = [footer.row_group(number) for number in range(footer.num_row_groups)]
    rows = [group.num_rows for group in groups]
    if min([footer.num_rows, *rows]) < 0 or sum(rows) != footer.num_rows or footer.num_rows > size:
        raise ValueError(f"it claims {footer.num_rows:,} rows in {size:,} bytes")
    columns = (group.column(number) for group in groups for number in range(group.num_columns))
    sizes = [(chunk.total_compressed_size, chunk.total_uncompressed_size) for chunk in columns]
    if any(min(both) < 0 for both in sizes) or sum(stored for stored, _ in sizes) > size:
        raise ValueError("its columns are larger than the file")


def is_bomb(stored: int, unpacked: int) -> bool:
    """Whether the ratio of unpacked to stored bytes shows a decompression bomb."""
    return unpacked > MOST_UNPACKED_BYTES and unpacked > _MOST_RATIO * stored


def list_texts(schema: Any) -> list[str]:
    """The columns of a Parquet schema to read as dictionaries, where a repeated text stays one until it is measured."""
    # not the bytes of images, which take fifty times as long that way
    columns = [schema.column(number) for number in range(len(schema.names))]
    return [column.path for column in columns if column.logical_type.type == "STRING"]


def measure_texts(values: pa.Array | pa.RecordBatch) -> int:
    """The bytes of all texts that were read as dictionaries, once each is written out."""
    import pyarrow as pa
    import pyarrow.compute as pc

    if isinstance(values, pa.RecordBatch):
        return sum(map(measure_texts, values.columns))
    if pa.types.is_dictionary(values.type):
        lengths = pc.binary_length(values.dictionary)
        return int(pc.sum(lengths.take(values.indices)).as_py() or 0)
    if pa.types.is_struct(values.type):
        return sum(map(measure_texts, values.flatten()))
    if pa.types.is_nested(values.type) and hasattr(values, "flatten"):
        return measure_texts(values.flatten())
    return 0
