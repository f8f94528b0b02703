"""A file of an object store is read rightly whatever is asked of it, in few large requests."""

from __future__ import annotations

import io

import pyarrow as pa
import pyarrow.parquet as pq
from hypothesis import given
from hypothesis import strategies as st

from docmatix.storage import ranged_file
from docmatix.storage.parquet import list_ranges
from docmatix.storage.ranged_file import RangedFile, join_ranges

CONTENT = bytes(number * number % 251 for number in range(3_000_000))


class Fetched:
    """The content of a file, and what was fetched of it."""

    def __init__(self, content: bytes = CONTENT) -> None:
        self.content = content
        self.ranges: list[tuple[int, int]] = []

    def fetch(self, start: int, end: int) -> bytes:
        self.ranges.append((start, end))
        return self.content[start:end]

    def open(self, *, end: int = 0) -> RangedFile:
        size = len(self.content)
        return RangedFile(size, self.fetch, end=self.content[size - end :])


places = st.integers(0, len(CONTENT))
anywhere = st.integers(-(1 << 40), 1 << 40) | places


@given(
    reads=st.lists(st.tuples(places, st.integers(0, 2_000_000)), max_size=8),
    planned=st.lists(st.tuples(anywhere, anywhere).map(sorted), max_size=4),
    end=st.integers(0, 300_000),
)
def test_what_is_read_is_what_is_there(reads: list[tuple[int, int]], planned: list[list[int]], end: int) -> None:
    fetched = Fetched()
    file = fetched.open(end=end)
    file.expect((first, last) for first, last in planned if first < last)
    stream = io.BufferedReader(file)
    for place, count in reads:
        stream.seek(place)
        assert stream.read(count) == CONTENT[place : place + count]
    assert all(0 <= start <= end <= len(CONTENT) for start, end in fetched.ranges)


@given(ranges=st.lists(st.tuples(st.integers(0, 1 << 27), st.integers(1, 1 << 24)), max_size=30))
def test_joined_ranges_hold_all_that_was_wanted(ranges: list[tuple[int, int]]) -> None:
    wanted = [(start, start + count) for start, count in ranges]
    joined = join_ranges(wanted)
    assert all(any(first <= start and end <= last for first, last in joined) for start, end in wanted)
    assert all(last - first <= ranged_file.MOST_AT_ONCE for first, last in joined)


def test_a_file_that_is_read_through_takes_ever_larger_requests() -> None:
    fetched = Fetched(bytes(64 << 20))
    stream = io.BufferedReader(fetched.open())
    while stream.read(1 << 20):
        pass
    sizes = [end - start for start, end in fetched.ranges]
    assert sizes == [1 << 20, 2 << 20, 4 << 20, 8 << 20, 16 << 20, 16 << 20, 16 << 20, 1 << 20]


def test_a_file_that_is_shorter_than_it_is_said_to_be_ends_there() -> None:
    fetched = Fetched()
    stream = io.BufferedReader(RangedFile(len(CONTENT) + 5_000_000, fetched.fetch))
    stream.seek(len(CONTENT) - 10)
    assert stream.read(100) == CONTENT[-10:]
    assert stream.read() == b""


def test_of_a_parquet_file_only_the_columns_wanted_are_fetched() -> None:
    table = pa.table({"wide": [bytes(3_000_000)] * 4, "id": list(range(4)), "nested": [[{"a": 1, "b": "x"}]] * 4})
    sink = io.BytesIO()
    pq.write_table(table, sink, row_group_size=2, compression="none", use_dictionary=False)
    fetched = Fetched(sink.getvalue())
    file = fetched.open(end=65_536)
    parquet = pq.ParquetFile(io.BufferedReader(file))
    file.expect(list_ranges(parquet.metadata, ["id", "nested.list.element.b"]))
    wanted = ["id", "nested.list.element.b"]
    rows = [row for batch in parquet.iter_batches(columns=wanted, use_threads=False) for row in batch.to_pylist()]
    assert rows == [{"id": number, "nested": [{"b": "x"}]} for number in range(4)]
    assert len(fetched.ranges) == 1  # that of the first row group: the second one is in the end that was read already
    assert sum(end - start for start, end in fetched.ranges) < 10_000
