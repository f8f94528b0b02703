"""Where an address from a run's plan may lead: later stages read the plan again, and anyone may have written it.

`SourceBounds.allows` is for a build, whose configuration is the user's own. `screen` is for commands that only read a
run, whose configuration came with it: they stay on this machine unless asked, and follow no link out of the source.
"""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Sequence
from dataclasses import replace
from urllib.parse import unquote

from docmatix.core.redaction import hide_in_url
from docmatix.sources.locators import Locator

_WILDCARDS = re.compile(r"[*?\[]")
_OTHER_AUTHORITY = frozenset({"abfs", "abfss", "adl", "az", "wasb", "wasbs"})
"""Their addresses may name just the container where the configuration also names its account."""


class SourceBounds:
    """The folders and stores that `source.paths` names; none of them is contacted."""

    def __init__(self, paths: Sequence[str]) -> None:
        self._folders: list[str] = []
        """On this machine: a path in or at one of these belongs to the source."""
        self._urls: list[str] = []
        self._stores: set[tuple[str, str]] = set()
        self._anywhere = False
        """Set by a relative path, whose base is unknown; a run's paths are absolute."""
        for path in paths:
            local = _find_local_path(path)
            if local is not None and local.startswith("/"):
                self._folders.append(_cut_wildcards(os.path.normpath(local)))
            elif local is not None:
                self._anywhere = True
            else:
                hidden = hide_in_url(path).rstrip("/")
                self._stores.add(_name_store(hidden))
                if not _WILDCARDS.search(_name_store(hidden)[1]):
                    self._urls.append(_cut_wildcards(hidden))
        self._real_folders: list[str] | None = None

    def allows(self, address: str) -> bool:
        """Whether a document of the source may be there: a local file below the local paths, a remote one in a store
        that they name."""
        local = _find_local_path(address)
        if local is not None:
            return self._anywhere or self._covers_path(local)
        scheme, authority = _name_store(hide_in_url(address))
        if scheme in _OTHER_AUTHORITY:
            return any(scheme == known for known, _ in self._stores)
        return any(
            scheme == known and (authority == other or _WILDCARDS.search(other)) for known, other in self._stores
        )

    def screen(self, locator: Locator, *, fetch: bool) -> Locator:
        """The locator as it may be read, or with the problem that forbids it: `outside_source`, `not_a_file`, or
        `not_fetched` for a remote one without `fetch`."""
        if locator.problem:
            return locator
        local = _find_local_path(locator.address)
        if local is None:
            problem = None if fetch else "not_fetched"
            return replace(locator, problem=problem if self._covers_url(locator.address) else "outside_source")
        if not self._covers_path(local):
            return replace(locator, problem="outside_source")
        if self._real_folders is None:
            self._real_folders = [os.path.realpath(folder) for folder in self._folders]
        real = os.path.realpath(local)
        if not any(_lies_below(real, folder) for folder in self._real_folders):
            return replace(locator, problem="outside_source")
        try:
            mode = os.stat(real).st_mode  # noqa: PTH116
        except OSError:  # reading it will report `missing` or `no_access`
            return locator
        # open exactly the file that was checked
        return replace(locator, address=real, problem=None if stat.S_ISREG(mode) else "not_a_file")

    def _covers_path(self, path: str) -> bool:
        return os.path.normpath(path) == path and any(_lies_below(path, folder) for folder in self._folders)

    def _covers_url(self, address: str) -> bool:
        hidden = hide_in_url(address)
        if ".." in re.split(r"[/\\]", unquote(unquote(hidden))):
            return False
        return any(_lies_below(hidden, url) for url in self._urls)


def _find_local_path(address: str) -> str | None:
    """The path of an address on this machine, None for any other."""
    if "://" not in address:
        return address
    if address.partition("://")[0] not in ("file", "local"):
        return None
    from fsspec.implementations.local import LocalFileSystem

    return str(LocalFileSystem._strip_protocol(address))


def _cut_wildcards(pattern: str) -> str:
    """The folder that holds all a pattern can match; a pattern without wildcards as it is."""
    found = _WILDCARDS.search(pattern)
    if found is None:
        return pattern
    return pattern[: found.start()].rpartition("/")[0] or "/"


def _lies_below(path: str, folder: str) -> bool:
    return path == folder or path.startswith(folder.rstrip("/") + "/")


def _name_store(url: str) -> tuple[str, str]:
    """The protocol, and the server or bucket."""
    scheme, _, rest = url.partition("://")
    return scheme.lower(), rest.partition("/")[0].lower()
