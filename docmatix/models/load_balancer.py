"""Which server gets the next request, and how many requests each may have: the balance of load, without the network.

Every address has a limit of requests in flight, and a request that finds no room waits here, not in a server's queue.
Whichever server has room first takes it, so a fast server gets more. None is sent into a queue while another server
would run it at once, and those that wait in one are called back once another would: no request waits on a slow server
while a fast one idles. Limits follow what the servers say:

    vLLM's metrics      requests wait in its queue for some time: what it runs and a small queue; none wait and the
                        limit is used up: twice as many
    429, 503            a third fewer, then slowly more with every round of replies

A bound that is too high crashed servers (olmOCR #317); one that is too low lets GPUs idle, and nobody notices.
"""

from __future__ import annotations

import asyncio
import math
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from docmatix.core.errors import SetupError
from docmatix.core.redaction import hide_in_url

if TYPE_CHECKING:
    from yarl import URL

FIRST_LIMIT = 64
"""Until a server has told its queue. It doubles with each look, so 1,024 are reached in four seconds."""
LEAST_LIMIT = 4
LONGEST_WAIT_S = 30.0
QUEUE_SHARE, QUEUE_FLOOR = 0.25, 4
"""The queue that a server keeps, so that it has work when a request ends: a share of what it runs, and a few."""
LONG_QUEUE_S = 3.0
"""How long a queue is too long until a limit is lowered: the first prompts of a fresh server wait for their prefill."""
FEWER = 2 / 3
LIMIT_REST_S = 1.0
"""The requests that were sent together are refused together: that counts once."""


@dataclass(slots=True, eq=False)
class Address:
    """One server, and how it has been lately (times by the client's clock)."""

    name: str
    chat_url: URL
    models_url: URL
    metrics_url: URL
    limit: int = FIRST_LIMIT
    """Requests that may be in flight to it now."""
    most: int = FIRST_LIMIT
    in_flight: int = 0
    rests_until: float = 0.0
    failing_since: float | None = None
    replied_at: float = float("-inf")
    lowered_at: float = float("-inf")
    replies_at_limit: int = 0
    long_since: float | None = None
    """When its queue became too long."""
    runs: int | None = None
    """How many of our requests it runs at once, once its metrics have told of a queue: more than these wait in it."""
    under_way: dict[asyncio.Task[object], bool] = field(default_factory=dict)
    """The tasks whose request it has, in the order of sending; True once one is called back."""

    @property
    def queued(self) -> int:
        """About how many requests wait in its queue."""
        return 0 if self.runs is None else max(0, self.in_flight - self.runs)

    @property
    def idle(self) -> int:
        """About how many more it would run at once; half of its limit where its metrics have not told of a queue."""
        runs = self.limit // 2 if self.runs is None else min(self.limit, self.runs)
        return max(0, runs - self.in_flight)


class LoadBalancer:
    """The addresses and those who wait for room at one of them."""

    def __init__(self, addresses: Iterable[Address], *, clock: Callable[[], float]) -> None:
        self.addresses = list(addresses)
        self._clock = clock
        self._queue: deque[asyncio.Future[Address]] = deque()

    @property
    def queued(self) -> bool:
        """Whether a request waits for room."""
        return bool(self._queue)

    async def take(self) -> Address:
        """Room at the least busy address; waits, first come first served, while there is none."""
        if not self._queue and (address := self._choose()):
            address.in_flight += 1
            return address
        future: asyncio.Future[Address] = asyncio.get_running_loop().create_future()
        self._queue.append(future)
        try:
            return await future
        except asyncio.CancelledError:
            if future.done() and not future.cancelled():
                self.give_back(future.result())
            raise

    def give_back(self, address: Address) -> None:
        """A request is done, or no longer at this address."""
        address.in_flight -= 1
        self.hand_out()

    def hand_out(self) -> None:
        """Give room to those who wait, as far as there is any: after a limit has grown or an address has come."""
        while self._queue:
            if self._queue[0].done():  # cancelled
                self._queue.popleft()
                continue
            address = self._choose()
            if address is None:
                return
            address.in_flight += 1
            self._queue.popleft().set_result(address)

    def add(self, address: Address) -> None:
        self.addresses.append(address)
        self.hand_out()

    def remove(self, address: Address) -> None:
        """Send nothing more there, and call back what it has."""
        self.addresses.remove(address)
        call_back(address, len(address.under_way))

    def level(self) -> None:
        """Call requests back from the queues of servers to those that would run them: when nothing more is to be sent,
        or a replica has come late, they would wait on."""
        if self._queue or len(self.addresses) < 2:
            return
        now = self._clock()
        idle = sum(one.idle for one in self.addresses if one.rests_until <= now and one.failing_since is None)
        for address in self.addresses:
            if idle <= 0:
                return
            called = sum(address.under_way.values())  # on their way to an idle one already
            idle -= called
            count = max(0, min(address.queued - called, idle))
            call_back(address, count)
            idle -= count

    def _choose(self) -> Address | None:
        """The least busy address that has room and does not rest; where all rest, the one whose rest ends first."""
        if len(self.addresses) == 1:
            only = self.addresses[0]
            return only if only.in_flight < only.limit else None
        now = self._clock()
        well = [address for address in self.addresses if address.rests_until <= now]
        free = [address for address in well or self.addresses if address.in_flight < address.limit]
        if not free:
            return None
        # a server without a queue goes first: what is called back from a queue must not go back to it
        address = min(
            free,
            key=lambda one: (
                max(0.0, one.rests_until - now),
                one.runs is not None and one.in_flight >= one.runs,
                one.in_flight / one.limit,
            ),
        )
        if address.failing_since is not None:
            # one request at a time finds out whether it is back: a dead address fails fastest and would draw them all
            address.rests_until = max(address.rests_until, now + LONGEST_WAIT_S)
        return address


