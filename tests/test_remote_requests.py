"""What a build asks an object store for: few requests a shard, and none while an asking loop waits."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import re
import time
from collections import Counter
from collections.abc import Callable, Coroutine, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from docmatix.core.pairs import Failure, Request
from docmatix.driver.tasks import Task, knowing, tell_task
from docmatix.pipeline import CURATE, DEDUP, EXTRACT, GENERATE, PACK, PIPELINE, PLAN, VERIFY
from docmatix.sources.files import FilesSource
from docmatix.stages.dedup import dedup_documents
from docmatix.stages.support.concurrency import RequestPool
from docmatix.stages.support.job import Job, ShardProgress
from docmatix.stages.support.output_files import divide_run
from docmatix.storage.run import Run
from tests import jobs
from tests.builds import Driver, write_config
from tests.object_store import Asked, ObjectStore, running_store  # noqa: F401 -- a fixture
from tests.pdfs import write_distinct_pdf
from tests.scripted_server import start_scripted_server

DOCUMENTS = 4
"""In a shard."""
MOST_A_SHARD = 40
"""Requests of all stages, without what the driver asks once a build."""
MOST_OF_ALL = 60
"""Requests of a whole build, by its shards."""
DELAY_S = 0.05


@pytest.fixture
def store(running_store: ObjectStore) -> Iterator[ObjectStore]:  # noqa: F811
    """The store, empty, with a delay on the way to it."""
    running_store.empty_bucket("bucket")
    running_store.faults = []
    running_store.delay_s = DELAY_S
    yield running_store
    running_store.delay_s, running_store.gate = 0.0, None


def make_job(folder: Path, shards: int, **sections: Any) -> Job:
    pdfs = {f"{number:02d}.pdf": write_distinct_pdf(number) for number in range(shards * DOCUMENTS)}
    wanted: dict[str, Any] = {
        "plan": {"documents_per_shard": DOCUMENTS},
        "pack": {"dpi": 36},
        "verify": {"kind": "round_trip"},
    }
    job = jobs.make_job(folder, pdfs=pdfs, **(wanted | sections))
    source = FilesSource(kind="files", paths=(str(folder / "docs"),))
    return replace(job, config=job.config.model_copy(update={"source": source}), run=Run("s3://bucket/run"))


def count(store: ObjectStore, action: Callable[[], object]) -> list[Asked]:
    store.asked.clear()
    action()
    return list(store.asked)


@contextlib.contextmanager
def working(job: Job, stage: str, task: Task) -> Iterator[Job]:
    """The job as a worker has it that was told the records it needs, and that tells what it commits."""
    worker = replace(job, run=Run(job.run.url))
    with knowing(worker, tell_task(job, stage, task)):
        yield worker
        job.run.know(worker.run.tell([(stage, task.shard)]))


def build(store: ObjectStore, job: Job) -> dict[str, list[Asked]]:
    """What each stage of a build asks for."""
    asked: dict[str, list[Asked]] = {}
    job.run.remember()
    client = jobs.FakeClient()

    def do(stage: str, tasks: Sequence[Task], shell: Callable[[Job, Any], object]) -> None:
        asked[stage] = []
        for task in tasks:
            with working(job, stage, task) as worker:
                asked[stage] += count(store, functools.partial(shell, worker, task.output or task.shard))

    asked[PLAN] = count(store, lambda: jobs.plan(job))
    tasks = [Task(shard) for shard in job.run.shards(PLAN)]
    do(EXTRACT, tasks, jobs.extract)
    asked[DEDUP] = count(store, lambda: dedup_documents(job))
    do(GENERATE, tasks, functools.partial(jobs.generate, client=client))
    do(VERIFY, tasks, functools.partial(jobs.verify, client=client))
    do(CURATE, tasks, jobs.curate)
    do(PACK, [Task(output.number, output) for output in divide_run(job)], jobs.pack)
    return asked


def test_the_stages_of_a_build_ask_for_little_a_shard_and_for_nothing_that_is_known(
    store: ObjectStore, tmp_path: Path
) -> None:
    shards = 3
    asked = build(store, make_job(tmp_path, shards))
    a_shard = {stage: len(requests) / shards for stage, requests in asked.items()}
    assert sum(a_shard.values()) <= MOST_A_SHARD, a_shard
    for stage in (EXTRACT, GENERATE, VERIFY, CURATE, PACK):
        for each in asked[stage]:
            assert each.verb in ("GET", "PUT", "LIST"), each
            # records are told, and parts are read whole
            assert each.verb == "PUT" or not each.key.endswith(".json"), each
        # of the replies of a shard
        assert [each.key for each in asked[stage] if each.verb == "LIST" and "/replies/" not in each.key] == []
        assert all(times == 1 for times in Counter(each.key for each in asked[stage] if each.verb == "PUT").values())
    for stage in (EXTRACT, GENERATE, VERIFY):
        assert all(times == 1 for times in Counter(each.key for each in asked[stage]).values()), stage


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_a_whole_build_makes_few_requests_a_shard(store: ObjectStore, tmp_path: Path) -> None:
    pdfs = tmp_path / "pdfs"
    pdfs.mkdir()
    for number in range(8 * DOCUMENTS):
        (pdfs / f"{number:02d}.pdf").write_bytes(write_distinct_pdf(number))
    with start_scripted_server() as server:
        sections: dict[str, Any] = {"plan": {"documents_per_shard": DOCUMENTS}, "verify": {"kind": "round_trip"}}
        config = write_config(tmp_path, pdfs, server.base_url, **sections)
        code, output = Driver(config, "s3://bucket/run").finish()
    assert code == 0, output
    # without what a longer build asks for more often: the lease, and what it says of itself
    asked = [each for each in store.asked if not each.key.startswith(("run/.lock", "run/telemetry/"))]
    committed = re.compile(r"run/curate/part-\d+\.json")
    shards = sum(each.verb == "PUT" and bool(committed.fullmatch(each.key)) for each in asked)
    assert shards == 8
    assert len(asked) <= MOST_OF_ALL * shards, Counter(f"{each.verb} {each.key}" for each in asked)


class Turning:
    """Whether an event loop turns while requests wait: each is done only once the loop has taken a turn since, or is
    counted as one that the loop waits for."""

    def __init__(self, patience_s: float = 10.0) -> None:
        self.loop: asyncio.AbstractEventLoop | None = None
        self.turned = self.stuck = 0
        self._patience_s = patience_s

    async def take_turn(self) -> None:
        if (loop := self.loop) is None:
            return
        turned = asyncio.run_coroutine_threadsafe(asyncio.sleep(0), loop)
        try:
            await asyncio.wait_for(asyncio.wrap_future(turned), self._patience_s)
        except TimeoutError:
            self.stuck += 1
        else:
            self.turned += 1

    def watch(self, asking: Coroutine[Any, Any, None]) -> None:
        """Run a coroutine in a loop of its own, which is watched."""

        async def run() -> None:
            self.loop = asyncio.get_running_loop()
            try:
                await asking
            finally:
                self.loop = None

        asyncio.run(run())


def ask(job: Job, stage: str, shard: int, *, client: Any) -> Coroutine[Any, Any, None]:
    pool = RequestPool(client, in_flight=4)
    asking: Coroutine[Any, Any, None] = PIPELINE[stage].load_shell()(job, shard, pool=pool, progress=ShardProgress())
    return asking


def test_no_request_is_waited_for_by_a_loop_that_asks(store: ObjectStore, tmp_path: Path) -> None:
    job = make_job(tmp_path, 1)
    jobs.read_documents(job)
    turning = Turning()
    store.gate = turning.take_turn
    client = jobs.FakeClient()
    for stage in (GENERATE, VERIFY):
        turning.watch(ask(job, stage, 0, client=client))
        assert job.run.read_record(stage, 0) is not None
    # again, with stored replies and a record to replace
    asked = len(client.asked)
    for stage in (GENERATE, VERIFY):
        turning.watch(ask(job, stage, 0, client=client))
    assert len(client.asked) == asked
    assert turning.stuck == 0
    assert turning.turned >= 20


def test_a_loop_whose_shard_fails_waits_for_no_request_either(store: ObjectStore, tmp_path: Path) -> None:
    job = make_job(tmp_path, 1)
    jobs.read_documents(job)
    answered: list[Request] = []

    def fail_soon(request: Request) -> str | Failure | Exception:
        answered.append(request)
        return jobs.write_reply(request) if len(answered) < DOCUMENTS else RuntimeError("a bug")

    turning = Turning()
    store.gate = turning.take_turn
    with pytest.raises(RuntimeError):
        turning.watch(ask(job, GENERATE, 0, client=jobs.FakeClient(fail_soon)))
    assert turning.stuck == 0
    assert len(job.run.names("generate/replies/part-00000")) == 1


def test_a_loop_that_waits_for_a_request_is_found_out(store: ObjectStore, tmp_path: Path) -> None:
    job = make_job(tmp_path, 1)
    jobs.plan(job)

    async def read() -> None:
        assert list(job.run.iterate_rows("plan", 0))

    turning = Turning(patience_s=0.5)
    store.gate = turning.take_turn
    began = time.monotonic()
    turning.watch(read())
    assert turning.stuck == 2  # its record, and its part
    assert time.monotonic() - began >= 1


def test_what_a_shard_is_made_from_is_at_hand_for_as_long_as_it_is_asked_about(
    store: ObjectStore, tmp_path: Path
) -> None:
    job = make_job(tmp_path, 1)
    jobs.read_documents(job)
    with job.inputs_at_hand(GENERATE, 0):
        asked = count(store, lambda: [list(job.run.iterate_rows(EXTRACT, 0)) for _ in range(2)])
        assert asked == []
    assert len(count(store, lambda: list(job.run.iterate_rows(EXTRACT, 0)))) == 2
