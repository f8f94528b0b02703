"""Byte ranges of a file on any filesystem, retried while it cannot be reached."""

from __future__ import annotations

import contextlib
import errno
import io
import os
import stat
from collections.abc import Callable
from typing import Any, TypeVar

from docmatix.core.documents import Refusal
from docmatix.core.errors import SetupError, SourceGone
from docmatix.core.redaction import hide_in_url
from docmatix.sources.locators import UnreadableError
from docmatix.storage.errors import (
    describe,
    describe_expiry,
    explain_setup,
    has_expired,
    hides_outage,
    read_code,
    read_http_status,
)
from docmatix.storage.filesystems import connect, is_local
from docmatix.storage.patience import Attempts, Patience, keep_trying

_NEVER_WELL = {errno.ELOOP, errno.ENAMETOOLONG, errno.EISDIR, errno.ENXIO}
"""Operating system errors about a single file that do not pass: retrying them would stop the build."""
_HTTP_REASONS = {401: "no_access", 403: "no_access", 404: "missing", 410: "missing", 451: "no_access"}

T = TypeVar("T")


def ask_about(filesystem: Any, path: str) -> dict[str, Any]:
    """What a remote filesystem reports about a path. S3 explains why it refuses a one-byte GET, but not a HEAD."""
    try:
        info: dict[str, Any] = filesystem.info(path)
    except Exception as error:
        if read_code(error) in ("400", "403"):
            with contextlib.suppress(FileNotFoundError):
                filesystem.cat_file(path, start=0, end=1)
        raise
    return info


def retry(action: Callable[[], T], *, about: str, patience: Patience) -> T:
    """The result of `action`, retried while the file cannot be reached. Raises `UnreadableError` (`missing`,
    `no_access`) if the file itself is at fault, `SetupError` if every file of its store would fail, `SourceGone` when
    attempts or patience run out."""
    name = hide_in_url(about)
    attempts = Attempts(name, patience)

    def judge(error: Exception) -> None:
        if isinstance(error, UnreadableError):
            raise error
        # setup before single files: s3fs reports a refused key as PermissionError and a missing bucket as a missing
        # file, either of which would drop every document
        if (advice := explain_setup(error)) is not None:
            raise SetupError(f"{name} cannot be read, {advice} ({describe(error)}).") from error
        if has_expired(error):
            raise SourceGone(describe_expiry(name, error)) from error
        if (reason := _blame_file(error)) is not None:
            raise UnreadableError(Refusal(reason, describe(error))) from error

    return keep_trying(action, attempts, judge=judge, give_up=lambda error: SourceGone(attempts.describe_outage(error)))


def _require_regular(path: str) -> None:
    """Raise UnreadableError for a file that would block (a named pipe) or never end (a device)."""
    mode = os.stat(path).st_mode  # noqa: PTH116
    if not stat.S_ISREG(mode) and not stat.S_ISDIR(mode):
        raise UnreadableError(Refusal("not_a_file", "it is neither a file nor a folder"))


def _blame_file(error: Exception) -> str | None:
    """The reason to drop a document, if the error is about its file alone."""
    status = read_http_status(error)
    if status in _HTTP_REASONS:
        return _HTTP_REASONS[status]
    if isinstance(error, (FileNotFoundError, NotADirectoryError)):
        return None if hides_outage(error) else "missing"
    refused = isinstance(error, PermissionError) or (isinstance(error, OSError) and error.errno in _NEVER_WELL)
    return "no_access" if refused else None


class RangeFile(io.RawIOBase):
    """A file read by byte ranges, with retries; also a seekable file object for libraries. A local file is kept open.
    Failures to reach the bytes are `UnreadableError` or `SourceGone`, so any other error that a library raises is about
    the content."""

    def __init__(self, address: str, *, patience: Patience) -> None:
        self.address = address
        self._filesystem, self._path = connect(address)
        self._patience = patience
        self._handle: Any = None
        self._position = 0
        self._size: int | None = None
        self.planned_size: int | None = None
        """The size in the listing. A read that ends there is complete; for any other, the size is looked up."""

    @property
    def size(self) -> int:
        """Bytes of the whole file. Raises `UnreadableError` if the filesystem does not report it."""
        if self._size is None:
            self._size = retry(self._measure, about=self.address, patience=self._patience)
        return self._size

    def read_range(self, start: int, end: int) -> bytes:
        """Bytes `start` to `end` (exclusive); fewer if the file ends before."""
        if end <= start:
            return b""
        return retry(lambda: self._fetch(start, end), about=self.address, patience=self._patience)

    def _fetch(self, start: int, end: int) -> bytes:
        if self._handle is None and is_local(self._filesystem):
            _require_regular(self._path)
        try:
            if is_local(self._filesystem):
                if self._handle is None:
                    self._handle = self._filesystem.open(self._path, "rb")
                self._handle.seek(start)
                return bytes(self._handle.read(end - start))
            data = bytes(self._filesystem.cat_file(self._path, start=start, end=end))
        except Exception as error:
            self._drop_handle()
            # do not go on to measure: a HEAD does not explain why it is refused
            if _blame_file(error) or explain_setup(error):
                raise
            # object stores report an error for a range past the end of a file that has shrunk
            if self._may_end_before(start):
                return b""
            raise
        at = start + len(data)
        if at < end and at != self.planned_size and (there := self._measure()) > at:
            raise ConnectionError(f"the answer ended at byte {at} of {there}")
        return data

    def _may_end_before(self, start: int) -> bool:
        with contextlib.suppress(Exception):
            return self._measure() <= start
        return False

    def _measure(self) -> int:
        size = ask_about(self._filesystem, self._path)["size"]
        if size is None:
            raise UnreadableError(Refusal("no_access", "its server does not report its size"))
        return int(size)

    def _drop_handle(self) -> None:
        if self._handle is not None:
            self._handle.close()
            self._handle = None

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._position

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        self._position = offset + {os.SEEK_SET: 0, os.SEEK_CUR: self._position}.get(whence, self.size)
        return self._position

    def readinto(self, buffer: Any) -> int:
        data = self.read_range(self._position, self._position + len(buffer))
        buffer[: len(data)] = data
        self._position += len(data)
        return len(data)

    def close(self) -> None:
        self._drop_handle()
        super().close()


def check_size(size: int | None, *, max_file_bytes: int | None) -> Refusal | None:
    """`empty` or `too_large` for a document whose size alone decides."""
    if size == 0:
        return Refusal("empty", "no bytes")
    if size is not None and max_file_bytes is not None and size > max_file_bytes:
        return Refusal("too_large", f"{size} bytes")
    return None
