"""What is remembered of records is what the store has, and each of them is read once."""

from __future__ import annotations

import pickle
from dataclasses import replace

import orjson
import pytest

from docmatix.core.errors import BuildError
from docmatix.core.ledger import Ledger
from docmatix.storage.record_memory import add_ledgers
from docmatix.storage.records import Record, look_up_record
from docmatix.storage.run import Run
from docmatix.storage.store import Store
from tests.storage.shards import commit


class CountedStore(Store):
    """A store that counts how often each file is read, and each folder listed."""

    def __init__(self, url: str) -> None:
        super().__init__(url)
        self.reads: list[str] = []
        self.listings: list[str] = []

    def read(self, name, *, patient=True):
        self.reads.append(name)
        return super().read(name, patient=patient)

    def read_several(self, names):
        if not self.local:
            self.reads += names
        return super().read_several(names)

    def list_versions(self, folder, matching):
        self.listings.append(folder)
        return super().list_versions(folder, matching)

    def names(self, folder):
        self.listings.append(folder)
        return super().names(folder)


@pytest.fixture
def counted(run: Run) -> Run:
    """A run whose reads are counted in its store, before it remembers anything."""
    run.store = CountedStore(run.store.address)
    return run


def take_counts(run: Run) -> tuple[list[str], list[str]]:
    """The files read and the folders listed since the last call."""
    assert isinstance(run.store, CountedStore)
    counts = sorted(run.store.reads), list(run.store.listings)
    run.store.reads.clear()
    run.store.listings.clear()
    return counts


@pytest.fixture
def three(counted: Run) -> Run:
    """The same with three shards of `extract`, the second of them numbered 100000, all remembered from now on."""
    for shard in (0, 100000, 2):
        commit(counted, "extract", shard, *"ab"[: shard + 1], extra={"samples": shard})
    counted.remember()
    take_counts(counted)
    return counted


def test_what_is_remembered_is_what_the_store_has(three):
    plain = Run(three.url)
    assert three.shards("extract") == plain.shards("extract") == [0, 2, 100000]
    assert list(three.records("extract")) == list(plain.records("extract"))
    assert three.ledger("extract").to_json() == plain.ledger("extract").to_json()
    assert three.read_record("extract", 1) is None
    assert three.shards("dedup") == []


def test_each_record_is_read_once_and_each_stage_listed_once(three):
    for _ in range(3):
        three.ledger("extract")
        list(three.records("extract"))
        three.read_head("extract", 2)
        three.read_record("extract", 7)
    assert take_counts(three) == ([f"extract/part-{shard:05d}.json" for shard in (0, 2, 100000)], ["extract"])


def test_a_shard_that_is_committed_is_remembered_and_not_read(three):
    assert three.ledger("extract").accounts["documents"].kept == 5
    first = commit(three, "extract", 1, "a", "b", "c")
    assert three.read_record("extract", 1) == first == Run(three.url).read_record("extract", 1)
    assert three.shards("extract") == [0, 1, 2, 100000]
    assert three.ledger("extract").accounts["documents"].kept == 8
    commit(three, "extract", 1, "d")
    assert three.ledger("extract").accounts["documents"].kept == 6
    assert "extract/part-00001.json" not in take_counts(three)[0]


def test_the_sum_that_was_given_away_is_not_the_one_that_is_kept(three):
    three.ledger("extract").enter("documents", 1000)
    assert three.ledger("extract").to_json() == Run(three.url).ledger("extract").to_json()


def test_a_record_that_is_removed_is_forgotten(three):
    assert three.ledger("extract").accounts["documents"].kept == 5
    three.remove("extract/part-00002.json")
    assert three.shards("extract") == [0, 100000]
    assert three.read_record("extract", 2) is None
    assert three.ledger("extract").accounts["documents"].kept == 3
    three.remove("extract")
    assert three.shards("extract") == []


def test_a_record_that_another_process_replaced_is_read_anew_on_request(three):
    old = three.read_record("extract", 0)
    new = commit(Run(three.url), "extract", 0, "other")
    assert three.read_record("extract", 0) == old
    assert three.refresh_record("extract", 0) == new == three.read_record("extract", 0)
    Run(three.url).remove("extract/part-00000.json")
    assert three.refresh_record("extract", 0) is None
    assert three.shards("extract") == [2, 100000]