def read_address(base_url: str, *, most: int = FIRST_LIMIT) -> Address:
    """An address from its base URL (`http://host:8000/v1`); `most` bounds its requests in flight. Raises SetupError."""
    from yarl import URL

    try:
        url = URL(base_url)
    except ValueError as error:
        raise SetupError(
            f"generate.engine.base_url is no address ({error}): write it like http://host:8000/v1."
        ) from None
    if url.scheme not in ("http", "https") or not url.host:
        shown = hide_in_url(base_url)
        raise SetupError(f"generate.engine.base_url {shown!r} is no address: write it like http://host:8000/v1.")
    if url.raw_user or url.raw_password:
        # beside a key an HTTP client refuses it, and without one it would stand in messages as a part of the name
        raise SetupError(
            "generate.engine.base_url holds a name or password before the @: put the server's key into an environment"
            " variable and name that in generate.engine.api_key_env."
        )
    # a query may be a secret, and names go into messages
    name = str(url.with_query(None).with_fragment(None)).rstrip("/")
    chat, models = ((url / path).with_query(url.query) for path in ("chat/completions", "models"))
    # vLLM and llama.cpp have their metrics beside `/v1`, not below
    root = url.parent if url.path.rstrip("/").endswith("/v1") else url
    metrics = (root.parent if url.path.endswith("/v1/") else root) / "metrics"
    return Address(name, chat, models, metrics.with_query(url.query), limit=min(most, FIRST_LIMIT), most=most)


# --- limits -----------------------------------------------------------------------------------------------------------


def note_queue(address: Address, *, running: int, waiting: int, now: float) -> None:
    """Set the limit by a server's own figures, looked at about once a second."""
    # others may ask the same server: the share that is ours of what it runs, and of what it should have
    ours = min(1.0, address.in_flight / max(1, running + waiting))
    if waiting:
        address.runs = math.ceil(ours * running)
    elif address.runs is not None:
        address.runs = max(address.runs, address.in_flight)
    queue = QUEUE_FLOOR + int(QUEUE_SHARE * running)
    if waiting > queue:
        if address.long_since is None:
            address.long_since = now
        if now - address.long_since >= LONG_QUEUE_S:
            wanted = math.ceil(ours * (running + queue))
            address.limit = min(address.limit, max(LEAST_LIMIT, wanted))
    else:
        address.long_since = None
        if not waiting and address.in_flight >= address.limit:
            address.limit = min(address.most, 2 * address.limit)


def note_no_queue(address: Address) -> None:
    """The server tells no queue: only 429 and 503 hold requests back."""
    if address.lowered_at == float("-inf"):
        address.limit = address.most


def note_refusal(address: Address, *, now: float) -> None:
    """429 or 503: the server has more than it wants."""
    if now - address.lowered_at >= LIMIT_REST_S:
        address.lowered_at, address.replies_at_limit = now, 0
        address.limit = max(1, int(FEWER * min(address.limit, address.in_flight + 1)))


def note_reply(address: Address, *, now: float) -> None:
    """An answer: the address is well, and after a round of them may have more."""
    address.rests_until, address.failing_since, address.replied_at = 0.0, None, now
    if address.limit < address.most and address.lowered_at > float("-inf"):
        address.replies_at_limit += 1
        if address.replies_at_limit >= address.limit:
            address.replies_at_limit = 0
            address.limit = min(address.most, address.limit + max(1, address.limit // 8))


def note_failure(address: Address, *, now: float, wait_s: float) -> None:
    """Let the address rest for as long as it has been failing, so that rests double however many requests fail."""
    if address.failing_since is None:
        address.failing_since = now
    address.rests_until = now + max(wait_s, min(LONGEST_WAIT_S, now - address.failing_since))


def call_back(address: Address, count: int) -> None:
    """Break off the requests that were sent last: servers answer in the order of arrival, so these are the ones that
    wait there. Their tasks send them elsewhere."""
    for task in [task for task, called in address.under_way.items() if not called][::-1][:count]:
        address.under_way[task] = True
        task.cancel()


def list_names(addresses: Sequence[Address]) -> str:
    return " and ".join(address.name for address in addresses)
