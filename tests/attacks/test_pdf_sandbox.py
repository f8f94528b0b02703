"""A PDF that has taken its reader over: what it tries from there, and what comes of it.

A hole in a parser is played by functions that are called in the child and do what an attacker's code would do.
"""

from __future__ import annotations

import ctypes
import os
import pickle
import resource
import signal
import socket
import subprocess
import sys
import textwrap
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import orjson
import pytest

import docmatix
from docmatix.core.documents import Document, Refusal
from docmatix.pdf import channel as channel_module
from docmatix.pdf import child as child_module
from docmatix.pdf import sandbox as sandbox_module
from docmatix.pdf.answers import Malformed, find_form
from docmatix.pdf.reading import read_document
from docmatix.pdf.rendering import render_pages
from docmatix.pdf.sandbox import Sandbox
from docmatix.pdf.settings import Extract
from tests import pdfs

PACKAGES = ("docmatix", "tests")
KEY = "DOCMATIX_TEST_API_KEY"
PROJECT = Path(docmatix.__file__).parent.parent


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with pytest.MonkeyPatch.context() as patch, Sandbox(memory_mb=1024, packages=PACKAGES) as box:
        patch.setenv(KEY, "hf_secret")
        box.run(len, "start", timeout_s=60)
        yield box


@pytest.fixture
def with_landlock(sandbox: Sandbox) -> Sandbox:
    if not sandbox.confinement.landlock:
        pytest.skip("this kernel has no Landlock")
    return sandbox


@pytest.fixture
def with_filter(sandbox: Sandbox) -> Sandbox:
    if not sandbox.confinement.filtered:
        pytest.skip("no filter for system calls on this kernel or machine")
    return sandbox


# --- what the attacker does in the child ------------------------------------------------------------------------------


def attempt(action: Callable[..., Any], *args: Any) -> str:
    try:
        return f"got in: {action(*args)!r}"
    except OSError as error:
        return type(error).__name__


REFUSED = "PermissionError"


def read_file(path: str) -> str:
    return Path(path).read_bytes()[:100].decode(errors="replace")


def read_of_parent(name: str) -> str:
    return read_file(f"/proc/{os.getppid()}/{name}")


def write_file(path: str) -> int:
    return Path(path).write_text("import os; os.system('id')")


def connect(family: int, address: Any) -> None:
    with socket.socket(family) as channel:
        channel.settimeout(5)
        channel.connect(tuple(address) if isinstance(address, list) else address)
        channel.sendall(b"the contents of every document")


def send_datagram(address: str) -> None:
    """To any address, from a socket that was made with its own peer."""
    one, _other = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
    one.sendto(b"x", address)


def signal_parent(number: int) -> None:
    os.kill(os.getppid(), number)


def call_kernel(name: str, *args: int) -> int:
    kernel = ctypes.CDLL(None, use_errno=True)
    result = int(getattr(kernel, name)(*args))
    if result < 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    return result


def trace_parent() -> None:
    seize = 0x4206
    call_kernel("ptrace", seize, os.getppid(), 0, 0)
    # lets go of it again
    os._exit(99)


def open_parent() -> None:
    os.close(os.pidfd_open(os.getppid()))


def limit_parent() -> None:
    resource.prlimit(os.getppid(), resource.RLIMIT_CORE, resource.prlimit(os.getppid(), resource.RLIMIT_CORE))


def start_program() -> int:
    return subprocess.run(["/bin/true"], check=True).returncode


def become_program() -> None:
    os.execv("/bin/true", ["true"])


def fork() -> int:
    pid = os.fork()
    if pid == 0:
        os._exit(0)
    return os.waitpid(pid, 0)[0]


def work_in_a_thread() -> str:
    said: list[str] = []
    thread = threading.Thread(target=said.append, args=["done"])
    thread.start()
    thread.join()
    return said[0]


def gain_capabilities() -> None:
    new_user, new_network = 0x10000000, 0x40000000
    call_kernel("unshare", new_user | new_network)


def touch(path: str) -> None:
    os.utime(path, (0, 0))


def answer_from_now_on(kind: int, answer: bytes) -> None:
    child_module._answer = lambda *_: (kind, answer)


