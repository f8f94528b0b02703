"""The sandbox: whatever a function does in there, the caller gets a value, and the next call works."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from docmatix.config import Extract, Pack
from docmatix.documents import Document, Refusal
from docmatix.pdf.reading import read_document
from docmatix.pdf.rendering import render_pages
from docmatix.pdf.sandbox import Sandbox
from tests import pdfs


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox(memory_mb=1024) as box:
        yield box


# --- what the children do ---------------------------------------------------------------------------------------------


def burn() -> None:
    while True:
        sum(range(1000))


def use_a_quarter_second() -> str:
    end = time.process_time() + 0.25
    while time.process_time() < end:
        sum(range(1000))
    return "done"


def burn_in_c() -> int:
    return sum(range(10**12))


def fill_memory() -> int:
    return len(bytearray(4 << 30))


def fill_memory_slowly() -> int:
    chunks = []
    while True:
        chunks.append(bytearray(1 << 20))


def kill_self(number: int) -> None:
    os.kill(os.getpid(), number)


def fail(text: str) -> None:
    raise KeyError(text)


def return_the_unpicklable() -> object:
    return lambda: None


def make_noise() -> str:
    print("noise on stdout", flush=True)
    print("noise on stderr", file=sys.stderr, flush=True)
    os.write(2, b"noise below Python\n")
    return "done"


# --- results and refusals ---------------------------------------------------------------------------------------------


def test_a_result_comes_back(sandbox):
    assert sandbox.run(divmod, 17, 5, timeout_s=10) == (3, 2)


def test_options_are_passed_on(sandbox):
    assert sandbox.run(sorted, [1, 3, 2], reverse=True, timeout_s=10) == [3, 2, 1]


def test_large_values_go_both_ways(sandbox):
    data = os.urandom(20 << 20)
    assert sandbox.run(bytes, data, timeout_s=20) == data


@pytest.mark.parametrize("function", [burn, burn_in_c])
def test_a_function_that_uses_too_much_time_is_ended(sandbox, function):
    refusal = sandbox.run(function, timeout_s=1)
    assert isinstance(refusal, Refusal)
    assert (refusal.reason, refusal.detail) == ("timeout", "used more than 1 s of CPU time")
    assert sandbox.run(len, "next", timeout_s=10) == 4


def test_a_function_that_sleeps_is_ended_by_the_clock(sandbox):
    before = time.monotonic()
    refusal = sandbox.run(time.sleep, 60, timeout_s=0.1)
    assert isinstance(refusal, Refusal)
    assert refusal.reason == "timeout"
    assert time.monotonic() - before < 30
    assert sandbox.run(len, "next", timeout_s=10) == 4


def test_time_is_counted_for_each_call_alone(sandbox):
    # Together they use more than the two seconds to which one second may be rounded.
    for _ in range(12):
        assert sandbox.run(use_a_quarter_second, timeout_s=1) == "done"


@pytest.mark.parametrize("function", [fill_memory, fill_memory_slowly])
def test_a_function_that_needs_too_much_memory_is_out_of_memory(sandbox, function):
    assert sandbox.run(function, timeout_s=20) == Refusal("out_of_memory", "needs more than 1024 MB")
    assert sandbox.run(len, "next", timeout_s=10) == 4


@pytest.mark.parametrize("number", [signal.SIGSEGV, signal.SIGABRT, signal.SIGKILL])
def test_a_child_that_is_killed_has_crashed(sandbox, number):
    assert sandbox.run(kill_self, int(number), timeout_s=10) == Refusal("crashed", f"ended by {number.name}")
    assert sandbox.run(len, "next", timeout_s=10) == 4


def test_a_child_that_exits_has_crashed(sandbox):
    assert sandbox.run(os._exit, 3, timeout_s=10) == Refusal("crashed", "exited with status 3")
    assert sandbox.run(len, "next", timeout_s=10) == 4


def test_an_exception_is_an_internal_error_with_its_place(sandbox):
    refusal = sandbox.run(fail, "a key", timeout_s=10)
    assert isinstance(refusal, Refusal)
    assert refusal.reason == "internal_error"
    assert refusal.detail.startswith("KeyError at tests/pdf/test_sandbox.py:")
    assert refusal.detail.endswith("'a key'")


def test_a_result_that_cannot_be_sent_is_an_internal_error(sandbox):
    refusal = sandbox.run(return_the_unpicklable, timeout_s=10)
    assert isinstance(refusal, Refusal)
    assert refusal.reason == "internal_error"


def test_the_child_of_a_broken_exchange_is_not_used_again(sandbox):
    with pytest.raises(TypeError):
        sandbox.run(len, (item for item in "a generator cannot be sent"), timeout_s=10)
    assert sandbox.run(len, "next", timeout_s=10) == 4


# --- the child --------------------------------------------------------------------------------------------------------


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


# --- with documents ---------------------------------------------------------------------------------------------------


def test_documents_are_read_and_drawn_inside(sandbox):
    pdf = pdfs.write_distinct_pdf(1)
    document = sandbox.run(read_document, pdf, settings=Extract(), timeout_s=60)
    assert isinstance(document, Document)
    assert document == read_document(pdf, settings=Extract())
    images = sandbox.run(render_pages, pdf, [1], settings=Pack(), timeout_s=60)
    assert images == render_pages(pdf, [1], settings=Pack())


def test_a_picture_that_does_not_fit_is_out_of_memory(sandbox):
    settings = Pack(dpi=600, max_side_px=16_000, color="rgb")
    refusal = sandbox.run(render_pages, pdfs.write_huge_page_pdf(), [1], settings=settings, timeout_s=60)
    assert refusal == Refusal("out_of_memory", "needs more than 1024 MB")


def write_form_bomb(depth: int = 10) -> bytes:
    """Forms that each draw the next one eight times: a billion squares in two kilobytes."""
    forms = [
        b"<</Type/XObject/Subtype/Form/BBox[0 0 612 792]/Resources<</XObject<</F %d 0 R>>>>/Length 48>>\nstream\n"
        % (number + 6)
        + b"/F Do " * 8
        + b"\nendstream"
        for number in range(depth)
    ]
    return pdfs._assemble(
        [
            b"<</Type/Catalog/Pages 2 0 R>>",
            b"<</Type/Pages/Count 1/Kids[3 0 R]>>",
            b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 612 792]/Resources<</XObject<</F 5 0 R>>>>/Contents 4 0 R>>",
            b"<</Length 5>>\nstream\n/F Do\nendstream",
            *forms,
            b"<</Type/XObject/Subtype/Form/BBox[0 0 612 792]/Length 12>>\nstream\n0 0 9 9 re f\nendstream",
        ]
    )


def test_a_document_that_keeps_mupdf_busy_for_hours_is_ended(sandbox):
    refusal = sandbox.run(read_document, write_form_bomb(), settings=Extract(), timeout_s=1)
    assert isinstance(refusal, Refusal)
    assert refusal.reason == "timeout"
