"""Packed files are sent while the build goes on."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from functools import partial

from docmatix.publishing.background import sending_packed_files
from docmatix.publishing.push import push_run
from docmatix.storage import records
from docmatix.storage.records import Record
from docmatix.storage.store import Store
from tests.hub import Faults
from tests.publishing.runs import (
    curate_wide_run,
    hash_pushed,
    hash_shards,
    list_extras,
    pack_wide_run,
    read_paths,
)


def wait_for(happened: Callable[[], object], *, within_s: float = 120) -> None:
    deadline = time.monotonic() + within_s
    while not happened():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_files_go_up_while_others_are_still_packed_and_the_push_at_the_end_sends_the_rest(hub, connect, tmp_path):
    job = curate_wide_run(tmp_path, documents=20)
    connect().prepare()
    files = pack_wide_run(job)

    with sending_packed_files(job, lambda sleep: connect(), look_every_s=0.01):
        for number in files:
            if number == 10:
                wait_for(lambda: hub.commits("anna/set"))
                assert not job.run.exists("dataset/README.md")
    during = hub.commits("anna/set")
    assert "being-uploaded" in read_paths(during[0].files["README.md"].content)["default", "train"]
    pushed = push_run(job.run, connect())
    assert not pushed.findings
    assert len(pushed.sent) < 20 + 2 + len(list_extras(job.run))
    assert set(hub.uploads.values()) == {1}
    assert hash_pushed(hub) == hash_shards(job.run)
    assert len(hub.commits("anna/set")) <= 4
    assert read_paths(hub.read("anna/set", "README.md"))["default", "train"] == "data/train-*-of-00020.parquet"


def test_the_record_of_a_file_that_was_sent_is_not_read_again_while_others_are_packed(
    hub, connect, tmp_path, monkeypatch
):
    job = curate_wide_run(tmp_path, documents=9)
    connect().prepare()
    read: list[int] = []
    read_record = records.read_record

    def count(store: Store, stage: str, shard: int) -> Record | None:
        if threading.current_thread().name == "push" and stage == "pack":
            read.append(shard)
        return read_record(store, stage, shard)

    def is_uploaded(number: int) -> bool:
        return bool(hub.uploads.total() > number)

    monkeypatch.setattr(records, "read_record", count)
    with sending_packed_files(job, lambda sleep: connect(), look_every_s=0.01):
        for number in pack_wide_run(job):
            if number in (2, 5):
                wait_for(partial(is_uploaded, number))
        wait_for(partial(is_uploaded, 8))
    # once to see whether it is the file of this build, once for its hash
    assert {shard: read.count(shard) for shard in range(9)} == dict.fromkeys(range(9), 2)


def test_a_hub_that_fails_does_not_stop_the_build(hub, connect, tmp_path):
    job = curate_wide_run(tmp_path, documents=9)
    said: list[str] = []
    hub.faults = Faults(rate=1.0, kinds=("cut",))
    with sending_packed_files(job, lambda sleep: connect(sleep=sleep), say=said.append, look_every_s=0.01):
        assert list(pack_wide_run(job)) == list(range(9))
    assert job.run.exists("dataset/README.md")
