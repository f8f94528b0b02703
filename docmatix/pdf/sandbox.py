"""Runs functions on hostile PDFs in a child process that may die, hang or eat memory, and says what became of them.

    with Sandbox(memory_mb=2048) as sandbox:
        document = sandbox.run(read_document, pdf, settings=settings, timeout_s=60)

Refusals: `timeout`, `out_of_memory`, `crashed` (the PDF's fault) and `internal_error` (ours: an exception). After each
of the first three a new child takes the next document.

What becomes of a document must follow from the document: not from those that were read before it in the same child, nor
from whoever kills processes here. So a child that had served others does not decide alone (a fresh one does), one that
was killed from outside decides only when it happens for the third time in a row, and one that stood still for the
second. No document is tried again beyond that.

The child is a fresh interpreter, neither forked (it would inherit the address space of its parent, gigabytes inside a
Ray worker, and the memory limit would mean nothing) nor started by `multiprocessing` (which imports the parent's
`__main__` again: Ray's worker script, a second and 190 MB). It imports what the functions need, nothing else.

A PDF may also take the child over. So it has no environment but what its libraries need, is confined before it sees a
document (`docmatix.pdf.confinement`), is handed files open, and its answers are data that is checked
(`docmatix.pdf.answers`). What is left to it is to lie about the documents that it is given, that one and later ones.
`python -m docmatix.pdf.sandbox` says how far this machine lets it be confined.
"""

from __future__ import annotations

import importlib
import io
import json
import math
import os
import pickle
import select
import signal
import socket
import struct
import subprocess
import sys
import time
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from itertools import count
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple, TypeVar

from docmatix.core.documents import Refusal
from docmatix.core.errors import BuildError
from docmatix.core.import_path import is_same_folder
from docmatix.pdf.answers import Malformed, find_form, pack_refusal, unpack_refusal
from docmatix.pdf.confinement import Confinement, confine, list_code

Result = TypeVar("Result")

WALL_FACTOR = 10
"""The limit by the clock in units of the CPU limit, for a child that stands still."""

STANDSTILL_SHARE = 0.1
"""A child that has used this share of its CPU limit within the limit by the clock does not stand still: the machine is
loaded (thirty busy processes on two cores were enough), and a loaded machine decides nothing. It is given as long once
more, ten times at most, since its CPU limit ends it then."""

START_TIMEOUT_S = 120
"""A child that has not said hello by then will not; it takes 0.1 s, and far longer on a machine that swaps."""

KILLS_BELIEVED = 3
"""A child that is killed from outside this often in a row, each time a fresh one, has a document to blame: the kernel's
out-of-memory killer takes children first (see `serve`)."""

STANDSTILLS_BELIEVED = 2

FROM_OUTSIDE = frozenset({signal.SIGKILL, signal.SIGTERM, signal.SIGHUP, signal.SIGINT, signal.SIGQUIT})
"""Signals that no PDF can cause."""

STACK_BYTES = 8 << 20
"""The main thread's stack, whatever the shell's limit: how deep a document may nest must not differ by machine."""

ENVIRONMENT = ("LD_LIBRARY_PATH", "PYTHONHOME")
"""What the child inherits: without these some interpreters do not start. Keys and tokens are in most of the others."""

CPU_GRACE_S = 2
"""A child that has used this much more than its CPU limit has lifted it."""

_CHILD = (
    "import json, sys; path, packages, connection, lifeline = json.loads(sys.argv[1]); sys.path[:] = path; "
    "from docmatix.pdf.sandbox import serve; serve(connection, lifeline=lifeline, packages=packages)"
)


