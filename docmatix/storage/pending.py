"""A file being written aside: on the store's own disk, or in the temporary directory until it is uploaded."""

from __future__ import annotations

import contextlib
import hashlib
import os
from collections.abc import Callable
from pathlib import Path
from typing import IO

from docmatix.storage import scratch
from docmatix.storage.errors import storage_errors


class PendingFile:
    """`write` it, then `publish` it under its final name."""

    def __init__(self, aside: Path, *, place: Callable[[Path, str], object], disk: str | None) -> None:
        """`place` gives the file `aside` its name in the store; `disk` is the store's address where both are on it."""
        self._aside, self._place, self._disk = aside, place, disk
        self._stream: IO[bytes] | None = None
        self._hash = hashlib.sha256()
        self._discarded = False
        self.bytes = 0

    def write(self, content: bytes) -> int:
        if self._discarded:  # an abandoned Parquet writer writes its footer when it is collected
            return memoryview(content).nbytes
        self._hash.update(content)
        self.bytes += memoryview(content).nbytes
        with self._errors():
            if self._stream is None:
                self._stream = scratch.open_private(self._aside) if self._disk is None else self._aside.open("xb")
            return self._stream.write(content)

    def _errors(self) -> contextlib.AbstractContextManager[None]:
        return storage_errors(self._disk or str(self._aside.parent), folder=self._aside.parent, wanted=self.bytes)

    # what pyarrow asks of a file to write to
    closed = False

    def flush(self) -> None:
        if self._stream is not None:
            self._stream.flush()

    def tell(self) -> int:
        return self.bytes

    def close(self) -> None:
        return None

    @property
    def sha256(self) -> str:
        return self._hash.hexdigest()

    def publish(self, name: str, *, durable: bool = True) -> None:
        """Make the file appear under `name`, a path relative to the store."""
        if self._stream is None:
            raise ValueError("nothing was written")
        with self._errors():
            self._stream.flush()
            if durable and self._disk is not None:
                os.fsync(self._stream.fileno())
            self._stream.close()
            self._stream = None
            if self._disk is not None:
                self._place(self._aside, name)
        if self._disk is None:
            self._place(self._aside, name)

    def discard(self) -> None:
        self._discarded = True
        if self._stream is not None:
            with contextlib.suppress(OSError):
                self._stream.close()
        with contextlib.suppress(OSError):
            self._aside.unlink(missing_ok=True)
