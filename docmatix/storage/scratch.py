"""Files and folders in the temporary directory, named by the process that owns them, so a dead one's can be removed."""

from __future__ import annotations

import contextlib
import functools
import glob
import hashlib
import os
import re
import shutil
import stat
import tempfile
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import IO

import psutil  # type: ignore[import-untyped]

from docmatix.core.process_space import find_process_space

_UNKNOWN = "0" * 8


def name_file(suffix: str) -> Path:
    """A path for a new file; leftovers of killed processes are removed first, once per process."""
    folder = Path(tempfile.gettempdir())
    _tidy_once(folder)
    return folder / f"docmatix-{_hash_space(find_process_space())}-{os.getpid()}-{uuid.uuid4().hex}{suffix}"


def open_private(path: Path) -> IO[bytes]:
    """A new file to write to, readable by this user only: the temporary directory is shared."""
    return open(path, "xb", opener=lambda name, flags: os.open(name, flags, 0o600))


def remove_files_of_the_dead(folder: Path, *, find_space: Callable[[], str | None] = find_process_space) -> None:
    """Remove this user's files that `name_file` named for processes that have ended. Containers may share the folder
    but not process ids: only files of one's own process space are removed, and none where `find_space` finds none."""
    for path in _list_of_the_dead(folder, "docmatix", r"[0-9a-f]{32}\.(?:pdf|tmp)", stat.S_ISREG, find_space):
        with contextlib.suppress(OSError):
            path.unlink()


def make_folder(prefix: str, *, folder: Path | None = None) -> Path:
    """A new folder in `folder` (the temporary directory) that no other user may enter."""
    # a short name, of about 30 characters: a Unix socket below it has 107 bytes for its whole path
    named = f"{prefix}-{_hash_space(find_process_space())}-{os.getpid()}-"
    return Path(tempfile.mkdtemp(prefix=named, dir=folder or tempfile.gettempdir()))


def remove_folders_of_the_dead(
    folder: Path, prefix: str, *, find_space: Callable[[], str | None] = find_process_space
) -> None:
    """Remove the folders that `make_folder` made for processes that have ended, as `remove_files_of_the_dead` does."""
    for path in _list_of_the_dead(folder, prefix, "[a-z0-9_]{8}", stat.S_ISDIR, find_space):
        shutil.rmtree(path, ignore_errors=True)


def _list_of_the_dead(
    folder: Path, prefix: str, end: str, is_kind: Callable[[int], bool], find_space: Callable[[], str | None]
) -> list[Path]:
    """What this user's dead processes left in the folder; never a link, which anybody may put there."""
    here = _hash_space(find_space())
    if here == _UNKNOWN:
        return []
    # no more digits than an id can have: others write names here too, and the system's calls take 32 bits
    known = re.compile(rf"{re.escape(prefix)}-{here}-(?P<pid>[0-9]{{1,9}})-{end}")
    found = []
    for path in folder.glob(f"{glob.escape(prefix)}-{here}-*"):
        match = known.fullmatch(path.name)
        if match is None or psutil.pid_exists(int(match["pid"])):
            continue
        with contextlib.suppress(OSError):
            about = path.lstat()
            if is_kind(about.st_mode) and about.st_uid == os.geteuid():
                found.append(path)
    return found


def _hash_space(space: str | None) -> str:
    return _UNKNOWN if space is None else hashlib.sha256(space.encode()).hexdigest()[:8]


@functools.cache
def _tidy_once(folder: Path) -> None:
    remove_files_of_the_dead(folder)
