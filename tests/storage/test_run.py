"""The run directory: files appear whole or not at all, a shard exists by its record, one driver at a time."""

from __future__ import annotations

import contextlib
import errno
import io
import json
import os
import pickle
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar

import fsspec
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from fsspec.implementations.memory import MemoryFileSystem
from hypothesis import given, settings
from hypothesis import strategies as st

from docmatix.core.errors import BuildError, LedgerError, SetupError, StorageFailed
from docmatix.core.ledger import Ledger
from docmatix.storage.parquet import ShardWriter
from docmatix.storage.patience import PATIENCE_S, choose_pauses
from docmatix.storage.records import Record, committing
from docmatix.storage.run import RunDirectory

ASIDE = f".{'a' * 32}.tmp"
SCHEMA = pa.schema([("name", pa.string()), ("payload", pa.binary())])


@pytest.fixture(params=["local", "memory"])
def run(request: pytest.FixtureRequest, tmp_path: Path) -> RunDirectory:
    """A run directory on a disk, and one in an object store."""
    if request.param == "local":
        return RunDirectory(tmp_path / "run")
    directory: RunDirectory = request.getfixturevalue("memory_run")
    return directory


def commit(run: RunDirectory, stage: str, shard: int, *names: str, extra: dict[str, Any] | None = None) -> Record:
    ledger = Ledger()
    ledger.enter("documents", len(names))
    ledger.keep("documents", len(names))
    with committing(
        run.store, stage, shard, schema=SCHEMA, fingerprint="f", ledger=ledger, inputs=["i"], extra=extra
    ) as w:
        for name in names:
            w.add({"name": name, "payload": b""})
    record = run.read_record(stage, shard)
    assert record is not None
    return record


def read_names(run: RunDirectory, stage: str, shard: int) -> list[str]:
    return [row["name"] for row in run.iterate_rows(stage, shard)]


def list_files(run: RunDirectory) -> list[str]:
    """Every file of a run, relative to it."""
    found = run.store.fs.find(run.root)
    return sorted(os.path.relpath(path, run.root) for path in found)


# --- files ------------------------------------------------------------------------------------------------------------


def test_what_is_written_can_be_read_listed_and_removed(run):
    assert not run.exists("a/b.txt")
    run.write("a/b.txt", b"one")
    run.write("a/b.txt", b"two")
    run.write("a/a.txt", b"")
    assert run.exists("a/b.txt")
    assert run.read("a/b.txt") == b"two"
    assert run.names("a") == ["a.txt", "b.txt"]
    assert run.names("") == ["a"]
    with run.open("a/b.txt") as stream:
        stream.seek(1)
        assert stream.read() == b"wo"
    run.remove("a/b.txt", "a/never.txt")
    assert run.names("a") == ["a.txt"]


def test_a_folder_that_is_not_there_has_no_names(run):
    assert run.names("nowhere") == []
    assert run.shards("extract") == []
    assert run.read_record("extract", 0) is None
    assert run.ledger("extract").accounts == {}


def test_a_block_that_fails_leaves_no_file_behind(run):
    def fail() -> None:
        with run.writing("folder") as pending:
            pending.write(b"half of it")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert list_files(run) == []


def test_a_block_that_names_nothing_leaves_no_file_behind(run):
    with run.writing("folder") as pending:
        pending.write(b"all of it")
    assert list_files(run) == []


def test_a_file_is_not_there_before_it_is_whole(run):
    with run.writing("folder") as pending:
        pending.write(b"first half, ")
        assert not run.exists("folder/name")
        pending.write(b"second half")
        pending.publish("folder/name")
    assert run.read("folder/name") == b"first half, second half"
    assert list_files(run) == ["folder/name"]


def test_a_pending_file_knows_its_size_and_hash(run):
    with run.writing("") as pending:
        pending.write(b"ab")
        pending.write(memoryview(b"c"))
        assert (pending.bytes, pending.tell()) == (3, 3)
        assert pending.sha256 == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"


def test_a_pickled_run_directory_is_the_same_one(run):
    run.write("a.txt", b"here")
    assert pickle.loads(pickle.dumps(run)).read("a.txt") == b"here"


def test_a_relative_run_stays_where_it_is_when_a_worker_starts_elsewhere(tmp_path):
    with contextlib.chdir(tmp_path):
        run = RunDirectory("run")
        run.write("a.txt", b"here")
        copy = pickle.dumps(run)
    assert pickle.loads(copy).read("a.txt") == b"here"


