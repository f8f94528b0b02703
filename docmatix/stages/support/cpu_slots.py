"""Slots for the cores of a machine, shared by all of this user's builds on it: who holds one may keep a core busy.

A slot is a locked byte of a file, so that the kernel frees those of a process that dies.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import stat
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path

_RETRY_S = 0.05  # between two looks at slots that other processes hold; a page of OCR takes a second


class CpuSlots:
    """`count` slots; `folder` (the temporary directory) holds their file. Threads may share one."""

    def __init__(self, count: int, *, folder: Path | None = None) -> None:
        self.count = count
        self._file = _open_own((folder or Path(tempfile.gettempdir())) / f"docmatix-slots-{os.geteuid()}")
        self._held: set[int] = set()
        self._changed = threading.Condition()

    @contextlib.contextmanager
    def hold(self) -> Iterator[None]:
        """Hold one of the slots, waiting for it."""
        with self._changed:
            while (slot := self._take()) is None:
                self._changed.wait(_RETRY_S)
        try:
            yield
        finally:
            with self._changed:
                self._held.discard(slot)
                if self._file is not None:
                    fcntl.lockf(self._file, fcntl.LOCK_UN, 1, slot)
                self._changed.notify()

    def close(self) -> None:
        if self._file is not None:
            os.close(self._file)
            self._file = None

    def _take(self) -> int | None:
        # locks belong to the process: which of its own threads holds a slot, it must know itself
        for slot in range(self.count):
            if slot not in self._held and self._lock(slot):
                self._held.add(slot)
                return slot
        return None

    def _lock(self, slot: int) -> bool:
        if self._file is None:
            return True
        try:
            fcntl.lockf(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, slot)
        except (BlockingIOError, PermissionError):
            return False
        except OSError:  # this file system has no locks, and never will: each process counts for itself
            self.close()
        return True


def _open_own(path: Path) -> int | None:
    """This user's file; None where it cannot be had, and each process counts for itself."""
    try:
        # never through a link: the temporary directory is everybody's
        opened = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    except OSError:
        return None
    about = os.fstat(opened)
    if about.st_uid == os.geteuid() and stat.S_ISREG(about.st_mode):
        return opened
    os.close(opened)
    return None
