"""The files of a source: what a pattern names, on any filesystem, and their bytes by range.

A pattern is a path, a glob, a directory or an fsspec URL of these. Files come pattern by pattern, and within one in the
order of their paths; one directory is held in memory at a time, so that ten million files cost no more than ten.
"""

from __future__ import annotations

import contextlib
import errno
import io
import os
import re
import stat
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

from docmatix.core.documents import Refusal
from docmatix.core.errors import SetupError, SourceGone
from docmatix.core.redaction import hide_in_url
from docmatix.storage.store import (
    Attempts,
    Patience,
    connect,
    describe,
    describe_expiry,
    explain_setup,
    has_expired,
    hides_outage,
    is_local,
    keep_trying,
    read_code,
    read_http_status,
    require_answer,
)

_NEVER_WELL = {errno.ELOOP, errno.ENAMETOOLONG, errno.EISDIR, errno.ENXIO}
"""Errors of the operating system that are about one file and do not go away: trying again would stop the build."""
_HTTP_REASONS = {401: "no_access", 403: "no_access", 404: "missing", 410: "missing", 451: "no_access"}
_WILDCARDS = re.compile(r"[*?\[]")

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Locator:
    """Where a document's bytes are; nothing of the document was read to make it."""

    source_uri: str
    """The name that is published: a URL, or a local path that begins with the name of the pattern's fixed directory
    (`samples/invoice.pdf`); then `!key.pdf` for a tar member, `#17` for a Parquet row. Never an absolute local path."""
    address: str
    """The absolute path or fsspec URL of the file that is opened."""
    member: str | None = None
    """The tar member's name."""
    offset: int | None = None
    """The first byte of the member within the tar."""
    size: int | None = None
    """Bytes of the document, where known."""
    row: int | None = None
    """The Parquet row, from 0."""
    twin_offset: int | None = None
    """The JSON twin's first byte within the tar."""
    twin_size: int | None = None
    etag: str | None = None
    """What the listing says of the file's version (an etag, or time and size)."""
    problem: str | None = None
    """Why nothing can be read here (`unreadable_archive`, `not_a_file`, `unsafe_name`): the locator stands for what
    cannot be reached, so that it is counted."""


@dataclass(frozen=True, slots=True)
class SourceDocument:
    """A document as it came: the PDF's bytes and, where asked for and present, those of its JSON twin."""

    pdf: bytes
    twin: bytes | None = None


class FoundFile(NamedTuple):
    """A file that a pattern names; the fields are those of `Locator`."""

    source_uri: str
    address: str
    size: int | None
    etag: str | None
    problem: str | None


class UnreadableError(Exception):
    """A file cannot be read, and trying again would not help; `refusal` says why."""

    def __init__(self, refusal: Refusal) -> None:
        super().__init__(refusal.reason, refusal.detail)
        self.refusal = refusal


# --- finding ----------------------------------------------------------------------------------------------------------


def find_files(patterns: Sequence[str], *, base_dir: Path, suffix: str, patience: Patience) -> Iterator[FoundFile]:
    """The files that `patterns` name, each once; directories are searched for names that end in `suffix` in any case.

    Raises `SetupError` before the first file if a pattern names nothing, a protocol cannot be spoken, or a store says
    nothing within seconds; once it has answered, it has `patience`.
    """
    answered: set[str] = set()
    searches = [
        _resolve_pattern(pattern, base_dir=base_dir, suffix=suffix, patience=patience, answered=answered)
        for pattern in patterns
    ]
    in_vain = [search.given for search in searches if next(search.walk(), None) is None]
    if in_vain:
        given = ", ".join(repr(hide_in_url(pattern)) for pattern in in_vain)
        raise SetupError(
            f"No file matches {given} in `source.paths` (relative paths begin in {base_dir}; a directory is searched"
            f" for *{suffix}; braces are not expanded)."
        )
    return _merge(searches)


def locate_file(found: FoundFile) -> Locator:
    """The locator of a file that is itself the document."""
    return Locator(found.source_uri, found.address, size=found.size, etag=found.etag, problem=found.problem)


