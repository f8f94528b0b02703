"""Room for work that is larger than memory: columns of rows in private files of the temporary directory, and arrays
that go to a file where they would take too large a share."""

from __future__ import annotations

import contextlib
import mmap
import os
import shutil
import tempfile
from collections.abc import Iterable, Iterator
from itertools import pairwise
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np
import numpy.typing as npt

from docmatix.storage import scratch
from docmatix.storage.errors import storage_errors

_BUFFER = 1 << 16  # bytes that a column gathers before it writes
_GAP = 1 << 15  # bytes between two wanted rows that are rather read than left out
_SPAN = 1 << 22  # bytes that are read at once


class Workspace:
    """A folder that only this process uses, removed when it is left; `memory_bytes` is what its arrays may take."""

    def __init__(self, prefix: str, *, memory_bytes: int) -> None:
        self.memory_bytes = max(1, memory_bytes)
        scratch.remove_folders_of_the_dead(Path(tempfile.gettempdir()), prefix)
        self._folder = scratch.make_folder(prefix)
        self._files = 0

    def __enter__(self) -> Workspace:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        shutil.rmtree(self._folder, ignore_errors=True)

    def column(self, dtype: npt.DTypeLike, *, width: int = 1) -> Column:
        """A new column of rows of `width` values each."""
        return Column(self._name(), np.dtype(dtype), width)

    def array(self, shape: int | tuple[int, ...], dtype: npt.DTypeLike, *, fill: int = 0) -> npt.NDArray[Any]:
        """A new array, in a file if it takes more than an eighth of the memory."""
        size = int(np.prod(shape)) * np.dtype(dtype).itemsize
        if size <= self.memory_bytes // 8 or not size:
            return np.full(shape, fill, dtype=dtype)
        path = self._name()
        with storage_errors(str(self._folder), folder=self._folder, wanted=size), scratch.open_private(path) as stream:
            # room that a full disk cannot give is refused here, and not by a signal when it is first written to
            os.posix_fallocate(stream.fileno(), 0, size) if hasattr(os, "posix_fallocate") else stream.truncate(size)
        found = np.memmap(path, dtype=dtype, mode="r+", shape=shape)
        path.unlink()
        if fill:
            found[...] = fill
        return found

    def rows_at_once(self, row_bytes: int, *, share: int = 16) -> int:
        """How many rows of so many bytes take one part in `share` of the memory; at most 1,048,576."""
        return max(1, min(1 << 20, self.memory_bytes // share // row_bytes))

    def _name(self) -> Path:
        self._files += 1
        return self._folder / f"{self._files:06d}"


class Column:
    """Rows of one width, appended in order, and read by their numbers; all but a buffer is on disk. The file is only
    open while it is read or written: there may be hundreds."""

    def __init__(self, path: Path, dtype: np.dtype[Any], width: int) -> None:
        self.dtype, self.width, self.rows = dtype, width, 0
        self.row_bytes = dtype.itemsize * width
        self._path, self._buffered = path, bytearray()
        scratch.open_private(path).close()

    def __len__(self) -> int:
        return self.rows

    def append(self, values: npt.NDArray[Any]) -> None:
        content = np.ascontiguousarray(values, dtype=self.dtype).reshape(-1)
        self.rows += content.size // self.width
        if content.nbytes >= _BUFFER:
            self._flush()
            self._write(content.view(np.uint8).data)
            return
        self._buffered += content.view(np.uint8).data
        if len(self._buffered) >= _BUFFER:
            self._flush()

    def read(self, start: int, stop: int) -> npt.NDArray[Any]:
        """The rows from `start` to before `stop`, not to be written to."""
        with self._open() as descriptor:
            return self._read(descriptor, start, stop)

    def blocks(self, rows: int) -> Iterator[tuple[int, npt.NDArray[Any]]]:
        """All rows, so many at once, each time with the number of the first."""
        for start in range(0, self.rows, rows):
            yield start, self.read(start, min(start + rows, self.rows))

    def take(self, numbers: npt.NDArray[np.int64]) -> npt.NDArray[Any]:
        """The rows of these numbers, ascending; those that lie together are read at once."""
        found = np.empty((len(numbers), self.width) if self.width > 1 else len(numbers), dtype=self.dtype)
        if not len(numbers):
            return found
        gap, span = max(1, _GAP // self.row_bytes), max(1, _SPAN // self.row_bytes)
        parted = (np.diff(numbers) > gap) | (np.diff(numbers // span) > 0)
        bounds = [0, *(np.flatnonzero(parted) + 1).tolist(), len(numbers)]
        with self._open() as descriptor:
            for first, end in pairwise(bounds):
                start = int(numbers[first])
                block = self._read(descriptor, start, int(numbers[end - 1]) + 1)
                found[first:end] = block[numbers[first:end] - start]
        return found

    def map(self) -> npt.NDArray[Any]:
        """All rows as an array that the system reads from the disk as they are looked at."""
        shape = (self.rows, self.width) if self.width > 1 else (self.rows,)
        if not self.rows:
            return np.empty(shape, dtype=self.dtype)
        with self._open() as descriptor:
            mapped = mmap.mmap(descriptor, 0, access=mmap.ACCESS_READ)
        return np.frombuffer(mapped, dtype=self.dtype).reshape(shape)

    def remove(self) -> None:
        """Remove the file, of which nothing is wanted any more."""
        self._buffered = bytearray()
        self._path.unlink(missing_ok=True)

    def _read(self, descriptor: int, start: int, stop: int) -> npt.NDArray[Any]:
        size, offset = (stop - start) * self.row_bytes, start * self.row_bytes
        pieces = []
        while size and (piece := os.pread(descriptor, size, offset)):
            pieces.append(piece)
            size, offset = size - len(piece), offset + len(piece)
        content = np.frombuffer(pieces[0] if len(pieces) == 1 else b"".join(pieces), dtype=self.dtype)
        return content if self.width == 1 else content.reshape(-1, self.width)

    @contextlib.contextmanager
    def _open(self) -> Iterator[int]:
        self._flush()
        descriptor = os.open(self._path, os.O_RDONLY)
        try:
            yield descriptor
        finally:
            os.close(descriptor)

    def _flush(self) -> None:
        if self._buffered:
            self._write(self._buffered)
            self._buffered = bytearray()

    def _write(self, content: bytearray | memoryview) -> None:
        folder = self._path.parent
        with (
            storage_errors(str(folder), folder=folder, wanted=self.rows * self.row_bytes),
            self._path.open("ab") as file,
        ):
            file.write(content)


class TextColumn:
    """Texts, appended in order, and read by their numbers."""

    def __init__(self, workspace: Workspace) -> None:
        self._ends, self._bytes = workspace.column(np.int64), workspace.column(np.uint8)
        self._end = 0

    def append(self, texts: Iterable[str]) -> None:
        encoded = [text.encode() for text in texts]
        ends = self._end + np.cumsum([len(each) for each in encoded], dtype=np.int64)
        self._ends.append(ends)
        self._bytes.append(np.frombuffer(b"".join(encoded), dtype=np.uint8))
        self._end = int(ends[-1]) if len(ends) else self._end

    def take(self, numbers: npt.NDArray[np.int64]) -> list[str]:
        """The texts of these numbers, ascending."""
        ends = self._ends.take(numbers).tolist()
        before = numbers[numbers > 0]
        begins = [0] * (len(numbers) - len(before)) + self._ends.take(before - 1).tolist()
        return [self._bytes.read(begin, end).tobytes().decode() for begin, end in zip(begins, ends, strict=True)]
