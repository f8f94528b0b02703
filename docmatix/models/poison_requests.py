"""How many requests are in flight together whose servers died: fewer, the oftener that has happened to them.

Of those that were in flight together, the one that kills servers is so found out. Before, each death counted against
all of them, and one request took six of eleven others with it. Alone at once, 512 requests of 10 s would take 85
minutes after two deaths that none of them is to blame for.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from collections.abc import AsyncIterator, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from docmatix.models.load_balancer import Address

TOGETHER_AFTER_DEATHS = {2: 16, 3: 4}
"""How many go at once after so many deaths; after more, one. It is the only one then, of those that are here."""
ROOM = max(TOGETHER_AFTER_DEATHS.values())
MOST_DEATHS_ALONE = 2
"""Deaths of servers that had just answered a small request, under one that was in flight alone. One may be chance; more
than a few, with nothing else finished in between, and `docmatix.models.vllm.replica` takes the server itself for
broken."""


def is_suspect(deaths: int) -> bool:
    """Whether a request's servers died so often that it is no longer sent with all others."""
    return deaths >= min(TOGETHER_AFTER_DEATHS)


def goes_alone(deaths: int) -> bool:
    """Whether a server that dies under it once more dies of this request, unless another one has just come."""
    return deaths > max(TOGETHER_AFTER_DEATHS)


class Deaths:
    """The deaths of servers under one request, as far as who sends it can see them: a connection that is cut is none,
    unless its server refuses the next one or is no longer among the addresses."""

    def __init__(self) -> None:
        self._parted: list[Address] = []
        self._seen = self._seen_alone = 0
        self._sent_alone: int | None = None

    def count(self, addresses: Sequence[Address]) -> int:
        """How many there were; `addresses` are those that can be asked now."""
        # a replica that died is another address when it is back
        deaths = self._seen + sum(one not in addresses for one in self._parted)
        if self._sent_alone is not None and deaths > self._sent_alone:
            self._seen_alone += 1
            self._sent_alone = None
        return deaths

    @property
    def are_its_work(self) -> bool:
        """Whether the request is to blame, as of the last count."""
        return self._seen_alone >= MOST_DEATHS_ALONE

    def note_sent(self, deaths: int) -> None:
        """It is sent once more, after so many."""
        self._sent_alone = deaths if goes_alone(deaths) else None

    def note_parted(self, address: Address) -> None:
        """The address had it, and gave no answer or trouble of its own in place of one."""
        if address not in self._parted:  # a dying server refuses several tries
            self._parted.append(address)

    def note_unreachable(self, address: Address) -> None:
        """The address takes no connection."""
        if address in self._parted:
            self._parted.remove(address)
            self._seen += 1


class PoisonRequests:
    """Room for suspects: first come, first served, so that one which takes all of it is not passed by for ever."""

    def __init__(self) -> None:
        self._left = ROOM
        self._queue: deque[tuple[int, asyncio.Future[None]]] = deque()

    @contextlib.asynccontextmanager
    async def hold(self, deaths: int) -> AsyncIterator[None]:
        """What a suspect holds while it is in flight; waits until there is room for it."""
        share = ROOM // TOGETHER_AFTER_DEATHS.get(deaths, 1)
        await self._take(share)
        try:
            yield
        finally:
            self._give_back(share)

    async def _take(self, share: int) -> None:
        if not self._queue and share <= self._left:
            self._left -= share
            return
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._queue.append((share, future))
        try:
            await future
        except asyncio.CancelledError:
            if future.done() and not future.cancelled():
                self._give_back(share)
            else:
                self._hand_out()  # who waits behind it may fit where it did not
            raise

    def _give_back(self, share: int) -> None:
        self._left += share
        self._hand_out()

    def _hand_out(self) -> None:
        while self._queue:
            share, future = self._queue[0]
            if not future.done():
                if share > self._left:
                    return
                self._left -= share
                future.set_result(None)
            self._queue.popleft()