def test_an_unknown_protocol_is_a_setup_error():
    with pytest.raises(SetupError, match="nosuch://x/y cannot be used"):
        RunDirectory("nosuch://x/y")


def test_a_full_disk_is_said_in_a_sentence(run):
    class Full(io.BytesIO):
        def write(self, content: object) -> int:
            raise OSError(errno.ENOSPC, "No space left on device")

    def fill() -> None:
        with run.writing("folder") as pending:
            pending.write(b"x")
            pending._stream.close()
            pending._stream = Full()
            pending.write(b"y")

    with pytest.raises(StorageFailed, match="is full: free some space"):
        fill()
    assert list_files(run) == []


def test_a_failing_source_is_not_taken_for_a_failing_disk(run):
    def read() -> None:
        with run.writing("folder"):
            raise PermissionError(errno.EACCES, "Permission denied", "/mnt/source.pdf")

    with pytest.raises(PermissionError):
        read()


@pytest.mark.parametrize("below", ["", "run"])
def test_a_file_in_place_of_the_run_is_said_in_a_sentence(tmp_path, below):
    (tmp_path / "file").write_bytes(b"")
    run = RunDirectory(tmp_path / "file" / below)
    with pytest.raises(StorageFailed, match="cannot be written"):
        run.write("a.txt", b"")
    with pytest.raises(SetupError, match="cannot be made"), run.locked():
        pass


# --- shards -----------------------------------------------------------------------------------------------------------


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
    with pytest.raises(BuildError, match="Shard 0 of extract is not there"):
        read_names(run, "extract", 0)


@pytest.mark.parametrize("content", [b"", b"[]", b"{}", b'{"file": "a"', bytes(9)])
def test_a_damaged_record_is_said_in_a_sentence(run, content):
    run.write("extract/part-00003.json", content)
    with pytest.raises(BuildError, match=r"extract/part-00003\.json is damaged: remove it"):
        list(run.records("extract"))


def test_an_exception_in_the_block_leaves_neither_file_nor_record(run):
    def fail() -> None:
        with committing(run.store, "extract", 0, schema=SCHEMA, fingerprint="f", ledger=Ledger()) as writer:
            writer.add({"name": "a", "payload": b""})
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert list_files(run) == []


def test_a_shard_whose_ledger_does_not_balance_is_not_committed(run):
    ledger = Ledger()
    ledger.enter("documents")
    with (
        pytest.raises(LedgerError, match=r"extract \(shard 4\)"),
        committing(run.store, "extract", 4, schema=SCHEMA, fingerprint="f", ledger=ledger),
    ):
        pass
    assert list_files(run) == []


def test_the_same_rows_give_the_same_bytes_and_so_the_same_name(run):
    first = commit(run, "extract", 0, "a")
    assert commit(run, "extract", 0, "a") == first
    assert commit(run, "extract", 0, "b").file != first.file


def test_two_workers_that_race_on_a_shard_cannot_mix_their_files(run):
    with committing(run.store, "extract", 0, schema=SCHEMA, fingerprint="slow", ledger=Ledger()) as writer:
        writer.add({"name": "slow", "payload": b""})
        fast = commit(run, "extract", 0, "fast")
        assert read_names(run, "extract", 0) == ["fast"]
    assert read_names(run, "extract", 0) == ["slow"]
    assert run.exists(f"extract/{fast.file}")


def test_an_empty_shard_is_a_shard(run):
    assert commit(run, "dedup", 0).rows == 0
    assert read_names(run, "dedup", 0) == []


def test_shards_come_in_the_order_of_their_numbers_and_their_ledgers_add_up(run):
    for shard in (100_000, 2, 99_999):
        commit(run, "extract", shard, "a", "b")
    run.write("extract/notes.json", b"{}")
    assert run.shards("extract") == [2, 99_999, 100_000]
    assert [shard for shard, _ in run.records("extract")] == [2, 99_999, 100_000]
    assert run.ledger("extract").accounts["documents"].kept == 6


def test_columns_can_be_chosen(run):
    commit(run, "extract", 0, "a")
    assert list(run.iterate_rows("extract", 0, columns=["name"])) == [{"name": "a"}]


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


def test_a_shard_whose_file_is_gone_is_said_in_a_sentence(run):
    record = commit(run, "extract", 0, "a")
    run.remove(f"extract/{record.file}")
    with pytest.raises(BuildError, match=f"extract/{record.file} is missing .* remove the record"):
        read_names(run, "extract", 0)