class Sandbox:
    """One child process, started when first needed and replaced when it dies. For use by one thread at a time.

    `memory_mb` limits what the child can write to while a function runs; libraries and their data take 240 MB of it
    when all are in use. After `runs_per_child` calls the child is replaced, which gives back what MuPDF and Python keep
    in fragments. Functions come from `packages`, what is installed or the standard library: it can read no other code.
    """

    def __init__(self, *, memory_mb: int, runs_per_child: int = 500, packages: Sequence[str] = ("docmatix",)) -> None:
        self._memory_mb = memory_mb
        self._runs_per_child = runs_per_child
        self._packages = packages
        self._runs = 0
        self._process: subprocess.Popen[bytes] | None = None
        self._connection: socket.socket | None = None
        self._lifeline: int | None = None
        self.confinement = Confinement()
        """What holds for the latest child, as far as one has been started."""

    def __enter__(self) -> Sandbox:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def run(self, function: Callable[..., Result], *args: Any, timeout_s: float, **options: Any) -> Result | Refusal:
        """`function(*args, **options)`, computed in the child.

        `function` is one that can be imported by name, `args` are open files (`io.FileIO`) or, like `options`, can be
        pickled, and `docmatix.pdf.answers` has a form for the result. `timeout_s` counts the child's CPU seconds,
        rounded up. Raises `BuildError` if no child can be started at all.
        """
        files = [arg for arg in args if isinstance(arg, io.FileIO)]
        args = tuple(_Handed(files.index(arg), arg.mode) if isinstance(arg, io.FileIO) else arg for arg in args)
        task = pickle.dumps((function, args, options, timeout_s, self._memory_mb), pickle.HIGHEST_PROTOCOL)
        unpack = find_form(function).unpack
        for attempt in count(1):
            if self._runs >= self._runs_per_child:
                self.close()
            connection = self._connection or self._start()
            self._runs += 1
            is_fresh = self._runs == 1
            outcome = self._exchange(connection, task, files=files, unpack=unpack, timeout_s=timeout_s)
            if not isinstance(outcome, _End):
                result: Result = outcome
                return result
            if attempt >= outcome.attempts and (is_fresh or not outcome.needs_fresh):
                return outcome.refusal
        raise AssertionError

    def _exchange(
        self,
        connection: socket.socket,
        task: bytes,
        *,
        files: Sequence[io.FileIO],
        unpack: Callable[[memoryview], Any],
        timeout_s: float,
    ) -> Any:
        """The child's result, or the `_End` it has met; after that the child is gone."""
        wall_s = WALL_FACTOR * timeout_s
        deadline = time.monotonic() + wall_s
        try:
            # a child that stands still reads and writes nothing, and the socket holds 200 KB
            connection.settimeout(wall_s)
            _send(connection, _TASK, task, files=files)
            began_s = used_s = self._read_cpu_s()
            while not _is_readable(connection, max(0.0, deadline - time.monotonic())):
                before_s, used_s = used_s, self._read_cpu_s()
                if used_s - began_s > timeout_s + CPU_GRACE_S:
                    self._stop(patience_s=0)
                    return _explain_end(-signal.SIGXCPU, timeout_s=timeout_s)
                if used_s - before_s < STANDSTILL_SHARE * timeout_s:
                    return self._end_standstill(wall_s)
                deadline = time.monotonic() + wall_s
            # what is packed within the child's limit is no longer than that
            kind, answer = _receive(connection, most=self._memory_mb << 20, seconds=wall_s)
            if kind == _OUT_OF_MEMORY:
                self._stop()
                return _End(Refusal("out_of_memory", f"needs more than {self._memory_mb} MB"), needs_fresh=True)
            return unpack_refusal(answer) if kind == _REFUSAL else unpack(answer)
        except (EOFError, ConnectionError):
            return _explain_end(self._stop(), timeout_s=timeout_s)
        except TimeoutError:
            return self._end_standstill(wall_s)
        except Malformed as error:
            self._stop(patience_s=0)
            return _End(Refusal("crashed", f"gave a malformed answer: {error}"), needs_fresh=True)
        except BaseException:
            # An interrupt in the middle of an exchange: what the child sends next would answer the wrong call.
            self._stop()
            raise

    def _read_cpu_s(self) -> float:
        """CPU seconds that the child has used in its life."""
        import psutil  # type: ignore[import-untyped]

        try:
            times = psutil.Process(self.pid).cpu_times()
        except psutil.Error:
            return 0.0
        return float(times.user + times.system)

    def _end_standstill(self, wall_s: float) -> _End:
        self._stop(patience_s=0)
        return _End(Refusal("timeout", f"no result after {wall_s:g} s by the clock"), attempts=STANDSTILLS_BELIEVED)

    def close(self) -> None:
        """End the child, if there is one. The sandbox may be used again."""
        self._stop()

    @property
    def pid(self) -> int | None:
        """The process id of the child, if there is one."""
        return self._process.pid if self._process else None

    def _start(self) -> socket.socket:
        ours, theirs = socket.socketpair()
        lifeline, self._lifeline = os.pipe()
        setup = (_list_import_folders(self._packages), self._packages, theirs.fileno(), lifeline)
        self._process = subprocess.Popen(
            # without -P the current folder would come first, whoever wrote its json.py
            [sys.executable, "-P", "-s", "-c", _CHILD, json.dumps(setup)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            pass_fds=(theirs.fileno(), lifeline),
            env={
                **{name: os.environ[name] for name in ENVIRONMENT if name in os.environ},
                # Every thread of a numerical library and every malloc arena reserves address space by the 64 MB.
                **{"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1", "MALLOC_ARENA_MAX": "1"},
            },
        )
        theirs.close()
        os.close(lifeline)
        self._connection, self._runs = ours, 0
        try:
            _, hello = _receive(ours, most=_MOST_HELLO_BYTES, seconds=START_TIMEOUT_S)
            self.confinement = Confinement(*json.loads(bytes(hello)))
        except (EOFError, ConnectionError, TimeoutError, Malformed):
            raise BuildError(
                f"The process that handles PDFs did not start (exit status {self._stop()}); "
                f"try `{sys.executable} -c 'import docmatix.pdf.sandbox'`."
            ) from None
        return ours

    def _stop(self, *, patience_s: float = 1) -> int:
        """End the child and return its exit status: negative for a signal, as `subprocess` has it."""
        if self._process is None:
            return 0
        assert self._connection is not None
        assert self._lifeline is not None
        self._connection.close()
        # A child that is dying must have the time to do so: its own exit status tells what happened, not our signal.
        # One that is idle ends by itself, since its connection is closed.
        try:
            self._process.wait(timeout=patience_s)
        except subprocess.TimeoutExpired:
            self._process.kill()
        status = self._process.wait()
        os.close(self._lifeline)
        self._process = self._connection = self._lifeline = None
        return status


class _End(NamedTuple):
    """How a child ended in the middle of a call, and what it takes to blame the document for it."""

    refusal: Refusal
    attempts: int = 1
    """So many ends of children in a row."""
    needs_fresh: bool = False
    """The last of them in a child that had served nobody before."""


def _explain_end(status: int, *, timeout_s: float) -> _End:
    if status == -signal.SIGXCPU:
        return _End(Refusal("timeout", f"used more than {timeout_s:g} s of CPU time"))
    if status >= 0:
        return _End(Refusal("crashed", f"exited with status {status}"), needs_fresh=True)
    name = signal.Signals(-status).name
    attempts = KILLS_BELIEVED if -status in FROM_OUTSIDE else 1
    return _End(Refusal("crashed", f"ended by {name}"), attempts=attempts, needs_fresh=True)


def _list_import_folders(packages: Sequence[str]) -> list[str]:
    """Where the child looks for modules: as this process does, but for the current folder, unless `packages` are there:
    then it comes last."""
    folders = [os.path.abspath(each) for each in sys.path if each and not is_same_folder(each, os.curdir)]  # noqa: PTH100
    own = (str(Path(importlib.import_module(name).__path__[0]).parent) for name in packages)
    return list(dict.fromkeys([*folders, *own]))


# --- what goes to and fro ---------------------------------------------------------------------------------------------

_HEAD = struct.Struct("=BQ")
"""In front of every message: its kind and its length."""

_HELLO, _TASK, _RESULT, _REFUSAL, _OUT_OF_MEMORY = range(5)
_MOST_FILES = 8
_MOST_HELLO_BYTES = 1000


class _Handed(NamedTuple):
    """Stands for an open file among the arguments of a call: its place among those sent along, and its mode."""

    place: int
    mode: str


def _send(channel: socket.socket, kind: int, data: bytes, *, files: Sequence[io.FileIO] = ()) -> None:
    socket.send_fds(channel, [_HEAD.pack(kind, len(data))], [file.fileno() for file in files])
    channel.sendall(data)


def _receive(channel: socket.socket, *, most: int, seconds: float) -> tuple[int, memoryview]:
    """The next message of a child; it is malformed beyond `most` bytes, and late after so many seconds."""
    deadline = time.monotonic() + seconds
    kind, size = _HEAD.unpack(_receive_bytes(channel, _HEAD.size, deadline))
    if size > most:
        raise Malformed(f"{size} bytes")
    return kind, _receive_bytes(channel, size, deadline)


def _receive_bytes(channel: socket.socket, size: int, deadline: float = math.inf) -> memoryview:
    buffer = memoryview(bytearray(size))
    filled = 0
    while filled < size:
        if deadline < math.inf:
            left_s = deadline - time.monotonic()
            if left_s <= 0:
                raise TimeoutError
            channel.settimeout(left_s)
        received = channel.recv_into(buffer[filled:])
        if not received:
            raise EOFError
        filled += received
    return buffer.toreadonly()


def _is_readable(channel: socket.socket | int, seconds: float) -> bool:
    # unlike `select` it knows descriptors above 1023
    poller = select.poll()
    poller.register(channel, select.POLLIN)
    return bool(poller.poll(math.ceil(seconds * 1000)))


# --- inside the child -------------------------------------------------------------------------------------------------


def serve(connection: int, *, lifeline: int, packages: Sequence[str]) -> None:
    """Answer calls until the parent closes its end. The first two arguments are file descriptors."""
    import resource

    _die_with_parent(lifeline)
    # Ctrl-C in a terminal reaches the whole process group; what follows from it is for the parent to decide.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    hard = resource.getrlimit(resource.RLIMIT_STACK)[1]
    resource.setrlimit(
        resource.RLIMIT_STACK, (STACK_BYTES if hard == resource.RLIM_INFINITY else min(hard, STACK_BYTES), hard)
    )
    with suppress(OSError):
        # when the machine runs out of memory the kernel takes this process, not the worker with a shard in its hands
        Path("/proc/self/oom_score_adj").write_text("1000")
    for name in (*packages, *_LINKED):
        with suppress(ImportError):
            importlib.import_module(name)
    _keep_temporary_files_in_memory()
    holds = confine(list_code(packages))
    with socket.socket(fileno=connection) as parent:
        _send(parent, _HELLO, json.dumps(holds).encode())
        while True:
            try:
                task, files = _receive_task(parent)
            except (EOFError, ConnectionError):
                return
            _send(parent, *_answer(task, files))


_LINKED = ("bz2", "hashlib", "lzma", "zlib")
"""Modules of the standard library with shared libraries that may lie where a confined process cannot look."""


def _keep_temporary_files_in_memory() -> None:
    """py3langid unpacks its model, 68 MB, by way of a temporary file, and there is no folder to write one to."""
    import tempfile

    def make_file(mode: str = "w+b", **_: Any) -> Any:
        return os.fdopen(os.memfd_create("temporary"), mode)

    tempfile.TemporaryFile = make_file  # type: ignore[assignment]


def _receive_task(parent: socket.socket) -> tuple[memoryview, list[int]]:
    head, files, _, _ = socket.recv_fds(parent, _HEAD.size, _MOST_FILES)
    if not head:
        raise EOFError
    _, size = _HEAD.unpack(head)
    return _receive_bytes(parent, size), files


def _die_with_parent(lifeline: int) -> None:
    """Have the kernel end this process as soon as the parent is gone, even in the middle of a C function that hangs.

    The parent holds the other end of the pipe `lifeline` and never writes: its end is the only event there, of which
    the kernel tells by SIGIO. (PR_SET_PDEATHSIG would do the same when the *thread* that started us ends.)
    """
    import fcntl

    signal.signal(signal.SIGIO, signal.SIG_DFL)
    fcntl.fcntl(lifeline, fcntl.F_SETOWN, os.getpid())
    fcntl.fcntl(lifeline, fcntl.F_SETFL, fcntl.fcntl(lifeline, fcntl.F_GETFL) | os.O_ASYNC)
    if _is_readable(lifeline, 0):
        os._exit(0)


def _answer(task: memoryview, files: Sequence[int]) -> tuple[int, bytes]:
    """The kind of the answer, and the answer."""
    try:
        function, args, options, timeout_s, memory_mb = pickle.loads(task)
        del task
        args = [io.FileIO(files[arg.place], arg.mode) if isinstance(arg, _Handed) else arg for arg in args]
        # the result is part of the work: of a document of two million words it is half of the memory
        with _limits(timeout_s=timeout_s, memory_mb=memory_mb):
            result = function(*args, **options)
            if isinstance(result, Refusal):
                return _REFUSAL, pack_refusal(result)
            return _RESULT, find_form(function).pack(result)
    except MemoryError:
        return _OUT_OF_MEMORY, b""
    except Exception as error:
        return _REFUSAL, pack_refusal(Refusal("internal_error", _describe(error)))


@contextmanager
def _limits(*, timeout_s: float, memory_mb: int) -> Iterator[None]:
    """Soft limits on CPU time from now on and on memory, lifted at the end.

    Exceeding the first is SIGXCPU, whose default action ends the process. The second is RLIMIT_DATA, the private
    writable memory: RLIMIT_AS also counts address space that is reserved only, of which one library takes 1 GB.
    """
    import resource

    usage = resource.getrusage(resource.RUSAGE_SELF)
    limits = {
        resource.RLIMIT_CPU: math.ceil(usage.ru_utime + usage.ru_stime + timeout_s),
        resource.RLIMIT_DATA: memory_mb * 2**20,
    }
    before = {kind: resource.getrlimit(kind) for kind in limits}
    for kind, limit in limits.items():
        hard = before[kind][1]
        resource.setrlimit(kind, (limit if hard == resource.RLIM_INFINITY else min(limit, hard), hard))
    try:
        yield
    finally:
        for kind, both in before.items():
            resource.setrlimit(kind, both)


def _describe(error: Exception) -> str:
    """Type, place and the beginning of the message, in one line."""
    frames = traceback.extract_tb(error.__traceback__)
    place = f"{'/'.join(frames[-1].filename.split('/')[-3:])}:{frames[-1].lineno}" if frames else "unknown place"
    return f"{type(error).__name__} at {place}: {' '.join(str(error).split())[:200]}"


if __name__ == "__main__":
    with Sandbox(memory_mb=512) as own:
        own.run(len, "", timeout_s=60)
        sys.stdout.write(f"{own.confinement.describe()}\n")
