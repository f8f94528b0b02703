"""A worker's requests: several shards share one client and one event loop, and each is answered in its own order.

With hundreds of requests in flight the loop has little time to spare, so a worker prepares few requests in advance, and
one shard at a time (`docs/design/stages.md`).
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

# requests of one shard that await a reply or their turn to be written, at up to 30 KB each
LEAST_OUTSTANDING, MOST_OUTSTANDING = 64, 4096

# requests prepared beyond those in flight: as a share of them, and the minimum
AHEAD_SHARE, LEAST_AHEAD = 0.5, 16

# Longer turns delay every request in flight: turns of 10 ms, of four shards at once, kept two thirds of 512 requests
# from being in flight.
LONGEST_TURN_S, BREATH_S = 0.002, 0.001

# The latest requests of a worker, by which it judges whether too many fail. A server that refuses everything from the
# millionth request on is asked 450 times more (at a share of 0.2), against 250,000 times if all requests counted.
JUDGED_OVER = 2000
LEAST_DOCUMENTS = 5  # fewer are themselves to blame: a hundred pages that a gateway's moderation refuses may come first


class RequestPool:
    """What a worker's shards share: the client, whose turn it is to prepare requests, and whether to stop."""

    def __init__(self, client: ChatClient, *, in_flight: int, max_share: float = 1.0) -> None:
        """`in_flight` bounds the requests of this worker at all servers together; up to `max_share` of its latest ones
        may fail for unexpected reasons."""
        self.client = client
        self._failures = RecentFailures(max_share=max_share)
        self._stop = Stop()
        self.pictured = asyncio.Semaphore(in_flight)
        """Held by requests whose pictures are in memory, at half a megabyte each."""
        # more than are in flight, since early replies wait for those before them
        self._outstanding = min(MOST_OUTSTANDING, max(LEAST_OUTSTANDING, 4 * in_flight))
        self._turns = Turns(in_flight + max(LEAST_AHEAD, int(AHEAD_SHARE * in_flight)))

    async def ask(self, request: Request, *, pictures: Sequence[bytes] = ()) -> Reply | Failure:
        """`ChatClient.ask`. An error that it raises (a refused key, a dead server) ends all shards of the worker."""
        self._stop.check()
        try:
            return await self.client.ask(request, pictures=pictures)
        except DocmatixError as error:
            self._end(error)
            raise

    def note(self, outcome: Reply | Failure, *, document: Hashable) -> None:
        """Count the outcome of a request, stored replies included, since a resumed build first retries what failed.

        Raises LedgerError, which ends all shards of the worker, once too many have failed.
        """
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
        """`answer_in_order`, taking turns with the worker's other shards."""
        return answer_in_order(items, answer, limit=self._outstanding, turns=self._turns, stop=self._stop)


class RecentFailures:
    """The outcomes of the latest `JUDGED_OVER` requests, judged long before a shard's ledger is.

    A server that refuses everything must not first be asked about every document of the current shards.
    """

    def __init__(self, *, max_share: float) -> None:
        self._max_share = max_share
        self._recent: deque[tuple[str, Hashable] | None] = deque()
        self._lost: Counter[str] = Counter()

    def note(self, outcome: Reply | Failure, *, document: Hashable) -> None:
        """Count one outcome. Raises LedgerError if significantly too many requests about several documents failed."""
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
            " allows. Check the server and the engine's settings, then rerun the command to resume the build; replies"
            " already received are kept."
        )


class Stop:
    """An error in one shard that ends all at once, rather than when each meets it, ten minutes behind a request that
    hangs."""

    def __init__(self) -> None:
        self._is_set = asyncio.Event()
        self._error: DocmatixError | None = None

    def set(self, error: DocmatixError) -> None:
        """Stop with this error, unless there already is one."""
        self._error = self._error or error
        self._is_set.set()

    def check(self) -> None:
        """Raise the error, if there is one."""
        if self._error is not None:
            raise self._error

    async def wait(self) -> NoReturn:
        """Raise the error, once there is one."""
        await self._is_set.wait()
        assert self._error is not None
        raise self._error


class Turns:
    """Whose turn it is to prepare requests (the holder of `lock`), and whether more are wanted."""

    def __init__(self, most: int) -> None:
        """At most `most` requests of all shards are unanswered; then none is wanted until an eighth is answered, since
        preparing them one at a time makes poor use of the processor's caches."""
        self.lock = asyncio.Lock()
        self._most, self._enough = most, most - max(1, most // 8)
        self._unanswered = 0
        self._wanted = asyncio.Event()
        self._wanted.set()

    async def wait(self) -> None:
        """Wait until one more is wanted."""
        await self._wanted.wait()

    def count(self, future: asyncio.Future[Result]) -> None:
        """Count a prepared request as unanswered until `future` is done."""
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
    """Answer items concurrently, at most `limit` outstanding, and yield them in order; concurrent calls may share
    `turns` and `stop`. An item's exception is raised in its turn, that of `items` after the items before it, that of
    `stop` at once; each cancels what is outstanding."""
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
            # a shard whose first reply is late yields its turn with its limit outstanding
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
            while not (future.done() or stopping.done()):  # `asyncio.wait` takes five times as long, per row
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
