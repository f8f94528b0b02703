"""A file of an object store of which a few large ranges are read."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from docmatix.storage.seekable_file import SeekableFile

MOST_AT_ONCE = 16 << 20
"""Bytes of one request where what is read is known beforehand."""
LEAST_AHEAD, MOST_AHEAD = 1 << 20, 16 << 20
"""Bytes of one request where it is not: they double as long as a file is read from one to the next."""
WORTH_SKIPPING = 1 << 20
"""A gap of so many bytes is transferred in about the time that another request takes."""


def join_ranges(ranges: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
    """The ranges to request for these, which are wanted in their order: neighbours are one, up to `MOST_AT_ONCE`."""
    joined: list[tuple[int, int]] = []
    for start, end in sorted(ranges):
        if joined and start - joined[-1][1] <= WORTH_SKIPPING and end - joined[-1][0] <= MOST_AT_ONCE:
            joined[-1] = joined[-1][0], max(end, joined[-1][1])
        else:
            joined.append((start, end))
    return joined


class RangedFile(SeekableFile):
    """A file of known size. What was read last is kept, and its end, where Parquet has its footer."""

    def __init__(self, size: int, fetch: Callable[[int, int], bytes], *, end: bytes = b"") -> None:
        """`fetch` reads from one position up to another; `end` are the last bytes, already read."""
        super().__init__()
        self._size, self._fetch = size, fetch
        self._kept: list[tuple[int, bytes]] = [(size - len(end), end), (0, b"")]
        self._planned: list[tuple[int, int]] = []
        self._ahead = LEAST_AHEAD

    def expect(self, ranges: Iterable[tuple[int, int]]) -> None:
        """Say what will be read, so that few requests are made and nothing else is transferred."""
        # those of a footer that lies may lead anywhere
        self._planned = join_ranges((max(0, start), min(end, self._size)) for start, end in ranges)

    def find_end(self) -> int:
        return self._size

    def readinto(self, buffer: Any) -> int:
        data = self._read(min(len(buffer), self._size - self._at))
        buffer[: len(data)] = data
        self._at += len(data)
        return len(data)

    def _read(self, count: int) -> bytes | memoryview:
        if count <= 0:
            return b""
        for start, content in self._kept:
            if start <= self._at < start + len(content):
                return memoryview(content)[self._at - start : self._at - start + count]
        start, end = self._choose_range(count)
        self._kept[1] = start, self._fetch(start, end)
        return memoryview(self._kept[1][1])[self._at - start : self._at - start + count]

    def _choose_range(self, count: int) -> tuple[int, int]:
        for start, end in self._planned:
            if start <= self._at < end:
                return start, end
        last, content = self._kept[1]
        goes_on = bool(content) and self._at == last + len(content)
        self._ahead = min(2 * self._ahead, MOST_AHEAD) if goes_on else LEAST_AHEAD
        return self._at, min(self._at + max(count, self._ahead), self._size)
