"""What is remembered of records is what the store has, and each of them is read once."""

from __future__ import annotations

import gc
import hashlib
import pickle
from dataclasses import replace
from pathlib import Path
from typing import Any

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
        self.collects: set[bool] = set()

    def read(self, name, *, patient=True):
        self.collects.add(gc.isenabled())
        self.reads.append(name)
        return super().read(name, patient=patient)

    def read_several(self, names):
        self.collects.add(gc.isenabled())
        if not self.local:
            self.reads += names
        return super().read_several(names)

    def list_files(self, folder, **options):
        self.collects.add(gc.isenabled())
        self.listings.append(folder)
        return super().list_files(folder, **options)

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
    assert list(three.extras("extract")) == list(plain.extras("extract"))
    assert dict(three.extras("extract")) == {shard: record.extra for shard, record in plain.records("extract")}
    for shards in ([], [2], [0, 100000, 7]):
        assert three.ledger("extract", shards).to_json() == plain.ledger("extract", shards).to_json()
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
    assert add_ledgers(orjson.dumps(record.ledger).decode() for record in records).to_json() == one_by_one.to_json()


# --- the index --------------------------------------------------------------------------------------------------------

MANY = 120
"""Shards, enough for an index."""


@pytest.fixture
def indexed(tmp_path: Path) -> Run:
    """A run on a disk whose records were read by a driver, which left an index; another driver that looks at it."""
    driver = Run(tmp_path / "run")
    for shard in range(MANY):
        driver.write_record("extract", shard, make_record(shard))
    driver.remember()
    driver.ledger("extract")
    driver.write_index("extract")
    return open_anew(driver)


def make_record(shard: int, *, documents: int = 1, extra: dict[str, Any] | None = None) -> Record:
    sha256 = f"{shard:064x}"
    ledger = [{"unit": "documents", "in": documents, "out": documents, "dropped": {}}]
    return Record(
        f"part-{shard:05d}-{sha256[:8]}.parquet", 1, 1, sha256, ledger, "f", ("i", "j"), extra or {"n": shard}
    )


def open_anew(run: Run) -> Run:
    """Another process's view of a run: it counts what it reads, and remembers it."""
    other = Run(run.url)
    other.store = CountedStore(run.url)
    other.remember()
    return other


def test_a_later_driver_reads_no_record_that_has_not_changed(indexed):
    plain = Run(indexed.url)
    assert list(indexed.records("extract")) == list(plain.records("extract"))
    assert indexed.ledger("extract").to_json() == plain.ledger("extract").to_json()
    assert take_counts(indexed)[0] == ["extract/records.index"]


def test_garbage_is_collected_while_a_store_is_waited_for(indexed):
    indexed.remove("extract/part-00009.json")
    Run(indexed.url).write_record("extract", 7, make_record(7, documents=5))  # which the index does not have
    assert len(indexed.shards("extract")) == MANY - 1
    assert indexed.store.collects == {True}
    assert gc.isenabled()


def test_what_changed_since_is_read_and_then_indexed(indexed):
    other = Run(indexed.url)
    other.write_record("extract", 7, make_record(7, documents=5))
    other.write_record("extract", MANY, make_record(MANY))
    other.remove("extract/part-00009.json")
    for run in (indexed, open_anew(indexed)):
        assert run.shards("extract") == sorted({*range(MANY + 1)} - {9})
        assert run.ledger("extract").accounts["documents"].kept == MANY + 4
        changed = [f"extract/part-{shard:05d}.json" for shard in (7, MANY)] if run is indexed else []
        assert take_counts(run)[0] == [*changed, "extract/records.index"]
        run.write_index("extract")


def test_an_index_that_would_be_the_same_is_not_written_again(indexed):
    before = indexed.store.find_version("extract/records.index")
    indexed.ledger("extract")
    indexed.write_index("extract")
    assert indexed.store.find_version("extract/records.index") == before


def test_a_driver_that_is_killed_between_a_record_and_the_index_loses_nothing(indexed):
    indexed.shards("extract")
    indexed.write_record("extract", 7, make_record(7, documents=5))  # and the index is never written
    later = open_anew(indexed)
    assert later.read_record("extract", 7) == make_record(7, documents=5)
    assert take_counts(later)[0] == ["extract/part-00007.json", "extract/records.index"]


