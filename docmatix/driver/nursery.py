"""A process that imports what workers need, once, and forks them: they start in milliseconds and share its memory.

Linux ends a worker with the nursery, and the nursery ends itself with its driver.
"""

from __future__ import annotations

import contextlib
import ctypes
import gc
import importlib
import os
import select
import signal
import socket
import struct
import subprocess
import sys
import threading
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing.connection import Connection
from types import TracebackType
from typing import Self

from docmatix.core.errors import BuildError
from docmatix.core.import_path import protect_children
from docmatix.pdf.channel import is_readable

START_PATIENCE_S = 120.0  # a second of processor time, of which a busy machine gives little
_PRELOADED = (
    "docmatix.driver.local_workers",
    "docmatix.stages.extract",
    "docmatix.stages.curate",
    "docmatix.stages.pack",
)
_PRELOADED_IN_TIME = ("pandas", "docmatix.stages.generate", "docmatix.models.connecting")
"""While no worker is wanted. The first array that Arrow makes imports pandas, where it is installed."""
_MAIN = "import sys; from docmatix.driver.nursery import tend; tend(int(sys.argv[1]))"
_PR_SET_PDEATHSIG = 1
_ID_BYTES = 4
SEND_PATIENCE_S = 10
_EXIT_PATIENCE_S = 1.0


@dataclass(frozen=True, slots=True)
class Unfit:
    """What a worker sends last whose role has raised something, which is a bug, or is not for it to do."""

    message: str


def describe_unfit(error: Exception) -> Unfit:
    """What a worker says of this error."""
    return Unfit("".join(traceback.format_exception(error)[-6:]))


class NoMoreProcesses(BuildError):
    """The system has refused to start another process."""


class Nursery:
    """Its process, as the driver has it: started by `start`, or by the first `fork`. Used by one thread at a time."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None
        self._connection: socket.socket | None = None
        self._closed = False

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def is_alive(self) -> bool:
        """Whether its process runs, or is about to."""
        return self._process is not None and self._process.poll() is None

    def start(self) -> bool:
        """Begin to start it, unless it runs; whether it did not. Returns at once."""
        if self.is_alive:
            return False
        if self._closed:
            raise BuildError("The build has ended.")
        self._stop()
        self._connection, theirs = socket.socketpair()
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, "-P", "-c", _MAIN, str(theirs.fileno())],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                pass_fds=(theirs.fileno(),),
                # a numerical library would start threads, which a fork leaves behind
                env=os.environ | protect_children(os.environ) | {"OPENBLAS_NUM_THREADS": "1"},
            )
        return True

    def fork(self, role: Callable[[Connection], object]) -> tuple[Connection, int]:
        """A worker that does `role`, which is pickled, with the other end of the connection; and its process id.
        Raises NoMoreProcesses if there can be none more, BuildError if the nursery does not start."""
        while True:
            is_fresh = self.start()
            ours, theirs = socket.socketpair()
            # a worker that was stopped reads nothing, and must not hold up whoever hears the others
            ours.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, struct.pack("ll", SEND_PATIENCE_S, 0))
            with theirs:
                pid = self._ask_for_worker(theirs)
            if pid is not None:
                break
            ours.close()
            status = self._stop(patience_s=_EXIT_PATIENCE_S)
            if is_fresh:  # else it has just been killed
                raise BuildError(
                    f"The process that starts workers has ended (exit status {status}; out of memory?). Run"
                    f" `{sys.executable} -c 'import {_PRELOADED[0]}'` to see whether it can start."
                )
        if not pid:
            ours.close()
            raise NoMoreProcesses(
                "This machine starts no more processes for this user or container: set resources.workers lower, or"
                " raise its limit."
            )
        connection = Connection(ours.detach())
        with contextlib.suppress(OSError):  # it has died already, which whoever reads next learns
            connection.send(role)
        return connection, pid

    def _ask_for_worker(self, end: socket.socket) -> int | None:
        """The process id of a worker with this end of its connection; 0 if it could not be forked, None if the nursery
        has died."""
        assert self._connection is not None
        try:
            self._connection.settimeout(START_PATIENCE_S)
            socket.send_fds(self._connection, [b"+"], [end.fileno()])
            answer = self._connection.recv(_ID_BYTES, socket.MSG_WAITALL)
        except OSError:
            return None
        return int.from_bytes(answer, "little") if len(answer) == _ID_BYTES else None

    def close(self) -> None:
        """End it for good, and with it all its workers."""
        self._closed = True
        self._stop()

    def _stop(self, *, patience_s: float = 0.0) -> int | None:
        """End its process; the exit status is its own if it ends by itself in that time."""
        process, self._process = self._process, None
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()
        if process is None:
            return None
        with contextlib.suppress(subprocess.TimeoutExpired):
            return process.wait(timeout=patience_s)
        process.kill()
        return process.wait()


# --- in its process ---------------------------------------------------------------------------------------------------


def tend(number: int) -> None:
    """Fork a worker for each socket that comes over this one, until that is closed."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches all processes of a terminal; the driver decides
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # so that workers that have ended leave nothing behind
    for name in _PRELOADED:
        importlib.import_module(name)
    parent = os.getpid()
    with socket.socket(fileno=number) as driver:
        for name in _PRELOADED_IN_TIME:
            if not is_readable(number, 0):
                with contextlib.suppress(ImportError):
                    importlib.import_module(name)
        # a collection would write to memory that workers share
        gc.collect()
        gc.freeze()
        while True:
            _, files, *_ = socket.recv_fds(driver, 1, 1)
            if not files:
                # at once: what workers do until they end, they do beside the next driver
                os._exit(0)
            (connection,) = files
            os.set_inheritable(connection, False)
            try:
                child = os.fork()
            except OSError:
                child = 0
            else:
                if not child:
                    driver.close()
                    _live(connection, parent)
            os.close(connection)
            driver.sendall(child.to_bytes(_ID_BYTES, "little"))


def _live(connection: int, parent: int) -> None:
    """The life of a worker: does its role, and ends the process."""
    status = 1
    try:
        if sys.platform == "linux":
            ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        if os.getppid() == parent:
            # of a nursery that was stopped nobody ends with its driver
            threading.Thread(target=_end_with_driver, args=(connection,), daemon=True).start()
            driver = Connection(connection)
            try:
                role = driver.recv()
            except Exception as error:
                driver.send(describe_unfit(error))
                raise
            with contextlib.suppress(EOFError, ConnectionError):  # the driver has closed it
                role(driver)
            status = 0
    finally:
        os._exit(status)


def _end_with_driver(connection: int) -> None:
    """End this process as the other end of the connection is closed."""
    poller = select.poll()
    poller.register(connection, 0)  # what is reported in any case: that it has hung up
    poller.poll()
    os._exit(0)
