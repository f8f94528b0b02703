"""The Ray shell, as far as it can be tried without Ray: what it counts on disk and what it leaves there."""

from __future__ import annotations

import subprocess
import sys

import pytest

from docmatix.core.errors import BuildError
from docmatix.driver.workers import count_attempt, kill_process
from docmatix.models.vllm.supervisor import find_start
from tests.jobs import make_job


def test_a_shard_that_ends_its_worker_again_and_again_is_refused(tmp_path):
    job = make_job(tmp_path, limits={"shard_attempts": 2})
    count_attempt(job, "extract", 3)
    count_attempt(job, "extract", 3)
    count_attempt(job, "extract", 4)
    with pytest.raises(BuildError, match="Shard 3 of extract ended its worker 2 times"):
        count_attempt(job, "extract", 3)


def test_only_the_process_that_was_meant_is_killed():
    process = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
    started = find_start(process.pid)
    assert started is not None
    assert kill_process(process.pid, started + 1) == "gone"  # another one that has the same id now
    assert process.poll() is None
    assert kill_process(process.pid, started) == "killed"
    assert process.wait() == -9
    assert kill_process(process.pid, started) == "gone"