def _merge(searches: Sequence[_Search]) -> Iterator[FoundFile]:
    # What an earlier search covers is asked of its pattern: a set of all names would grow with the source.
    named: set[tuple[Any, str]] = set()
    earlier: list[_Search] = []
    for search in searches:
        for entry in search.walk():
            key = (search.filesystem, entry.path)
            if key in named or any(other.covers(*key) for other in earlier):
                continue
            if search.file:
                named.add(key)
            yield search.describe(entry)
        if not search.file:
            earlier.append(search)


class _Entry(NamedTuple):
    path: str
    is_directory: bool
    size: int | None
    etag: str | None


@dataclass(frozen=True, eq=False)
class _Search:
    """One pattern: a file that exists, a directory to search, or a fixed directory with wildcards below it."""

    given: str
    filesystem: Any
    prefix: str
    """What turns a path of the filesystem into an address."""
    root: str
    wildcards: tuple[str, ...]
    suffix: str
    patience: Patience
    file: _Entry | None = None

    @property
    def base(self) -> str:
        return self.root.rstrip("/") + "/" if self.root else ""

    def walk(self) -> Iterator[_Entry]:
        """Matching files in the order of their paths."""
        return iter([self.file]) if self.file else self._walk(self.root, ())

    def _walk(self, directory: str, above: tuple[str, ...]) -> Iterator[_Entry]:
        local = is_local(self.filesystem)
        real = os.path.realpath(directory) if local else directory
        if real in above:  # a link that leads back up
            return
        try:
            entries = retry(
                lambda: _list_directory(self.filesystem, directory), about=self.given, patience=self.patience
            )
        except UnreadableError as refused:
            if refused.refusal.reason == "missing":
                return
            raise SetupError(f"{hide_in_url(self.given)!r} cannot be listed: {refused.refusal.detail}.") from refused
        for entry in sorted(entries, key=lambda entry: entry.path + "/" * entry.is_directory):
            if not entry.is_directory:
                if self.matches(entry.path):
                    yield entry
            elif self._may_lead_to_matches(entry.path):
                yield from self._walk(entry.path, (*above, real))

    def covers(self, filesystem: Any, path: str) -> bool:
        """Whether `walk` gives this path of this filesystem."""
        return bool(filesystem == self.filesystem) and path.startswith(self.base) and self.matches(path)

    def matches(self, path: str) -> bool:
        """Whether a file below `root` is one that the pattern names."""
        if not self.wildcards:
            return path.lower().endswith(self.suffix)
        return _match(path.removeprefix(self.base).split("/"), self.wildcards)

    def _may_lead_to_matches(self, path: str) -> bool:
        depth = path.removeprefix(self.base).count("/")
        if not self.wildcards or "**" in self.wildcards[: depth + 1]:
            return True
        return depth < len(self.wildcards) - 1 and fnmatchcase(path.rpartition("/")[2], self.wildcards[depth])

    def describe(self, entry: _Entry) -> FoundFile:
        address = self.prefix + entry.path
        if is_local(self.filesystem):
            name = f"{self.root.rstrip('/').rpartition('/')[2]}/{entry.path.removeprefix(self.base)}".lstrip("/")
        else:
            name = hide_in_url(address)
        safe = [text.encode("utf-8", "backslashreplace").decode() for text in (name, address)]
        return FoundFile(safe[0], safe[1], entry.size, entry.etag, None if safe[1] == address else "unsafe_name")


def _match(parts: Sequence[str], wildcards: Sequence[str]) -> bool:
    if not wildcards or not parts:
        return not wildcards and not parts
    if wildcards[0] == "**":
        return _match(parts, wildcards[1:]) or len(wildcards) == 1 or _match(parts[1:], wildcards)
    return fnmatchcase(parts[0], wildcards[0]) and _match(parts[1:], wildcards[1:])


