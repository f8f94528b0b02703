"""A store: files appear whole or not at all, and outages on the way to it are waited out."""

from __future__ import annotations

import contextlib
import errno
import io
import pickle
from typing import Any, ClassVar

import fsspec
import pytest
from fsspec.implementations.memory import MemoryFileSystem

from docmatix.core.errors import SetupError, StorageFailed
from docmatix.storage.patience import PATIENCE_S, choose_pauses
from docmatix.storage.store import Store
from tests.storage.shards import list_files


def test_what_is_written_can_be_read_listed_and_removed(store):
    assert not store.exists("a/b.txt")
    store.write("a/b.txt", b"one")
    store.write("a/b.txt", b"two")
    store.write("a/a.txt", b"")
    assert store.exists("a/b.txt")
    assert store.read("a/b.txt") == b"two"
    assert store.names("a") == ["a.txt", "b.txt"]
    assert store.names("") == ["a"]
    with store.open("a/b.txt") as stream:
        stream.seek(1)
        assert stream.read() == b"wo"
    store.remove("a/b.txt", "a/never.txt")
    assert store.names("a") == ["a.txt"]


def test_a_folder_that_is_not_there_has_no_names(store):
    assert store.names("nowhere") == []


def test_a_block_that_fails_leaves_no_file_behind(store):
    def fail() -> None:
        with store.writing("folder") as pending:
            pending.write(b"half of it")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert list_files(store) == []


def test_a_block_that_names_nothing_leaves_no_file_behind(store):
    with store.writing("folder") as pending:
        pending.write(b"all of it")
    assert list_files(store) == []


def test_a_file_is_not_there_before_it_is_whole(store):
    with store.writing("folder") as pending:
        pending.write(b"first half, ")
        assert not store.exists("folder/name")
        pending.write(b"second half")
        pending.publish("folder/name")
    assert store.read("folder/name") == b"first half, second half"
    assert list_files(store) == ["folder/name"]


def test_a_pending_file_knows_its_size_and_hash(store):
    with store.writing("") as pending:
        pending.write(b"ab")
        pending.write(memoryview(b"c"))
        assert (pending.bytes, pending.tell()) == (3, 3)
        assert pending.sha256 == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"


def test_a_pickled_store_is_the_same_one(store):
    store.write("a.txt", b"here")
    assert pickle.loads(pickle.dumps(store)).read("a.txt") == b"here"


def test_a_relative_store_stays_where_it_is_when_a_worker_starts_elsewhere(tmp_path):
    with contextlib.chdir(tmp_path):
        store = Store("run")
        store.write("a.txt", b"here")
        copy = pickle.dumps(store)
    assert pickle.loads(copy).read("a.txt") == b"here"


def test_an_unknown_protocol_is_a_setup_error():
    with pytest.raises(SetupError, match="nosuch://x/y cannot be used"):
        Store("nosuch://x/y")


def test_a_full_disk_is_said_in_a_sentence(store):
    class Full(io.BytesIO):
        def write(self, content: object) -> int:
            raise OSError(errno.ENOSPC, "No space left on device")

    def fill() -> None:
        with store.writing("folder") as pending:
            pending.write(b"x")
            pending._stream.close()
            pending._stream = Full()
            pending.write(b"y")

    with pytest.raises(StorageFailed, match="is full: free some space"):
        fill()
    assert list_files(store) == []


def test_a_failing_source_is_not_taken_for_a_failing_disk(store):
    def read() -> None:
        with store.writing("folder"):
            raise PermissionError(errno.EACCES, "Permission denied", "/mnt/source.pdf")

    with pytest.raises(PermissionError):
        read()


# --- outages ---------------------------------------------------------------------------------------------------------


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


def open_failing(pauses: list[float]) -> Store:
    FailingFiles.failures.clear()
    store = Store("failing-run://runs/failing", sleep=pauses.append)
    store.remove("")
    return store


def test_what_passes_on_the_way_to_a_store_is_tried_again_with_growing_pauses():
    pauses: list[float] = []
    store = open_failing(pauses)
    FailingFiles.failures[:] = [TimeoutError(), ConnectionResetError(), OSError(errno.EBUSY, "SlowDown")]
    store.write("a.txt", b"a")
    assert pauses == [0.5, 2, 8]
    FailingFiles.failures[:] = [TimeoutError()]
    assert store.read("a.txt") == b"a"


def test_a_store_that_stays_away_is_given_up_once_and_not_once_for_every_file():
    pauses: list[float] = []
    store = open_failing(pauses)
    failures = len(WAITS_S) + 6
    FailingFiles.failures[:] = [ConnectionResetError("gone")] * failures
    for _ in range(3):
        with pytest.raises(StorageFailed, match=r"stayed unreachable for .* rerun the command to resume"):
            store.write("a.txt", b"a")
    assert pauses == WAITS_S
    assert sum(pauses) == PATIENCE_S
    assert len(FailingFiles.failures) == failures - len(WAITS_S) - 1


def test_a_file_that_may_be_lost_is_not_tried_again():
    pauses: list[float] = []
    store = open_failing(pauses)
    FailingFiles.failures[:] = [ConnectionResetError("gone")]
    with pytest.raises(StorageFailed):
        store.write("telemetry/live/a", b"a", durable=False)
    store.write("telemetry/live/a", b"a", durable=False)
    assert pauses == []


def test_a_password_in_the_url_of_a_run_is_in_no_message():
    pauses: list[float] = []
    store = Store("failing-run://me:secret@host/run", sleep=pauses.append)
    for failure in (ConnectionResetError(), PermissionError("no")):
        FailingFiles.failures[:] = [failure] * (len(WAITS_S) + 1)
        with pytest.raises(StorageFailed) as caught:
            Store(store.url, sleep=pauses.append).write("a", b"")
        assert "secret" not in str(caught.value)
