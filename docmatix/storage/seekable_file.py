"""A file to read from that keeps its own place in what it reads."""

from __future__ import annotations

import io
import os


class SeekableFile(io.RawIOBase):
    """Reads from `_at`, wherever that is; a kind says how to read, in `readinto`, and where the file ends."""

    def __init__(self) -> None:
        self._at = 0

    def find_end(self) -> int:
        """The size of the file."""
        raise NotImplementedError

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._at

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        if whence == os.SEEK_CUR:
            offset += self._at
        elif whence == os.SEEK_END:
            offset += self.find_end()
        elif whence != os.SEEK_SET:
            raise ValueError(f"whence is {whence}, which is none of 0, 1 and 2")
        if offset < 0:
            raise ValueError(f"position {offset} is before the start of the file")
        self._at = offset
        return offset
