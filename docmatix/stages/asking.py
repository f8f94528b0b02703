"""How a worker asks: several shards at once over one client, each answered in its own order.

Preparing a request, sending it, reading its reply and writing its row share one event loop, and with hundreds of
requests in flight it has little to spare. So a worker prepares few requests more than it may have in flight: what was
prepared long before it is sent has left the processor's caches. And shards prepare one after the other: one has sent
all it has while the next one begins, so that they do not all come to their ends at once.
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
AHEAD_SHARE, LEAST_AHEAD = 0.5, 16
"""Requests of a worker that are prepared before there is room for them: a share of those in flight, and a few."""
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
        self._turns = Turns(in_flight + max(LEAST_AHEAD, int(AHEAD_SHARE * in_flight)))

    def answer_in_order(
        self, items: Iterator[Item], answer: Callable[[Item], Awaitable[Result]]
    ) -> AsyncIterator[tuple[Item, Result]]:
        """`answer_in_order`, in turns with the worker's other shards."""
        return answer_in_order(items, answer, limit=self._outstanding, turns=self._turns)


class Turns:
    """Whose turn it is to prepare requests (who holds `lock`), and whether more are wanted."""

    def __init__(self, most: int) -> None:
        """`most` is how many may be unanswered, over all shards. Then none is wanted until an eighth is answered: one
        at a time would find nothing in the caches of what the last one used."""
        self.lock = asyncio.Lock()
        self._most, self._enough = most, most - max(1, most // 8)
        self._unanswered = 0
        self._wanted = asyncio.Event()
        self._wanted.set()

    async def wait(self) -> None:
        """Until one more is wanted."""
        await self._wanted.wait()

    def count(self, future: asyncio.Future[Result]) -> None:
        """One is prepared, and unanswered until `future` is done."""
        self._unanswered += 1
        if self._unanswered >= self._most:
            self._wanted.clear()
        future.add_done_callback(self._note_answer)

    def _note_answer(self, _: asyncio.Future[Result]) -> None:
        self._unanswered -= 1
        if self._unanswered <= self._enough:
            self._wanted.set()


async def answer_in_order(
    items: Iterator[Item],
    answer: Callable[[Item], Awaitable[Result]],
    *,
    limit: int,
    turns: Turns | None = None,
) -> AsyncIterator[tuple[Item, Result]]:
    """Answer items concurrently, at most `limit` outstanding, and yield them in their order.

    `turns` are shared with others that do the same. An exception is raised when its item's turn comes, or when what was
    taken before `items` raised it is answered, and cancels what is outstanding.
    """
    turns = turns or Turns(limit)
    outstanding: deque[tuple[Item, asyncio.Future[Result]]] = deque()
    taken, written = asyncio.Event(), asyncio.Event()

    async def prepare() -> None:
        breathed_at = time.monotonic()
        while True:
            # a shard whose first reply is late gives the others their turn, with all that follows it outstanding
            async with turns.lock:
                while len(outstanding) < limit:
                    await turns.wait()
                    try:
                        item = next(items)
                    except StopIteration:
                        return
                    future = asyncio.ensure_future(answer(item))
                    turns.count(future)
                    outstanding.append((item, future))
                    taken.set()
                    if time.monotonic() - breathed_at > LONGEST_TURN_S:
                        await asyncio.sleep(BREATH_S)
                        breathed_at = time.monotonic()
            written.clear()
            await written.wait()

    preparing = asyncio.create_task(prepare())
    preparing.add_done_callback(lambda _: taken.set())
    breathed_at = time.monotonic()
    try:
        while True:
            if not outstanding:
                if preparing.done():
                    preparing.result()
                    return
                taken.clear()
                await taken.wait()
                continue
            first, future = outstanding[0]
            yield first, await future
            outstanding.popleft()
            if len(outstanding) <= limit - max(1, limit // 4):
                written.set()
            if time.monotonic() - breathed_at > LONGEST_TURN_S:
                await asyncio.sleep(BREATH_S)
                breathed_at = time.monotonic()
    finally:
        preparing.cancel()
        for _, future in outstanding:
            future.cancel()
        await asyncio.gather(preparing, *(future for _, future in outstanding), return_exceptions=True)
