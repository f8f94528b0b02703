"""Rows of Parquet files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import fsspec
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from docmatix.core.documents import Refusal
from docmatix.core.errors import SetupError, SourceGone
from docmatix.sources.documents import list_documents, read_documents
from docmatix.sources.locators import Locator, SourceDocument
from docmatix.sources.parquet import ParquetSource
from docmatix.storage.patience import PATIENCE_S, choose_pauses
from tests.sources.test_files import FailingFiles

Values = list[bytes | None]
STRUCT = pa.struct([("bytes", pa.binary()), ("path", pa.string())])


def write(address: str, values: list[Any], *, kind: Any = None, name: str = "pdf", rows: int = 3) -> None:
    table = pa.table({"title": ["x"] * len(values), name: pa.array(values, kind or pa.binary())})
    with fsspec.open(address, "wb") as file:
        pq.write_table(table, file, row_group_size=rows)


def from_parquet(*paths: str, column: str = "pdf") -> ParquetSource:
    return ParquetSource(kind="parquet", paths=paths, column=column)


def list_rows(*paths: str, column: str = "pdf", base_dir: Path = Path("/")) -> list[Locator]:
    return list(list_documents(from_parquet(*paths, column=column), base_dir=base_dir))


def read_rows(locators: list[Locator], **options: Any) -> list[SourceDocument | Refusal]:
    return [result for _, result in read_documents(locators, source=from_parquet("x"), **options)]


@settings(max_examples=50)
@given(
    st.lists(st.one_of(st.none(), st.binary(min_size=1, max_size=50)), min_size=1, max_size=30),
    st.integers(1, 12),
    st.sampled_from([pa.binary(), pa.large_binary(), STRUCT]),
    st.randoms(use_true_random=False),
)
def test_every_row_comes_back_in_any_order(values: Values, rows: int, kind: Any, random: Any) -> None:
    stored = [{"bytes": value, "path": "a.pdf"} for value in values] if kind == STRUCT else values
    write("memory://in/a.parquet", stored, kind=kind, rows=rows)
    listed = list_rows("memory://in/a.parquet")
    assert [(locator.row, locator.source_uri) for locator in listed] == [
        (i, f"memory://in/a.parquet#{i}") for i in range(len(values))
    ]
    expected = [Refusal("empty", "null") if value is None else SourceDocument(value) for value in values]
    assert read_rows(listed) == expected
    chosen = random.choices(range(len(values)), k=8)
    assert read_rows([listed[i] for i in chosen]) == [expected[i] for i in chosen]


def test_a_null_struct_is_empty() -> None:
    write("memory://in/a.parquet", [None, {"bytes": b"%PDF"}], kind=STRUCT)
    assert read_rows(list_rows("memory://in")) == [Refusal("empty", "null"), SourceDocument(b"%PDF")]


def test_files_of_a_directory_come_in_order(tmp_path: Path) -> None:
    for name in "ba":
        (tmp_path / "in").mkdir(exist_ok=True)
        write(f"{tmp_path}/in/{name}.parquet", [b"1", b"2"])
    names = [locator.source_uri for locator in list_rows("in", base_dir=tmp_path)]
    assert names == ["in/a.parquet#0", "in/a.parquet#1", "in/b.parquet#0", "in/b.parquet#1"]


@pytest.mark.parametrize(
    ("column", "message"),
    [("document", "has no column 'document'; it has title .string., pdf .binary."), ("title", "holds no bytes")],
)
def test_a_missing_or_wrong_column_is_a_set_up_error(column: str, message: str) -> None:
    write("memory://in/a.parquet", [b"%PDF"])
    with pytest.raises(SetupError, match=message):
        list_rows("memory://in/a.parquet", column=column)


PDFS = pa.array([b"%PDF", None], pa.binary())
ENCODED = PDFS.dictionary_encode()


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({"pdf": ENCODED}, r"Column 'pdf' of .* is dictionary-encoded \(dictionary<values=binary.*: write it as plain"),
        ({"pdf": pa.StructArray.from_arrays([ENCODED], ["bytes"])}, r"Column 'pdf\.bytes' of .* is dictionary-encoded"),
        ({"pdf": pa.nulls(2)}, r"Column 'pdf' of .* is null in every row .*: leave the file out"),
        (
            {"pdf": pa.StructArray.from_arrays([pa.nulls(2)], ["bytes"])},
            r"Column 'pdf\.bytes' of .* is null in every row",
        ),
        ({"pdf": pa.StructArray.from_arrays([PDFS, PDFS], ["bytes", "bytes"])}, "holds no bytes"),
        ({"pdf": pa.array(["a", "b"]).dictionary_encode()}, "holds no bytes"),
        ({"pdf": PDFS, "other": PDFS}, r"has 2 columns 'pdf': rename them"),
    ],
)
def test_a_column_of_pdfs_that_cannot_be_read_is_told_in_its_own_words(columns: dict[str, Any], message: str) -> None:
    table = pa.Table.from_arrays(list(columns.values()), names=["pdf"] * len(columns))
    with fsspec.open("memory://in/a.parquet", "wb") as file:
        pq.write_table(table, file)
    with pytest.raises(SetupError, match=message):
        list_rows("memory://in/a.parquet")


def test_another_column_may_come_twice() -> None:
    table = pa.Table.from_arrays([PDFS, PDFS, PDFS], names=["pdf", "other", "other"])
    with fsspec.open("memory://in/a.parquet", "wb") as file:
        pq.write_table(table, file)
    assert read_rows(list_rows("memory://in/a.parquet")) == [SourceDocument(b"%PDF"), Refusal("empty", "null")]


def test_planning_reads_the_footer_alone(tmp_path: Path) -> None:
    write(f"{tmp_path}/a.parquet", [b"%PDF" * 1000] * 10)
    content = bytearray((tmp_path / "a.parquet").read_bytes())
    footer = int.from_bytes(content[-8:-4], "little") + 8
    content[4:-footer] = bytes(len(content) - footer - 4)
    (tmp_path / "a.parquet").write_bytes(content)
    listed = list_rows("a.parquet", base_dir=tmp_path)
    assert len(listed) == 10
    results = read_rows(listed)
    assert {result.reason for result in results if isinstance(result, Refusal)} == {"unreadable_archive"}
    assert len(results) == 10


def test_a_damaged_row_group_leaves_the_others() -> None:
    write("memory://in/a.parquet", [bytes([i]) * 3000 for i in range(9)])
    listed = list_rows("memory://in/a.parquet")
    memory = fsspec.filesystem("memory")
    with memory.open("/in/a.parquet") as file:
        chunk = pq.ParquetFile(file).metadata.row_group(1).column(1)
        start, length = chunk.dictionary_page_offset or chunk.data_page_offset, chunk.total_compressed_size
    content = bytearray(memory.cat_file("/in/a.parquet"))
    content[start : start + length] = b"\xff" * length
    memory.pipe("/in/a.parquet", bytes(content))
    reasons = [getattr(result, "reason", "read") for result in read_rows(listed)]
    assert reasons == ["read"] * 3 + ["unreadable_archive"] * 3 + ["read"] * 3


def test_a_file_that_is_no_parquet_is_counted() -> None:
    write("memory://mixed/a.parquet", [b"%PDF"])
    fsspec.filesystem("memory").pipe("/mixed/b.parquet", b"PAR1 but no more")
    listed = list_rows("memory://mixed")
    assert [locator.problem for locator in listed] == [None, "unreadable_archive"]
    assert [getattr(result, "reason", "read") for result in read_rows(listed)] == ["read", "unreadable_archive"]


def test_a_file_that_was_written_anew_is_refused_where_it_differs() -> None:
    write("memory://in/a.parquet", [b"1", b"2", b"3", b"4"])
    listed = list_rows("memory://in/a.parquet")
    write("memory://in/a.parquet", [b"1", b"2"])
    assert [getattr(result, "reason", "read") for result in read_rows(listed)] == ["read"] * 2 + ["source_changed"] * 2
    write("memory://in/a.parquet", [b"1"], name="other")
    assert [getattr(result, "reason", "read") for result in read_rows(listed)] == ["source_changed"] * 4
    fsspec.filesystem("memory").rm("/in/a.parquet")
    assert [getattr(result, "reason", "read") for result in read_rows(listed)] == ["missing"] * 4


def test_a_value_that_is_too_large_or_empty_is_refused() -> None:
    write("memory://in/a.parquet", [b"1" * 30, b"", b"2"])
    assert read_rows(list_rows("memory://in/a.parquet"), max_file_bytes=20) == [
        Refusal("too_large", "30 bytes"),
        Refusal("empty", "no bytes"),
        SourceDocument(b"2"),
    ]


def test_an_outage_in_the_middle_of_a_file_is_no_damage() -> None:
    write("failing://in/a.parquet", [b"1", b"2"])
    listed = list_rows("failing://in/a.parquet")
    FailingFiles.failures[:] = [TimeoutError("slow")]
    pauses: list[float] = []
    assert read_rows(listed, sleep=pauses.append) == [SourceDocument(b"1"), SourceDocument(b"2")]
    assert len(pauses) == 1
    FailingFiles.failures[:] = [TimeoutError("slow")] * (len(list(choose_pauses(PATIENCE_S))) + 1)
    with pytest.raises(SourceGone):
        read_rows(listed, sleep=pauses.append)
