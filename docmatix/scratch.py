"""Files in the temporary directory that are named by the process they belong to, so that a killed one's can be told."""

from __future__ import annotations

import contextlib
import functools
import os
import tempfile
import uuid
from pathlib import Path
from typing import IO

import psutil  # type: ignore[import-untyped]


def name_file(suffix: str) -> Path:
    """A path for a new file; what killed processes left is removed first, once for each process."""
    folder = Path(tempfile.gettempdir())
    _tidy_once(folder)
    return folder / f"docmatix-{os.getpid()}-{uuid.uuid4().hex}{suffix}"


def open_private(path: Path) -> IO[bytes]:
    """A new file to write to, which no other user may read: the temporary directory is everybody's."""
    return open(path, "xb", opener=lambda name, flags: os.open(name, flags, 0o600))


def remove_files_of_the_dead(folder: Path) -> None:
    """Remove `docmatix-PID-*` of processes that are no more."""
    for path in folder.glob("docmatix-*-*"):
        pid = path.name.split("-")[1]
        if pid.isdigit() and not psutil.pid_exists(int(pid)):
            with contextlib.suppress(OSError):
                path.unlink()


@functools.cache
def _tidy_once(folder: Path) -> None:
    remove_files_of_the_dead(folder)
