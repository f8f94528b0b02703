"""Regular files, opened as such: through no link where none may be followed, and never a pipe that keeps one waiting.

What others have packed or prepared may hold a link, a named pipe or a device where a file is expected.
"""

from __future__ import annotations

import contextlib
import os
import posixpath
import re
import stat
from collections.abc import Callable
from pathlib import Path
from typing import IO, NamedTuple

from docmatix.core.errors import RunRefused
from docmatix.storage.errors import storage_errors

_KINDS = (
    (stat.S_ISLNK, "a link"),
    (stat.S_ISDIR, "a folder"),
    (stat.S_ISFIFO, "a named pipe"),
    (stat.S_ISSOCK, "a socket"),
)


class NotPlain(Exception):
    """It is not a regular file; `kind` is what it is."""

    def __init__(self, kind: str) -> None:
        super().__init__(kind)
        self.kind = kind


def describe_kind(mode: int) -> str:
    """What a file that is not a regular one is (`a link`), by its mode."""
    return next((name for matches, name in _KINDS if matches(mode)), "a device")


def open_plain(path: str, flags: int = os.O_RDONLY, *, follow_links: bool = False) -> int:
    """The descriptor of a regular file. Raises NotPlain at once for anything else, or as `os.open` does."""
    may_follow = 0 if follow_links else os.O_NOFOLLOW
    try:
        # otherwise opening a named pipe blocks until something writes to it
        descriptor = os.open(path, flags | os.O_NONBLOCK | os.O_CLOEXEC | may_follow, 0o666)
    except FileNotFoundError:
        raise
    except OSError:
        # a link, a socket and a folder that is to be written are refused by names of their own on each system
        mode = os.stat(path, follow_symlinks=follow_links).st_mode  # noqa: PTH116
        if not stat.S_ISREG(mode):
            raise NotPlain(describe_kind(mode)) from None
        raise
    mode = os.fstat(descriptor).st_mode
    if not stat.S_ISREG(mode):
        os.close(descriptor)
        raise NotPlain(describe_kind(mode))
    return descriptor


class Listed(NamedTuple):
    """What a listing says of a file; nothing of what is no regular file, or was not looked at. The `version` tells it
    from any that takes its place, and is None in a store that does not say."""

    size: int | None = None
    version: str | None = None


_UNKNOWN = Listed()


def describe_file(status: os.stat_result) -> Listed:
    """A file on a disk, as it is listed."""
    if not stat.S_ISREG(status.st_mode):
        return _UNKNOWN
    return Listed(status.st_size, f"{status.st_size}-{status.st_mtime_ns}-{status.st_ino}")


