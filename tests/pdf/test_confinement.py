"""What is taken from the process that reads PDFs; that it holds is tried in `tests.attacks.test_pdf_sandbox`."""

from __future__ import annotations

import errno
from pathlib import Path

import pytest

import docmatix
from docmatix.pdf import confinement
from docmatix.pdf.confinement import Confinement, list_code

PID = 4711
ALLOWED = 0x7FFF0000
REFUSED = 0x00050000 | errno.EPERM

X86_64, AARCH64 = (0, 0xC000003E), (1, 0xC00000B7)


def judge(machine: tuple[int, int], number: int, argument: int = 0, *, architecture: int | None = None) -> int:
    """What the kernel would do with a call, by running the filter as it does."""
    place, own = machine
    steps = list(confinement._write_filter(place, own, PID))
    seen = {0: number, 4: own if architecture is None else architecture, 16: argument & 0xFFFFFFFF}
    held = at = 0
    while True:
        operation, if_true, if_false, value = steps[at]
        at += 1
        if operation == 0x06:
            return value
        if operation == 0x20:
            held = seen[value]
            continue
        holds = {0x15: held == value, 0x35: held >= value, 0x45: bool(held & value)}[operation]
        at += if_true if holds else if_false


@pytest.mark.parametrize(
    ("machine", "calls"),
    [
        (X86_64, {"read": 0, "openat": 257, "mmap": 9, "exit_group": 231, "memfd_create": 319}),
        (AARCH64, {"read": 63, "openat": 56, "mmap": 222, "exit_group": 94, "memfd_create": 279}),
    ],
)
def test_what_reading_needs_is_allowed(machine, calls):
    assert {name: judge(machine, number) for name, number in calls.items()} == dict.fromkeys(calls, ALLOWED)


@pytest.mark.parametrize(("machine", "kill", "limit"), [(X86_64, 62, 302), (AARCH64, 129, 261)])
def test_a_process_signals_and_limits_itself_alone(machine, kill, limit):
    assert judge(machine, kill, PID) == ALLOWED
    assert [judge(machine, kill, pid) for pid in (1, 0, -1, PID + 1)] == [REFUSED] * 4
    assert judge(machine, limit, 0) == ALLOWED
    assert judge(machine, limit, 1) == REFUSED


@pytest.mark.parametrize(("machine", "clone"), [(X86_64, 56), (AARCH64, 220)])
def test_threads_are_allowed_and_processes_are_not(machine, clone):
    thread = 0x003D0F00
    assert judge(machine, clone, thread) == ALLOWED
    assert judge(machine, clone, 17) == REFUSED
    assert judge(machine, 435) == 0x00050000 | errno.ENOSYS


@pytest.mark.parametrize(("machine", "refused"), [(X86_64, (41, 59, 101, 57)), (AARCH64, (198, 221, 117, 97))])
def test_sockets_programs_and_tracing_are_refused(machine, refused):
    assert [judge(machine, number) for number in refused] == [REFUSED] * 4


def test_calls_in_the_manner_of_another_architecture_are_refused():
    assert judge(X86_64, 3, architecture=0x40000003) == REFUSED
    assert judge(X86_64, 0x40000000) == REFUSED


def test_the_code_that_may_be_read_is_not_the_whole_project():
    package = Path(docmatix.__file__).parent
    code = list_code(["docmatix"])
    assert package in code
    assert Path(pytest.__file__).parent.parent in code
    assert not {*package.parents, Path.cwd(), Path.home()} & set(code) - {Path(pytest.__file__).parent.parent}


def test_what_holds_is_said_and_what_does_not():
    assert Confinement().describe().splitlines() == [
        "files: all of its user's",
        "network: all",
        "processes: all of its user's",
        "capabilities: those of its parent",
        "new privileges: all",
    ]
    assert Confinement(True, True, True, 7, True).describe().splitlines()[:2] == [
        "files: code, read-only (Landlock 7)",
        "network: none (namespace and filter)",
    ]
