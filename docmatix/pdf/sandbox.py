"""Runs functions on hostile PDFs in a child process that may die, hang or exhaust memory, and reports what happened.

    with Sandbox(memory_mb=2048) as sandbox:
        document = sandbox.run(read_document, pdf, settings=settings, timeout_s=60)

`python -m docmatix.pdf.sandbox` shows how far this machine can confine the child (`docs/design/pdf.md`).
"""

from __future__ import annotations

import contextlib
import importlib
import io
import json
import os
import pickle
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from itertools import count
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple, TypeVar

from docmatix.core.documents import Refusal
from docmatix.core.errors import BuildError
from docmatix.core.import_path import is_same_folder
from docmatix.pdf.answers import Malformed, find_form, unpack_refusal
from docmatix.pdf.channel import (
    MAX_HELLO_BYTES,
    OUT_OF_MEMORY,
    REFUSAL,
    SHARED_BYTES,
    TASK,
    PassedBytes,
    PassedFile,
    is_readable,
    receive,
    send,
    share_bytes,
)
from docmatix.pdf.confinement import Confinement

Result = TypeVar("Result")

WALL_FACTOR = 10  # the wall-clock limit as a multiple of the CPU limit, for a child that has stalled

# A child that has used this share of its CPU limit within the wall-clock limit is on a loaded machine (thirty busy
# processes on two cores sufficed) and gets as long again: ten times at most, since its CPU limit ends it then.
STANDSTILL_SHARE = 0.1

START_TIMEOUT_S = 120  # starting takes 0.1 s, and far longer on a machine that swaps

# Consecutive fresh children killed from outside until the document is blamed: the kernel's out-of-memory killer
# chooses children first.
KILLS_BELIEVED = 3
STANDSTILLS_BELIEVED = 2

# signals that no PDF can cause
FROM_OUTSIDE = frozenset({signal.SIGKILL, signal.SIGTERM, signal.SIGHUP, signal.SIGINT, signal.SIGQUIT})

# All that the child inherits: some interpreters do not start without the first two, and the third is where Tesseract's
# models lie; most others may hold keys and tokens.
ENVIRONMENT = ("LD_LIBRARY_PATH", "PYTHONHOME", "TESSDATA_PREFIX")

GROWTH_BYTES = 128 << 20
"""A child that holds so much more after a call than after its first one is replaced: MuPDF and Python keep in fragments
what one large document took."""

CPU_GRACE_S = 2  # a child that exceeds its CPU limit by more has lifted the limit

_CHILD = (
    "import json, sys; path, connection, options = json.loads(sys.argv[1]); sys.path[:] = path; "
    "from docmatix.pdf.child import serve; serve(connection, **options)"
)


