"""A dataset is read a row group at a time, and no more of it than is asked for."""

from __future__ import annotations

import io
import os
from typing import Any

import fsspec
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from fsspec.implementations.memory import MemoryFileSystem

from docmatix.review.collection import Collection
from docmatix.review.dataset_reader import DatasetReader
from docmatix.storage.store import Store
from tests.review.datasets import (
    list_questions,
    make_docmatix_row,
    write_dataset,
)


class CountingFileSystem(MemoryFileSystem):  # type: ignore[misc]
    """A filesystem in memory that knows what was opened, and how many bytes were read."""

    protocol = "counting"
    store: dict[str, Any] = {}  # noqa: RUF012
    pseudo_dirs = [""]  # noqa: RUF012
    opened: list[str] = []  # noqa: RUF012
    bytes_read = 0

    @classmethod
    def _strip_protocol(cls, path: Any) -> Any:
        return super()._strip_protocol(path.removeprefix("counting://"))

    def _open(self, path: str, mode: str = "rb", **options: Any) -> Any:
        if mode != "rb":
            return super()._open(path, mode, **options)
        CountingFileSystem.opened.append(path.rsplit("/", 1)[-1])
        content = io.BytesIO(self.store[self._strip_protocol(path)].getvalue())

        class Stream(io.RawIOBase):
            def readable(self) -> bool:
                return True

            def seekable(self) -> bool:
                return True

            def seek(self, offset: int, whence: int = 0) -> int:
                return content.seek(offset, whence)

            def tell(self) -> int:
                return content.tell()

            def read(self, size: int = -1) -> bytes:
                found = content.read(size)
                CountingFileSystem.bytes_read += len(found)
                return found

        return Stream()


@pytest.fixture
def large() -> Collection:
    """Three files of four row groups, two rows each of which has 2 MB of images that do not compress."""
    fsspec.register_implementation("counting", CountingFileSystem, clobber=True)
    files = fsspec.filesystem("counting")
    CountingFileSystem.store.clear()
    for file in range(3):
        groups = []
        for group in range(4):
            rows = [make_docmatix_row(file * 8 + group * 2 + place) for place in range(2)]
            for row in rows:
                row["images"][0]["bytes"] += os.urandom(2 << 20)
            groups.append(rows)
        files.pipe_file(f"/large/data/train-{file:05d}.parquet", write_dataset(*groups))
    CountingFileSystem.opened.clear()
    CountingFileSystem.bytes_read = 0
    return Collection("counting://large")


def test_one_sample_costs_its_own_row_group_and_no_more(large):
    sample = large[3]
    assert list_questions([sample]) == ["What is 3?"]
    assert CountingFileSystem.bytes_read < 1 << 20
    assert len(sample.images) == 1
    assert set(CountingFileSystem.opened) == {"train-00000.parquet"}
    assert CountingFileSystem.bytes_read < 6 << 20


def test_the_length_costs_the_footers_alone(large):
    assert len(large) == 24
    assert CountingFileSystem.bytes_read < 1 << 20
    assert list_questions(large.sample(3, seed=1)) == list_questions(large.sample(3, seed=1))
    assert CountingFileSystem.bytes_read < 3 << 20


def test_a_slice_reads_a_row_group_once_for_all_its_rows(large):
    assert len(large[:4].positions) == 4
    CountingFileSystem.opened.clear()
    assert list_questions(large[:4]) == [f"What is {number}?" for number in range(4)]
    assert CountingFileSystem.opened == ["train-00000.parquet"] * 2


def test_any_column_of_bytes_is_read_row_by_row_and_only_to_be_shown(tmp_path):
    image = pa.struct([("bytes", pa.binary()), ("path", pa.string())])
    schema = pa.schema([("q", pa.string()), ("page", image), ("more", pa.list_(image)), ("raw", pa.large_binary())])
    data = os.urandom(1 << 20)
    row = {"page": {"bytes": data, "path": "a"}, "more": [{"bytes": data, "path": None}], "raw": data}
    table = pa.Table.from_pylist([row | {"q": str(number)} for number in range(40)], schema=schema)
    pq.write_table(table, tmp_path / "a.parquet")
    reader = DatasetReader(Store(tmp_path), ["a.parquet"], path="here")
    assert list(reader.rows(images=False)) == [{"q": str(number)} for number in range(40)]
    before = pa.total_allocated_bytes()
    for number, found in enumerate(reader.rows()):
        assert found == row | {"q": str(number)}
        assert pa.total_allocated_bytes() - before < 40 << 20  # of 120
