"""A process that imports what workers need, once, and forks them: they start in milliseconds and share its memory.

Linux ends a worker with the nursery, and the nursery ends itself with its driver.
"""

from __future__ import annotations

import contextlib
import ctypes
import gc
import importlib
import os
import signal
import socket
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
_PRELOADED = ("docmatix.driver.local_workers", *(f"docmatix.stages.{stage}" for stage in ("extract", "curate", "pack")))
_PRELOADED_IN_TIME = ("pandas", "docmatix.stages.generate", "docmatix.models.connecting")
"""While no worker is wanted. The first array that Arrow makes imports pandas, where it is installed."""
_MAIN = "import sys; from docmatix.driver.nursery import tend; tend(int(sys.argv[1]))"
_PR_SET_PDEATHSIG = 1
_ID_BYTES = 4


@dataclass(frozen=True, slots=True)
class Unfit:
    """What a worker sends last whose role has raised something, which is a bug, or is not for it to do."""

    message: str


class Nursery:
    """Its process, as the driver has it: started by `start`, or by the first `fork`. Used by one thread at a time."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None
        self._connection: socket.socket | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def start(self) -> bool:
        """Begin to start it, unless it runs; whether it did not. Returns at once."""
        if self._process is not None and self._process.poll() is None:
            return False
        self.close()
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
        Raises BuildError if the nursery does not start."""
        while True:
            is_fresh = self.start()
            ours, theirs = socket.socketpair()
            with theirs:
                pid = self._ask_for_worker(theirs)
            if pid is not None:
                break
            ours.close()
            status = self._stop()
            if is_fresh:  # else it has just been killed
                raise BuildError(
                    f"The process that starts workers has ended (exit status {status}; out of memory?). Run"
                    f" `{sys.executable} -c 'import {_PRELOADED[0]}'` to see whether it can start."
                )
        connection = Connection(ours.detach())
        with contextlib.suppress(OSError):  # it has died already, which whoever reads next learns
            connection.send(role)
        return connection, pid

    def _ask_for_worker(self, end: socket.socket) -> int | None:
        """The process id of a worker with this end of its connection; None if the nursery has died."""
        assert self._connection is not None
        try:
            self._connection.settimeout(START_PATIENCE_S)
            socket.send_fds(self._connection, [b"+"], [end.fileno()])
            answer = self._connection.recv(_ID_BYTES, socket.MSG_WAITALL)
        except OSError:
            return None
        return int.from_bytes(answer, "little") if len(answer) == _ID_BYTES else None

    def close(self) -> None:
        """End it, and with it all its workers."""
        self._stop()

    def _stop(self) -> int | None:
        process, self._process = self._process, None
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()
        if process is None:
            return None
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
        assert threading.active_count() == 1, "a fork has one thread, whatever the others held"
        while True:
            _, files, *_ = socket.recv_fds(driver, 1, 1)
            if not files:
                return
            (connection,) = files
            child = os.fork()
            if not child:
                driver.close()
                _live(connection, parent)
            os.close(connection)
            driver.sendall(child.to_bytes(_ID_BYTES, "little"))


def _live(connection: int, parent: int) -> None:
    """The life of a worker: does its role, and ends the process."""
    status = 1
    try:
        ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        if os.getppid() == parent:
            driver = Connection(connection)
            try:
                driver.recv()(driver)
            except (EOFError, ConnectionError):
                pass  # the driver has closed it
            except Exception as error:
                driver.send(Unfit("".join(traceback.format_exception(error)[-6:])))
                raise
            status = 0
    finally:
        os._exit(status)
