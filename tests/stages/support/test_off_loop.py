"""Contexts that ask a store begin and end in threads, and come to their end whatever happens to the task."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Iterator

import pytest

from docmatix.stages.support.off_loop import entered_in_thread


class Traced:
    """A context that notes what happens to it, and waits for `may_begin` and `may_end`."""

    def __init__(self) -> None:
        self.may_begin, self.may_end = threading.Event(), threading.Event()
        self.may_begin.set()
        self.may_end.set()
        self.began, self.ending = threading.Event(), threading.Event()
        self.events: list[str] = []

    @contextlib.contextmanager
    def context(self) -> Iterator[str]:
        assert threading.current_thread() is not threading.main_thread()
        self.began.set()
        self.may_begin.wait(30)
        self.events.append("begun")
        try:
            yield "value"
        except BaseException as error:
            self.events.append(type(error).__name__)
            raise
        else:
            self.ending.set()
            self.may_end.wait(30)
            self.events.append("committed")
        finally:
            assert threading.current_thread() is not threading.main_thread()


async def test_a_block_is_entered_and_left_in_threads() -> None:
    traced = Traced()
    async with entered_in_thread(traced.context()) as value:
        assert (value, traced.events) == ("value", ["begun"])
    assert traced.events == ["begun", "committed"]


async def test_what_a_block_raises_reaches_the_context_and_the_caller() -> None:
    traced = Traced()
    with pytest.raises(ZeroDivisionError):
        async with entered_in_thread(traced.context()):
            raise ZeroDivisionError
    assert traced.events == ["begun", "ZeroDivisionError"]


async def test_a_context_may_suppress_what_a_block_raises() -> None:
    async with entered_in_thread(contextlib.suppress(ZeroDivisionError)):
        raise ZeroDivisionError


async def pass_through(traced: Traced) -> None:
    async with entered_in_thread(traced.context()):
        pass


async def test_a_task_that_is_cancelled_as_it_commits_has_committed() -> None:
    traced = Traced()
    traced.may_end.clear()
    task = asyncio.ensure_future(pass_through(traced))
    await asyncio.to_thread(traced.ending.wait, 30)
    task.cancel()
    await asyncio.sleep(0)
    assert not task.done()
    traced.may_end.set()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert traced.events == ["begun", "committed"]


async def test_a_task_that_is_cancelled_as_it_begins_ends_what_was_begun() -> None:
    traced = Traced()
    traced.may_begin.clear()
    task = asyncio.ensure_future(pass_through(traced))
    await asyncio.to_thread(traced.began.wait, 30)
    task.cancel()
    await asyncio.sleep(0)
    traced.may_begin.set()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert traced.events == ["begun", "CancelledError"]
