"""Reads the rows of untrusted Parquet files: footers as far as needed, and a row from its row group alone."""

from __future__ import annotations

import io
from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import accumulate
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from docmatix.core.errors import SetupError
from docmatix.core.terminal import make_visible
from docmatix.dataset.rows import check_types, complete_row
from docmatix.storage.bombs import MOST_UNPACKED_BYTES, check_footer, list_texts, measure_texts
from docmatix.storage.errors import describe
from docmatix.storage.parquet import open_parquet
from docmatix.storage.store import Store

FOOTERS_AT_ONCE = 16
# a footer on the Hub takes 0.2 s, and the published dataset has 1,300 of them

_READ_AHEAD = 1 << 20
# bytes of a column read at once; without it a row group's images are read whole: 100 MB to show one row

_HEAVY = ("images", "pdf")
"""Columns that are read only to be shown, one row at a time; and so are others that hold bytes."""


class DatasetReader:
    """The rows of `files` in a folder that messages call `path`. Raises SetupError for a file that cannot be read,
    would unpack to gigabytes, or has columns of the wrong types."""

    def __init__(self, directory: Store, files: Sequence[str], *, path: str) -> None:
        self.directory, self.files, self._path = directory, files, path
        self._sound: set[str] = set()
        """Files whose footers have been checked."""
        self._groups: list[tuple[int, ...]] = []
        """Rows by row group of the first files, as far as footers were read."""

    def count_rows(self) -> int:
        """Rows of all files, by their footers."""
        self._read_footers()
        return sum(map(sum, self._groups))

    def read_schema(self) -> pa.Schema:
        """The columns of the first file."""
        with self._open(self.files[0]) as parquet:
            return parquet.schema_arrow

    def rows(self, *, images: bool = True) -> Iterator[dict[str, Any]]:
        """The rows in order; without `images`, image bytes are not read."""
        for name in self.files:
            with self._open(name) as parquet:
                yield from self._iterate_rows(name, parquet, images=images)

    def read_rows(self, positions: Iterable[int], *, images: bool = True) -> Iterator[tuple[int, dict[str, Any]]]:
        """The rows at these positions, each with its position, in the order given. Raises IndexError past the end."""
        for (file, group), wanted in _run_together(positions, self._locate):
            with self._open(self.files[file]) as parquet:
                places = iter(wanted)
                position, offset = next(places)
                rows = self._iterate_rows(self.files[file], parquet, images=images, group=group)
                for number, row in enumerate(rows):
                    if number == offset:
                        yield position, row
                        position, offset = next(places, (-1, -1))
                        if position < 0:
                            break

    def _open(self, name: str) -> _OwnedParquetFile:
        source = self.directory.open(name)
        try:
            parquet = _OwnedParquetFile(source)
            if name not in self._sound:
                check_footer(parquet.metadata, source.seek(0, io.SEEK_END))
                check_types(parquet.schema_arrow)
                self._sound.add(name)
        except (pa.ArrowException, OSError, ValueError) as error:
            source.close()
            raise self._blame(name, error) from None
        return parquet

    def _iterate_rows(
        self, name: str, parquet: _OwnedParquetFile, *, images: bool, group: int | None = None
    ) -> Iterator[dict[str, Any]]:
        rows = parquet.iterate_rows(images=images, groups=range(parquet.num_row_groups) if group is None else [group])
        while True:
            try:
                if (row := next(rows, None)) is None:
                    return
                row = complete_row(row)
            # Arrow raises any of these for damage, and Python for dates and texts that it cannot represent
            except (pa.ArrowException, OSError, ValueError, OverflowError) as error:
                raise self._blame(name, error) from None
            yield row

    def _blame(self, name: str, error: Exception) -> SetupError:
        why = str(error) if type(error) is ValueError else describe(error)
        return SetupError(make_visible(f"{name} of {self._path} cannot be read: {why.rstrip('.')}."))

    def _read_footers(self, *, beyond: int | None = None) -> None:
        """Read footers until they cover the row `beyond`, or all; the further, the more at a time."""

        def count(name: str) -> tuple[int, ...]:
            with self._open(name) as parquet:
                footer = parquet.metadata
                return tuple(footer.row_group(group).num_rows for group in range(footer.num_row_groups))

        at_once = 1 if beyond is not None else FOOTERS_AT_ONCE
        with ThreadPoolExecutor(FOOTERS_AT_ONCE) as pool:
            while len(self._groups) < len(self.files) and (beyond is None or sum(map(sum, self._groups)) <= beyond):
                self._groups += pool.map(count, self.files[len(self._groups) :][:at_once])
                at_once = min(FOOTERS_AT_ONCE, 2 * at_once)

    def _locate(self, position: int) -> tuple[int, int, int]:
        """File, row group, and place in it. Raises IndexError past the end."""
        self._read_footers(beyond=position)
        rest = position
        for file, groups in enumerate(self._groups):
            if rest < sum(groups):
                ends = list(accumulate(groups))
                group = bisect_right(ends, rest)
                return file, group, rest - (ends[group] - groups[group])
            rest -= sum(groups)
        raise IndexError(f"There is no sample {position} in {self._path}: it has {position - rest:,}.")


