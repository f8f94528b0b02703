"""What must not keep an event loop waiting: contexts that ask a store as they begin and end."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import AbstractContextManager
from typing import TypeVar

Value = TypeVar("Value")


@contextlib.asynccontextmanager
async def entered_in_thread(context: AbstractContextManager[Value]) -> AsyncIterator[Value]:
    """Enter and leave a context in a thread, which is waited for even if the task is cancelled meanwhile: what it has
    begun (a commit, a file to clean up) comes to its end."""
    entering = asyncio.ensure_future(asyncio.to_thread(context.__enter__))
    try:
        value = await _finish(entering)
    except asyncio.CancelledError as error:
        if not entering.cancelled() and entering.exception() is None:
            await _finish(asyncio.ensure_future(asyncio.to_thread(context.__exit__, type(error), error, None)))
        raise
    try:
        yield value
    except BaseException as error:
        leaving = asyncio.to_thread(context.__exit__, type(error), error, error.__traceback__)
        if not await _finish(asyncio.ensure_future(leaving)):
            raise
    else:
        await _finish(asyncio.ensure_future(asyncio.to_thread(context.__exit__, None, None, None)))


async def _finish(future: asyncio.Future[Value]) -> Value:
    """The result of what a thread does; a task that is cancelled meanwhile is so once it is done."""
    cancelled: asyncio.CancelledError | None = None
    while not future.done():
        try:
            await asyncio.wait([future])
        except asyncio.CancelledError as error:
            cancelled = error
    if cancelled is not None:
        raise cancelled
    return future.result()