def _resolve_pattern(pattern: str, *, base_dir: Path, suffix: str, patience: Patience, answered: set[str]) -> _Search:
    """`answered` are the stores (`s3://bucket`) that have said something already; this one is added."""
    url = pattern if "://" in pattern else os.path.join(os.path.abspath(base_dir), os.path.expanduser(pattern))  # noqa: PTH100, PTH111, PTH118
    filesystem, path = connect(url)
    prefix = ""
    if is_local(filesystem):
        path = os.path.normpath(path)
    else:
        # Not `unstrip_protocol`: it loses the host of sftp:// and the like.
        trimmed = url.rstrip("/")
        prefix = (
            trimmed.removesuffix(path) if trimmed.endswith(path) else filesystem.unstrip_protocol(path)[: -len(path)]
        )
    store = "/".join(url.split("/")[:3])
    if store not in answered:
        require_answer(filesystem, path, url=url, patience=patience)
        answered.add(store)
    try:
        entry = retry(lambda: _inspect(filesystem, path), about=pattern, patience=patience)
    except UnreadableError as refused:
        if refused.refusal.reason != "missing" and not _WILDCARDS.search(path):
            raise SetupError(f"{hide_in_url(pattern)!r} cannot be read: {refused.refusal.detail}.") from refused
        entry = None
    parts = path.split("/")
    # A name that exists is taken as it stands: a configuration may lie in `[drafts]/`, a file be called `[1].pdf`.
    if entry:
        fixed = len(parts) - (not entry.is_directory)
    else:
        fixed = next((i for i in range(len(parts)) if _is_wild(filesystem, parts[: i + 1])), len(parts) - 1)
    root = "/".join(parts[:fixed]) or ("/" if path.startswith("/") else "")
    file = entry if entry and not entry.is_directory else None
    return _Search(pattern, filesystem, prefix, root, tuple(parts[fixed:]), suffix, patience, file)


def _is_wild(filesystem: Any, parts: Sequence[str]) -> bool:
    literal = is_local(filesystem) and os.path.lexists("/".join(parts))
    return bool(_WILDCARDS.search(parts[-1])) and not literal


def _list_directory(filesystem: Any, path: str) -> list[_Entry]:
    if not is_local(filesystem):
        base = path.rstrip("/") + "/" if path else ""
        listed = (_read_info(info) for info in filesystem.ls(path, detail=True))
        # Object stores list a directory's own marker, web servers link to the directory above.
        return [entry for entry in listed if entry.path.startswith(base) and entry.path != path]
    # fsspec's own listing calls every link "other"; links are followed here.
    entries = []
    with os.scandir(path) as found:
        for item in found:
            try:
                status = item.stat()
            except OSError:  # a link to nothing: listed, so that it is counted as missing
                entries.append(_Entry(item.path, False, None, None))
                continue
            if stat.S_ISDIR(status.st_mode) or stat.S_ISREG(status.st_mode):
                entries.append(_read_status(item.path, status))
    return entries


def _ask(filesystem: Any, path: str) -> dict[str, Any]:
    """What a remote filesystem says of a path. S3's answer to a HEAD has no words for why it is refused; that to a GET
    of one byte has."""
    try:
        info: dict[str, Any] = filesystem.info(path)
    except Exception as error:
        if read_code(error) in ("400", "403"):
            with contextlib.suppress(FileNotFoundError):
                filesystem.cat_file(path, start=0, end=1)
        raise
    return info


def _inspect(filesystem: Any, path: str) -> _Entry:
    if not is_local(filesystem):
        return _read_info(_ask(filesystem, path))
    status = os.stat(path)  # noqa: PTH116
    if not stat.S_ISDIR(status.st_mode) and not stat.S_ISREG(status.st_mode):
        raise SetupError(f"{path!r} in `source.paths` is neither a file nor a directory.")
    return _read_status(path, status)


def _read_status(path: str, status: os.stat_result) -> _Entry:
    is_directory = stat.S_ISDIR(status.st_mode)
    return _Entry(path, is_directory, status.st_size, f"{status.st_mtime_ns}-{status.st_size}")


