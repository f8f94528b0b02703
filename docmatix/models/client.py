"""Asking a model over the OpenAI chat API: many requests in flight, over addresses that may come and go.

What becomes of a request follows from who is at fault:

    the request     400, 422; 413                   `Failure("refused")` or `Failure("too_long")`, at once
    the set-up      401, 403, 404                   `SetupError`, at once
    the load        429                             waited out, for as long as anybody is answered
    the network     refused, unknown host           waited out; another address takes the request over
    the address     gone, or its queue too long     called back and sent elsewhere (`moved`)
    unclear         5xx, garbage, cut               tried again; given up (`server_error`) only if the same address
                                                    answered something else between the last two failures, or died of
                                                    it twice just after it had answered a small request
                    time-out                        tried again; given up (`timeout`) only if the address it was asked
                                                    at answered a small request right afterwards, each time

The rules for what is unclear tell a poisoned request from a dead engine, which may go on listing its models: a request
that spoils itself becomes a value and the build goes on; an outage never does. `ServerGone` ends the build once every
address has failed for `give_up_after_s`.

aiohttp and not httpx: at hundreds of requests in flight httpx spends more time in its connection pool than the
server does on small replies. Nothing here needs more than a session.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Self

import aiohttp

from docmatix.core.errors import DocmatixError, ServerGone, SetupError
from docmatix.core.pairs import Failure, Message, Reply, Request, dump_body
from docmatix.models.load_balancer import (
    LONGEST_WAIT_S,
    Address,
    LoadBalancer,
    list_names,
    note_failure,
    note_no_queue,
    note_queue,
    note_refusal,
    note_reply,
    read_address,
)
from docmatix.models.metrics import parse_metrics
from docmatix.models.poison_requests import Deaths, PoisonRequests, goes_alone, is_suspect
from docmatix.models.preflight import (
    CONNECT_TIMEOUT_S,
    MOST_REPLY_BYTES,
    explain,
    list_models,
    open_session,
    read_body,
    refuse_key,
    refuse_model,
)
from docmatix.models.responses import ConfigurationError, Retryable, hide, read_answer

FIRST_WAIT_S = 0.5
LONGEST_WAIT_UNREACHABLE_S = 5.0
"""To knock costs nothing, and a restarted server should not stand idle."""
LEAST_RETRY_AFTER_S = 0.1
MOST_BUSY = 40
"""Times in a row that one request may be told to come back later, while others are answered."""
MAX_TIMEOUTS = 2
"""At 600 s each, more would outlast `limits.no_progress_s`: the last request of a build would stop it, every time."""
CANARY_TIMEOUT_S = 60.0
METRICS_TIMEOUT_S = 5.0
LEVEL_AFTER_S = 0.001


@dataclass(slots=True)
class Counters:
    """What a client did so far. `retries` counts tries that brought nothing, by cause."""

    requests: int = 0
    replies: int = 0
    failures: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0
    in_flight: int = 0
    most_in_flight: int = 0
    retries: Counter[str] = field(default_factory=Counter)


class ChatClient:
    """Sends chat requests to the least busy of its addresses and sees each through to a reply or a named failure.

    Make one for each event loop; it opens its connections with the first request. Use it as an async context
    manager, or call `close`.
    """

    def __init__(
        self,
        addresses: Sequence[str],
        *,
        api_key: str | None = None,
        api_key_env: str | None = None,
        max_in_flight: int | None = 64,
        max_in_flight_each: int | None = None,
        timeout_s: float = 600.0,
        max_attempts: int = 8,
        give_up_after_s: float = 600.0,
        look_every_s: float = 1.0,
        sleep: Callable[[float], Awaitable[object]] = asyncio.sleep,
        draw: Callable[[], float] = random.random,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`addresses` are base URLs (`http://host:8000/v1`); none yet will do, requests then wait for `set_addresses`.

        `max_in_flight` bounds the requests in flight to all of them together, `max_in_flight_each` those to one (None:
        no bound of its own). A request that waits for its next try keeps its place in the first bound, so a busy server
        sees fewer requests, not more. `look_every_s` is how often the servers' metrics are looked at. `api_key_env`
        only names the variable in messages. `sleep`, `draw` (0..1) and `clock` are seams for tests.
        """
        self.counters = Counters()
        self._most_each = max_in_flight_each or max_in_flight or 64
        self._api_key, self._api_key_env = api_key, api_key_env
        self._max_in_flight, self._timeout_s = max_in_flight, timeout_s
        self._max_attempts, self._give_up_after_s = max_attempts, give_up_after_s
        self._look_every_s = look_every_s
        self._sleep, self._draw, self._clock = sleep, draw, clock
        self._bound = asyncio.Semaphore(max_in_flight) if max_in_flight else contextlib.nullcontext()
        self._poison = PoisonRequests()
        self._balancer = LoadBalancer([self._read_address(address) for address in addresses], clock=clock)
        self._left: dict[str, Address] = {}
        """Addresses that were asked once, by name."""
        self._open_session: aiohttp.ClientSession | None = None
        self._watch: asyncio.Task[None] | None = None
        self._levels = False
        self._stopped: DocmatixError | None = None

    def __repr__(self) -> str:
        names = [address.name for address in self._balancer.addresses]
        key = "'***'" if self._api_key else None
        return f"ChatClient({names}, api_key={key}, max_in_flight={self._max_in_flight})"

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def close(self) -> None:
        """Close the connections; a later request opens new ones."""
        watch, self._watch = self._watch, None
        if watch:
            watch.cancel()
            await asyncio.gather(watch, return_exceptions=True)
        session, self._open_session = self._open_session, None
        if session:
            await session.close()

    @property
    def limits(self) -> dict[str, int]:
        """How many requests each address may have in flight now."""
        return {address.name: address.limit for address in self._balancer.addresses}

    def set_addresses(self, addresses: Sequence[str]) -> None:
        """From now on ask these: requests under way at others are called back and sent anew."""
        wanted = {address.name: address for address in map(self._read_address, addresses)}
        for address in list(self._balancer.addresses):
            if address.name not in wanted:
                self._balancer.remove(address)
                self._left[address.name] = address
            wanted.pop(address.name, None)
        for address in wanted.values():
            if before := self._left.pop(address.name, None):
                # a server that was started again is asked at once, but a row of failures lasts until it replies
                address.failing_since, address.replied_at = before.failing_since, before.replied_at
            self._balancer.add(address)

    def stop(self, error: DocmatixError) -> None:
        """Send nothing more: requests that wait for room or for their next try raise `error`, as do later ones.

        Whoever cancels them needs a moment, and in it every reply would make room for one more of them.
        """
        self._stopped = self._stopped or error

    async def ask(self, request: Request, *, pictures: Sequence[bytes] = ()) -> Reply | Failure:
        """The reply, or why there will be none. `pictures` are the images that the request refers to.

        Raises `SetupError` where key, model or address are wrong, `ServerGone` where every address has failed for
        `give_up_after_s`, and what `stop` was told.
        """
        async with self._bound:
            counters = self.counters
            counters.requests += 1
            outcome = await self._pursue(request, pictures)
            if isinstance(outcome, Failure):
                counters.failures += 1
                return replace(outcome, detail=hide(outcome.detail, self._api_key))
            counters.replies += 1
            counters.prompt_tokens += outcome.prompt_tokens
            counters.completion_tokens += outcome.completion_tokens
            return outcome

    async def _pursue(self, request: Request, pictures: Sequence[bytes]) -> Reply | Failure:
        body = dump_body(request.to_body(pictures)) if pictures else request.body
        request_id = request.request_id
        started, failed_at = self._clock(), float("inf")
        met: Counter[str] = Counter()
        busy_since: float | None = None
        hung = moves = busy = 0
        deaths, detail, doubted = Deaths(), "", False
        while True:
            dead = deaths.count(self._balancer.addresses)
            if deaths.are_its_work:
                return Failure("server_error", detail)
            async with self._poison.hold(dead) if is_suspect(dead) else contextlib.nullcontext():
                address = await self._balancer.take()
                try:
                    if self._stopped:
                        raise self._stopped
                    outcome: Reply | Failure | Retryable | ConfigurationError
                    # asked before and not after: a server that has just died answers nothing, whatever it died of
                    if (doubted or goes_alone(dead)) and (
                        trouble := await self._find_retryable(address, request.model)
                    ):
                        outcome = trouble
                    else:
                        deaths.note_sent(dead)
                        outcome = await self._send(address, body, request_id)
                    if isinstance(outcome, ConfigurationError):
                        outcome = await self._judge_configuration_error(address, request.model, outcome)
                finally:
                    self._balancer.give_back(address)
                    self._level_soon()
            now = self._clock()
            if isinstance(outcome, Reply | Failure):
                note_reply(address, now=now)  # who refuses a request is well
                return outcome

            met[outcome.cause] += 1
            self.counters.retries[outcome.cause] += 1
            if outcome.cause == "moved" and address in self._balancer.addresses:
                moves += 1
                continue
            tries = met.total() - moves
            if outcome.cause in ("moved", "cut", "server_error"):
                deaths.note_parted(address)
                detail = outcome.detail
            elif outcome.cause == "unreachable":
                deaths.note_unreachable(address)
            if outcome.cause == "moved" and tries < self._max_attempts:
                # its replica died: at once to another one, or to the same when it is back
                continue
            if outcome.cause != "busy":
                busy, busy_since = 0, None
            wait_s = self._choose_wait(outcome, tries)
            note_failure(address, now=now, wait_s=wait_s)
            if outcome.crowded:
                note_refusal(address, now=now)
            if outcome.cause in ("busy", "unreachable"):
                self._check_patience(outcome, started=started)
                # the others are answered all the while, so it is this one that asks for too much; the time alone says
                # nothing, since it is spent behind others too
                if outcome.cause == "busy":
                    busy, busy_since = busy + 1, now if busy_since is None else busy_since
                    if busy >= MOST_BUSY and now - busy_since > 2 * self._give_up_after_s:
                        return Failure("server_error", outcome.detail)
                if any(other is not address and other.rests_until <= now for other in self._balancer.addresses):
                    continue
            elif outcome.cause == "timeout":
                if await self._find_retryable(address, request.model) is None:
                    hung += 1
                    if hung >= MAX_TIMEOUTS:
                        return Failure("timeout", outcome.detail)
                else:
                    self._check_patience(outcome, started=started)
            elif tries - met["busy"] - met["unreachable"] >= self._max_attempts:
                if address.replied_at >= failed_at:
                    return Failure("server_error", outcome.detail)
                failed_at = now
                if await self._find_retryable(address, request.model) is None:
                    continue
                self._check_patience(outcome, started=started)
                doubted = True
            failed_at = now
            await self._sleep(wait_s)

    async def _send(
        self, address: Address, body: bytes, request_id: str
    ) -> Reply | Failure | Retryable | ConfigurationError:
        session = self._connect()
        task = asyncio.current_task()
        assert task
        cancelled_before = task.cancelling()
        address.under_way[task] = False
        counters = self.counters
        counters.in_flight += 1
        counters.most_in_flight = max(counters.most_in_flight, counters.in_flight)
        try:
            # a followed redirect would turn the POST into a GET
            async with session.post(address.chat_url, data=body, allow_redirects=False) as response:
                raw = await read_body(response)
                if raw is None:
                    return Retryable("garbage", f"more than {MOST_REPLY_BYTES >> 20} MB in one reply")
                key = self._api_key
                return read_answer(response.status, response.headers, raw, request_id=request_id, secret=key)
        except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError) as error:
            return Retryable("unreachable", explain(error, self._api_key))
        except TimeoutError:
            return Retryable("timeout", f"no reply within {self._timeout_s:g} s")
        except aiohttp.ClientResponseError as error:  # no HTTP
            return Retryable("garbage", explain(error, self._api_key))
        except aiohttp.ClientError as error:
            return Retryable("cut", explain(error, self._api_key))
        except asyncio.CancelledError:
            # called back by `LoadBalancer`, unless somebody else has cancelled the task as well
            if address.under_way[task] and task.uncancel() <= cancelled_before:
                return Retryable("moved", f"called back from {address.name}")
            raise
        finally:
            counters.in_flight -= 1
            del address.under_way[task]

    def _connect(self) -> aiohttp.ClientSession:
        if not self._open_session:
            self._open_session = open_session(self._api_key, timeout_s=self._timeout_s)
            self._watch = asyncio.get_running_loop().create_task(self._look_on())
        return self._open_session

    def _level_soon(self) -> None:
        """Once nothing more is to be sent, a server that has run dry takes over what waits for another."""
        if len(self._balancer.addresses) > 1 and not self._balancer.queued and not self._levels:
            self._levels = True
            # whoever comes next takes the place first
            asyncio.get_running_loop().call_later(LEVEL_AFTER_S, self._level)

    def _level(self) -> None:
        self._levels = False
        self._balancer.level()

    async def _look_on(self) -> None:
        """Look at the servers' own metrics from time to time, and set the limits by them."""
        told: set[str] = set()
        untold: set[str] = set()
        pause_s = self._look_every_s / 8  # a limit doubles with each look, and the first is for servers that are slow
        while True:
            addresses = [address for address in self._balancer.addresses if address.name not in untold]
            await asyncio.gather(*(self._look_at(address, told, untold) for address in addresses))
            self._balancer.hand_out()
            self._balancer.level()
            await asyncio.sleep(pause_s)
            pause_s = min(2 * pause_s, self._look_every_s)

    async def _look_at(self, address: Address, told: set[str], untold: set[str]) -> None:
        assert self._open_session
        timeout = aiohttp.ClientTimeout(total=METRICS_TIMEOUT_S)
        try:
            async with self._open_session.get(address.metrics_url, timeout=timeout, allow_redirects=False) as response:
                raw = await read_body(response) if response.status == 200 else None
        except (aiohttp.ClientError, TimeoutError):
            # busy with its first prompts, or not there; a later look will tell
            return
        metrics = parse_metrics((raw or b"").decode("utf-8", "replace"))
        if metrics is not None:
            told.add(address.name)
            note_queue(address, running=metrics.running, waiting=metrics.waiting, now=self._clock())
        elif address.name not in told:
            untold.add(address.name)
            note_no_queue(address)

    def _read_address(self, base_url: str) -> Address:
        return read_address(base_url, most=self._most_each)

    async def _find_retryable(self, address: Address, model: str) -> Retryable | None:
        """What keeps an address from answering a request that cannot be at fault; None where it answers it. A list of
        models proves nothing: vLLM goes on listing them after its engine has died.
        """
        canary = Request(model, (Message("user", "Say yes."),), {"max_tokens": 1})
        try:
            async with asyncio.timeout(CANARY_TIMEOUT_S):
                outcome = await self._send(address, canary.body, canary.request_id)
        except TimeoutError:
            return Retryable("unreachable", f"no reply to a small request within {CANARY_TIMEOUT_S:g} s")
        if isinstance(outcome, Reply | Failure):
            note_reply(address, now=self._clock())
            return None
        if isinstance(outcome, Retryable) and outcome.cause in ("moved", "busy", "unreachable"):
            return outcome
        return Retryable("unreachable", outcome.detail)

    def _choose_wait(self, retryable: Retryable, tries: int) -> float:
        """Seconds until the next try: what the server asked for, else twice as long each time; both with jitter, so
        that requests which failed together do not come back together.
        """
        if retryable.wait_s is not None:
            return max(retryable.wait_s, LEAST_RETRY_AFTER_S) * (1 + self._draw() / 10)
        longest_s = LONGEST_WAIT_UNREACHABLE_S if retryable.cause == "unreachable" else LONGEST_WAIT_S
        return min(longest_s, FIRST_WAIT_S * 2.0 ** min(tries - 1, 10)) * (1 + self._draw()) / 2

    def _check_patience(self, retryable: Retryable, *, started: float) -> None:
        """Raise once every address has failed without a reply for too long, this request watching."""
        now = self._clock()
        addresses = self._balancer.addresses
        if not addresses or any(
            one.failing_since is None or now - max(one.failing_since, started) < self._give_up_after_s
            for one in addresses
        ):
            return
        raise ServerGone(
            f"The model server at {list_names(addresses)} has given no reply for {self._give_up_after_s:g} s "
            f"({hide(retryable.detail, self._api_key)}): see to it and run the same command again; "
            "replies that came are kept."
        )

    async def _judge_configuration_error(
        self, address: Address, model: str, wrong: ConfigurationError
    ) -> Failure | Retryable:
        detail = hide(wrong.detail, self._api_key)
        if wrong.status in (401, 402, 403):
            # Gateways moderate with 403; a key that has worked is not at fault
            if wrong.status == 403 and address.replied_at > float("-inf"):
                return Failure("refused", detail)
            raise refuse_key(address, detail, self._api_key, self._api_key_env)
        if wrong.status == 404 and "model" in detail.lower():
            raise await self._miss_model(address, model, detail)
        if address.replied_at > float("-inf"):
            return Retryable("server_error", detail)
        raise SetupError(f"No chat API answers at {address.name} ({detail}): the address usually ends in /v1.")

    async def _miss_model(self, address: Address, model: str, detail: str) -> SetupError:
        assert self._open_session
        try:
            async with asyncio.timeout(CONNECT_TIMEOUT_S):
                _, names, _ = await list_models(self._open_session, address, secret=self._api_key)
        except (aiohttp.ClientError, TimeoutError):
            names = []
        return refuse_model(address, model, names or [f"unknown ({detail})"])
