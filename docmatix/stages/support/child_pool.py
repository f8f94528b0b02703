"""Several child processes for hostile PDFs, at work at once on as many cores of the machine as are free."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from types import TracebackType
from typing import Any, Protocol, Self, TypeVar

from docmatix.pdf.sandbox import Sandbox
from docmatix.stages.support.cpu_slots import CpuSlots

T = TypeVar("T")


class Child(Protocol):
    """What runs a function on a hostile PDF: a `Sandbox`."""

    @property
    def run(self) -> Callable[..., Any]: ...


class ChildPool:
    """Calls a function with a child of its own, for each of the `slots` at once; of children that have nothing to do,
    `spare` are kept, as many workers may have some."""

    def __init__(self, make_child: Callable[[], Child], *, slots: CpuSlots, spare: int) -> None:
        self.count = slots.count
        self._make_child, self._slots, self._spare = make_child, slots, spare
        self._threads = ThreadPoolExecutor(slots.count, thread_name_prefix="children")
        self._idle: list[Child] = []
        self._lock = threading.Lock()
        self._closed = False
        self.counted = {"child_seconds": 0.0, "child_waited_seconds": 0.0}
        """The time that calls took one by one, and how long somebody waited for them."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def submit(self, use: Callable[[Child], T]) -> Future[T]:
        """Have `use` called in a thread, with a child that no other call uses meanwhile."""
        return self._threads.submit(self._call, use)

    def wait(self, call: Future[T]) -> T:
        """The result of a call."""
        started = time.monotonic()
        try:
            return call.result()
        finally:
            with self._lock:
                self.counted["child_waited_seconds"] += time.monotonic() - started

    def close(self) -> None:
        """Give up what has not begun, and end the children."""
        self._closed = True
        self._threads.shutdown(cancel_futures=True)
        for child in self._idle:
            _end(child)
        self._slots.close()

    def _call(self, use: Callable[[Child], T]) -> T:
        with self._slots.hold():
            with self._lock:
                child = self._idle.pop() if self._idle else None
            child = child or self._make_child()
            started = time.monotonic()
            try:
                result = use(child)
            except BaseException:
                _end(child)
                raise
        with self._lock:
            self.counted["child_seconds"] += time.monotonic() - started
            if len(self._idle) < self._spare and not self._closed:
                self._idle.append(child)
                return result
        _end(child)
        return result


def _end(child: Child) -> None:
    if isinstance(child, Sandbox):
        child.close()
