"""The sandbox's child: what it imports, how many calls it serves, and that it dies with its parent."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from docmatix.core.documents import Refusal
from docmatix.pdf.child import STACK_BYTES
from docmatix.pdf.sandbox import Sandbox

PACKAGES = ("docmatix", "tests")


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox(memory_mb=1024, packages=PACKAGES) as box:
        yield box


def make_noise() -> str:
    print("noise on stdout", flush=True)
    print("noise on stderr", file=sys.stderr, flush=True)
    os.write(2, b"noise below Python\n")
    return "done"


def test_the_child_is_quiet(sandbox, capfd):
    assert sandbox.run(make_noise, timeout_s=10) == "done"
    assert capfd.readouterr() == ("", "")


def test_the_child_imports_neither_the_main_module_nor_heavy_packages():
    with Sandbox(memory_mb=256) as sandbox:
        imported = (
            "sorted({'ray', 'pyarrow', 'pydantic', 'numpy', 'pymupdf', 'pytest'} & set(__import__('sys').modules))"
        )
        assert sandbox.run(eval, imported, timeout_s=10) == []
        assert sandbox.run(eval, "__import__('__main__').__dict__.get('__file__')", timeout_s=10) is None


def test_one_child_serves_many_calls_and_is_replaced_in_time():
    with Sandbox(memory_mb=1024, runs_per_child=3) as sandbox:
        pids = [sandbox.run(os.getpid, timeout_s=10) for _ in range(7)]
    assert pids[0] == pids[1] == pids[2] != pids[3] == pids[4] == pids[5] != pids[6]


def test_a_child_that_keeps_much_memory_is_replaced():
    keep = (
        "__import__('builtins').__dict__.setdefault('kept', []).append(b'x' * (8 << 20)) or __import__('os').getpid()"
    )
    with Sandbox(memory_mb=1024, growth_bytes=20 << 20) as sandbox:
        pids = [sandbox.run(eval, keep, timeout_s=10) for _ in range(5)]
    # after the fourth it holds three times 8 MB more than after its first
    assert pids[0] == pids[1] == pids[2] == pids[3] != pids[4]


def is_running(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def test_closing_ends_the_child_and_a_closed_sandbox_can_be_used_again():
    sandbox = Sandbox(memory_mb=1024)
    pid = sandbox.run(os.getpid, timeout_s=10)
    sandbox.close()
    assert isinstance(pid, int)
    assert not is_running(pid)
    assert sandbox.run(len, "again", timeout_s=10) == 5
    sandbox.close()
    sandbox.close()


PARENT = """
import sys
from docmatix.pdf.sandbox import Sandbox
sandbox = Sandbox(memory_mb=1024)
sandbox.run(len, "start", timeout_s=10)
print(sandbox.pid, flush=True)
if sys.argv[1] == "busy":
    sandbox.run(sum, range(10**12), timeout_s=1000)
else:
    sys.stdin.read()
"""


@pytest.mark.parametrize("state", ["busy", "idle"])
def test_the_child_dies_with_its_parent_even_in_the_middle_of_a_c_function(state):
    with subprocess.Popen(
        [sys.executable, "-c", PARENT, state], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as parent:
        assert parent.stdout is not None
        child = int(parent.stdout.readline())
        assert is_running(child)
        time.sleep(0.2)
        parent.kill()
        parent.wait()
    deadline = time.monotonic() + 30
    while is_running(child) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert not is_running(child)


def test_the_kernel_takes_the_child_before_the_worker_when_memory_runs_out(sandbox):
    sandbox.run(len, "start", timeout_s=10)
    assert Path(f"/proc/{sandbox.pid}/oom_score_adj").read_text() == "1000\n"


def test_how_deep_a_document_may_nest_is_the_same_in_every_shell():
    limits = resource.getrlimit(resource.RLIMIT_STACK)
    resource.setrlimit(resource.RLIMIT_STACK, (min(64 << 20, limits[1]) if limits[1] > 0 else 64 << 20, limits[1]))
    try:
        with Sandbox(memory_mb=1024) as sandbox:
            found = sandbox.run(resource.getrlimit, resource.RLIMIT_STACK, timeout_s=10)
        assert not isinstance(found, Refusal)
        assert found[0] == STACK_BYTES
    finally:
        resource.setrlimit(resource.RLIMIT_STACK, limits)
