"""The files that a source's patterns match, on any filesystem.

A pattern is a path, a glob, a directory or an fsspec URL of one. Files are listed pattern by pattern, sorted by path;
only one directory is held in memory at a time, so ten million files cost no more than ten.
"""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any, NamedTuple

from docmatix.core.errors import SetupError
from docmatix.core.redaction import hide_in_url
from docmatix.sources.locators import FoundFile, UnreadableError
from docmatix.sources.remote_files import ask_about, retry
from docmatix.storage.filesystems import connect, is_local
from docmatix.storage.patience import Patience, require_answer

_WILDCARDS = re.compile(r"[*?\[]")


def find_files(patterns: Sequence[str], *, base_dir: Path, suffix: str, patience: Patience) -> Iterator[FoundFile]:
    """The files that `patterns` name, each once; directories are searched for names that end in `suffix` in any case.
    Raises SetupError before the first file if a pattern matches nothing, a protocol is not supported, or a store does
    not respond within seconds; once it has responded, it is retried with `patience`."""
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


def _merge(searches: Sequence[_Search]) -> Iterator[FoundFile]:
    # earlier searches are matched by pattern, since a set of all names would grow with the source
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
    """Prepended to a path of the filesystem to make an address."""
    root: str
    wildcards: tuple[str, ...]
    suffix: str
    patience: Patience
    file: _Entry | None = None

    @property
    def base(self) -> str:
        return self.root.rstrip("/") + "/" if self.root else ""

    def walk(self) -> Iterator[_Entry]:
        """Matching files, sorted by path."""
        return iter([self.file]) if self.file else self._walk(self.root, ())

    def _walk(self, directory: str, above: tuple[str, ...]) -> Iterator[_Entry]:
        local = is_local(self.filesystem)
        real = os.path.realpath(directory) if local else directory
        if real in above:  # a link to a directory above
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
        """Whether `walk` yields this path of this filesystem."""
        return bool(filesystem == self.filesystem) and path.startswith(self.base) and self.matches(path)

    def matches(self, path: str) -> bool:
        """Whether the pattern matches a file below `root`."""
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
    """`answered` collects the stores (`s3://bucket`) that have responded."""
    url = pattern if "://" in pattern else os.path.join(os.path.abspath(base_dir), os.path.expanduser(pattern))  # noqa: PTH100, PTH111, PTH118
    filesystem, path = connect(url)
    prefix = ""
    if is_local(filesystem):
        path = os.path.normpath(path)
    else:
        # `unstrip_protocol` would lose the host of sftp:// and the like
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
    # a name that exists is taken literally: a configuration may be in `[drafts]/`, a file may be called `[1].pdf`
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
        # object stores list a directory's own marker, web servers link to the parent directory
        return [entry for entry in listed if entry.path.startswith(base) and entry.path != path]
    # fsspec's listing reports every link as "other"; links are followed here
    entries = []
    with os.scandir(path) as found:
        for item in found:
            try:
                status = item.stat()
            except OSError:  # a dangling link is listed, so that it counts as missing
                entries.append(_Entry(item.path, False, None, None))
                continue
            if stat.S_ISDIR(status.st_mode) or stat.S_ISREG(status.st_mode):
                entries.append(_read_status(item.path, status))
    return entries


def _inspect(filesystem: Any, path: str) -> _Entry:
    if not is_local(filesystem):
        return _read_info(ask_about(filesystem, path))
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
