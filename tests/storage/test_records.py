"""Commit records: a shard exists by its record, and no two workers mix their files."""

from __future__ import annotations

import json

import pytest

from docmatix.core.errors import BuildError, LedgerError
from docmatix.core.ledger import Ledger
from docmatix.storage.records import Record, committing
from tests.storage.shards import SCHEMA, commit, list_files, read_names


def test_a_committed_shard_has_its_rows_and_a_record_that_tells_its_file(run):
    record = commit(run, "extract", 7, "a", "b", extra={"samples": 3})
    assert read_names(run, "extract", 7) == ["a", "b"]
    assert record.rows == 2
    assert record.inputs == ("i",)
    assert record.extra == {"samples": 3}
    assert record.ledger == [{"unit": "documents", "in": 2, "out": 2, "dropped": {}}]
    content = run.read(f"extract/{record.file}")
    assert record.size == len(content)
    assert record.file == f"part-00007-{record.sha256[:8]}.parquet"
    assert run.names("extract") == sorted([record.file, "part-00007.json"])


def test_a_record_reads_back_from_its_json():
    record = Record("f.parquet", 2, 300, "s", [{"unit": "rows"}], "p", ("i", "j"), {"replies": ["r"]})
    assert Record.from_json(record.to_json()) == record
    assert json.loads(record.to_json())["bytes"] == 300


def test_a_part_without_its_record_does_not_exist(run):
    record = commit(run, "extract", 0, "a")
    run.remove("extract/part-00000.json")
    assert run.exists(f"extract/{record.file}")
    assert run.shards("extract") == []
    with pytest.raises(BuildError, match="Shard 0 of extract is missing"):
        read_names(run, "extract", 0)


@pytest.mark.parametrize("content", [b"", b"[]", b"{}", b'{"file": "a"', bytes(9)])
def test_a_damaged_record_is_said_in_a_sentence(run, content):
    run.write("extract/part-00003.json", content)
    with pytest.raises(BuildError, match=r"extract/part-00003\.json is damaged: remove it"):
        list(run.records("extract"))


def test_an_exception_in_the_block_leaves_neither_file_nor_record(run):
    def fail() -> None:
        with committing(run, "extract", 0, schema=SCHEMA, fingerprint="f", ledger=Ledger()) as writer:
            writer.add({"name": "a", "payload": b""})
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert list_files(run.store) == []


def test_a_shard_whose_ledger_does_not_balance_is_not_committed(run):
    ledger = Ledger()
    ledger.enter("documents")
    with (
        pytest.raises(LedgerError, match=r"extract \(shard 4\)"),
        committing(run, "extract", 4, schema=SCHEMA, fingerprint="f", ledger=ledger),
    ):
        pass
    assert list_files(run.store) == []


def test_the_same_rows_give_the_same_bytes_and_so_the_same_name(run):
    first = commit(run, "extract", 0, "a")
    assert commit(run, "extract", 0, "a") == first
    assert commit(run, "extract", 0, "b").file != first.file


def test_two_workers_that_race_on_a_shard_cannot_mix_their_files(run):
    with committing(run, "extract", 0, schema=SCHEMA, fingerprint="slow", ledger=Ledger()) as writer:
        writer.add({"name": "slow", "payload": b""})
        fast = commit(run, "extract", 0, "fast")
        assert read_names(run, "extract", 0) == ["fast"]
    assert read_names(run, "extract", 0) == ["slow"]
    assert run.exists(f"extract/{fast.file}")


def test_an_empty_shard_is_a_shard(run):
    assert commit(run, "dedup", 0).rows == 0
    assert read_names(run, "dedup", 0) == []