class PlainFolder:
    """A folder of this machine below which only regular files are read, written and removed, through no link.

    The folder itself may be a link, since the user named it. Hard links need no care: files are replaced by renaming.
    """

    def __init__(self, root: str, url: str, *, follow_links: bool = False) -> None:
        self._root, self._url, self._follow_links = root, url, follow_links
        self._checked: set[str] = set()
        """Folders known not to be links; a process that can replace one meanwhile can do anything here."""

    def path(self, name: str) -> str:
        return posixpath.join(self._root, name)

    def check(self, folder: str) -> None:
        """Raise RunRefused if a folder or one of its parents leads out of this one. Checks each once."""
        if folder in self._checked or not folder:
            return
        if folder.startswith("/") or ".." in folder.split("/"):
            raise self.refuse(folder, "a way out of it")
        self.check(posixpath.dirname(folder))
        try:
            mode = os.stat(self.path(folder), follow_symlinks=self._follow_links).st_mode  # noqa: PTH116
        except (FileNotFoundError, NotADirectoryError):
            return
        if stat.S_ISDIR(mode):
            self._checked.add(folder)
        elif not stat.S_ISREG(mode):  # of a file in its place the system speaks for itself
            raise self.refuse(folder, describe_kind(mode))

    def make(self, folder: str) -> str:
        """The path of a folder, made if missing."""
        path = self.path(folder).rstrip("/") or "/"
        with storage_errors(self._url):
            self.check(folder)
            os.makedirs(path, exist_ok=True)  # noqa: PTH103 -- `Path` would take 20 times as long
        return path

    def stat(self, name: str) -> os.stat_result | None:
        self.check(posixpath.dirname(name))
        try:
            return os.stat(self.path(name), follow_symlinks=self._follow_links or not name)  # noqa: PTH116
        except (FileNotFoundError, NotADirectoryError):
            return None

    def size(self, name: str) -> int | None:
        """Bytes of a file; None where there is none."""
        with storage_errors(self._url):
            status = self.stat(name)
        if status is not None and not stat.S_ISREG(status.st_mode):
            raise self.refuse(name, describe_kind(status.st_mode))
        return None if status is None else status.st_size

    def open(self, name: str) -> IO[bytes]:
        with storage_errors(self._url):
            self.check(posixpath.dirname(name))
            try:
                return os.fdopen(open_plain(self.path(name), follow_links=self._follow_links), "rb")
            except NotPlain as other:
                raise self.refuse(name, other.kind) from None

    def names(self, folder: str) -> list[str]:
        """Names of what is right in a folder, sorted; a missing one is empty."""
        with storage_errors(self._url):
            self.check(folder)
            try:
                return sorted(os.listdir(self.path(folder).rstrip("/") or "/"))  # noqa: PTH208
            except (FileNotFoundError, NotADirectoryError):
                return []

    def list_files(self, folder: str, *, described: re.Pattern[str]) -> dict[str, Listed]:
        """What is right in a folder, by name; a missing folder is empty. Only files with such names are looked at."""
        found: dict[str, Listed] = {}
        with storage_errors(self._url):
            self.check(folder)
            try:
                opened = os.open(self.path(folder).rstrip("/") or "/", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
            except (FileNotFoundError, NotADirectoryError):
                return found
            matches = described.fullmatch
            try:
                for name in os.listdir(opened):  # noqa: PTH208
                    try:
                        # by the open folder: the system need not find the way to each file again
                        status = os.stat(name, dir_fd=opened, follow_symlinks=False) if matches(name) else None
                    except FileNotFoundError:  # removed meanwhile
                        continue
                    found[name] = _UNKNOWN if status is None else describe_file(status)
            finally:
                os.close(opened)
        return found

    def take_in(self, path: Path, name: str) -> None:
        """Rename a file of the same disk to `name`."""
        self.make(posixpath.dirname(name))
        try:
            path.replace(self.path(name))
        except IsADirectoryError:
            raise self.refuse(name, "a folder") from None

    def remove(self, name: str, *, is_own: Callable[[str], bool]) -> list[str]:
        """Remove a file, or a folder with the regular files in it that are `is_own`; returns what was left there."""
        with storage_errors(self._url):
            status = self.stat(name)
            if status is None:
                return []
            if stat.S_ISDIR(status.st_mode):
                return self._remove_folder(name, is_own)
            if not stat.S_ISREG(status.st_mode):
                raise self.refuse(name, describe_kind(status.st_mode))
            os.unlink(self.path(name))  # noqa: PTH108
            return []

    def _remove_folder(self, folder: str, is_own: Callable[[str], bool]) -> list[str]:
        left = []
        with os.scandir(self.path(folder)) as entries:
            listed = sorted(entries, key=lambda entry: entry.name)
        for entry in listed:
            name = f"{folder}/{entry.name}"
            if entry.is_dir(follow_symlinks=False):
                left += self._remove_folder(name, is_own)
            elif entry.is_file(follow_symlinks=False) and is_own(name):
                with contextlib.suppress(FileNotFoundError):
                    os.unlink(entry.path)  # noqa: PTH108
            else:
                left.append(name)
        if not left:
            self._checked.discard(folder)
            os.rmdir(self.path(folder))  # noqa: PTH106
        return left

    def refuse(self, name: str, kind: str) -> RunRefused:
        """What is raised for a file that is something else (`a link`)."""
        return RunRefused(
            f"{name} in the run directory {self._url} is {kind}, which docmatix neither creates nor follows: remove it,"
            " or replace it with the file or folder itself."
        )