# --- failures on the way to an object store ---------------------------------------------------------------------------


class FailingFiles(MemoryFileSystem):  # type: ignore[misc]
    """Memory whose next calls raise what `failures` holds."""

    protocol = "failing-run"
    failures: ClassVar[list[Exception]] = []

    @classmethod
    def _strip_protocol(cls, path: Any) -> Any:
        return super()._strip_protocol(path.removeprefix("failing-run:/") if isinstance(path, str) else path)

    def cat_file(self, *args: Any, **options: Any) -> Any:
        if self.failures:
            raise self.failures.pop(0)
        return super().cat_file(*args, **options)

    def pipe_file(self, *args: Any, **options: Any) -> Any:
        if self.failures:
            raise self.failures.pop(0)
        return super().pipe_file(*args, **options)


fsspec.register_implementation("failing-run", FailingFiles)


WAITS_S = list(choose_pauses(PATIENCE_S))


def open_failing(pauses: list[float]) -> RunDirectory:
    FailingFiles.failures.clear()
    run = RunDirectory("failing-run://runs/failing", sleep=pauses.append)
    run.remove("")
    return run


def test_what_passes_on_the_way_to_a_store_is_tried_again_with_growing_pauses():
    pauses: list[float] = []
    run = open_failing(pauses)
    FailingFiles.failures[:] = [TimeoutError(), ConnectionResetError(), OSError(errno.EBUSY, "SlowDown")]
    run.write("a.txt", b"a")
    assert pauses == [0.5, 2, 8]
    FailingFiles.failures[:] = [TimeoutError()]
    assert run.read("a.txt") == b"a"


def test_a_store_that_stays_away_is_given_up_once_and_not_once_for_every_file():
    pauses: list[float] = []
    run = open_failing(pauses)
    failures = len(WAITS_S) + 6
    FailingFiles.failures[:] = [ConnectionResetError("gone")] * failures
    for _ in range(3):
        with pytest.raises(StorageFailed, match=r"stayed unreachable for .* the same command continues"):
            run.write("a.txt", b"a")
    assert pauses == WAITS_S
    assert sum(pauses) == PATIENCE_S
    assert len(FailingFiles.failures) == failures - len(WAITS_S) - 1


def test_a_file_that_may_be_lost_is_not_tried_again():
    pauses: list[float] = []
    run = open_failing(pauses)
    FailingFiles.failures[:] = [ConnectionResetError("gone")]
    with pytest.raises(StorageFailed):
        run.write("telemetry/live/a", b"a", durable=False)
    run.write("telemetry/live/a", b"a", durable=False)
    assert pauses == []


def test_a_password_in_the_url_of_a_run_is_in_no_message():
    pauses: list[float] = []
    run = RunDirectory("failing-run://me:secret@host/run", sleep=pauses.append)
    for failure in (ConnectionResetError(), PermissionError("no")):
        FailingFiles.failures[:] = [failure] * (len(WAITS_S) + 1)
        with pytest.raises(StorageFailed) as caught:
            RunDirectory(run.url, sleep=pauses.append).write("a", b"")
        assert "secret" not in str(caught.value)


# --- whose it is ------------------------------------------------------------------------------------------------------


def test_a_run_is_ours_where_the_file_system_gives_what_we_make_to_another_user(tmp_path):
    run = RunDirectory(tmp_path / "run")
    assert run.find_owner() is None  # it is not there yet
    run.write("extract/a", b"")
    assert run.find_owner() is None
    if os.geteuid() != 0:
        pytest.skip("only root can give a folder to another user")
    os.chown(run.root, 65534, 65534)
    assert "65534" in str(run.find_owner())
    # as on NFS that takes root for nobody
    assert run.find_owner(find_maker=lambda folder: 65534) is None
    os.chown(run.path("extract"), 65533, 65533)
    assert "65533" in str(run.find_owner(find_maker=lambda folder: 65534))
    assert sorted(run.names("")) == ["extract"]


# --- tidying ----------------------------------------------------------------------------------------------------------


