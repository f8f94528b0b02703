"""The worker without Ray: a real process."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

import psutil  # type: ignore[import-untyped]
import pytest

from docmatix.driver.dispatch import Lost
from docmatix.driver.starter import Starter
from docmatix.driver.tasks import Report, Task
from docmatix.models.vllm.supervisor import find_start
from docmatix.stages.support.job import Job
from tests.jobs import make_job, plan
from tests.pdfs import write_distinct_pdf

pytestmark = pytest.mark.timeout(120)


def wait_for(starter: Starter) -> Report | Lost:
    while not (outcomes := starter.poll(1)):
        time.sleep(0.01)
    (outcome,) = outcomes
    return outcome


@pytest.fixture
def job(tmp_path: Path) -> Job:
    job = make_job(tmp_path, pdfs={"a.pdf": write_distinct_pdf(1)})
    plan(job)
    return job


def test_a_starter_commits_the_shard_it_is_given(job: Job):
    starter = Starter(job, "extract", cpus=1)
    try:
        assert starter.give(Task(0))
        assert not starter.give(Task(1))  # one at a time
        report = wait_for(starter)
        assert isinstance(report, Report)
        assert (report.task, report.error) == (Task(0), "")
        assert job.run.shards("extract") == [0]
    finally:
        starter.close()


def test_what_a_shard_raises_is_reported(job: Job):
    starter = Starter(job, "extract", cpus=1)
    try:
        starter.give(Task(7))
        report = wait_for(starter)
        assert isinstance(report, Report)
        assert str(report.revive("extract")) == "Shard 7 of plan is missing: run the earlier stages first."
    finally:
        starter.close()


def test_the_task_of_a_starter_that_dies_is_lost_and_it_takes_no_other(job: Job):
    starter = Starter(job, "extract", cpus=1)
    try:
        starter.give(Task(0))
        os.kill(starter.pid, signal.SIGKILL)
        assert wait_for(starter) == Lost(Task(0))
        assert not starter.give(Task(0))
        assert starter.is_done
    finally:
        starter.close()


def test_a_starter_is_known_before_it_has_spoken(job: Job):
    starter = Starter(job, "extract", cpus=1)
    try:
        os.kill(starter.pid, signal.SIGSTOP)
        ((_, pid, started),) = starter.take_states()
        assert (pid, started) == (starter.pid, find_start(starter.pid))
    finally:
        starter.close()


def test_a_retired_starter_takes_nothing_more_and_ends_when_it_is_closed(job: Job):
    starter = Starter(job, "extract", cpus=1)
    process = psutil.Process(starter.pid)
    starter.retire()
    assert starter.is_done
    assert not starter.give(Task(0))
    starter.close()
    assert not process.is_running()