def test_one_who_looks_uses_an_index_and_writes_none(indexed):
    reader = Run(indexed.url).snapshot()
    assert len(reader.shards("extract")) == MANY
    indexed.remove("extract/records.index")
    assert len(Run(indexed.url).snapshot().shards("extract")) == MANY
    assert not indexed.exists("extract/records.index")


def test_few_records_are_not_worth_an_index(three):
    three.shards("extract")
    three.write_index("extract")
    assert not three.exists("extract/records.index")


@pytest.mark.parametrize(
    "damage",
    [
        lambda content: content[:-9],
        lambda content: content.replace(b'"unit', b'"unIt', 1),
        lambda content: b"",
        lambda content: forge(content, "stage", "dedup"),
        lambda content: forge(content, "shard", [0]),
        lambda content: forge(content, "rows", 7),
        lambda content: forge(content, "file", ["../elsewhere.parquet"] * MANY),
        lambda content: forge(content, "rows", ["many"] * MANY),
        lambda content: forge(content, "inputs", [[{}]] * MANY),
        lambda content: forge(content, "sha256", {}),
    ],
)
def test_an_index_that_is_damaged_or_forged_is_not_believed_and_written_anew(indexed, damage):
    content = indexed.store.read("extract/records.index")
    Run(indexed.url).write("extract/records.index", damage(content))
    take_counts(indexed)
    assert list(indexed.records("extract")) == [(shard, make_record(shard)) for shard in range(MANY)]
    assert len(take_counts(indexed)[0]) == MANY + 1
    indexed.write_index("extract")
    assert indexed.store.read("extract/records.index") == content


def forge(content: bytes, name: str, value: Any) -> bytes:
    """An index with a field that is another one, sealed as if it were its own."""
    fields = orjson.loads(content.partition(b"\n")[2]) | {name: value}
    forged = orjson.dumps(fields)
    return hashlib.sha256(forged).hexdigest().encode() + b"\n" + forged


@pytest.mark.parametrize("extra", ["{", "[]", '{"replies": ["../../secret"]}', '{"r\\u0065plies": ["/etc/passwd"]}'])
def test_what_only_one_who_forges_an_index_would_put_there_is_said_in_a_sentence(indexed, extra):
    content = indexed.store.read("extract/records.index")
    forged = forge(forge(content, "ledger", ["["] * MANY), "extra", [extra] * MANY)
    Run(indexed.url).write("extract/records.index", forged)
    said = r"A records\.index in the run directory is forged: remove those files"
    with pytest.raises(BuildError, match=said):
        indexed.ledger("extract")
    with pytest.raises(BuildError, match=said):
        indexed.read_record("extract", 0)
    with pytest.raises(BuildError, match=said):
        dict(indexed.extras("extract"))


def test_an_index_that_is_a_link_is_not_followed(indexed, tmp_path):
    (tmp_path / "elsewhere").write_bytes(indexed.store.read("extract/records.index"))
    path = Path(indexed.path("extract/records.index"))
    path.unlink()
    path.symlink_to(tmp_path / "elsewhere")
    take_counts(indexed)
    assert len(list(indexed.records("extract"))) == MANY
    assert len(take_counts(indexed)[0]) == MANY + 1


def test_the_index_is_no_stray_file_and_goes_with_its_stage(indexed):
    assert indexed.sweep(["extract"]) == []
    assert indexed.exists("extract/records.index")
    indexed.remove("extract")
    assert not indexed.exists("extract")


def test_what_a_worker_that_was_given_up_commits_late_is_noticed_before_anything_is_removed(three):
    three.shards("extract")
    late = commit(Run(three.url), "extract", 0, "late")
    assert three.read_record("extract", 0) != late
    removed = three.sweep(["extract"])
    assert three.read_record("extract", 0) == late
    assert f"extract/{late.file}" not in removed
    assert [name for name in removed if name.startswith("extract/part-00000-")] == removed