def _read_info(info: dict[str, Any]) -> _Entry:
    version = next((info[key] for key in ("ETag", "etag", "e_tag", "md5Hash") if info.get(key)), None)
    if version is None:
        when = next((info[key] for key in ("mtime", "LastModified", "updated", "created") if info.get(key)), None)
        if isinstance(when, datetime):
            when = when.timestamp()
        version = None if when is None else f"{when}-{info.get('size')}"
    is_directory = info["type"] == "directory"
    return _Entry(info["name"].rstrip("/"), is_directory, info.get("size"), version and str(version).strip('"'))


# --- reading ----------------------------------------------------------------------------------------------------------


def retry(action: Callable[[], T], *, about: str, patience: Patience) -> T:
    """The result of `action`, which reaches for a file and is tried again when the way there fails.

    Raises `UnreadableError` (`missing`, `no_access`) for what is wrong with the file itself, `SetupError` for what
    would be wrong with every file of its store, `SourceGone` when attempts or patience run out.
    """
    name = hide_in_url(about)
    attempts = Attempts(name, patience)

    def judge(error: Exception) -> None:
        if isinstance(error, UnreadableError):
            raise error
        # Before what is about one file: to s3fs a refused key is a PermissionError too, a lost bucket a file that
        # is not there, and each document would be dropped for it.
        if (advice := explain_setup(error)) is not None:
            raise SetupError(f"{name} cannot be read, {advice} ({describe(error)}).") from error
        if has_expired(error):
            raise SourceGone(describe_expiry(name, error)) from error
        if (reason := _blame_file(error)) is not None:
            raise UnreadableError(Refusal(reason, describe(error))) from error

    return keep_trying(action, attempts, judge=judge, give_up=lambda error: SourceGone(attempts.describe_outage(error)))


def _require_regular(path: str) -> None:
    """Raise UnreadableError for what would be waited for (a named pipe), or never ends (a device)."""
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
    """A file read by byte ranges, with retries: a local one through one open handle, a remote one range by range.

    It is also a seekable file object for libraries that want one. Since every failure to reach the bytes leaves as
    `UnreadableError` or `SourceGone`, any other error such a library raises is about the content.
    """

    def __init__(self, address: str, *, patience: Patience) -> None:
        self.address = address
        self._filesystem, self._path = connect(address)
        self._patience = patience
        self._handle: Any = None
        self._position = 0
        self._size: int | None = None
        self.planned_size: int | None = None
        """What the listing said. A read that ends there is whole; one that ends elsewhere has the size looked up."""

    @property
    def size(self) -> int:
        """Bytes of the whole file. Raises `UnreadableError` where the filesystem does not know."""
        if self._size is None:
            self._size = retry(self._measure, about=self.address, patience=self._patience)
        return self._size

    def read_range(self, start: int, end: int) -> bytes:
        """Bytes `start` to `end` (exclusive); fewer where the file ends before."""
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
            # HEAD, which measures, has no words for why it is refused.
            if _blame_file(error) or explain_setup(error):
                raise
            # Object stores answer a range past the end of a file that has shrunk with an error.
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
        size = _ask(self._filesystem, self._path)["size"]
        if size is None:
            raise UnreadableError(Refusal("no_access", "its server does not tell its size"))
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


def read_files(
    file: RangeFile, locators: Iterator[Locator], *, max_file_bytes: int | None
) -> Iterator[tuple[Locator, SourceDocument | Refusal]]:
    """The documents of locators that all name `file` itself."""
    for locator in locators:
        yield locator, _read_file(file, locator, max_file_bytes=max_file_bytes)


def _read_file(file: RangeFile, locator: Locator, *, max_file_bytes: int | None) -> SourceDocument | Refusal:
    try:
        size = file.size if locator.size is None else locator.size
        file.planned_size = size
        if refusal := check_size(size, max_file_bytes=max_file_bytes):
            return refusal
        pdf = file.read_range(0, size + 1)  # a byte more, to see one that has grown
    except UnreadableError as refused:
        return refused.refusal
    return SourceDocument(pdf) if len(pdf) == size else Refusal("source_changed", f"no longer {size} bytes")