def test_sweeping_removes_leftovers_and_nothing_that_is_committed(run):
    old = commit(run, "extract", 0, "old")
    run.write("generate/replies/part-00000/aa.parquet", b"named")
    commit(run, "extract", 0, "new")
    commit(run, "generate", 0, "a", extra={"replies": ["part-00000/aa.parquet"]})
    kept = set(list_files(run)) - {f"extract/{old.file}"}
    strays = [
        ASIDE,
        f"dataset/{ASIDE}",
        "dataset/data/train-00000-of-00001.parquet",
        f"extract/{ASIDE}",
        "extract/part-00001-aaaaaaaa.parquet",
        f"generate/replies/part-00000/{ASIDE}",
    ]
    run.write("generate/replies/part-00000/bb.parquet", b"paid for, though no record names it")
    kept.add("generate/replies/part-00000/bb.parquet")
    for stray in strays:
        run.write(stray, b"x")
    assert sorted(run.sweep()) == sorted([*strays, f"extract/{old.file}"])
    assert set(list_files(run)) == kept
    assert read_names(run, "extract", 0) == ["new"]
    assert run.sweep() == []


def test_sweeping_leaves_alone_what_is_not_docmatix_s(run):
    theirs = ["notes.txt", "mine/part-00000-aaaaaaaa.parquet", "dataset/LICENSE", "dataset/images/a.png", ".hidden"]
    for name in [*theirs, "run.yaml", "dataset/README.md", "telemetry/x.json"]:
        run.write(name, b"x")
    before = list_files(run)
    assert run.sweep() == []
    assert list_files(run) == before


def test_sweeping_keeps_the_files_of_the_dataset_that_are_committed(run):
    name = "dataset/data/train-00000-of-00001.parquet"
    run.write(name, b"x")
    run.write_record("pack", 0, Record(name, 1, 1, "s", [], "f"))
    assert run.sweep() == []
    assert run.exists(name)


# --- the lock ---------------------------------------------------------------------------------------------------------

HOLD = """
import sys, time
from docmatix.storage.run import RunDirectory
with RunDirectory(sys.argv[1]).locked():
    print("held", flush=True)
    time.sleep(600)
"""


@contextlib.contextmanager
def held_elsewhere(run: RunDirectory) -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen([sys.executable, "-c", HOLD, run.root], stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        yield process
    finally:
        process.kill()
        process.wait()
        process.stdout.close()  # type: ignore[union-attr]


def test_a_run_held_by_another_process_is_refused_and_free_again_when_that_dies(tmp_path):
    run = RunDirectory(tmp_path / "run")
    with held_elsewhere(run) as process:
        for _ in range(2):  # being refused must not open the door for the next one
            with pytest.raises(SetupError, match=f"is held by process {process.pid} on "), run.locked():
                pass
        process.kill()
        process.wait()
        with run.locked():
            assert f"process {os.getpid()} on " in run.read(".lock").decode()


def test_a_lock_is_given_back_whatever_happens(run):
    with pytest.raises(ZeroDivisionError), run.locked():
        raise ZeroDivisionError
    with run.locked():
        pass


def test_a_command_that_was_wrong_leaves_no_directory_behind(tmp_path):
    with pytest.raises(SetupError), RunDirectory(tmp_path / "run").locked():
        raise SetupError("the source is empty")
    assert list(tmp_path.iterdir()) == []


def test_a_remote_run_is_held_by_a_lease(memory_run):
    with memory_run.locked():
        with pytest.raises(SetupError, match="is held by a driver on "), RunDirectory(memory_run.url).locked():
            pass
        assert memory_run.exists(".lock")
    assert not memory_run.exists(".lock")


def test_a_lease_of_a_driver_that_was_killed_on_this_machine_is_not_waited_for(memory_run):
    ended = subprocess.Popen([sys.executable, "-c", ""])
    with memory_run.locked():
        lease = json.loads(memory_run.read(".lock"))
    ended.wait()
    lease["process"] = ended.pid
    memory_run.write(".lock", json.dumps(lease).encode())
    with memory_run.locked():
        pass
    for elsewhere in ({"where": "another machine"}, {"where": None}):
        memory_run.write(".lock", json.dumps(lease | elsewhere).encode())
        said = r"is held by a driver on .*\(of one that was killed \d+ s are left\)"
        with pytest.raises(SetupError, match=said), memory_run.locked():
            pass


@pytest.mark.parametrize("content", [json.dumps({"holder": "x", "host": "h", "until": 1_000_000_000}), "no json"])
def test_a_lease_that_ran_out_or_cannot_be_read_holds_nothing(memory_run, content):
    memory_run.write(".lock", content.encode())
    with memory_run.locked():
        assert json.loads(memory_run.read(".lock"))["until"] > time.time()
