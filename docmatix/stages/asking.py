"""How a worker asks: several shards at once over one client, each answered in its own order.

Preparing a request, sending it, reading its reply and writing its row share one event loop. With hundreds of requests
in flight the loop has little to spare, so work that can wait gives way: shards prepare their requests one after the
other, and a row of one shard does not hold up the replies of the others.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from docmatix.serving.client import ChatClient

Item = TypeVar("Item")
Result = TypeVar("Result")

LEAST_OUTSTANDING = 64
MOST_OUTSTANDING = 4096
"""Requests of one shard that wait for their replies or for their turn to be written, at up to 30 KB each."""
LONGEST_TURN_S = 0.002
"""A request takes several rounds of the loop from its row to the next one's reply, and each waits for whoever prepares
or writes: turns of 10 ms, of four shards at once, kept two thirds of 512 requests from being in flight."""
BREATH_S = 0.001


class Asker:
    """What the shards that one worker asks about at once have in common: the client, and whose turn it is."""

    def __init__(self, client: ChatClient, *, in_flight: int) -> None:
        """`in_flight` is how many requests this worker may have in flight, at all servers together."""
        self.client = client
        self.pictured = asyncio.Semaphore(in_flight)
        """Held by requests whose pictures are in memory: a picture is half a megabyte, and a request that waits for its
        turn needs none yet."""
        # more than are in flight, since the rows of replies that came early wait for those before them
        self._outstanding = min(MOST_OUTSTANDING, max(LEAST_OUTSTANDING, 4 * in_flight))
        self._preparing = asyncio.Lock()

    def answer_in_order(
        self, items: Iterator[Item], answer: Callable[[Item], Awaitable[Result]]
    ) -> AsyncIterator[tuple[Item, Result]]:
        """`answer_in_order` with as many outstanding as a shard needs; shards take turns in preparing theirs, so that
        one has sent all it has while the next one begins, and they do not all come to their ends at once."""
        return answer_in_order(items, answer, limit=self._outstanding, preparing=self._preparing)


async def answer_in_order(
    items: Iterator[Item],
    answer: Callable[[Item], Awaitable[Result]],
    *,
    limit: int,
    preparing: asyncio.Lock | None = None,
) -> AsyncIterator[tuple[Item, Result]]:
    """Answer items concurrently, at most `limit` outstanding, and yield them in their order.

    `preparing` is held while items are taken. An exception is raised when its item's turn comes, and cancels what is
    outstanding.
    """
    outstanding: deque[tuple[Item, asyncio.Future[Result]]] = deque()
    preparing = preparing or asyncio.Lock()
    more = True
    breathed_at = time.monotonic()
    try:
        while more or outstanding:
            # not after each row: whoever writes would wait for whoever prepares, and all shards would end together
            if more and len(outstanding) <= limit - max(1, limit // 4):
                async with preparing:
                    while more and len(outstanding) < limit:
                        try:
                            item = next(items)
                        except StopIteration:
                            more = False
                            break
                        outstanding.append((item, asyncio.ensure_future(answer(item))))
                        if time.monotonic() - breathed_at > LONGEST_TURN_S:
                            await asyncio.sleep(BREATH_S)
                            breathed_at = time.monotonic()
                continue
            first, future = outstanding.popleft()
            yield first, await future
            if time.monotonic() - breathed_at > LONGEST_TURN_S:
                await asyncio.sleep(BREATH_S)
                breathed_at = time.monotonic()
    finally:
        for _, future in outstanding:
            future.cancel()
        await asyncio.gather(*(future for _, future in outstanding), return_exceptions=True)
