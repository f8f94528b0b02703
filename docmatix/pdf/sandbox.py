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
"""

from __future__ import annotations

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
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from itertools import count
from multiprocessing.connection import Connection, Pipe
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple, TypeVar

from docmatix.documents import Refusal
from docmatix.errors import BuildError

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

_CHILD = (
    "import json, sys; sys.path[:] = json.loads(sys.argv[1]); "
    "from docmatix.pdf.sandbox import serve; serve(int(sys.argv[2]), lifeline=int(sys.argv[3]))"
)


class Sandbox:
    """One child process, started when first needed and replaced when it dies. For use by one thread at a time.

    `memory_mb` limits what the child can write to while a function runs; libraries and their data take 240 MB of it
    when all are in use. After `runs_per_child` calls the child is replaced, which gives back what MuPDF and Python keep
    in fragments.
    """

    def __init__(self, *, memory_mb: int, runs_per_child: int = 500) -> None:
        self._memory_mb = memory_mb
        self._runs_per_child = runs_per_child
        self._runs = 0
        self._process: subprocess.Popen[bytes] | None = None
        self._connection: Connection | None = None
        self._lifeline: int | None = None

    def __enter__(self) -> Sandbox:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def run(self, function: Callable[..., Result], *args: Any, timeout_s: float, **options: Any) -> Result | Refusal:
        """`function(*args, **options)`, computed in the child.

        `function` is one that can be imported by name; arguments and result can be pickled. `timeout_s` counts the
        child's CPU seconds, rounded up. Raises `BuildError` if no child can be started at all.
        """
        task = pickle.dumps((function, args, options, timeout_s, self._memory_mb), pickle.HIGHEST_PROTOCOL)
        for attempt in count(1):
            if self._runs >= self._runs_per_child:
                self.close()
            connection = self._connection or self._start()
            self._runs += 1
            is_fresh = self._runs == 1
            outcome = self._exchange(connection, task, timeout_s=timeout_s)
            if not isinstance(outcome, _End):
                result: Result = outcome
                return result
            if attempt >= outcome.attempts and (is_fresh or not outcome.needs_fresh):
                return outcome.refusal
        raise AssertionError

    def _exchange(self, connection: Connection, task: bytes, *, timeout_s: float) -> Any:
        """The child's result, or the `_End` it has met; after that the child is gone."""
        wall_s = WALL_FACTOR * timeout_s
        deadline = time.monotonic() + wall_s
        try:
            # a child that stands still reads and writes nothing, and the pipe holds 200 KB
            _bound_waits(connection, wall_s)
            connection.send_bytes(task)
            used_s = self._read_cpu_s()
            while not connection.poll(max(0.0, deadline - time.monotonic())):
                before_s, used_s = used_s, self._read_cpu_s()
                if used_s - before_s < STANDSTILL_SHARE * timeout_s:
                    return self._end_standstill(wall_s)
                deadline = time.monotonic() + wall_s
            answer = connection.recv_bytes()
        except (EOFError, ConnectionError):
            return _explain_end(self._stop(), timeout_s=timeout_s)
        except BlockingIOError:
            return self._end_standstill(wall_s)
        except BaseException:
            # An interrupt in the middle of an exchange: what the child sends next would answer the wrong call.
            self._stop()
            raise
        if answer.startswith(_OUT_OF_MEMORY):
            self._stop()
            return _End(Refusal("out_of_memory", f"needs more than {self._memory_mb} MB"), needs_fresh=True)
        return pickle.loads(answer)

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

    def _start(self) -> Connection:
        ours, theirs = Pipe()
        lifeline, self._lifeline = os.pipe()
        self._process = subprocess.Popen(
            [sys.executable, "-c", _CHILD, json.dumps(sys.path), str(theirs.fileno()), str(lifeline)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            pass_fds=(theirs.fileno(), lifeline),
            # Every thread of a numerical library and every malloc arena reserves address space by the 64 MB.
            env={**os.environ, "OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1", "MALLOC_ARENA_MAX": "1"},
        )
        theirs.close()
        os.close(lifeline)
        self._connection, self._runs = ours, 0
        try:
            started = ours.poll(START_TIMEOUT_S) and ours.recv_bytes() == b"hello"
        except (EOFError, ConnectionError):
            started = False
        if not started:
            raise BuildError(
                f"The process that handles PDFs did not start (exit status {self._stop()}); "
                f"try `{sys.executable} -c 'import docmatix.pdf.sandbox'`."
            )
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


def _bound_waits(connection: Connection, seconds: float) -> None:
    """Have every read and write on the connection end with BlockingIOError when nothing moves for so long."""
    # of zero the kernel makes for ever
    timeval = struct.pack("@ll", *divmod(max(1, round(seconds * 1e6)), 1_000_000))
    with socket.socket(fileno=os.dup(connection.fileno())) as channel:
        channel.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, timeval)
        channel.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, timeval)


# --- inside the child -------------------------------------------------------------------------------------------------


def serve(connection: int, *, lifeline: int) -> None:
    """Answer calls until the parent closes its end. Both arguments are file descriptors."""
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
    with Connection(connection) as parent:
        parent.send_bytes(b"hello")
        while True:
            try:
                task = parent.recv_bytes()
            except (EOFError, ConnectionError):
                return
            parent.send_bytes(_answer(task))


def _die_with_parent(lifeline: int) -> None:
    """Have the kernel end this process as soon as the parent is gone, even in the middle of a C function that hangs.

    The parent holds the other end of the pipe `lifeline` and never writes: its end is the only event there, of which
    the kernel tells by SIGIO. (PR_SET_PDEATHSIG would do the same when the *thread* that started us ends.)
    """
    import fcntl

    signal.signal(signal.SIGIO, signal.SIG_DFL)
    fcntl.fcntl(lifeline, fcntl.F_SETOWN, os.getpid())
    fcntl.fcntl(lifeline, fcntl.F_SETFL, fcntl.fcntl(lifeline, fcntl.F_GETFL) | os.O_ASYNC)
    if select.select([lifeline], [], [], 0)[0]:
        os._exit(0)


_OUT_OF_MEMORY = b"out of memory"
"""Said in place of a result: no pickle begins like this."""


def _answer(task: bytes) -> bytes:
    try:
        function, args, options, timeout_s, memory_mb = pickle.loads(task)
        del task
        # the result is part of the work: of a document of two million words it is half of the memory
        with _limits(timeout_s=timeout_s, memory_mb=memory_mb):
            return pickle.dumps(function(*args, **options), pickle.HIGHEST_PROTOCOL)
    except MemoryError:
        return _OUT_OF_MEMORY
    except Exception as error:
        return pickle.dumps(Refusal("internal_error", _describe(error)))


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
