"""Watches a source's listing, which may hang: its calls are made by a thread, which is left behind if need be."""

from __future__ import annotations

import contextlib
import queue
import threading
from collections.abc import Callable, Generator, Iterable, Iterator
from dataclasses import dataclass
from typing import TypeVar, cast

from docmatix.core.errors import SourceGone
from docmatix.driver.heartbeat import LOOKS_PER_STALL
from docmatix.pipeline import PLAN

MOST_EVERY_S = 60.0

T = TypeVar("T")


def watch_listing(
    open_listing: Callable[[], Iterable[T]], *, stall_s: float, patience_s: float, say: Callable[[str], None]
) -> Generator[T]:
    """The items of a listing, which is opened at once: says so when nothing has come for `stall_s`, and again after
    twice as long. Raises SourceGone after `patience_s`. Only the time that the source takes counts."""
    calls = _WatchedCalls(stall_s=stall_s, patience_s=patience_s, say=say)
    try:
        listing = calls.do(lambda: iter(open_listing()))
    except BaseException:
        calls.close()
        raise
    items = _pass_on(listing, calls)
    next(items)  # begun, so that closing it before its first item ends the thread too
    return cast(Generator[T], items)


def _pass_on(listing: Iterator[T], calls: _WatchedCalls) -> Generator[T | None]:
    try:
        yield None
        while True:
            try:
                item = calls.do(lambda: next(listing))
            except StopIteration:
                return
            calls.listed += 1
            yield item
    finally:
        calls.close(listing)


@dataclass(frozen=True, slots=True)
class _Outcome:
    value: object = None
    error: BaseException | None = None

    def get(self) -> object:
        if self.error is not None:
            raise self.error
        return self.value


class _WatchedCalls:
    """Makes one call after another in a separate thread, and waits for each up to its limit."""

    def __init__(self, *, stall_s: float, patience_s: float, say: Callable[[str], None]) -> None:
        self._stall_s, self._patience_s, self._say = stall_s, patience_s, say
        self._calls = queue.SimpleQueue[Callable[[], object] | None]()
        self._outcomes = queue.SimpleQueue[_Outcome]()
        self.listed = 0
        """The number of items passed on, for messages."""
        # a daemon: one that hangs must not keep the process
        threading.Thread(target=self._work, name="listing", daemon=True).start()

    def do(self, call: Callable[[], T]) -> T:
        """What `call` returns or raises. Raises SourceGone if it takes too long."""
        self._calls.put(call)
        return cast(T, self._wait().get())

    def close(self, listing: object = None) -> None:
        """Have the thread close the listing, then end; does not wait for it."""
        # also called as the process exits, when no other thread runs any more: waiting would never end
        if (close := getattr(listing, "close", None)) is not None:
            self._calls.put(close)
        self._calls.put(None)

    def _wait(self) -> _Outcome:
        waited_s, say_at, every_s = 0.0, self._stall_s, min(self._stall_s / LOOKS_PER_STALL, MOST_EVERY_S)
        while True:
            # counted in looks: a process that slept has not waited
            with contextlib.suppress(queue.Empty):
                return self._outcomes.get(timeout=every_s)
            waited_s += every_s
            if waited_s >= say_at:
                say_at *= 2
                self._say(
                    f"{PLAN:9} no documents listed for {waited_s:.0f} s; waiting for the source"
                    f" ({self.listed} listed so far)"
                )
            if waited_s > self._patience_s:
                raise SourceGone(
                    f"The source has listed nothing for {self._patience_s:.0f} s (limits.no_progress_s) after"
                    f" {self.listed} documents: check the source, then rerun the command to resume the build."
                )

    def _work(self) -> None:
        while (call := self._calls.get()) is not None:
            try:
                self._outcomes.put(_Outcome(call()))
            except BaseException as error:  # raised where it is waited for, whatever it is
                self._outcomes.put(_Outcome(error=error))
