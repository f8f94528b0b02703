"""How a worker asks: several shards at once over one client, each answered in its own order.

Preparing a request, sending it, reading its reply and writing its row share one event loop, and with hundreds of
requests in flight it has little to spare. So a worker prepares few requests more than it may have in flight: what was
prepared long before it is sent has left the processor's caches. And shards prepare one after the other: one has sent
all it has while the next one begins, so that they do not all come to their ends at once.
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter, deque
from collections.abc import AsyncIterator, Awaitable, Callable, Hashable, Iterator, Sequence
from typing import TYPE_CHECKING, NoReturn, TypeVar

from docmatix.core.errors import DocmatixError, LedgerError
from docmatix.core.ledger import UNEXPECTED, describe_reasons, is_past_share
from docmatix.core.pairs import Failure, Reply, Request

if TYPE_CHECKING:
    from docmatix.models.client import ChatClient

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
JUDGED_OVER = 2000
"""The latest requests of a worker, by which it judges whether too many fail. Over all of them, a server that refuses
everything from the millionth request on would be asked 250,000 times more; over these it is 450 times (at a share of
0.2), and a folder of documents that it refuses is no reason to stop as long as it has fewer."""
LEAST_DOCUMENTS = 5
"""Failures of fewer documents are theirs: one of a hundred pages that a gateway's moderation refuses may come first."""


class RequestPool:
    """What the shards that one worker asks about at once have in common: the client, whose turn it is, and when it is
    time to stop."""

    def __init__(self, client: ChatClient, *, in_flight: int, max_share: float = 1.0) -> None:
        """`in_flight` is how many requests this worker may have in flight, at all servers together; `max_share` of its
        latest requests may fail for unexpected reasons."""
        self.client = client
        self._failures = RecentFailures(max_share=max_share)
        self._stop = Stop()
        self.pictured = asyncio.Semaphore(in_flight)
        """Held by requests whose pictures are in memory: a picture is half a megabyte, and a request that waits for its
        turn needs none yet."""
        # more than are in flight, since the rows of replies that came early wait for those before them
        self._outstanding = min(MOST_OUTSTANDING, max(LEAST_OUTSTANDING, 4 * in_flight))
        self._turns = Turns(in_flight + max(LEAST_AHEAD, int(AHEAD_SHARE * in_flight)))

    async def ask(self, request: Request, *, pictures: Sequence[bytes] = ()) -> Reply | Failure:
        """`ChatClient.ask`. What it raises (a key that is refused, a server that is gone) ends all shards of the worker
        at once."""
        self._stop.check()
        try:
            return await self.client.ask(request, pictures=pictures)
        except DocmatixError as error:
            self._end(error)
            raise

    def note(self, outcome: Reply | Failure, *, document: Hashable) -> None:
        """Count what became of a request about a document, now or in an earlier build: one that is continued asks first
        what failed before, and without the replies that are stored nothing but failures would be seen. Raises
        LedgerError, which ends all shards of the worker, once too many have failed."""
        try:
            self._failures.note(outcome, document=document)
        except LedgerError as error:
            self._end(error)
            raise

    def _end(self, error: DocmatixError) -> None:
        self._stop.set(error)
        self.client.stop(error)

    def answer_in_order(
        self, items: Iterator[Item], answer: Callable[[Item], Awaitable[Result]]
    ) -> AsyncIterator[tuple[Item, Result]]:
        """`answer_in_order`, in turns with the worker's other shards."""
        return answer_in_order(items, answer, limit=self._outstanding, turns=self._turns, stop=self._stop)


class RecentFailures:
    """What became of the latest `JUDGED_OVER` requests, and whether too many of them failed.

    A shard's ledger is judged when it is committed, the stage's when it is done. Here it is judged before anything is
    committed: a server that refuses everything must not first be asked about every document of the shards at work.
    """

    def __init__(self, *, max_share: float) -> None:
        self._max_share = max_share
        self._recent: deque[tuple[str, Hashable] | None] = deque()
        self._lost: Counter[str] = Counter()

    def note(self, outcome: Reply | Failure, *, document: Hashable) -> None:
        """Take in one outcome. Raises LedgerError if by more than luck too many failed, of several documents."""
        recent = self._recent
        if len(recent) == JUDGED_OVER and (oldest := recent.popleft()) is not None:
            self._lost[oldest[0]] -= 1
        if not isinstance(outcome, Failure) or outcome.reason not in UNEXPECTED["requests"]:
            recent.append(None)
            return
        recent.append((outcome.reason, document))
        self._lost[outcome.reason] += 1
        count = self._lost.total()
        if not is_past_share(count, of=len(recent), max_share=self._max_share):
            return
        if len({each[1] for each in recent if each is not None}) < LEAST_DOCUMENTS:
            return
        raise LedgerError(
            f"{count} of the last {len(recent)} requests to the model failed with {describe_reasons(+self._lost)} (the"
            f" latest: {outcome.detail or outcome.reason}), more than limits.unexpected_share = {self._max_share:g}"
            " allows: see to the server or to the engine's settings and run the same command again; replies that came"
            " are kept."
        )


class Stop:
    """An error of one shard that is all shards' affair: none of them waits for its own turn to meet it, which may be
    ten minutes behind a request that hangs."""

    def __init__(self) -> None:
        self._is_set = asyncio.Event()
        self._error: DocmatixError | None = None

    def set(self, error: DocmatixError) -> None:
        """Stop for this error, unless there was one before."""
        self._error = self._error or error
        self._is_set.set()

    def check(self) -> None:
        """Raise the error, if there was one."""
        if self._error is not None:
            raise self._error

    async def wait(self) -> NoReturn:
        """Raise the error, once there is one."""
        await self._is_set.wait()
        assert self._error is not None
        raise self._error


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
    stop: Stop | None = None,
) -> AsyncIterator[tuple[Item, Result]]:
    """Answer items concurrently, at most `limit` outstanding, and yield them in their order.

    `turns` and `stop` are shared with others that do the same. An exception is raised when its item's turn comes, or
    when what was taken before `items` raised it is answered, that of `stop` at once; it cancels what is outstanding.
    """
    turns = turns or Turns(limit)
    stopping = asyncio.ensure_future((stop or Stop()).wait())
    outstanding: deque[tuple[Item, asyncio.Future[Result]]] = deque()
    taken, written, moved = asyncio.Event(), asyncio.Event(), asyncio.Event()
    stopping.add_done_callback(lambda _: moved.set())

    def note_answer(future: asyncio.Future[Result]) -> None:
        if outstanding and outstanding[0][1] is future:
            moved.set()

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
                    future.add_done_callback(note_answer)
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
            while not (future.done() or stopping.done()):  # `asyncio.wait` takes five times as long, for every row
                moved.clear()
                await moved.wait()
            if stopping.done():
                stopping.result()
            yield first, await future
            outstanding.popleft()
            if len(outstanding) <= limit - max(1, limit // 4):
                written.set()
            if time.monotonic() - breathed_at > LONGEST_TURN_S:
                await asyncio.sleep(BREATH_S)
                breathed_at = time.monotonic()
    finally:
        preparing.cancel()
        stopping.cancel()
        for _, future in outstanding:
            future.cancel()
        left = (future for _, future in outstanding)
        await asyncio.gather(preparing, stopping, *left, return_exceptions=True)
