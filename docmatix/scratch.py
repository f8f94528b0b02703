"""Files in the temporary directory that are named by the process they belong to, so that a killed one's can be told."""

from __future__ import annotations

import contextlib
import functools
import hashlib
import os
import re
import tempfile
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import IO

import psutil  # type: ignore[import-untyped]

from docmatix.process_space import find_process_space

_UNKNOWN = "0" * 8
_NAME = re.compile(r"docmatix-[0-9a-f]{8}-(?P<pid>[0-9]+)-[0-9a-f]{32}\.(?:pdf|tmp)")


def name_file(suffix: str) -> Path:
    """A path for a new file; what killed processes left is removed first, once for each process."""
    folder = Path(tempfile.gettempdir())
    _tidy_once(folder)
    return folder / f"docmatix-{_hash_space(find_process_space())}-{os.getpid()}-{uuid.uuid4().hex}{suffix}"


def open_private(path: Path) -> IO[bytes]:
    """A new file to write to, which no other user may read: the temporary directory is everybody's."""
    return open(path, "xb", opener=lambda name, flags: os.open(name, flags, 0o600))


def remove_files_of_the_dead(folder: Path, *, find_space: Callable[[], str | None] = find_process_space) -> None:
    """Remove files that `name_file` named for processes that are no more.

    Containers may share the folder and not the process ids: only files of one's own process space are judged, and none
    where `find_space` knows of no space.
    """
    here = _hash_space(find_space())
    if here == _UNKNOWN:
        return
    for path in folder.glob(f"docmatix-{here}-*"):
        match = _NAME.fullmatch(path.name)
        if match is not None and not psutil.pid_exists(int(match["pid"])):
            with contextlib.suppress(OSError):
                path.unlink()


def _hash_space(space: str | None) -> str:
    return _UNKNOWN if space is None else hashlib.sha256(space.encode()).hexdigest()[:8]


@functools.cache
def _tidy_once(folder: Path) -> None:
    remove_files_of_the_dead(folder)
