"""The supervisor: whichever process is killed, nothing of the server is left."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

import pytest

from docmatix.models.vllm.supervisor import (
    LOST,
    SupervisedProcess,
    find_family,
    find_start,
    list_processes,
    read_process,
    start_supervised,
)
from tests.waiting import wait_until

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="supervisors need Linux")

FAMILY = """
import signal, subprocess, sys, time
ignore = 'import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(600)'
subprocess.Popen([sys.executable, '-c', ignore])
subprocess.Popen([sys.executable, '-c', ignore], start_new_session=True)
print('three are there', flush=True)
time.sleep(600)
"""
"""A server with a child that no SIGTERM ends, and one that has left its session."""
OWNER = """
import os, sys, tempfile, time
from docmatix.models.vllm.supervisor import start_supervised
log = tempfile.TemporaryFile()
supervised = start_supervised([sys.executable, '-c', sys.argv[1]], env=os.environ, log=log, grace_s=1)
fork = os.fork()  # holds the pipe to the supervisor open when its parent is dead
if not fork:
    os.close(1)
    time.sleep(600)
print(supervised.pid, supervised.supervisor_pid, supervised.guard_pid, fork, flush=True)
if 'exit' in sys.argv:
    sys.exit()
time.sleep(600)
"""


def is_gone(pid: int) -> bool:
    return find_start(pid) is None


@pytest.fixture
def log() -> Iterator[BinaryIO]:
    with tempfile.TemporaryFile() as file:
        yield file


def start_family(log: BinaryIO) -> tuple[SupervisedProcess, list[int]]:
    """A server with its children, and the ids of all that must be gone in the end."""
    supervised = start_supervised([sys.executable, "-c", FAMILY], env=os.environ, log=log, grace_s=1)
    assert wait_until(lambda: b"three" in os.pread(log.fileno(), 100, 0))
    family = [process.pid for process in find_family(supervised.supervisor_pid, supervised.pid)]
    assert len(family) == 3
    return supervised, [*family, supervised.supervisor_pid, supervised.guard_pid]


def test_a_server_that_ends_says_how(log: BinaryIO):
    supervised = start_supervised(
        [sys.executable, "-c", "print('words'); raise SystemExit(3)"], env=os.environ, log=log
    )
    assert supervised.poll(60) == 3
    assert supervised.poll() == supervised.stop() == 3
    assert os.pread(log.fileno(), 100, 0) == b"words\n"
    assert wait_until(lambda: is_gone(supervised.supervisor_pid) and is_gone(supervised.guard_pid))


def test_a_server_that_runs_has_no_code_and_its_environment_is_the_one_given(log: BinaryIO):
    command = [sys.executable, "-c", "import os, time; print(os.environ['SAID'], flush=True); time.sleep(600)"]
    supervised = start_supervised(command, env={"SAID": "this"}, log=log)
    assert supervised.poll(0.1) is None
    assert wait_until(lambda: os.pread(log.fileno(), 100, 0) == b"this\n")
    assert supervised.stop(kill=True) == -signal.SIGKILL


def test_a_command_that_cannot_be_started_is_an_error(log: BinaryIO):
    with pytest.raises(OSError, match="No such file"):
        start_supervised(["/nowhere/python"], env=os.environ, log=log)


def test_it_is_ended_politely_first(log: BinaryIO):
    polite = (
        "import signal, sys, time; signal.signal(15, lambda *_: sys.exit(7)); print(1, flush=True); time.sleep(600)"
    )
    supervised = start_supervised([sys.executable, "-c", polite], env=os.environ, log=log, grace_s=60)
    assert wait_until(lambda: bool(os.pread(log.fileno(), 100, 0)))
    assert supervised.stop() == 7


def test_one_that_is_deaf_or_stopped_is_killed_after_the_grace(log: BinaryIO):
    deaf = "import signal, time; signal.signal(15, signal.SIG_IGN); print(1, flush=True); time.sleep(600)"
    supervised = start_supervised([sys.executable, "-c", deaf], env=os.environ, log=log, grace_s=0.2)
    assert wait_until(lambda: bool(os.pread(log.fileno(), 100, 0)))
    os.kill(supervised.pid, signal.SIGSTOP)
    assert supervised.stop() == -signal.SIGKILL


def test_interrupts_are_not_ignored_by_the_server_because_its_supervisor_does(log: BinaryIO):
    command = [sys.executable, "-c", "import signal; print(signal.getsignal(2), signal.getsignal(1))"]
    assert start_supervised(command, env=os.environ, log=log).poll(60) == 0
    assert b"default_int_handler" in os.pread(log.fileno(), 200, 0)
    assert b"SIG_IGN" not in os.pread(log.fileno(), 200, 0)


def test_all_are_ended_when_it_is_told_to(log: BinaryIO):
    supervised, all_pids = start_family(log)
    supervised.stop()
    assert wait_until(lambda: all(map(is_gone, all_pids)))


@pytest.mark.parametrize(
    ("victim", "code"), [("pid", -signal.SIGKILL), ("supervisor_pid", LOST), ("guard_pid", -signal.SIGTERM)]
)
def test_all_end_when_one_of_them_is_killed(log: BinaryIO, victim: str, code: int):
    supervised, all_pids = start_family(log)
    os.kill(getattr(supervised, victim), signal.SIGKILL)
    assert supervised.poll(60) == code
    assert wait_until(lambda: all(map(is_gone, all_pids)))


def test_the_owner_ends_the_session_when_supervisor_and_guard_are_killed(log: BinaryIO):
    supervised, all_pids = start_family(log)
    alone = [pid for pid in all_pids if (process := read_process(pid)) and process.session == pid != supervised.pid]
    os.kill(supervised.guard_pid, signal.SIGKILL)
    os.kill(supervised.supervisor_pid, signal.SIGKILL)
    assert supervised.poll(60) == LOST
    assert wait_until(lambda: all(is_gone(pid) for pid in all_pids if pid not in alone))
    for pid in alone:
        if not is_gone(pid):
            os.kill(pid, signal.SIGKILL)


def test_a_supervisor_that_is_stopped_does_not_hold_up_the_end(log: BinaryIO):
    supervised, all_pids = start_family(log)
    os.kill(supervised.supervisor_pid, signal.SIGSTOP)
    supervised.stop(kill=True, patience_s=0.5)
    assert wait_until(lambda: all(map(is_gone, all_pids)))


@pytest.mark.parametrize("end", ["exit", "kill", "group"])
def test_all_end_with_the_owner_however_it_ends(end: str):
    owner = subprocess.Popen(
        [sys.executable, "-c", OWNER, FAMILY, end], stdout=subprocess.PIPE, text=True, start_new_session=True
    )
    fork = None
    try:
        assert owner.stdout
        server, supervisor, guard, fork = map(int, owner.stdout.readline().split())
        if end == "exit":
            owner.wait(60)
        elif end == "kill":
            owner.kill()
        else:
            os.killpg(owner.pid, signal.SIGKILL)
        assert wait_until(lambda: all(map(is_gone, (server, supervisor, guard))))
        assert wait_until(lambda: not [process for process in list_processes() if process.session == server])
    finally:
        owner.kill()
        owner.wait()
        owner.stdout.close()  # type: ignore[union-attr]
        if fork and not is_gone(fork):
            os.kill(fork, signal.SIGKILL)


def test_python_s_resource_trackers_may_clean_up_first(log: BinaryIO):
    leaky = (
        "import time; from multiprocessing.shared_memory import SharedMemory; "
        "memory = SharedMemory(create=True, size=1024); print(memory.name, flush=True); time.sleep(600)"
    )
    supervised = start_supervised([sys.executable, "-c", leaky], env=os.environ, log=log)
    assert wait_until(lambda: b"\n" in os.pread(log.fileno(), 100, 0))
    memory = Path("/dev/shm") / os.pread(log.fileno(), 100, 0).decode().strip()
    assert memory.exists()
    os.kill(supervised.pid, signal.SIGKILL)
    assert supervised.poll(60) == -signal.SIGKILL
    assert not memory.exists()


def test_the_process_table_is_read():
    mine = read_process(os.getpid())
    assert mine is not None
    assert (mine.pid, mine.parent, mine.session) == (os.getpid(), os.getppid(), os.getsid(0))
    assert mine in list_processes() or not mine.is_ended()
    assert find_start(os.getpid()) == mine.started
    with subprocess.Popen([sys.executable, "-c", ""]) as child:
        assert wait_until(lambda: is_gone(child.pid)), "a zombie counts as gone"
    assert read_process(2**22 + 1) is None
