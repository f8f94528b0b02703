"""Finding the request that kills its servers without giving up those that were in flight beside it.

After two deaths of its servers a request is a suspect. Suspects are sent in groups that shrink with each further death,
in the end alone; a server that twice dies under a lone request, just after it answered a probe, died of that request.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from docmatix.models.load_balancer import Address

# alone at once, 512 requests of 10 s would take 85 minutes after two deaths that none of them caused
TOGETHER_AFTER_DEATHS = {2: 16, 3: 4}
"""How many suspects may be in flight at once, by number of deaths; after more deaths, one."""
SLOTS = max(TOGETHER_AFTER_DEATHS.values())
# one may be chance; after a few more without a finished request `vllm.replica` takes the server itself for broken
DEATHS_ALONE = 2


def is_suspect(deaths: int) -> bool:
    """Whether a request's servers died so often that its company in flight is limited."""
    return deaths >= min(TOGETHER_AFTER_DEATHS)


def goes_alone(deaths: int) -> bool:
    """Whether a suspect is sent with no other suspect, so that a further death is its doing."""
    return deaths > max(TOGETHER_AFTER_DEATHS)


class Deaths:
    """The deaths of servers under one request, as its sender sees them: a connection that broke counts once its server
    refuses the next one or has left the addresses."""

    __slots__ = ("_alone", "_confirmed", "_lost", "_sent_alone_after")

    def __init__(self) -> None:
        self._lost: list[Address] = []
        self._confirmed = self._alone = 0
        self._sent_alone_after: int | None = None

    def count(self, addresses: Sequence[Address]) -> int:
        """How many there were, given the addresses that can be asked now."""
        # a replica that died comes back as another `Address`
        deaths = self._confirmed + sum(one not in addresses for one in self._lost)
        if self._sent_alone_after is not None and deaths > self._sent_alone_after:
            self._alone += 1
            self._sent_alone_after = None
        return deaths

    @property
    def are_its_doing(self) -> bool:
        """Whether the request is to blame, as of the last count."""
        return self._alone >= DEATHS_ALONE

    def note_sent(self, deaths: int) -> None:
        """The request is sent again, after `deaths` deaths of servers."""
        self._sent_alone_after = deaths if goes_alone(deaths) else None

    def note_lost(self, address: Address) -> None:
        """The request was lost at this address: the connection broke, or the server failed."""
        if address not in self._lost:  # a dying server fails several tries
            self._lost.append(address)

    def note_unreachable(self, address: Address) -> None:
        """The address accepts no connections."""
        if address in self._lost:
            self._lost.remove(address)
            self._confirmed += 1


class SuspectSlots:
    """Slots that suspects hold while in flight, first come, first served."""

    def __init__(self) -> None:
        self._turn = asyncio.Lock()
        self._slots = asyncio.Semaphore(SLOTS)

    @contextlib.asynccontextmanager
    async def hold(self, deaths: int) -> AsyncIterator[None]:
        """Wait for and hold a suspect's share of the slots, which grows with its deaths; all of them to go alone."""
        async with contextlib.AsyncExitStack() as held:
            async with self._turn:  # else smaller shares would overtake one that needs every slot
                for _ in range(SLOTS // TOGETHER_AFTER_DEATHS.get(deaths, 1)):
                    await held.enter_async_context(self._slots)
            yield
