"""A folder of an object store: what a `Store` asks of it by fsspec, retried while the store cannot be reached."""

from __future__ import annotations

import contextlib
import errno
import functools
import io
import posixpath
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import IO, Any, TypeVar

from docmatix.core.errors import BuildError, StorageFailed
from docmatix.core.redaction import hide_in_url
from docmatix.storage.errors import (
    describe,
    describe_expiry,
    describe_full,
    explain_setup,
    has_expired,
    is_overtaken,
    read_code,
)
from docmatix.storage.patience import Attempts, Patience, PatientFile, keep_trying, require_answer
from docmatix.storage.plain_files import Listed

T = TypeVar("T")

_GIVEN_UP_FOR_S = 30.0  # for this long a store that stayed unreachable is not asked again


class Overtaken(Exception):
    """A conditional write found another version than the one it was to replace."""


class ObjectFolder:
    """Files below one address of an object store. One of S3 is an `S3Folder`, which asks in fewer requests."""

    def __init__(self, fs: Any, root: str, url: str, *, patience: Patience, creates: bool) -> None:
        """`creates` says whether the filesystem can create a file only if it does not exist."""
        self._fs, self._root, self._url = fs, root, url
        self._patience, self._creates = patience, creates
        self.lost = threading.Event()
        """Once it is set nothing is written."""
        self._given_up: tuple[float, str] | None = None

    def path(self, name: str) -> str:
        return posixpath.join(self._root, name)

    def find_outage(self) -> Exception | None:
        """`require_answer`, by what says most of a missing bucket or wrong credentials."""
        return require_answer(self._fs, self._root, url=self._url, patience=self._patience)

    # --- reading ------------------------------------------------------------------------------------------------------

    def exists(self, name: str) -> bool:
        return bool(self.attempt(lambda: self._fs.exists(self.path(name))))

    def size(self, name: str) -> int | None:
        try:
            return int(self.attempt(lambda: self._fs.size(self.path(name))))
        except FileNotFoundError:
            return None

    def read(self, name: str, *, patient: bool = True) -> bytes:
        return bytes(self.attempt(lambda: self._fs.cat_file(self.path(name)), patient=patient))

    def read_several(self, names: Sequence[str]) -> dict[str, bytes]:
        """The files that can be read now, many at once."""
        if not names:
            return {}
        paths = {self.path(name): name for name in names}
        with contextlib.suppress(OSError, StorageFailed):
            contents = self.attempt(lambda: self._read_all(list(paths)), patient=False)
            return {paths[path]: bytes(content) for path, content in contents.items() if path in paths}
        return {}

    def _read_all(self, paths: list[str]) -> Any:
        return self._fs.cat(paths, on_error="omit")

    def read_range(self, name: str, start: int, end: int) -> bytes:
        return self.attempt(lambda: read_range(self._fs, self.path(name), start, end))

    def open(self, name: str) -> IO[bytes]:
        """A file of unknown size."""
        stream: IO[bytes] = self.attempt(lambda: self._fs.open(self.path(name), "rb"))
        return io.BufferedReader(PatientFile(stream, self.attempt))

    def names(self, folder: str) -> list[str]:
        path = self.path(folder).rstrip("/")
        try:
            found = self.attempt(lambda: self._fs.ls(path, detail=False))
        except (FileNotFoundError, NotADirectoryError):
            return []
        # object stores list the marker of a folder that was made by hand, as if it were a file in it
        listed = (str(item).rstrip("/") for item in found)
        return sorted(posixpath.basename(item) for item in listed if item.strip("/") != path.strip("/"))

    def list_files(self, folder: str) -> dict[str, Listed]:
        path = self.path(folder).rstrip("/")
        try:
            found = self.attempt(lambda: self._fs.ls(path, detail=True))
        except (FileNotFoundError, NotADirectoryError):
            return {}
        listed: dict[str, Listed] = {}
        for facts in found:
            item = str(facts["name"]).strip("/")
            if item != path.strip("/"):  # see `names`
                listed[posixpath.basename(item)] = _describe_object(facts)
        return listed

    def list_below(self, folder: str) -> list[str]:
        """The files below a folder, by their names relative to it, sorted."""
        path = self.path(folder).rstrip("/")
        try:
            names = self.find(path)
        except (FileNotFoundError, NotADirectoryError):
            return []
        start = len(path.strip("/")) + 1
        return sorted(filter(None, (str(name).strip("/")[start:] for name in names)))

    def find(self, path: str) -> list[str]:
        """The paths of all files below a path."""
        return list(self.attempt(lambda: self._fs.find(path)))

    def find_version(self, name: str) -> str | None:
        """The version as `list_files` gives it."""
        try:
            return _describe_object(self.attempt(lambda: self._fs.info(self.path(name)))).version
        except FileNotFoundError:
            return None

    def look_up(self, name: str) -> str | None:
        """The version for `replace`; None where there is no such file."""
        try:
            facts = self.attempt(lambda: self._fs.info(self.path(name)))
        except FileNotFoundError:
            return None
        return str(facts.get("ETag") or "there")

    # --- writing and removing -----------------------------------------------------------------------------------------

    def write(self, name: str, content: bytes, *, patient: bool = True) -> None:
        self._require_held()
        self.attempt(lambda: self._fs.pipe_file(self.path(name), content), writing=True, patient=patient)

    def upload(self, path: Path, name: str) -> None:
        """Put a file of this machine into the store, whole or not at all."""
        self._require_held()
        self.attempt(lambda: self._fs.put_file(str(path), self.path(name)), writing=True)

    def replace(self, name: str, content: bytes, *, seen: str | None, patient: bool = True) -> str | None:
        """Write a small file if it still is the version `seen`; returns its new version. Raises Overtaken otherwise."""
        options = self._require_version(seen)

        def put() -> Any:
            try:
                return self._fs.pipe_file(self.path(name), content, **options)
            except OSError as error:
                if not options or read_code(error) not in ("NotImplemented", "501"):
                    raise
                return self._fs.pipe_file(self.path(name), content)

        try:
            done = self.attempt(put, writing=True, patient=patient)
        except Overtaken:
            # the answer to our own write may have been lost, and the write tried again
            if self._find_content(name) != content:
                raise
            return self.look_up(name)
        return str(done["ETag"]) if isinstance(done, dict) and "ETag" in done else self.look_up(name)

    def _require_version(self, seen: str | None) -> dict[str, Any]:
        """What has a write fail unless the file is of this version, as far as the filesystem can do that."""
        return {"mode": "create"} if seen is None and self._creates else {}

    def _find_content(self, name: str) -> bytes | None:
        try:
            return self.read(name)
        except FileNotFoundError:
            return None

    def remove(self, names: Sequence[str]) -> None:
        """Remove files, and folders with what is in them."""
        for name in names:
            with contextlib.suppress(FileNotFoundError):
                self.attempt(functools.partial(self._remove, self.path(name)))

    def _remove(self, path: str) -> None:
        found = self._fs.find(path)
        if found:
            self._fs.rm(found)
        if found and self._fs.find(path):
            raise ConnectionError("some files are still there after they were removed")

    def abort_uploads(self) -> None:
        """Abort what killed workers have left of uploads in parts."""

    # --- asking -------------------------------------------------------------------------------------------------------

    def _require_held(self) -> None:
        if self.lost.is_set():
            raise BuildError(f"Another driver has taken the run {hide_in_url(self._url)} over; this one stops.")

    def attempt(self, action: Callable[[], T], *, writing: bool = False, patient: bool = True) -> T:
        """The result of `action`, retried while the object store cannot be reached. Raises FileNotFoundError for a
        missing file, Overtaken for a conditional write that came second, StorageFailed for everything else."""
        url = hide_in_url(self._url)
        # what a build does as it ends must not wait for a store that was just given up, once for each file
        if self._given_up is not None and time.monotonic() < self._given_up[0]:
            raise StorageFailed(self._given_up[1])
        attempts = Attempts(url, self._patience)

        def judge(error: Exception) -> None:
            if is_overtaken(error):
                raise Overtaken(url) from error
            if (advice := explain_setup(error)) is not None:
                raise StorageFailed(f"{url} cannot be used, {advice} ({describe(error)}).") from error
            if has_expired(error):
                raise StorageFailed(describe_expiry(url, error)) from error
            # of a write it is an upload in parts that went away with the connection
            if isinstance(error, (FileNotFoundError, NotADirectoryError)) and not writing:
                raise error
            if isinstance(error, FileNotFoundError) and read_code(error) in ("NoSuchKey", "404"):
                raise Overtaken(url) from error  # the file to be replaced no longer exists
            if isinstance(error, PermissionError):
                done = "written" if writing else "read"
                raise StorageFailed(f"{url} may not be {done} by these credentials: {describe(error)}.") from error
            if isinstance(error, OSError) and error.errno == errno.ENOSPC:
                raise StorageFailed(describe_full(url, url)) from error
            if not patient:
                raise give_up(error) from error

        def give_up(error: Exception) -> StorageFailed:
            outage = attempts.describe_outage(error)
            if patient:
                self._given_up = time.monotonic() + _GIVEN_UP_FOR_S, outage
            return StorageFailed(outage)

        return keep_trying(action, attempts, judge=judge, give_up=give_up)


def _describe_object(facts: Mapping[str, Any]) -> Listed:
    version = facts.get("ETag") or facts.get("etag")
    return Listed(facts.get("size"), None if version is None else str(version))


def read_range(fs: Any, path: str, start: int, end: int | None = None) -> bytes:
    """The bytes of a file from `start` (from its end, where it is negative) up to `end`, as far as it has them. Raises
    FileNotFoundError."""
    try:
        return bytes(fs.cat_file(path, start=start, end=end))
    except OSError as error:
        if read_code(error) in ("InvalidRange", "416"):  # of a file that is not so long, or empty
            return b""
        raise
