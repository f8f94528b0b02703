"""The Ray shell, as far as it can be tried without Ray: what it counts on disk and what it leaves there."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from docmatix.errors import BuildError
from docmatix.runner import count_attempt, remove_scratch_of_the_dead
from tests.jobs import make_job


def test_a_shard_that_ends_its_worker_again_and_again_is_refused(tmp_path):
    job = make_job(tmp_path, limits={"shard_attempts": 2})
    count_attempt(job, "extract", 3)
    count_attempt(job, "extract", 3)
    count_attempt(job, "extract", 4)
    with pytest.raises(BuildError, match="Shard 3 of extract ended its worker 2 times"):
        count_attempt(job, "extract", 3)


def test_scratch_folders_of_dead_drivers_are_removed_and_no_others(tmp_path):
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    for name in (f"dmx-{ended.pid}-a", f"dmx-{os.getpid()}-b", "dmx-other-c", "other"):
        (tmp_path / name / "session").mkdir(parents=True)
    remove_scratch_of_the_dead(tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted([f"dmx-{os.getpid()}-b", "dmx-other-c", "other"])