def burn_without_limit() -> None:
    resource.setrlimit(resource.RLIMIT_CPU, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    while True:
        sum(range(1000))


class Payload:
    """A pickle that writes a file wherever it is read."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, tuple[Any, ...]]:
        return os.open, (str(self.path), os.O_CREAT | os.O_WRONLY, 0o600)


# --- keys -------------------------------------------------------------------------------------------------------------


def test_the_keys_in_the_environment_are_not_passed_on(sandbox):
    assert os.environ[KEY]
    assert sandbox.run(os.getenv, KEY, timeout_s=10) is None
    left = sandbox.run(eval, "sorted(__import__('os').environ)", timeout_s=10)
    assert set(left) <= {
        *sandbox_module.ENVIRONMENT,
        *("LC_CTYPE", "OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MALLOC_ARENA_MAX"),
    }


@pytest.mark.parametrize("name", ["environ", "mem", "maps", "cmdline"])
def test_the_keys_of_the_parent_cannot_be_read_through_proc(with_landlock, name):
    assert with_landlock.run(attempt, read_of_parent, name, timeout_s=10) == REFUSED


# --- files ------------------------------------------------------------------------------------------------------------


def test_what_is_thrown_away_may_be_written(with_landlock):
    """Tesseract opens it for its messages, and crashes where it cannot."""
    assert with_landlock.run(attempt, write_file, os.devnull, timeout_s=10) != REFUSED


def test_no_file_outside_can_be_read(with_landlock, tmp_path):
    (tmp_path / "key").write_text("secret")
    assert with_landlock.run(attempt, read_file, str(tmp_path / "key"), timeout_s=10) == REFUSED
    assert with_landlock.run(attempt, os.listdir, str(tmp_path), timeout_s=10) == REFUSED
    assert with_landlock.run(attempt, os.listdir, str(Path.home()), timeout_s=10) == REFUSED
    assert with_landlock.run(attempt, read_file, "/etc/passwd", timeout_s=10) == REFUSED


def test_the_project_beside_its_code_cannot_be_read(with_landlock):
    """An editable install puts the whole project on the path: its `.env`, its runs."""
    if not (PROJECT / "pyproject.toml").exists():
        pytest.skip("docmatix is not installed from a project")
    assert with_landlock.run(attempt, read_file, str(PROJECT / "pyproject.toml"), timeout_s=10) == REFUSED


def test_nothing_can_be_written(with_landlock, tmp_path):
    for folder in (tmp_path, Path(docmatix.__file__).parent, Path(pytest.__file__).parent.parent):
        path = folder / "planted.pth"
        try:
            assert with_landlock.run(attempt, write_file, str(path), timeout_s=10) == REFUSED
        finally:
            path.unlink(missing_ok=True)
    (tmp_path / "old").write_text("kept")
    for action in (os.truncate, os.mkdir, os.unlink, os.mkfifo):
        args = [str(tmp_path / "old"), 0] if action is os.truncate else [str(tmp_path / "old")]
        assert with_landlock.run(attempt, action, *args, timeout_s=10) in {REFUSED, "FileExistsError"}
    assert (tmp_path / "old").read_text() == "kept"


def test_modes_and_times_of_files_cannot_be_changed(with_filter, tmp_path):
    path = tmp_path / "file"
    path.touch(0o600)
    before = path.stat()
    assert with_filter.run(attempt, os.chmod, str(path), 0o777, timeout_s=10) == REFUSED
    assert with_filter.run(attempt, touch, str(path), timeout_s=10) == REFUSED
    assert path.stat() == before


# --- the network ------------------------------------------------------------------------------------------------------


def listen(family: int, address: Any) -> socket.socket:
    listener = socket.socket(family)
    listener.bind(address)
    listener.listen()
    listener.setblocking(False)
    return listener


@pytest.mark.parametrize("kind", ["loopback", "abstract", "path"])
def test_no_listener_is_reached(with_filter, tmp_path, kind):
    family, address = {
        "loopback": (socket.AF_INET, ("127.0.0.1", 0)),
        "abstract": (socket.AF_UNIX, f"\0docmatix-{os.getpid()}"),
        "path": (socket.AF_UNIX, os.path.relpath(tmp_path / "s")),
    }[kind]
    with listen(int(family), address) as listener:
        where = str(tmp_path / "s") if kind == "path" else listener.getsockname()
        assert with_filter.run(attempt, connect, int(family), where, timeout_s=10) == REFUSED
        with pytest.raises(BlockingIOError):
            listener.accept()


def test_no_datagram_leaves_by_a_pair_of_sockets(with_filter, tmp_path):
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as inbox:
        inbox.bind(os.path.relpath(tmp_path / "s"))
        inbox.setblocking(False)
        assert with_filter.run(attempt, send_datagram, str(tmp_path / "s"), timeout_s=10) == REFUSED
        with pytest.raises(BlockingIOError):
            inbox.recv(1)


def test_the_child_is_alone_in_its_network(sandbox):
    if not sandbox.confinement.own_network:
        pytest.skip("no network namespaces for this user")
    ours = Path("/proc/self/ns/net").readlink()
    assert Path(f"/proc/{sandbox.pid}/ns/net").readlink() != ours


# --- other processes --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("action", [trace_parent, open_parent, limit_parent])
def test_the_parent_is_out_of_reach(with_filter, action):
    assert with_filter.run(attempt, action, timeout_s=10) == REFUSED


@pytest.mark.parametrize("number", [0, signal.SIGCONT])
def test_the_parent_cannot_be_signalled(with_filter, number):
    assert with_filter.run(attempt, signal_parent, int(number), timeout_s=10) == REFUSED


@pytest.mark.parametrize("action", [start_program, become_program, fork])
def test_no_program_and_no_process_is_started_that_outlives_its_limits(with_filter, action):
    assert with_filter.run(attempt, action, timeout_s=10) == REFUSED


def test_libraries_may_still_start_threads(with_filter):
    assert with_filter.run(work_in_a_thread, timeout_s=10) == "done"


def test_no_privileges_can_be_gained(with_filter):
    assert with_filter.run(attempt, gain_capabilities, timeout_s=10) == REFUSED
    status = Path(f"/proc/{with_filter.pid}/status").read_text()
    facts = dict(line.split(":\t", 1) for line in status.splitlines() if ":\t" in line)
    assert facts["NoNewPrivs"] == "1"
    read_what_is_anothers = 1 << 2
    assert int(facts["CapPrm"], 16) & ~read_what_is_anothers == 0


# --- answers ----------------------------------------------------------------------------------------------------------


@pytest.fixture
def taken_over() -> Iterator[Sandbox]:
    with Sandbox(memory_mb=512, packages=PACKAGES) as box:
        yield box


PDF = pdfs.write_distinct_pdf(1)


def test_an_answer_that_is_a_pickle_runs_nothing(taken_over, tmp_path):
    answer = pickle.dumps(Payload(tmp_path / "got in"))
    taken_over.run(answer_from_now_on, channel_module.RESULT, answer, timeout_s=10)
    pid = taken_over.pid
    # what comes of it is decided by a fresh child
    assert isinstance(taken_over.run(read_document, PDF, settings=Extract(), timeout_s=60), Document)
    assert taken_over.pid != pid
    assert not (tmp_path / "got in").exists()


def pack(facts: Any, columns: bytes = b"") -> bytes:
    header = facts if isinstance(facts, bytes) else orjson.dumps(facts)
    return len(header).to_bytes(4, "little") + header + columns


def forge(columns: bytes = b"", **lies: Any) -> bytes:
    """A document of one page, as it is sent, with lies."""
    page: dict[str, Any] = {
        "width": 612,
        "height": 792,
        "rotation": 0,
        "share": 0.5,
        "reason": None,
        "quality": None,
        "count": 0,
        "tables": [],
        "facts": [],
        "text_from": "layer",
        "route": "good_layer",
        "sure": None,
        "profile": None,
        "text_signature": None,
    }
    document = {
        "doc_id": "0" * 32,
        "language": None,
        "signature": None,
        "first": 1,
        "part": None,
        "pages": [list((page | lies).values())[: len(page)]],
    }
    return pack([(document | lies)[name] for name in document], columns)


def forge_cell(**lies: Any) -> list[Any]:
    cell = {"row": 0, "column": 0, "row_span": 1, "column_span": 1, "text": "a", "box": [0, 0, 1, 1]}
    return list((cell | {"header": False, "path": ["a"], "role": ""} | lies).values())


def forge_table(**lies: Any) -> list[Any]:
    table = {"box": [0, 0, 1, 1], "cells": [forge_cell()], "caption": "", "unit": "", "notes": []}
    return list((table | {"key_column": None, "confidence": 1, "continues": False} | lies).values())


def forge_fact(**lies: Any) -> list[Any]:
    fact = {"kind": "field", "label": "a", "value": "b", "path": [], "boxes": [[0, 0, 1, 1]], "label_boxes": []}
    return list((fact | {"confidence": 1} | lies).values())


def test_what_is_forged_here_would_pass_without_lies():
    answer = forge(bytes(49) + b"word", count=1, tables=[forge_table()], facts=[forge_fact()])
    (page,) = find_form(read_document).unpack(memoryview(answer)).pages
    assert (page.text, page.tables[0].rows, page.facts[0].value) == ("word", (("a",),), "b")


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"\xff" * 100,
        pack({}),
        pack(b"[" * 10_000),
        pack([[1, 2, "RGB", 3]], b"\xff\xd8\xff"),
        forge(pages=None),
        forge(pages=[[]]),
        forge(doc_id="../../etc"),
        forge(language="\x1b[2J"),
        forge(signature=[1, 2]),
        forge(signature=[2**32] * 128),
        forge(count=-1),
        forge(count=2**40),
        forge(count="1"),
        forge(bytes(49) + b"two\nwords", count=1),
        forge(b"\xff" * 32 + bytes(17) + b"box", count=1),
        forge(bytes(32) + b"\xff" * 8 + bytes(9) + b"line", count=1),
        forge(bytes(40) + b"\xff" * 4 + bytes(5) + b"size", count=1),
        forge(bytes(44) + b"\xff" * 4 + bytes(1) + b"sure", count=1),
        forge(bytes(48) + b"\xff" + b"bold", count=1),
        forge(bytes(49) + b"\xff", count=1),
        forge(bytes(49) + b"\x1b[2J", count=1),
        forge(width="612"),
        forge(width=None),
        pack(forge()[4:].replace(b"612", b"1e999")),
        forge(rotation=45),
        forge(text_from="elsewhere"),
        forge(route="Good layer"),
        forge(route=None),
        forge(sure=1.5),
        forge(profile=[]),
        forge(text_signature="00"),
        forge(text_signature=7),
        forge(profile=[2.0, *[0] * 19]),
        forge(profile=[*[0] * 3, 0.5, *[0] * 16]),
        forge(rotation=[]),
        forge(share=2),
        forge(reason="\x1b[2J"),
        forge(quality=2),
        forge(quality="0.5"),
        forge(tables=[1]),
        forge(tables=[forge_table(cells=[])]),
        forge(tables=[forge_table(cells=[[1]])]),
        forge(tables=[forge_table(box=[0, 0, 1, 1e9])]),
        forge(tables=[forge_table(confidence=2)]),
        forge(tables=[forge_table(notes=["\x1b[2J"])]),
        forge(tables=[forge_table(key_column=-1)]),
        *(forge(tables=[forge_table(cells=[forge_cell(**{name: -1})])]) for name in ("row", "column", "row_span")),
        forge(tables=[forge_table(cells=[forge_cell(text="\x1b[2J")])]),
        forge(tables=[forge_table(cells=[forge_cell(path=["\x1b[2J"])])]),
        forge(tables=[forge_table(cells=[forge_cell(row=2**19, column=2**19)])]),
        forge(tables=[forge_table(cells=[forge_cell(row_span=2**40)])]),
        forge(tables=[forge_table(cells=[forge_cell(box=[1, 0, 0, 1])])]),
        forge(facts=[1]),
        forge(facts=[forge_fact(kind="../../etc")]),
        forge(facts=[forge_fact(value="\x1b[2J")]),
        forge(facts=[forge_fact(path=[1])]),
        forge(facts=[forge_fact(boxes=[[0, 0, 1, 2]])]),
        forge(facts=[forge_fact(confidence="1")]),
    ],
    ids=repr,
)
def test_a_malformed_answer_is_named_so_and_nothing_else(answer):
    with pytest.raises(Malformed):
        find_form(read_document).unpack(memoryview(answer))


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        pack({}),
        pack([1]),
        pack([[1, 1, "CMYK", 3]], b"\xff\xd8\xff"),
        pack([[1, 1, "L", 4]], b"\xff\xd8\xff"),
        pack([[1, 1, "L", 3]], b"\xff\xd8\xff."),
        pack([[0, 1, "L", 3]], b"\xff\xd8\xff"),
        pack([[1, 1, "L", 4]], b"%!PS"),
        forge(),
    ],
    ids=repr,
)
def test_images_that_are_malformed_are_named_so_and_nothing_else(answer):
    with pytest.raises(Malformed):
        find_form(render_pages).unpack(memoryview(answer))


def test_a_child_that_answers_so_is_replaced_and_blamed_when_it_was_fresh():
    lie = bytes(100)

    class TakenOverAtOnce(Sandbox):
        def _exchange(self, connection: Any, task: bytes, **options: Any) -> Any:
            hijack = pickle.dumps((answer_from_now_on, (channel_module.RESULT, lie), {}, 10, 512))
            super()._exchange(connection, hijack, **options | {"unpack": bytes})
            return super()._exchange(connection, task, **options)

    with TakenOverAtOnce(memory_mb=512, packages=PACKAGES) as box:
        refusal = box.run(read_document, PDF, settings=Extract(), timeout_s=60)
        assert isinstance(refusal, Refusal)
        assert refusal.reason == "crashed"
        assert refusal.detail.startswith("gave a malformed answer: ")
        assert box.pid is None


def test_an_answer_that_is_too_long_is_not_received(taken_over):
    taken_over.run(grow_answers, timeout_s=10)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    assert isinstance(taken_over.run(read_document, PDF, settings=Extract(), timeout_s=60), Document)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 300 << 10


def grow_answers() -> None:
    """Announce 2 GB where the memory limit is 512 MB, and send them."""

    def send(channel: socket.socket, *_: Any) -> None:
        channel.sendall(channel_module._HEAD.pack(channel_module.RESULT, 2 << 30))
        while True:
            channel.sendall(bytes(1 << 20))

    child_module.send = send  # type: ignore[assignment, attr-defined]


def test_a_child_that_lifts_its_time_limit_is_ended_by_its_parent(taken_over):
    refusal = taken_over.run(burn_without_limit, timeout_s=0.4)
    assert refusal == Refusal("timeout", "used more than 0.4 s of CPU time")


# --- the current folder -----------------------------------------------------------------------------------------------


def test_the_current_folder_is_not_code(tmp_path):
    marker = tmp_path / "got in"
    for name in ("json", "bz2", "orjson", "importlib", "pymupdf", "numpy"):
        (tmp_path / f"{name}.py").write_text(f"open({str(marker)!r}, 'w')")
    script = """
        import sys
        sys.path = [path for path in sys.path if path]
        from docmatix.pdf.sandbox import Sandbox
        from docmatix.pdf.rendering import render_pages
        from docmatix.pdf.settings import Rendering
        from tests.pdfs import write_pdf
        import psutil
        pdf = write_pdf("text")
        sys.path[:0] = ["", {here!r}]
        with Sandbox(memory_mb=1024) as sandbox:
            print(sandbox.run(eval, "__import__('sys').path", timeout_s=60))
            print(type(sandbox.run(render_pages, pdf, [1], settings=Rendering(dpi=36), timeout_s=60)))
    """
    ended = subprocess.run(
        [sys.executable, "-P", "-c", textwrap.dedent(script).format(here=str(tmp_path))],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(PROJECT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert not marker.exists()
    assert ended.returncode == 0, ended.stderr
    path, result = ended.stdout.splitlines()
    assert str(tmp_path) not in path
    assert "''" not in path
    assert result == "<class 'list'>"
