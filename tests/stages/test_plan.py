"""plan: what is planned stays where it is, and what is new comes after it."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from docmatix.config import Plan
from docmatix.sources.locators import Locator
from docmatix.stages.plan import divide_documents, plan_shards
from docmatix.stages.support.job import Job
from docmatix.stages.support.planned_documents import read_plan
from docmatix.storage.run import Run
from docmatix.storage.run_files import PLANNED_KEYS
from tests.jobs import make_job


def locate(*names: str) -> list[Locator]:
    return [Locator(f"docs/{name}", f"/data/docs/{name}", size=7, etag="e") for name in names]


def read_names(job: Job) -> list[list[str]]:
    return [[locator.source_uri[5:] for locator in read_plan(job, shard)] for shard in job.run.shards("plan")]


@pytest.fixture
def job(tmp_path: Path) -> Job:
    return make_job(tmp_path, plan={"documents_per_shard": 2})


def test_documents_are_divided_in_their_order(job):
    assert plan_shards(job, locate("a", "b", "c", "d", "e")) == 3
    assert read_names(job) == [["a", "b"], ["c", "d"], ["e"]]
    assert job.run.ledger("plan").to_json() == [{"unit": "documents", "in": 5, "out": 5, "dropped": {}}]


def test_a_locator_comes_back_as_it_was(tmp_path):
    job = make_job(tmp_path, source={"kind": "files", "paths": ["s3://x/", "/data"]}, plan={"documents_per_shard": 2})
    locator = Locator("a.tar!b.pdf", "s3://x/a.tar", "b.pdf", 512, 100, None, 700, 50, "etag", None)
    odd = Locator("q.parquet#3", "/q.parquet", row=3, problem="not_a_file")
    plan_shards(job, [locator, odd])
    assert read_plan(job, 0) == [locator, odd]


def test_a_plan_is_written_without_secrets_and_read_with_those_of_the_configuration(tmp_path):
    paths = ["https://one:canary@h/*.pdf", "https://two:canary@h/in/", "https://h/b.pdf?key=canary&sig=canary"]
    job = make_job(tmp_path, source={"kind": "files", "paths": paths})
    found = ["https://one:canary@h/a.pdf", "https://two:canary@h/in/a.pdf", paths[2]]
    locators = [Locator(f"{number}.pdf", address) for number, address in enumerate(found)]
    assert plan_shards(job, locators) == 1
    assert "canary" not in repr(list(job.run.iterate_rows("plan", 0)))
    assert read_plan(job, 0) == locators
    assert plan_shards(job, locators) == 0


def test_planning_the_same_again_appends_nothing(job):
    plan_shards(job, locate("a", "b", "c"))
    assert plan_shards(job, locate("a", "b", "c")) == 0
    assert read_names(job) == [["a", "b"], ["c"]]


def test_a_grown_source_appends_shards_and_never_renumbers(job):
    plan_shards(job, locate("b", "d", "f"))
    before = list(job.run.records("plan"))
    assert plan_shards(job, locate("a", "b", "c", "d", "e", "f", "g")) == 2
    assert read_names(job) == [["b", "d"], ["f"], ["a", "c"], ["e", "g"]]
    assert list(job.run.records("plan"))[:2] == before


def test_a_record_that_was_lost_is_planned_again_in_its_place_and_nothing_is_written_over(job):
    names = locate("a", "b", "c", "d", "e")
    plan_shards(job, names)
    before = list(job.run.records("plan"))
    job.run.remove("plan/part-00001.json")
    assert plan_shards(job, names) == 1
    assert list(job.run.records("plan")) == before


def test_a_document_that_has_left_the_source_stays_planned(job):
    plan_shards(job, locate("a", "b"))
    assert plan_shards(job, locate("b", "c")) == 1
    assert read_names(job) == [["a", "b"], ["c"]]


def test_a_limit_bounds_the_plan_and_a_later_one_adds_the_rest(job):
    plan_shards(job, locate("a", "b", "c", "d"), limit=3)
    assert read_names(job) == [["a", "b"], ["c"]]
    assert plan_shards(job, locate("a", "b", "c", "d"), limit=2) == 0
    assert plan_shards(job, locate("a", "b", "c", "d")) == 1
    assert read_names(job) == [["a", "b"], ["c"], ["d"]]


def test_members_and_rows_of_one_file_are_different_documents(job):
    members = [Locator("t", "/t.tar", member="m", offset=offset) for offset in (0, 1024)]
    rows = [Locator("p", "/p.parquet", row=row) for row in (0, 1)]
    assert plan_shards(job, [*members, *rows]) == 2
    assert plan_shards(job, [*rows, *members]) == 0


def test_a_plan_killed_in_the_middle_is_continued_as_if_nothing_had_been(job):
    def break_off() -> Iterator[Locator]:
        yield from locate("a", "b", "c")
        raise ConnectionError

    with pytest.raises(ConnectionError):
        plan_shards(job, break_off())
    assert read_names(job) == [["a", "b"]]
    plan_shards(job, locate("a", "b", "c", "d", "e"))
    assert read_names(job) == [["a", "b"], ["c", "d"], ["e"]]


def test_the_listing_is_read_no_further_than_the_limit(job):
    def never_end() -> Iterator[Locator]:
        number = 0
        while True:
            yield from locate(str(number))
            number += 1

    assert plan_shards(job, never_end(), limit=4) == 2


@settings(max_examples=10)
@given(st.lists(st.lists(st.integers(0, 12), unique=True), min_size=1, max_size=4))
def test_however_a_source_grows_each_document_is_planned_once(tmp_path_factory, listings):
    job = make_job(tmp_path_factory.mktemp("grown"), plan={"documents_per_shard": 3})
    expected: dict[str, None] = {}
    for listing in listings:
        plan_shards(job, locate(*map(str, listing)))
        expected |= dict.fromkeys(map(str, listing))
    assert [name for shard in read_names(job) for name in shard] == list(expected)
    assert job.run.shards("plan") == list(range(len(read_names(job))))


def test_a_plan_may_lie_in_an_object_store(memory_run: Run, job: Job):
    remote = Job(memory_run, job.config, job.prompts, job.fingerprints, driver_id="test")
    plan_shards(remote, locate("a", "b", "c"))
    assert read_names(remote) == [["a", "b"], ["c"]]


def test_shards_are_small_at_first_and_grow_with_what_is_planned(tmp_path):
    job = make_job(tmp_path, plan={"documents_per_shard": None})
    plan_shards(job, locate(*map(str, range(3000))))
    sizes = [len(names) for names in read_names(job)]
    assert sizes[:8] == [2] * 8
    before = 0
    for size in sizes[:-1]:
        assert size == min(64, max(2, before // 16))
        before += size
    assert sizes[-2] == 64


def test_few_documents_are_shards_enough_for_many_cores(tmp_path):
    job = make_job(tmp_path, plan={"documents_per_shard": None})
    plan_shards(job, locate(*map(str, range(21))))
    assert max(map(len, read_names(job))) == 2


@given(st.lists(st.integers(0, 40 << 20) | st.none(), max_size=60), st.sampled_from([None, 1, 5]))
def test_a_shard_holds_no_more_bytes_than_it_may_and_a_large_document_is_alone(sizes, per_shard):
    documents = [Locator(str(number), str(number), size=size) for number, size in enumerate(sizes)]
    plan = Plan(documents_per_shard=per_shard, shard_mb=16)
    shards = list(divide_documents(documents, plan))
    assert [document for shard in shards for document in shard] == documents
    for shard in shards:
        large = [document for document in shard if (document.size or 0) > 4 << 20]
        assert len(shard) == 1 if large else sum(document.size or 0 for document in shard) <= 16 << 20
        assert len(shard) <= (per_shard or 64)


def test_what_is_planned_is_recognised_by_its_keys_without_reading_the_plan(job):
    plan_shards(job, locate("a", "b", "c"))
    for name in job.run.names("plan"):
        if name.endswith(".parquet"):
            job.run.write(f"plan/{name}", b"unreadable now")
    assert plan_shards(job, locate("a", "b", "c", "d")) == 1
    assert [shard for shard, record in job.run.records("plan") if record.rows == 1] == [1, 2]


@pytest.mark.parametrize("harm", ["missing", "damaged", "forged", "of another plan"])
def test_keys_that_are_not_those_of_the_plan_are_made_again_from_it(job, tmp_path, harm):
    plan_shards(job, locate("a", "b", "c"))
    content = job.run.read(PLANNED_KEYS)
    if harm == "missing":
        job.run.remove(PLANNED_KEYS)
    elif harm == "damaged":
        job.run.write(PLANNED_KEYS, content[: len(content) // 2])
    elif harm == "forged":
        table = pq.read_table(io.BytesIO(content))
        keys = pa.array([[1, 2]] * len(table), type=pa.list_(pa.uint64()))
        sink = io.BytesIO()
        pq.write_table(table.set_column(1, "keys", keys), sink)
        job.run.write(PLANNED_KEYS, sink.getvalue())
    else:
        other = make_job(tmp_path / "other")
        plan_shards(other, locate("a", "x"))
        job.run.write(PLANNED_KEYS, other.run.read(PLANNED_KEYS))
    assert plan_shards(job, locate("a", "b", "c", "d")) == 1
    assert read_names(job) == [["a", "b"], ["c"], ["d"]]


def test_a_plan_without_keys_is_read_once_and_has_them_from_then_on(job):
    plan_shards(job, locate("a", "b", "c"))
    content = job.run.read(PLANNED_KEYS)
    job.run.remove(PLANNED_KEYS)  # as in a run of an earlier version
    assert plan_shards(job, locate("a", "b", "c")) == 0
    assert job.run.read(PLANNED_KEYS) == content


def test_the_keys_of_the_plan_outlive_the_sweep(job):
    plan_shards(job, locate("a", "b", "c"))
    assert job.run.sweep(["plan"]) == []
    assert job.run.exists(PLANNED_KEYS)
