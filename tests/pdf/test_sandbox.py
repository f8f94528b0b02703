"""The sandbox: whatever a function does in there, the caller gets a value, and the next call works."""

from __future__ import annotations

import hashlib
import io
import os
import pickle
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from docmatix.core.documents import Document, Refusal
from docmatix.pdf.channel import SHARED_BYTES, NamedFunction, share_bytes
from docmatix.pdf.reading import read_document
from docmatix.pdf.rendering import render_pages
from docmatix.pdf.sandbox import KILLS_BELIEVED, STANDSTILLS_BELIEVED, Sandbox
from docmatix.pdf.settings import Extract, Rendering
from tests import pdfs

PACKAGES = ("docmatix", "tests")


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox(memory_mb=1024, packages=PACKAGES) as box:
        yield box


@pytest.fixture
def calls(tmp_path: Path) -> Iterator[io.FileIO]:
    """For `count_call`."""
    with (tmp_path / "calls").open("ab", buffering=0) as file:
        yield file


# --- what the children do ---------------------------------------------------------------------------------------------


def burn() -> None:
    while True:
        sum(range(1000))


def use_a_quarter_second() -> str:
    end = time.process_time() + 0.25
    while time.process_time() < end:
        sum(range(1000))
    return "done"


def drowse(seconds: float) -> str:
    """Work a twentieth of the time, as a process does among twenty others."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        time.sleep(0.19)
        busy_until = time.process_time() + 0.01
        while time.process_time() < busy_until:
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


def return_a_function() -> object:
    return lambda: None


def count_call(file: io.FileIO) -> int:
    """How often a function has been called with this file, in whatever child."""
    file.write(b"x")
    return os.fstat(file.fileno()).st_size


def end_by(number: int, file: io.FileIO, *, times: int) -> str:
    """Send itself a signal in the first so many calls."""
    if count_call(file) <= times:
        os.kill(os.getpid(), number)
    return "done"


HELD: list[bytearray] = []


def hold_memory(mb: int) -> int:
    """Keep memory, as a library does that leaks."""
    HELD.append(bytearray(mb << 20))
    return os.getpid()


def crash_where_memory_is_held() -> str:
    if HELD:
        os.kill(os.getpid(), signal.SIGSEGV)
    return "done"


def return_what_swells() -> list[str]:
    """Small, and a gigabyte once it is to be sent."""
    return ["x" * (1 << 20)] * 1024


# --- results and refusals ---------------------------------------------------------------------------------------------


def test_a_result_comes_back(sandbox):
    assert sandbox.run(divmod, 17, 5, timeout_s=10) == [3, 2]


def test_options_are_passed_on(sandbox):
    assert sandbox.run(sorted, [1, 3, 2], reverse=True, timeout_s=10) == [3, 2, 1]


def test_large_values_go_both_ways(sandbox):
    text = "0123456789" * (2 << 20)
    assert sandbox.run(str, text, timeout_s=20) == text


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


def test_a_function_that_gets_little_of_a_loaded_machine_is_not_ended_by_the_clock(sandbox):
    # the limit by the clock is 4 s
    assert sandbox.run(drowse, 6, timeout_s=0.4) == "done"


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


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
@pytest.mark.parametrize("times", [1, 2])
def test_a_child_that_is_killed_from_outside_costs_no_document(sandbox, calls, number, times):
    assert sandbox.run(end_by, int(number), calls, times=times, timeout_s=10) == "done"


def test_a_document_whose_child_is_killed_every_time_is_not_retried_forever(sandbox, calls):
    refusal = sandbox.run(end_by, int(signal.SIGKILL), calls, times=99, timeout_s=10)
    assert refusal == Refusal("crashed", "ended by SIGKILL")
    assert os.fstat(calls.fileno()).st_size == KILLS_BELIEVED


def test_a_document_that_crashes_a_fresh_child_is_tried_once(calls):
    with Sandbox(memory_mb=1024, packages=PACKAGES) as sandbox:
        refusal = sandbox.run(end_by, int(signal.SIGSEGV), calls, times=99, timeout_s=10)
    assert refusal == Refusal("crashed", "ended by SIGSEGV")
    assert os.fstat(calls.fileno()).st_size == 1


def test_a_document_is_not_blamed_for_what_earlier_ones_left_in_the_child():
    with Sandbox(memory_mb=1024, packages=PACKAGES) as sandbox:
        first = sandbox.run(hold_memory, 1, timeout_s=10)
        assert sandbox.run(crash_where_memory_is_held, timeout_s=10) == "done"
        second = sandbox.run(hold_memory, 700, timeout_s=10)
        assert sandbox.run(hold_memory, 700, timeout_s=10) not in {first, second}


def test_a_child_that_ran_out_of_memory_is_replaced():
    with Sandbox(memory_mb=1024, packages=PACKAGES) as sandbox:
        first = sandbox.run(os.getpid, timeout_s=10)
        assert sandbox.run(fill_memory, timeout_s=20) == Refusal("out_of_memory", "needs more than 1024 MB")
        assert sandbox.run(os.getpid, timeout_s=10) != first


def test_the_memory_for_sending_a_result_counts(sandbox):
    assert sandbox.run(return_what_swells, timeout_s=20) == Refusal("out_of_memory", "needs more than 1024 MB")


@pytest.mark.parametrize("size", [1, 8 << 20])
def test_a_child_that_has_stalled_before_a_call_is_replaced(size):
    """More is sent than the pipe holds, so that waiting for the answer alone would never end."""
    with Sandbox(memory_mb=1024) as sandbox:
        pid = sandbox.run(os.getpid, timeout_s=10)
        assert isinstance(pid, int)
        os.kill(pid, signal.SIGSTOP)
        assert sandbox.run(len, bytes(size), timeout_s=1) == size
        assert sandbox.pid != pid


class CountingSandbox(Sandbox):
    """Counts its children."""

    children = 0

    def _start(self) -> Any:
        self.children += 1
        return super()._start()


def test_a_document_on_which_every_child_stalls_is_a_timeout():
    sandbox = CountingSandbox(memory_mb=1024)
    with sandbox:
        refusal = sandbox.run(signal.raise_signal, signal.SIGSTOP, timeout_s=1)
        assert refusal == Refusal("timeout", "no result after 10 s by the clock")
        assert sandbox.children == STANDSTILLS_BELIEVED


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
    refusal = sandbox.run(return_a_function, timeout_s=10)
    assert isinstance(refusal, Refusal)
    assert refusal.reason == "internal_error"


def test_the_child_of_a_broken_exchange_is_not_used_again(sandbox):
    with pytest.raises(TypeError):
        sandbox.run(len, (item for item in "a generator cannot be sent"), timeout_s=10)
    assert sandbox.run(len, "next", timeout_s=10) == 4


# --- with documents ---------------------------------------------------------------------------------------------------


def test_documents_are_read_and_drawn_inside(sandbox):
    pdf = pdfs.write_distinct_pdf(1)
    document = sandbox.run(read_document, pdf, settings=Extract(), timeout_s=60)
    assert isinstance(document, Document)
    assert document == read_document(pdf, settings=Extract())
    images = sandbox.run(render_pages, pdf, [1], settings=Rendering(), timeout_s=60)
    assert images == render_pages(pdf, [1], settings=Rendering())


def test_a_picture_that_does_not_fit_is_out_of_memory(sandbox):
    settings = Rendering(dpi=600, max_side_px=16_000, color="rgb")
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


# --- what is given to children ----------------------------------------------------------------------------------------


def tell_bytes(data: bytes | memoryview) -> list[Any]:
    import hashlib

    return [type(data).__name__, hashlib.sha256(data).hexdigest()]


def spoil(data: memoryview) -> str:
    try:
        data[0] = 0
    except TypeError:
        return "cannot be written to"
    return "written to"


def count_open_files(data: memoryview) -> int:
    return sum(map(is_open, range(64)))


def is_open(number: int) -> bool:
    try:
        os.fstat(number)
    except OSError:
        return False
    return True


@pytest.mark.parametrize(
    ("size", "kind"), [(0, "bytes"), (SHARED_BYTES - 1, "bytes"), (SHARED_BYTES + 7, "memoryview")]
)
def test_a_child_is_given_the_same_bytes_and_maps_those_that_are_many(sandbox, size, kind):
    data = bytes(range(256)) * (size // 256) + bytes(size % 256)
    for _ in range(2):
        assert sandbox.run(tell_bytes, data, timeout_s=10) == [kind, hashlib.sha256(data).hexdigest()]


def test_what_a_child_maps_it_cannot_change(sandbox):
    assert sandbox.run(spoil, bytes(SHARED_BYTES), timeout_s=10) == "cannot be written to"


def test_no_file_stays_open_after_many_bytes_were_shared(sandbox):
    counted = []
    for _ in range(4):
        there = sandbox.run(count_open_files, bytes(SHARED_BYTES), timeout_s=10)
        counted.append((there, sum(map(is_open, range(1024)))))
    assert len(set(counted)) == 1


def test_a_large_pdf_is_read_and_drawn_as_a_small_one(sandbox):
    small = pdfs.write_pdf("Invoice 4711 is due on 3 May 2024.")
    large = small + b"\n%" + b"x" * SHARED_BYTES
    read = [sandbox.run(read_document, pdf, settings=Extract(), timeout_s=30) for pdf in (small, large)]
    assert [page.text for page in read[1].pages] == [page.text for page in read[0].pages]
    drawn = [sandbox.run(render_pages, pdf, [1], settings=Rendering(), timeout_s=30) for pdf in (small, large)]
    assert drawn[0] == drawn[1]


def test_where_no_memory_can_be_shared_bytes_are_copied(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(os, "memfd_create")
    assert share_bytes(bytes(SHARED_BYTES)) is None


def test_a_function_of_the_childs_alone_is_run_by_its_name(sandbox):
    named = NamedFunction(__name__, "use_a_quarter_second")
    assert pickle.loads(pickle.dumps(named)) is use_a_quarter_second
    assert sandbox.run(named, timeout_s=10) == "done"
    assert NamedFunction("math", "gcd")(12, 18) == 6  # and here, where there is no child
