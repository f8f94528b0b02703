"""Which server gets the next request, and how many each may have in flight. No network here.

A request that finds every address at its limit waits here, so that the first server with room takes it and no request
waits in a slow server's queue while a fast one idles. Limits follow vLLM's metrics, and answers 429 and 503.
"""

from __future__ import annotations

import asyncio
import math
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from docmatix.core.errors import SetupError
from docmatix.core.redaction import hide_in_url

if TYPE_CHECKING:
    from yarl import URL

FIRST_LIMIT = 64
"""Until a server's metrics are known. It doubles with each poll, so 1,024 are reached in four seconds."""
LEAST_LIMIT = 4
LONGEST_WAIT_S = 30.0
QUEUE_SHARE, QUEUE_FLOOR = 0.25, 4
"""The queue that a server keeps, to have work when a request ends: a share of what it runs, and a few."""
LONG_QUEUE_S = 3.0
"""How long a queue must be too long before the limit is lowered: on a fresh server the first prompts wait for their
prefill."""
FEWER = 2 / 3
LIMIT_REST_S = 1.0
"""Requests that were sent together are refused together, which counts once."""


@dataclass(slots=True, eq=False)
class Address:
    """One server and its recent behaviour (times by the client's clock)."""

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
    """How many of our requests it runs at once, once its metrics have shown a queue; the others wait in it."""
    has_metrics: bool | None = None
    """Whether it publishes vLLM's metrics; None until it is known."""
    under_way: dict[asyncio.Task[object], bool] = field(default_factory=dict)
    """The tasks whose request it has, in the order of sending; True for one that was called back."""

    @property
    def queued(self) -> int:
        """About how many requests wait in its queue."""
        return 0 if self.runs is None else max(0, self.in_flight - self.runs)

    @property
    def idle(self) -> int:
        """About how many more it would run at once; half of its limit if its metrics have not shown a queue."""
        runs = self.limit // 2 if self.runs is None else min(self.limit, self.runs)
        return max(0, runs - self.in_flight)


class LoadBalancer:
    """The addresses, and the requests that wait for room at one of them."""

    def __init__(self, addresses: Iterable[Address], *, clock: Callable[[], float]) -> None:
        self.addresses = list(addresses)
        self._clock = clock
        self._queue: deque[asyncio.Future[Address]] = deque()

    @property
    def queued(self) -> bool:
        """Whether a request waits for room."""
        return bool(self._queue)

    async def take(self) -> Address:
        """Take a place at the least busy address; waits, first come first served, while there is none."""
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
        """Give back the place of a request that has left this address."""
        address.in_flight -= 1
        self.hand_out()

    def hand_out(self) -> None:
        """Give waiting requests the places there are: after a limit was raised or an address added."""
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
        """Send nothing more there, and call back its requests."""
        self.addresses.remove(address)
        call_back(address, len(address.under_way))

    def level(self) -> None:
        """Call requests back from servers' queues if another server would run them at once: nothing else would move
        them when no more are sent, or when a replica comes late."""
        if self._queue or len(self.addresses) < 2:
            return
        now = self._clock()
        idle = sum(one.idle for one in self.addresses if one.rests_until <= now and one.failing_since is None)
        for address in self.addresses:
            if idle <= 0:
                return
            leaving = sum(address.under_way.values())  # already on their way to an idle one
            idle -= leaving
            count = max(0, min(address.queued - leaving, idle))
            call_back(address, count)
            idle -= count

    def _choose(self) -> Address | None:
        """The least busy address with room that is not resting; if all are, the one whose rest ends first."""
        if len(self.addresses) == 1:
            only = self.addresses[0]
            return only if only.in_flight < only.limit else None
        now = self._clock()
        awake = [address for address in self.addresses if address.rests_until <= now]
        free = [address for address in awake or self.addresses if address.in_flight < address.limit]
        if not free:
            return None
        # servers without a queue first: what was called back from a queue must not return to it
        address = min(
            free,
            key=lambda one: (
                max(0.0, one.rests_until - now),
                one.runs is not None and one.in_flight >= one.runs,
                one.in_flight / one.limit,
            ),
        )
        if address.failing_since is not None:
            # one request at a time tests whether it is back: a dead address fails fastest and would attract them all
            address.rests_until = max(address.rests_until, now + LONGEST_WAIT_S)
        return address


def read_address(base_url: str, *, most: int = FIRST_LIMIT) -> Address:
    """An address from its base URL; `most` bounds its requests in flight. Raises `SetupError` for an invalid URL."""
    from yarl import URL

    try:
        url = URL(base_url)
    except ValueError as error:
        raise SetupError(
            f"generate.engine.base_url is not a valid URL ({error}): write it like http://host:8000/v1."
        ) from None
    if url.scheme not in ("http", "https") or not url.host:
        shown = hide_in_url(base_url)
        raise SetupError(f"generate.engine.base_url {shown!r} is not a valid URL: write it like http://host:8000/v1.")
    if url.raw_user or url.raw_password:
        # HTTP clients refuse it together with a key, and otherwise it would show in messages as part of the name
        raise SetupError(
            "generate.engine.base_url holds a name or password before the @: put the server's key into an environment"
            " variable and name that variable in generate.engine.api_key_env."
        )
    # names go into messages, and a query may be a secret
    name = str(url.with_query(None).with_fragment(None)).rstrip("/")
    chat, models = ((url / path).with_query(url.query) for path in ("chat/completions", "models"))
    # vLLM and llama.cpp have `/metrics` beside `/v1`, not below it
    root = url.parent if url.path.rstrip("/").endswith("/v1") else url
    metrics = (root.parent if url.path.endswith("/v1/") else root) / "metrics"
    return Address(name, chat, models, metrics.with_query(url.query), limit=min(most, FIRST_LIMIT), most=most)


# --- limits -----------------------------------------------------------------------------------------------------------


def note_queue(address: Address, *, running: int, waiting: int, now: float) -> None:
    """Set the limit by a server's metrics, polled about once a second."""
    # other clients may use the same server: our share of what it runs, and of what it should have
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
    """The server publishes no queue: only 429 and 503 limit the requests."""
    if address.lowered_at == float("-inf"):
        address.limit = address.most


def note_refusal(address: Address, *, now: float) -> None:
    """429 or 503: the server has too many requests."""
    if now - address.lowered_at >= LIMIT_REST_S:
        address.lowered_at, address.replies_at_limit = now, 0
        address.limit = max(1, int(FEWER * min(address.limit, address.in_flight + 1)))


def note_reply(address: Address, *, now: float) -> None:
    """An answer: the address is healthy, and after a round of them may have more."""
    address.rests_until, address.failing_since, address.replied_at = 0.0, None, now
    if address.limit < address.most and address.lowered_at > float("-inf"):
        address.replies_at_limit += 1
        if address.replies_at_limit >= address.limit:
            address.replies_at_limit = 0
            address.limit = min(address.most, address.limit + max(1, address.limit // 8))


def note_failure(address: Address, *, now: float, wait_s: float) -> None:
    """Rest the address for as long as it has been failing, so that rests double however many requests fail."""
    if address.failing_since is None:
        address.failing_since = now
    address.rests_until = now + max(wait_s, min(LONGEST_WAIT_S, now - address.failing_since))


def call_back(address: Address, count: int) -> None:
    """Cancel the requests that were sent last, for their tasks to send them elsewhere: servers answer in the order of
    arrival, so these are the ones still waiting."""
    for task in [task for task, called in address.under_way.items() if not called][::-1][:count]:
        address.under_way[task] = True
        task.cancel()
