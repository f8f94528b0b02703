"""What a Parquet file says of itself, held against its size before any of it is decoded: a kilobyte can claim billions of
rows, or unpack to gigabytes.

Footers can lie, too: the pages of a column may unpack further than its sizes say, by at most 2 GiB a page.
"""

from __future__ import annotations

from typing import Any

MOST_UNPACKED_BYTES = 512 << 20
"""Of a row group, unless it is stored in a share of them that data has, and not only a bomb."""
_MOST_RATIO = 32
"""By which texts or uncompressed pictures shrink at the very most; page images as JPEG do not shrink at all."""


def check_footer(footer: Any, size: int) -> None:
    """Raise ValueError, in words that follow the name of the file, if its footer cannot be true of a file of this size,
    or a row group would unpack to gigabytes."""
    check_claims(footer, size)
    for number in range(footer.num_row_groups):
        group = footer.row_group(number)
        chunks = [group.column(column) for column in range(group.num_columns)]
        stored = sum(chunk.total_compressed_size for chunk in chunks)
        unpacked = max(group.total_byte_size, sum(chunk.total_uncompressed_size for chunk in chunks))
        if is_bomb(stored, unpacked):
            raise ValueError(
                f"its row group {number} would unpack from {stored:,} bytes to {unpacked:,}, as no page images or texts do"
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
    """Whether so many bytes would unpack to so many more that they are made for it."""
    return unpacked > MOST_UNPACKED_BYTES and unpacked > _MOST_RATIO * stored