class Sandbox:
    """One child process, started on first use and replaced when it dies, has grown by `growth_bytes`, or after
    `runs_per_child` calls; not thread-safe. `memory_mb` limits what the child may write to, of which libraries and
    their data take up to 240 MB. The child can import `packages`, installed packages and the standard library, and
    read `readable` beside code."""

    def __init__(
        self,
        *,
        memory_mb: int,
        runs_per_child: int = 2000,  # starting one takes up to 1.6 s of CPU time, as much as a hundred pages
        growth_bytes: int = GROWTH_BYTES,
        packages: Sequence[str] = ("docmatix",),
        readable: Sequence[Path] = (),
    ) -> None:
        self._memory_mb = memory_mb
        self._runs_per_child, self._growth_bytes = runs_per_child, growth_bytes
        self._held = 0
        """What the child held after its first call."""
        self._packages = packages
        self._readable = readable
        self._runs = 0
        self._process: subprocess.Popen[bytes] | None = None
        self._connection: socket.socket | None = None
        self._lifeline: int | None = None
        self._watched: Any = None
        """psutil's view of the child."""
        self.confinement = Confinement()
        """What holds for the latest child."""

    def __enter__(self) -> Sandbox:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def run(self, function: Callable[..., Result], *args: Any, timeout_s: float, **options: Any) -> Result | Refusal:
        """`function(*args, **options)` computed in the child within `timeout_s` CPU seconds, or a refusal: `timeout`,
        `out_of_memory`, `crashed`, or `internal_error` for an exception. `args` may be open files, and large ones of
        bytes, which the child maps (as a `memoryview`); the rest is pickled. Raises `BuildError` if the child does not
        start.
        """
        with contextlib.ExitStack() as stack:
            files: list[io.FileIO] = []
            passed: list[Any] = []
            for arg in args:
                shared = share_bytes(arg) if isinstance(arg, bytes) and len(arg) >= SHARED_BYTES else None
                if shared is not None:
                    passed.append(PassedBytes(len(files)))
                    files.append(stack.enter_context(shared))
                elif isinstance(arg, io.FileIO):
                    passed.append(PassedFile(len(files), arg.mode))
                    files.append(arg)
                else:
                    passed.append(arg)
            return self._run(function, tuple(passed), options, files=files, timeout_s=timeout_s)

    def _run(
        self,
        function: Callable[..., Result],
        args: tuple[Any, ...],
        options: dict[str, Any],
        *,
        files: Sequence[io.FileIO],
        timeout_s: float,
    ) -> Result | Refusal:
        task = pickle.dumps((function, args, options, timeout_s, self._memory_mb), pickle.HIGHEST_PROTOCOL)
        unpack = find_form(function).unpack
        for attempt in count(1):
            if self._runs >= self._runs_per_child:
                self.close()
            connection = self._connection or self._start()
            self._runs += 1
            is_fresh = self._runs == 1
            outcome = self._exchange(connection, task, files=files, unpack=unpack, timeout_s=timeout_s)
            if not isinstance(outcome, _Death):
                self._replace_grown()
                result: Result = outcome
                return result
            if attempt >= outcome.attempts and (is_fresh or not outcome.needs_fresh):
                return outcome.refusal
        raise AssertionError

    def _replace_grown(self) -> None:
        held = self._read_held()
        if self._runs == 1:
            self._held = held
        elif held > self._held + self._growth_bytes:
            self.close()

    def _read_held(self) -> int:
        """Bytes of the child in memory, without those that it shares."""
        try:
            with open(f"/proc/{self.pid}/statm", "rb", buffering=0) as file:  # noqa: PTH123 (after each call)
                resident, shared = file.read().split()[1:3]
        except OSError:
            return 0
        return (int(resident) - int(shared)) * os.sysconf("SC_PAGE_SIZE")

    def _exchange(
        self,
        connection: socket.socket,
        task: bytes,
        *,
        files: Sequence[io.FileIO],
        unpack: Callable[[memoryview], Any],
        timeout_s: float,
    ) -> Any:
        """The child's result, or the `_Death` it met; no child is left then."""
        wall_s = WALL_FACTOR * timeout_s
        deadline = time.monotonic() + wall_s
        try:
            # a stalled child does not read, and the socket holds 200 KB
            connection.settimeout(wall_s)
            send(connection, TASK, task, files=files)
            began_s = used_s = self._read_cpu_s()
            while not is_readable(connection, max(0.0, deadline - time.monotonic())):
                before_s, used_s = used_s, self._read_cpu_s()
                if used_s - began_s > timeout_s + CPU_GRACE_S:
                    self._stop(patience_s=0)
                    return _explain_death(-signal.SIGXCPU, timeout_s=timeout_s)
                if used_s - before_s < STANDSTILL_SHARE * timeout_s:
                    return self._end_stalled(wall_s)
                deadline = time.monotonic() + wall_s
            # an answer packed within the child's memory limit cannot be longer
            kind, answer = receive(connection, max_bytes=self._memory_mb << 20, timeout_s=wall_s)
            if kind == OUT_OF_MEMORY:
                self._stop()
                return _Death(Refusal("out_of_memory", f"needs more than {self._memory_mb} MB"), needs_fresh=True)
            return unpack_refusal(answer) if kind == REFUSAL else unpack(answer)
        except (EOFError, ConnectionError):
            return _explain_death(self._stop(), timeout_s=timeout_s)
        except TimeoutError:
            return self._end_stalled(wall_s)
        except Malformed as error:
            self._stop(patience_s=0)
            return _Death(Refusal("crashed", f"gave a malformed answer: {error}"), needs_fresh=True)
        except BaseException:
            # after an interrupted exchange, the child's next message would answer the wrong call
            self._stop()
            raise

    def _read_cpu_s(self) -> float:
        """CPU seconds that the child has used in its life."""
        import psutil  # type: ignore[import-untyped]

        try:
            # making one reads as much as asking it, and that before each call
            self._watched = self._watched or psutil.Process(self.pid)
            times = self._watched.cpu_times()
        except psutil.Error:
            return 0.0
        return float(times.user + times.system)

    def _end_stalled(self, wall_s: float) -> _Death:
        self._stop(patience_s=0)
        return _Death(Refusal("timeout", f"no result after {wall_s:g} s by the clock"), attempts=STANDSTILLS_BELIEVED)

    def close(self) -> None:
        """End the child, if there is one. The sandbox can be used again."""
        self._stop()

    @property
    def pid(self) -> int | None:
        """The child's process id, if there is one."""
        return self._process.pid if self._process else None

    def _start(self) -> socket.socket:
        ours, theirs = socket.socketpair()
        lifeline, self._lifeline = os.pipe()
        options = {"lifeline": lifeline, "packages": self._packages, "readable": [*map(str, self._readable)]}
        setup = (_list_import_folders(self._packages), theirs.fileno(), options)
        self._process = subprocess.Popen(
            # without -P the current folder, and any json.py in it, would come first
            [sys.executable, "-P", "-s", "-c", _CHILD, json.dumps(setup)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            pass_fds=(theirs.fileno(), lifeline),
            env={
                **{name: os.environ[name] for name in ENVIRONMENT if name in os.environ},
                # each thread of a numerical library and each malloc arena reserves 64 MB of address space
                **{"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1", "MALLOC_ARENA_MAX": "1"},
            },
        )
        theirs.close()
        os.close(lifeline)
        self._connection, self._runs = ours, 0
        try:
            _, hello = receive(ours, max_bytes=MAX_HELLO_BYTES, timeout_s=START_TIMEOUT_S)
            self.confinement = Confinement(*json.loads(bytes(hello)))
        except (EOFError, ConnectionError, TimeoutError, Malformed):
            raise BuildError(
                f"The process that reads PDFs did not start (exit status {self._stop()}). "
                f"Run `{sys.executable} -c 'import docmatix.pdf.child'` to see why."
            ) from None
        return ours

    def _stop(self, *, patience_s: float = 1) -> int:
        """End the child and return its exit status, which `subprocess` makes negative for a signal."""
        if self._process is None:
            return 0
        assert self._connection is not None
        assert self._lifeline is not None
        self._connection.close()
        # a dying child needs time to report its own exit status; an idle one exits because its connection has closed
        try:
            self._process.wait(timeout=patience_s)
        except subprocess.TimeoutExpired:
            self._process.kill()
        status = self._process.wait()
        os.close(self._lifeline)
        self._process = self._connection = self._lifeline = self._watched = None
        return status


class _Death(NamedTuple):
    """How a child died during a call, and what it takes to blame the document: `attempts` consecutive deaths, the last
    of them, if `needs_fresh`, of a child that had served no other document."""

    refusal: Refusal
    attempts: int = 1
    needs_fresh: bool = False


def _explain_death(status: int, *, timeout_s: float) -> _Death:
    if status == -signal.SIGXCPU:
        return _Death(Refusal("timeout", f"used more than {timeout_s:g} s of CPU time"))
    if status >= 0:
        return _Death(Refusal("crashed", f"exited with status {status}"), needs_fresh=True)
    name = signal.Signals(-status).name
    attempts = KILLS_BELIEVED if -status in FROM_OUTSIDE else 1
    return _Death(Refusal("crashed", f"ended by {name}"), attempts=attempts, needs_fresh=True)


def _list_import_folders(packages: Sequence[str]) -> list[str]:
    """The child's import path: this process's without the current folder, which comes last if `packages` are in it."""
    folders = [os.path.abspath(each) for each in sys.path if each and not is_same_folder(each, os.curdir)]  # noqa: PTH100
    own = (str(Path(importlib.import_module(name).__path__[0]).parent) for name in packages)
    return list(dict.fromkeys([*folders, *own]))


if __name__ == "__main__":
    with Sandbox(memory_mb=512) as own:
        own.run(len, "", timeout_s=60)
        sys.stdout.write(f"{own.confinement.describe()}\n")
