"""Slots for cores: as many holders as there are, over all processes, and none is lost with a process that dies."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from docmatix.stages.support.cpu_slots import CpuSlots

_HOLD = """
import pathlib, sys
from docmatix.stages.support.cpu_slots import CpuSlots
with CpuSlots(1, folder=pathlib.Path(sys.argv[1])).hold():
    print("held", flush=True)
    sys.stdin.read()
"""


def hold_elsewhere(folder: Path) -> subprocess.Popen[str]:
    """A process that holds the first slot until its input ends."""
    process = subprocess.Popen(
        [sys.executable, "-c", _HOLD, str(folder)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    return process


def test_no_more_threads_hold_a_slot_than_there_are(tmp_path: Path) -> None:
    slots, lock = CpuSlots(2, folder=tmp_path), threading.Lock()
    now = most = 0

    def work() -> None:
        nonlocal now, most
        for _ in range(20):
            with slots.hold():
                with lock:
                    now += 1
                    most = max(most, now)
                with lock:
                    now -= 1

    threads = [threading.Thread(target=work) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert 1 <= most <= 2
    slots.close()


def test_a_slot_of_another_process_is_waited_for_and_one_that_died_gives_its_own_back(tmp_path: Path) -> None:
    other, slots, got = hold_elsewhere(tmp_path), CpuSlots(1, folder=tmp_path), threading.Event()

    def take() -> None:
        with slots.hold():
            got.set()

    thread = threading.Thread(target=take)
    thread.start()
    assert not got.wait(0.3)
    other.kill()
    other.wait()
    assert got.wait(60)
    thread.join()
    for pipe in (other.stdin, other.stdout):
        assert pipe is not None
        pipe.close()
    slots.close()


def test_two_slots_are_had_while_another_process_holds_one_of_three(tmp_path: Path) -> None:
    other, slots = hold_elsewhere(tmp_path), CpuSlots(3, folder=tmp_path)
    with slots.hold(), slots.hold():
        assert other.poll() is None
    other.communicate("")
    slots.close()


def test_a_link_in_place_of_the_file_is_not_followed(tmp_path: Path) -> None:
    target = tmp_path / "target"
    target.write_text("theirs")
    (tmp_path / f"docmatix-slots-{os.geteuid()}").symlink_to(target)
    slots = CpuSlots(1, folder=tmp_path)
    with slots.hold():
        assert target.read_text() == "theirs"
    slots.close()


def test_where_files_cannot_be_locked_each_process_counts_for_itself(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr("docmatix.stages.support.cpu_slots.fcntl.lockf", refuse)
    slots = CpuSlots(2, folder=tmp_path)
    with slots.hold(), slots.hold():
        pass
    slots.close()
