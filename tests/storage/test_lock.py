"""One driver at a time, and a dead driver holds nothing."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator

import pytest

from docmatix.core.errors import SetupError
from docmatix.storage.run import Run

HOLD = """
import sys, time
from docmatix.storage.run import Run
with Run(sys.argv[1]).locked():
    print("held", flush=True)
    time.sleep(600)
"""


@contextlib.contextmanager
def held_elsewhere(run: Run) -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen([sys.executable, "-c", HOLD, run.root], stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        yield process
    finally:
        process.kill()
        process.wait()
        process.stdout.close()  # type: ignore[union-attr]


def test_a_run_held_by_another_process_is_refused_and_free_again_when_that_dies(tmp_path):
    run = Run(tmp_path / "run")
    with held_elsewhere(run) as process:
        for _ in range(2):  # being refused must not open the door for the next one
            with pytest.raises(SetupError, match=f"is held by process {process.pid} on "), run.locked():
                pass
        process.kill()
        process.wait()
        with run.locked():
            assert f"process {os.getpid()} on " in run.read(".lock").decode()


def test_a_lock_is_given_back_whatever_happens(run):
    with pytest.raises(ZeroDivisionError), run.locked():
        raise ZeroDivisionError
    with run.locked():
        pass


def test_a_command_that_was_wrong_leaves_no_directory_behind(tmp_path):
    with pytest.raises(SetupError), Run(tmp_path / "run").locked():
        raise SetupError("the source is empty")
    assert list(tmp_path.iterdir()) == []


def test_a_remote_run_is_held_by_a_lease(memory_run):
    with memory_run.locked():
        with pytest.raises(SetupError, match="is held by a driver on "), Run(memory_run.url).locked():
            pass
        assert memory_run.exists(".lock")
    assert not memory_run.exists(".lock")


def test_a_lease_of_a_driver_that_was_killed_on_this_machine_is_not_waited_for(memory_run):
    ended = subprocess.Popen([sys.executable, "-c", ""])
    with memory_run.locked():
        lease = json.loads(memory_run.read(".lock"))
    ended.wait()
    lease["process"] = ended.pid
    memory_run.write(".lock", json.dumps(lease).encode())
    with memory_run.locked():
        pass
    for elsewhere in ({"where": "another machine"}, {"where": None}):
        memory_run.write(".lock", json.dumps(lease | elsewhere).encode())
        said = r"is held by a driver on .*\(if it was killed, its lease ends in \d+ s\)"
        with pytest.raises(SetupError, match=said), memory_run.locked():
            pass


@pytest.mark.parametrize("content", [json.dumps({"holder": "x", "host": "h", "until": 1_000_000_000}), "no json"])
def test_a_lease_that_ran_out_or_cannot_be_read_holds_nothing(memory_run, content):
    memory_run.write(".lock", content.encode())
    with memory_run.locked():
        assert json.loads(memory_run.read(".lock"))["until"] > time.time()
