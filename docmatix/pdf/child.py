"""The sandbox's child: confines itself, then answers calls under limits on CPU time and memory until its parent closes.

It is a fresh interpreter that imports only what the functions need (`docs/design/pdf.md` says why).
"""

from __future__ import annotations

import gc
import importlib
import io
import json
import math
import os
import pickle
import signal
import socket
import traceback
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from docmatix.core.documents import Refusal
from docmatix.pdf.answers import find_form, pack_refusal
from docmatix.pdf.channel import (
    HELLO,
    OUT_OF_MEMORY,
    REFUSAL,
    RESULT,
    PassedBytes,
    PassedFile,
    is_readable,
    map_bytes,
    receive_task,
    send,
)
from docmatix.pdf.confinement import confine, list_code

# the main thread's stack, whatever the shell's limit: how deep a document may nest must not depend on the machine
STACK_BYTES = 8 << 20

# standard modules whose shared libraries may lie where a confined process cannot read
_LINKED = ("bz2", "hashlib", "lzma", "zlib")


def serve(connection: int, *, lifeline: int, packages: Sequence[str], readable: Sequence[str]) -> None:
    """Answer calls until the parent closes its end. `connection` and `lifeline` are file descriptors; `readable` are
    the files and folders that may be read beside code."""
    import resource

    _die_with_parent(lifeline)
    # Ctrl-C in a terminal reaches the whole process group; how to react is the parent's decision
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    hard = resource.getrlimit(resource.RLIMIT_STACK)[1]
    resource.setrlimit(
        resource.RLIMIT_STACK, (STACK_BYTES if hard == resource.RLIM_INFINITY else min(hard, STACK_BYTES), hard)
    )
    with suppress(OSError):
        # when the machine runs out of memory, the kernel kills this process rather than the worker that holds a shard
        Path("/proc/self/oom_score_adj").write_text("1000")
    for name in (*packages, *_LINKED):
        with suppress(ImportError):
            importlib.import_module(name)
    _keep_temporary_files_in_memory()
    # looking for garbage among what is imported took 6 to 10 % of reading
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 20)
    confinement = confine([*list_code(packages), *map(Path, readable)])
    with socket.socket(fileno=connection) as parent:
        send(parent, HELLO, json.dumps(confinement).encode())
        while True:
            try:
                task, files = receive_task(parent)
            except (EOFError, ConnectionError):
                return
            send(parent, *_answer(task, files))


def _die_with_parent(lifeline: int) -> None:
    """Have the kernel end this process when the parent dies, even inside a C function that hangs.

    The parent holds the other end of the pipe and never writes, so the SIGIO can only mean that it has closed.
    """
    # PR_SET_PDEATHSIG would already fire when the *thread* that started this process ends
    import fcntl

    signal.signal(signal.SIGIO, signal.SIG_DFL)
    fcntl.fcntl(lifeline, fcntl.F_SETOWN, os.getpid())
    fcntl.fcntl(lifeline, fcntl.F_SETFL, fcntl.fcntl(lifeline, fcntl.F_GETFL) | os.O_ASYNC)
    if is_readable(lifeline, 0):
        os._exit(0)


def _keep_temporary_files_in_memory() -> None:
    """Let py3langid unpack its 68 MB model through a temporary file although no folder is writable."""
    import tempfile

    def make_file(mode: str = "w+b", **_: Any) -> Any:
        return os.fdopen(os.memfd_create("temporary"), mode)

    tempfile.TemporaryFile = make_file  # type: ignore[assignment]


def _answer(task: memoryview, files: Sequence[int]) -> tuple[int, bytes]:
    """The kind of the answer, and the answer."""
    try:
        function, args, options, timeout_s, memory_mb = pickle.loads(task)
        del task
        args = [_open_passed(arg, files) for arg in args]
        # packing counts as work too: for a document of two million words it takes half of the memory
        with _limits(timeout_s=timeout_s, memory_mb=memory_mb):
            result = function(*args, **options)
            if isinstance(result, Refusal):
                return REFUSAL, pack_refusal(result)
            return RESULT, find_form(function).pack(result)
    except MemoryError:
        return OUT_OF_MEMORY, b""
    except Exception as error:
        return REFUSAL, pack_refusal(Refusal("internal_error", _describe(error)))


def _open_passed(arg: Any, files: Sequence[int]) -> Any:
    match arg:
        case PassedFile(position, mode):
            return io.FileIO(files[position], mode)
        case PassedBytes(position):
            return map_bytes(files[position])
    return arg


@contextmanager
def _limits(*, timeout_s: float, memory_mb: int) -> Iterator[None]:
    """Soft limits on further CPU time (SIGXCPU ends the process) and on memory, lifted on exit."""
    import resource

    usage = resource.getrusage(resource.RUSAGE_SELF)
    limits = {
        resource.RLIMIT_CPU: math.ceil(usage.ru_utime + usage.ru_stime + timeout_s),
        # private writable memory; RLIMIT_AS also counts reserved address space, of which one library takes 1 GB
        resource.RLIMIT_DATA: memory_mb * 2**20,
    }
    before = {kind: resource.getrlimit(kind) for kind in limits}
    for kind, limit in limits.items():
        hard = before[kind][1]
        resource.setrlimit(kind, (limit if hard == resource.RLIM_INFINITY else min(limit, hard), hard))
    try:
        yield
    finally:
        for kind, both in before.items():
            resource.setrlimit(kind, both)


def _describe(error: Exception) -> str:
    """Type, location and the beginning of the message, on one line."""
    frames = traceback.extract_tb(error.__traceback__)
    place = f"{'/'.join(frames[-1].filename.split('/')[-3:])}:{frames[-1].lineno}" if frames else "unknown place"
    return f"{type(error).__name__} at {place}: {' '.join(str(error).split())[:200]}"
