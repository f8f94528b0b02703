"""Workers as processes of this machine: real ones."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from functools import partial
from multiprocessing.connection import Connection
from pathlib import Path

import psutil  # type: ignore[import-untyped]
import pytest

from docmatix.core.errors import BuildError
from docmatix.driver.dispatch import Lost
from docmatix.driver.local_workers import (
    MOST_STILLBORN,
    LocalPool,
    kill_process,
    serve_shards,
)
from docmatix.driver.nursery import Nursery
from docmatix.driver.tasks import Report, Task
from docmatix.models.vllm.supervisor import find_start
from docmatix.stages.support.job import Job
from tests.jobs import make_job, plan
from tests.pdfs import write_distinct_pdf

pytestmark = pytest.mark.timeout(120)


@pytest.fixture(scope="module")
def nursery() -> Iterator[Nursery]:
    nursery = Nursery()
    yield nursery
    nursery.close()


@pytest.fixture
def job(tmp_path: Path) -> Job:
    job = make_job(tmp_path, pdfs={"a.pdf": write_distinct_pdf(1)})
    plan(job)
    return job


@pytest.fixture
def pool(nursery: Nursery) -> Iterator[LocalPool]:
    pool = LocalPool(nursery, partial(serve_shards, cpus=1, stall_s=60), size=lambda: 1)
    yield pool
    pool.close()


def wait_for(pool: LocalPool) -> Report | Lost:
    while not (outcomes := pool.poll(1)):
        pass
    (outcome,) = outcomes
    return outcome


def do_for_ever(pool: LocalPool, stage: str, job: Job) -> None:
    pool.assign(stage, job)
    while True:
        pool.give(Task(0))
        pool.poll(0.1)


def find_pid(pool: LocalPool) -> int:
    ((_, pid, _),) = pool.workers
    return pid


def test_a_worker_commits_the_shard_it_is_given_and_turns_to_another_build(pool: LocalPool, job: Job, tmp_path: Path):
    other = make_job(tmp_path / "other", pdfs={"b.pdf": write_distinct_pdf(2)})
    plan(other)
    for each in (job, other):
        pool.assign("extract", each)
        assert pool.give(Task(0))
        assert not pool.give(Task(1))  # one at a time
        report = wait_for(pool)
        assert isinstance(report, Report)
        assert (report.task, report.error) == (Task(0), "")
        assert each.run.shards("extract") == [0]


def test_what_a_shard_raises_is_reported(pool: LocalPool, job: Job):
    pool.assign("extract", job)
    pool.give(Task(7))
    report = wait_for(pool)
    assert isinstance(report, Report)
    assert str(report.revive("extract")) == "Shard 7 of plan is missing: run the earlier stages first."


def test_the_task_of_a_worker_that_dies_is_lost_and_another_takes_its_place(pool: LocalPool, job: Job):
    pool.assign("extract", job)
    pid = find_pid(pool)
    os.kill(pid, signal.SIGSTOP)
    assert pool.give(Task(0))
    os.kill(pid, signal.SIGKILL)
    assert wait_for(pool) == Lost(Task(0))
    pool.poll(0)
    assert find_pid(pool) != pid
    assert pool.give(Task(0))
    assert isinstance(wait_for(pool), Report)


def test_a_worker_is_known_before_it_has_spoken(pool: LocalPool, job: Job):
    pool.assign("extract", job)
    assert pool.take_states() is None  # nobody has listened
    pool.poll(0)
    ((node, pid, started),) = pool.take_states() or {}
    assert node == ""
    assert (pid, started) == (find_pid(pool), find_start(pid))


def test_a_worker_is_named_by_what_it_does(pool: LocalPool, job: Job):
    pool.assign("extract", job)
    process = psutil.Process(find_pid(pool))
    pool.give(Task(0))
    names = set()
    while not pool.poll(0.001):
        names.add(process.name())
    assert "extract 0" in names


def test_closing_a_pool_ends_its_workers_at_once(nursery: Nursery, job: Job):
    pool = LocalPool(nursery, partial(serve_shards, cpus=1, stall_s=60), size=lambda: 2)
    pool.assign("extract", job)
    processes = [psutil.Process(pid) for _, pid, _ in pool.workers]
    assert len(processes) == 2
    pool.close()
    _, alive = psutil.wait_procs(processes, timeout=10)
    assert alive == []


def end_at_once(driver: Connection) -> None:
    os._exit(3)


def test_workers_that_end_as_they_start_are_given_up(nursery: Nursery, job: Job):
    pool = LocalPool(nursery, end_at_once, size=lambda: 1)
    with pytest.raises(BuildError, match=f"{MOST_STILLBORN} workers in a row have ended as they started"):
        do_for_ever(pool, "extract", job)
    pool.close()


class Unreadable:
    """What cannot be unpickled, as a job with a plugin that is not installed."""

    def __call__(self, driver: Connection) -> None: ...

    def __reduce__(self) -> tuple[object, ...]:
        return _fail, ()


def _fail() -> None:
    raise RuntimeError("there is no key")


def test_a_worker_that_fails_says_why(nursery: Nursery, job: Job):
    pool = LocalPool(nursery, Unreadable(), size=lambda: 1)
    with pytest.raises(BuildError, match="A worker has failed, which is a bug") as caught:
        do_for_ever(pool, "extract", job)
    assert "RuntimeError: there is no key" in str(caught.value.__notes__)
    pool.close()


def test_workers_end_with_their_nursery_and_the_pool_starts_another(job: Job):
    nursery = Nursery()
    pool = LocalPool(nursery, partial(serve_shards, cpus=1, stall_s=60), size=lambda: 1)
    try:
        pool.assign("extract", job)
        worker = psutil.Process(find_pid(pool))
        worker.parent().kill()
        psutil.wait_procs([worker], timeout=10)
        assert not worker.is_running()
        while not pool.give(Task(0)):
            pool.poll(1)
        assert isinstance(wait_for(pool), Report)
    finally:
        pool.close()
        nursery.close()


DRIVER = """
import os, sys, time
from functools import partial
from docmatix.driver.local_workers import serve_shards
from docmatix.driver.nursery import Nursery
nursery = Nursery()
_, pid = nursery.fork(partial(serve_shards, cpus=1, stall_s=60))
print(pid, flush=True)
time.sleep(600)
"""


def test_nursery_and_workers_end_with_a_driver_that_is_killed():
    with subprocess.Popen([sys.executable, "-c", DRIVER], stdout=subprocess.PIPE, text=True) as driver:
        assert driver.stdout is not None
        worker = psutil.Process(int(driver.stdout.readline()))
        family = [worker, worker.parent()]
        driver.kill()
        _, alive = psutil.wait_procs(family, timeout=10)
    assert alive == []


def test_a_nursery_that_cannot_start_is_said_in_one_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(sys, "executable", "/bin/false")
    with pytest.raises(BuildError, match=r"The process that starts workers has ended \(exit status 1"):
        Nursery().fork(end_at_once)


def test_only_the_process_that_was_meant_is_killed():
    process = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
    started = find_start(process.pid)
    assert started is not None
    assert kill_process(process.pid, started + 1) == "gone"  # another one that has the same id now
    assert process.poll() is None
    assert kill_process(process.pid, started) == "killed"
    assert process.wait() == -9
    assert kill_process(process.pid, started) == "gone"
