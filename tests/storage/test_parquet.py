"""Rows and batches of a build's own Parquet files."""

from __future__ import annotations

import io
import os
import re
import threading
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from docmatix.core.errors import BuildError
from docmatix.storage.parquet import (
    MOST_IN_A_BATCH,
    ShardWriter,
    choose_batch_size,
    iterate_batches,
    iterate_rows,
    open_parquet,
)
from docmatix.storage.run import Run
from tests.storage.shards import SCHEMA


def write_table(path: Path, rows: int, *, text: str = "x") -> Path:
    pq.write_table(pa.table({"number": list(range(rows)), "text": [f"{text}{row}" for row in range(rows)]}), path)
    return path


class ThreadNoting(io.BytesIO):
    """A file that knows which threads have read it."""

    def __init__(self, content: bytes) -> None:
        super().__init__(content)
        self.threads: set[int] = set()

    def read(self, size: int | None = -1) -> bytes:
        self.threads.add(threading.get_ident())
        return super().read(size)


def test_no_thread_of_arrows_reads_a_file_and_could_still_hold_it_when_the_interpreter_ends(tmp_path: Path) -> None:
    stream = ThreadNoting(write_table(tmp_path / "a.parquet", 600).read_bytes())
    with open_parquet(stream) as file:
        assert len(list(iterate_rows(file))) == 600
        assert len(file.read_row_group(0, use_threads=False)) == 600
    assert stream.threads == {threading.get_ident()}


def test_every_file_is_opened_by_the_one_function_that_sees_to_that() -> None:
    sources = Path(__file__).parents[2] / "docmatix"
    opening = [path for path in sources.rglob("*.py") if re.search(r"(?<!\w)(pq\.)?ParquetFile\(", path.read_text())]
    assert opening == [sources / "storage" / "parquet.py"]


def test_rows_come_in_order_with_the_columns_asked_for(tmp_path: Path) -> None:
    with pq.ParquetFile(write_table(tmp_path / "a.parquet", 600)) as file:
        assert list(iterate_rows(file, ("number",))) == [{"number": number} for number in range(600)]
        assert next(iterate_rows(file)) == {"number": 0, "text": "x0"}


def test_a_batch_has_the_rows_asked_for_or_as_many_as_fit(tmp_path: Path) -> None:
    with pq.ParquetFile(write_table(tmp_path / "a.parquet", 600)) as file:
        assert [len(batch) for batch in iterate_batches(file, at_once=500)] == [500, 100]
        assert [len(batch) for batch in iterate_batches(file)] == [256, 256, 88]


@pytest.mark.parametrize(("rows", "size"), [(0, 1), (10, MOST_IN_A_BATCH)])
def test_small_rows_are_read_many_at_once_and_none_one_at_a_time(tmp_path: Path, rows: int, size: int) -> None:
    with pq.ParquetFile(write_table(tmp_path / "a.parquet", rows)) as file:
        assert choose_batch_size(file, 0) == size


def test_large_rows_are_read_a_few_at_once(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    pq.write_table(pa.table({"data": [bytes([row]) * (1 << 20) for row in range(8)]}), path, use_dictionary=False)
    with pq.ParquetFile(path) as file:
        assert 1 <= choose_batch_size(file, 0) <= 8


def test_large_rows_do_not_come_together_because_there_are_small_ones(tmp_path: Path) -> None:
    writer = ShardWriter(pa.OSFile(str(tmp_path / "a.parquet"), "wb"), SCHEMA, row_group_bytes=8 << 20)
    for number in range(1000):
        writer.add({"name": str(number), "payload": b""})
    for number in range(6):
        writer.add({"name": str(number), "payload": os.urandom(5 << 20)})
    writer.close()
    with pq.ParquetFile(tmp_path / "a.parquet") as file:
        batches = [[len(payload) for payload in batch["payload"].to_pylist()] for batch in iterate_batches(file)]
    assert sum(map(len, batches)) == 1006
    assert max(map(sum, batches)) <= 8 << 20
    assert len(batches) <= 10


def test_a_part_that_is_missing_is_one_sentence_for_rows_and_batches(memory_run: Run) -> None:
    for read in (memory_run.iterate_file, memory_run.iterate_batches):
        with pytest.raises(BuildError, match="a commit record names it"):
            list(read("curate/part-00000-abc.parquet"))


@settings(max_examples=50)
@given(st.lists(st.integers(0, 50), max_size=30), st.integers(1, 60))
def test_row_groups_hold_every_row_in_order_and_are_bounded(sizes, bound):
    sink = pa.BufferOutputStream()
    writer = ShardWriter(sink, SCHEMA, row_group_bytes=bound)
    for number, size in enumerate(sizes):
        writer.add({"name": str(number), "payload": bytes(size)}, size=size)
    writer.close()
    assert writer.rows == len(sizes)
    parquet = pq.ParquetFile(pa.BufferReader(sink.getvalue()))
    groups = [parquet.read_row_group(number).to_pylist() for number in range(parquet.num_row_groups)]
    assert [row["name"] for group in groups for row in group] == [str(number) for number in range(len(sizes))]
    for group in groups:
        assert len(group) <= 1 or sum(len(row["payload"]) for row in group) <= bound


def test_the_size_of_a_row_is_counted_where_it_is_not_given():
    sink = pa.BufferOutputStream()
    writer = ShardWriter(sink, SCHEMA, row_group_bytes=1000)
    for _ in range(4):
        writer.add({"name": "x", "payload": bytes(400)})
    writer.close()
    assert pq.ParquetFile(pa.BufferReader(sink.getvalue())).num_row_groups == 2
