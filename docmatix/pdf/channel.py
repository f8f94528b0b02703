"""The messages between a sandbox and its child: a kind, a length, that many bytes, and open files beside a task."""

from __future__ import annotations

import fcntl
import importlib
import io
import math
import mmap
import os
import select
import socket
import struct
import time
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from docmatix.pdf.answers import Malformed

HELLO, TASK, RESULT, REFUSAL, OUT_OF_MEMORY = range(5)
MAX_HELLO_BYTES = 1000

_HEAD = struct.Struct("=BQ")
_MAX_FILES = 8


class PassedFile(NamedTuple):
    """Stands for an open file among the arguments of a call: its position among the files sent along, and its mode."""

    position: int
    mode: str


class PassedBytes(NamedTuple):
    """Stands for many bytes among the arguments of a call: the position of the file that holds them."""

    position: int


class NamedFunction:
    """Stands for a function of a module that only the child needs to import."""

    def __init__(self, module: str, name: str) -> None:
        self.__module__, self.__name__ = module, name

    def __call__(self, *args: Any, **options: Any) -> Any:
        return load_function(self.__module__, self.__name__)(*args, **options)

    def __reduce__(self) -> tuple[Callable[[str, str], Any], tuple[str, str]]:
        return load_function, (self.__module__, self.__name__)


def load_function(module: str, name: str) -> Any:
    """A function by its name, as pickle finds one."""
    return getattr(importlib.import_module(module), name)


SHARED_BYTES = 1 << 20  # from here on bytes are shared rather than copied into each process up to three times


def share_bytes(data: bytes) -> io.FileIO | None:
    """A file in memory with this content, which nobody can change; None where the system has no such files."""
    if not hasattr(os, "memfd_create"):
        return None
    try:
        file = io.FileIO(os.memfd_create("argument", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING), "r+")
    except OSError:
        return None
    try:
        left = memoryview(data)
        while left:
            left = left[file.write(left) :]
        fcntl.fcntl(file, fcntl.F_ADD_SEALS, fcntl.F_SEAL_WRITE | fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_GROW)
    except OSError:
        file.close()
        return None
    return file


def map_bytes(descriptor: int) -> memoryview:
    """The content of a file of `share_bytes`, whose descriptor is closed."""
    try:
        return memoryview(mmap.mmap(descriptor, 0, prot=mmap.PROT_READ))
    finally:
        os.close(descriptor)


def send(channel: socket.socket, kind: int, data: bytes, *, files: Sequence[io.FileIO] = ()) -> None:
    socket.send_fds(channel, [_HEAD.pack(kind, len(data))], [file.fileno() for file in files])
    channel.sendall(data)


def receive(channel: socket.socket, *, max_bytes: int, timeout_s: float) -> tuple[int, memoryview]:
    """The child's next message. Raises `Malformed` if it is too long, `TimeoutError`, and `EOFError` at the end."""
    deadline = time.monotonic() + timeout_s
    kind, size = _HEAD.unpack(_receive_bytes(channel, _HEAD.size, deadline))
    if size > max_bytes:
        raise Malformed(f"{size} bytes")
    return kind, _receive_bytes(channel, size, deadline)


def receive_task(parent: socket.socket) -> tuple[memoryview, list[int]]:
    """The next task and the descriptors of its files. Raises `EOFError` once the parent has closed its end."""
    head, files, _, _ = socket.recv_fds(parent, _HEAD.size, _MAX_FILES)
    if not head:
        raise EOFError
    _, size = _HEAD.unpack(head)
    return _receive_bytes(parent, size), files


def _receive_bytes(channel: socket.socket, size: int, deadline: float = math.inf) -> memoryview:
    buffer = memoryview(bytearray(size))
    filled = 0
    while filled < size:
        if deadline < math.inf:
            left_s = deadline - time.monotonic()
            if left_s <= 0:
                raise TimeoutError
            channel.settimeout(left_s)
        received = channel.recv_into(buffer[filled:])
        if not received:
            raise EOFError
        filled += received
    return buffer.toreadonly()


def is_readable(channel: socket.socket | int, timeout_s: float) -> bool:
    # unlike select, poll accepts descriptors above 1023
    poller = select.poll()
    poller.register(channel, select.POLLIN)
    return bool(poller.poll(math.ceil(timeout_s * 1000)))
