"""Regular files, opened as such: through no link where none may be followed, and never a pipe that keeps one waiting.

What others have packed or prepared may hold a link, a named pipe or a device where a file is expected.
"""

from __future__ import annotations

import os
import stat

_KINDS = (
    (stat.S_ISLNK, "a link"),
    (stat.S_ISDIR, "a folder"),
    (stat.S_ISFIFO, "a named pipe"),
    (stat.S_ISSOCK, "a socket"),
)


class NotPlain(Exception):
    """It is something other than a regular file; `kind` is what it is."""

    def __init__(self, kind: str) -> None:
        super().__init__(kind)
        self.kind = kind


def describe_kind(mode: int) -> str:
    """What a file that is not a regular one is (`a link`), by its mode."""
    return next((name for matches, name in _KINDS if matches(mode)), "a device")


def open_plain(path: str, flags: int = os.O_RDONLY, *, follow_links: bool = False) -> int:
    """The descriptor of a regular file. Raises NotPlain for anything else, at once, and what `os.open` raises."""
    may_follow = 0 if follow_links else os.O_NOFOLLOW
    try:
        # a named pipe would otherwise be waited for until somebody writes to it
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