def test_a_damaged_record_is_said_when_it_is_asked_for_and_not_before(three):
    three.store.write("extract/part-00002.json", b"{}")
    assert three.shards("extract") == [0, 2, 100000]
    assert three.read_record("extract", 0) is not None
    with pytest.raises(BuildError, match=r"extract/part-00002\.json is damaged: remove it"):
        three.read_record("extract", 2)
    with pytest.raises(BuildError, match=r"extract/part-00002\.json is damaged: remove it"):
        three.ledger("extract")


def test_a_record_that_names_a_foreign_file_is_not_remembered(three):
    record = Run(three.url).read_record("extract", 0)
    assert record is not None
    three.store.write("extract/part-00000.json", replace(record, file="../elsewhere.parquet").to_json())
    with pytest.raises(BuildError, match="not a file of its stage"):
        three.read_record("extract", 0)


def test_one_who_looks_takes_a_snapshot_and_leaves_the_run_as_it_is(counted):
    commit(counted, "extract", 0, "a")
    seen = counted.snapshot()
    assert seen.shards("extract") == [0]
    commit(counted, "extract", 1, "a")
    assert seen.shards("extract") == [0]
    assert counted.shards("extract") == [0, 1]
    assert seen.snapshot() is seen


# --- workers ----------------------------------------------------------------------------------------------------------


def test_a_copy_for_a_worker_remembers_nothing(three):
    three.shards("extract")
    copy = pickle.loads(pickle.dumps(three))
    commit(copy, "extract", 7, "a")
    assert copy.shards("extract") == [0, 2, 7, 100000]


def test_a_worker_reads_no_record_that_it_was_told(three):
    told = pickle.loads(pickle.dumps(three.tell([("extract", 2), ("extract", 5)])))
    worker = Run(three.url)
    worker.store = CountedStore(worker.store.address)
    worker.know(told)
    assert worker.read_record("extract", 2) == three.read_record("extract", 2)
    assert worker.read_record("extract", 5) is None
    assert take_counts(worker) == ([], [])
    assert worker.read_record("extract", 0) is not None  # it was not told of this one
    assert take_counts(worker)[0] == ["extract/part-00000.json"]
    worker.untell([("extract", 2)])
    assert worker.read_record("extract", 2) is not None
    assert take_counts(worker)[0] == ["extract/part-00002.json"]


def test_a_worker_tells_the_record_that_it_committed(three):
    worker = Run(three.url)
    worker.know(three.tell([("extract", 1)]))
    record = commit(worker, "extract", 1, "a", "b", "c")
    three.ledger("extract")
    three.know(worker.tell([("extract", 1)]))
    assert three.read_record("extract", 1) == record
    assert three.ledger("extract").to_json() == Run(three.url).ledger("extract").to_json()
    assert three.shards("extract") == [0, 1, 2, 100000]
    worker.untell()
    assert worker.tell([("extract", 1)]) == []


def test_a_damaged_message_is_refused(three):
    told = three.tell([("extract", 2)])[0]
    with pytest.raises(BuildError, match="is damaged"):
        Run(three.url).know([told._replace(content=told.content.replace(b'"rows": 2', b'"rows": 3'))])


def test_a_version_is_looked_up_only_where_none_is_known(memory_run):
    commit(memory_run, "extract", 0, "a")
    worker = Run(memory_run.url)
    told = memory_run.snapshot().tell([("extract", 0), ("extract", 1)])
    worker.know(each._replace(version="v1" if each.content else None) for each in told)
    assert look_up_record(worker, "extract", 0) == "v1"
    assert look_up_record(worker, "extract", 1) is None
    commit(memory_run, "extract", 1, "a")
    assert look_up_record(worker, "extract", 1) is None  # what it was told when its task began
    assert look_up_record(worker, "extract", 2) is None
    worker.untell()
    assert look_up_record(worker, "extract", 1) == "there"


def test_ledgers_are_added_up_as_one_by_one():
    ledgers = []
    for number in range(6):
        ledger = Ledger(("pairs",) if number % 2 else ())
        ledger.enter("documents", number % 3)
        ledger.keep("documents", 1)
        ledger.drop("pairs", f"reason {number % 2}", 5)
        ledgers.append(ledger)
    one_by_one = Ledger()
    for ledger in ledgers:
        one_by_one.add(ledger)
    records = [Record("f", 1, 1, "s", ledger.to_json(), "f") for ledger in ledgers]
    assert add_ledgers(orjson.dumps(record.ledger) for record in records).to_json() == one_by_one.to_json()