class _OwnedParquetFile(pq.ParquetFile):  # type: ignore[misc]
    """Closes its stream, which pyarrow leaves open."""

    def __init__(self, source: Any) -> None:
        self._owned = source
        super().__init__(source, buffer_size=_READ_AHEAD, pre_buffer=False)  # as `open_parquet`

    def close(self, force: bool = True) -> None:
        super().close(force)
        self._owned.close()

    def iterate_rows(self, *, images: bool, groups: Iterable[int]) -> Iterator[dict[str, Any]]:
        """The rows of row groups as dicts. Raises ValueError where there are fewer than claimed, or texts would take
        gigabytes."""
        heavy = [field.name for field in self.schema_arrow if field.name in _HEAVY or _holds_bytes(field.type)]
        light_names = [name for name in self.schema_arrow.names if name not in heavy]
        heavy = heavy if images else []
        for group in groups:
            claimed = self.metadata.row_group(group).num_rows
            light = self._decode_texts(group, light_names, claimed)
            pictures = self.iter_batches(1, row_groups=[group], columns=heavy, use_threads=False) if heavy else None
            found = 0
            for row in light:
                batch = next(pictures, None) if pictures is not None else None
                found += 1
                yield row if batch is None else batch.to_pylist()[0] | row
            if found < claimed:
                raise ValueError("it has fewer rows than it claims")

    def _decode_texts(self, group: int, columns: Sequence[str], claimed: int) -> Iterator[dict[str, Any]]:
        if not columns:
            yield from ({} for _ in range(claimed))
            return
        schema = pa.schema([self.schema_arrow.field(name) for name in columns])
        texts = [path for path in list_texts(self.schema) if path.partition(".")[0] in columns]
        measured = open_parquet(
            self._owned, buffer_size=_READ_AHEAD, metadata=self.metadata, read_dictionary=texts or None
        )
        for batch in measured.iter_batches(64, row_groups=[group], columns=columns, use_threads=False):
            if (size := measure_texts(batch)) > MOST_UNPACKED_BYTES:
                raise ValueError(f"{len(batch)} of its rows hold {size:,} bytes of text")
            yield from batch.cast(schema).to_pylist()


def _holds_bytes(kind: pa.DataType) -> bool:
    types = pa.types
    if types.is_binary(kind) or types.is_large_binary(kind) or types.is_binary_view(kind):
        return True
    if types.is_dictionary(kind) or types.is_list(kind) or types.is_large_list(kind) or types.is_fixed_size_list(kind):
        return _holds_bytes(kind.value_type)
    return bool(types.is_struct(kind)) and any(_holds_bytes(field.type) for field in kind)


def _run_together(
    positions: Iterable[int], locate: Callable[[int], tuple[int, int, int]]
) -> Iterator[tuple[tuple[int, int], list[tuple[int, int]]]]:
    """Row groups in turn, each with the positions that one pass over it yields and their places in it."""
    current: tuple[int, int] | None = None
    wanted: list[tuple[int, int]] = []
    for position in positions:
        file, group, offset = locate(position)
        if current is not None and (current != (file, group) or offset <= wanted[-1][1]):
            yield current, wanted
            wanted = []
        current = file, group
        wanted.append((position, offset))
    if current is not None:
        yield current, wanted
