"""A client of the OpenAI chat API: many requests in flight, over addresses that may come and go.

A request that is itself at fault becomes a named `Failure` and the build goes on; wrong settings are a `SetupError`;
an outage is waited out, and becomes `ServerGone` once every address has failed for `give_up_after_s`. What each answer
means, and how a poisoned request is distinguished from a dead engine, is in docs/design/models.md.
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
from docmatix.core.pairs import Failure, Message, Reply, Request
from docmatix.models.load_balancer import (
    Address,
    LoadBalancer,
    note_failure,
    note_no_queue,
    note_queue,
    note_refusal,
    note_reply,
    read_address,
)
from docmatix.models.loops import count_cut_off
from docmatix.models.parameters import NO_FIELDS, STREAM, STREAM_TRIES, Unsupported, dump_sent, is_worth_streaming
from docmatix.models.poison_requests import SuspectSlots, goes_alone, is_suspect
from docmatix.models.preflight import refuse_key, refuse_model
from docmatix.models.responses import ConfigurationError, Retryable, hide
from docmatix.models.retries import MAX_TIMEOUTS, Tries
from docmatix.models.transport import CONNECT_TIMEOUT_S, fetch_metrics, list_models, open_session, send_chat

PROBE_TIMEOUT_S = 60.0
LEVEL_AFTER_S = 0.001


@dataclass(slots=True)
class Counters:
    """What a client did so far. `retries` counts tries without an answer, by cause; `without` the replies to requests
    that were sent without a field, or with it under another name, because the server does not take it."""

    requests: int = 0
    replies: int = 0
    failures: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0
    in_flight: int = 0
    most_in_flight: int = 0
    retries: Counter[str] = field(default_factory=Counter)
    without: Counter[str] = field(default_factory=Counter)


class ChatClient:
    """Sends chat requests to the least busy of its addresses and sees each through to a reply or a named failure.

    Make one for each event loop and use it as an async context manager. It connects with the first request.
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
        repeats: Callable[[str], bool] | None = None,
        sleep: Callable[[float], Awaitable[object]] = asyncio.sleep,
        draw: Callable[[], float] = random.random,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`addresses` are base URLs (`http://host:8000/v1`); without any, requests wait for `set_addresses`.
        `max_in_flight` bounds all requests in flight, those waiting for a retry included, `max_in_flight_each` those to
        one address. Long replies are read as they come, and given up where one `repeats` itself. `api_key_env` is only
        named in messages; `sleep`, `draw` (0..1) and `clock` are seams."""
        self.counters = Counters()
        self._most_each = max_in_flight_each or max_in_flight or 64
        self._api_key, self._api_key_env = api_key, api_key_env
        self._max_in_flight, self._timeout_s = max_in_flight, timeout_s
        self._max_attempts, self._give_up_after_s = max_attempts, give_up_after_s
        self._look_every_s, self._repeats = look_every_s, repeats
        self._sleep, self._draw, self._clock = sleep, draw, clock
        self._bound = asyncio.Semaphore(max_in_flight) if max_in_flight else contextlib.nullcontext()
        self._suspects = SuspectSlots()
        self._lacking: dict[str, frozenset[str]] = {}
        """By model, the fields that its server does not take: learnt once a request without them is answered, so that a
        document's words, which servers repeat in errors, teach nothing."""
        self._streaming: set[str] = set()  # models whose servers have answered a request for a stream
        self._load_balancer = LoadBalancer([self._read_address(address) for address in addresses], clock=clock)
        self._removed: dict[str, Address] = {}
        """Former addresses, by name."""
        self._open_session: aiohttp.ClientSession | None = None
        self._polling: asyncio.Task[None] | None = None
        self._levelling = False
        self._stopped: DocmatixError | None = None

    def __repr__(self) -> str:
        names = [address.name for address in self._load_balancer.addresses]
        key = "'***'" if self._api_key else None
        return f"ChatClient({names}, api_key={key}, max_in_flight={self._max_in_flight})"

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def close(self) -> None:
        """Close the connections; a later request opens new ones."""
        polling, self._polling = self._polling, None
        if polling:
            polling.cancel()
            await asyncio.gather(polling, return_exceptions=True)
        session, self._open_session = self._open_session, None
        if session:
            await session.close()

    @property
    def limits(self) -> dict[str, int]:
        """How many requests each address may have in flight now."""
        return {address.name: address.limit for address in self._load_balancer.addresses}

    def set_addresses(self, addresses: Sequence[str]) -> None:
        """Replace the addresses. Requests in flight at a removed one are called back and sent elsewhere."""
        wanted = {address.name: address for address in map(self._read_address, addresses)}
        for address in list(self._load_balancer.addresses):
            if address.name not in wanted:
                self._load_balancer.remove(address)
                self._removed[address.name] = address
            wanted.pop(address.name, None)
        for address in wanted.values():
            if before := self._removed.pop(address.name, None):
                # a restarted server is asked at once, but a row of failures lasts until it replies
                address.failing_since, address.replied_at = before.failing_since, before.replied_at
                address.has_metrics = before.has_metrics or None
            self._load_balancer.add(address)

    def stop(self, error: DocmatixError) -> None:
        """Send nothing more: waiting and later requests raise `error`. Cancelling them takes a moment, in which each
        reply would let one more of them go out."""
        self._stopped = self._stopped or error

    async def ask(self, request: Request, *, pictures: Sequence[bytes] = ()) -> Reply | Failure:
        """The reply, or why there will be none; `pictures` are the images that the request refers to. Raises
        `SetupError` for a wrong key, model or address, `ServerGone` once every address has failed for
        `give_up_after_s`, and the error that `stop` was given."""
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

    # --- the tries of one request ---

    async def _pursue(self, request: Request, pictures: Sequence[bytes]) -> Reply | Failure:
        """Try until the request is answered or given up."""
        lacking = self._lacking.get(request.model, frozenset())
        repeats = self._repeats if is_worth_streaming(request.sampling) else None
        fields = NO_FIELDS if repeats is None else STREAM
        body = dump_sent(request, pictures, lacking, fields)
        tries = Tries(self._clock())
        while True:
            deaths = tries.deaths.count(self._load_balancer.addresses)
            if tries.deaths.are_its_doing:
                return Failure("server_error", tries.detail)
            async with self._suspects.hold(deaths) if is_suspect(deaths) else contextlib.nullcontext():
                address = await self._load_balancer.take()
                try:
                    if self._stopped:
                        raise self._stopped
                    outcome: Reply | Failure | Retryable | ConfigurationError | Unsupported | None = None
                    if tries.doubted or goes_alone(deaths):
                        # before and not after: a server that has just died answers nothing, whatever it died of
                        outcome = await self._probe(address, request.model)
                    if outcome is None:
                        tries.deaths.note_sent(deaths)
                        if not (learnt := self._lacking.get(request.model, lacking)) <= lacking:  # while it waited
                            lacking |= learnt
                            body = dump_sent(request, pictures, lacking, fields)
                        outcome = await self._send(address, body, request, repeats)
                    if isinstance(outcome, ConfigurationError):
                        outcome = await self._judge_configuration_error(address, request.model, outcome)
                finally:
                    self._load_balancer.give_back(address)
                    self._level_soon()
            # until its server has answered one, it may not know streams, whatever it says
            in_doubt = bool(fields) and lacking.isdisjoint(fields) and request.model not in self._streaming
            if in_doubt and isinstance(outcome, Failure) and outcome.reason == "refused":
                outcome = Unsupported(("stream",))
            if isinstance(outcome, Reply | Failure | Unsupported):
                note_reply(address, now=self._clock())  # a server that refuses a request is healthy
                if isinstance(outcome, Unsupported):
                    self.counters.retries["unsupported"] += 1
                    lacking |= frozenset(outcome.fields)
                    body = dump_sent(request, pictures, lacking, fields)
                    continue
                if isinstance(outcome, Failure):
                    return outcome
                self._streaming |= {request.model} if in_doubt else set()
                if lacking:
                    self._lacking[request.model] = self._lacking.get(request.model, lacking) | lacking
                untold = {"logprobs"} if request.measured is not None and outcome.logprob is None else set[str]()
                self.counters.without.update(untold | lacking & {*request.sampling, *request.extra, *fields})
                return count_cut_off(outcome, request)
            self.counters.retries[outcome.cause] += 1
            if outcome.cause == "moved" and address in self._load_balancer.addresses:
                continue  # called back to level the load
            verdict = await self._judge(outcome, tries, address, request.model)
            if isinstance(verdict, Failure):
                return verdict
            if in_doubt and tries.unclear == STREAM_TRIES:
                lacking |= {"stream"}
                body = dump_sent(request, pictures, lacking, fields)
            if verdict:
                await self._sleep(verdict)

    async def _judge(self, retryable: Retryable, tries: Tries, address: Address, model: str) -> Failure | float:
        """What follows from a try without an answer: the request's failure, or seconds until its next try."""
        now, cause = self._clock(), retryable.cause
        tries.note(retryable, now=now)
        if cause in ("moved", "cut", "server_error"):
            tries.deaths.note_lost(address)
            tries.detail = retryable.detail
        elif cause == "unreachable":
            tries.deaths.note_unreachable(address)
        if cause == "moved" and tries.count < self._max_attempts:
            return 0.0  # its replica died: at once to another one, or to the same when it is back

        wait_s = tries.choose_wait(retryable, jitter=self._draw())
        note_failure(address, now=now, wait_s=wait_s)
        if retryable.crowded:
            note_refusal(address, now=now)
        if cause in ("busy", "unreachable"):
            self._check_patience(retryable, started=tries.started)
            if cause == "busy" and tries.is_singled_out(now=now, give_up_after_s=self._give_up_after_s):
                return Failure("server_error", retryable.detail)
            if any(other is not address and other.rests_until <= now for other in self._load_balancer.addresses):
                return 0.0
        elif cause == "timeout":
            if await self._probe(address, model):
                self._check_patience(retryable, started=tries.started)
            else:
                tries.timeouts += 1
                if tries.timeouts >= MAX_TIMEOUTS:
                    return Failure("timeout", retryable.detail)
        elif tries.unclear >= self._max_attempts:
            if address.replied_at >= tries.failed_at:  # it answered others between the last two failures of this one
                return Failure("server_error", retryable.detail)
            if await self._probe(address, model) is None:
                wait_s = 0.0
            else:
                self._check_patience(retryable, started=tries.started)
                tries.doubted = True
        tries.failed_at = now
        return wait_s

    async def _send(
        self, address: Address, body: bytes, request: Request, repeats: Callable[[str], bool] | None = None
    ) -> Reply | Failure | Retryable | ConfigurationError | Unsupported:
        session = self._connect()
        task = asyncio.current_task()
        assert task
        cancelled_before = task.cancelling()
        address.under_way[task] = False
        counters = self.counters
        counters.in_flight += 1
        counters.most_in_flight = max(counters.most_in_flight, counters.in_flight)
        try:
            return await send_chat(session, address, body, request, api_key=self._api_key, repeats=repeats)
        except asyncio.CancelledError:
            # called back by the load balancer, unless the task was cancelled from elsewhere too
            if address.under_way[task] and task.uncancel() <= cancelled_before:
                return Retryable("moved", f"called back from {address.name}")
            raise
        finally:
            counters.in_flight -= 1
            del address.under_way[task]

    def _connect(self) -> aiohttp.ClientSession:
        if not self._open_session:
            self._open_session = open_session(self._api_key, timeout_s=self._timeout_s)
            self._polling = asyncio.get_running_loop().create_task(self._poll_metrics())
        return self._open_session

    # --- the load ---

    def _level_soon(self) -> None:
        """Once nothing more is to be sent, let a server that has run dry take over what waits for another."""
        if len(self._load_balancer.addresses) > 1 and not self._load_balancer.queued and not self._levelling:
            self._levelling = True
            # the next request takes the free slot first
            asyncio.get_running_loop().call_later(LEVEL_AFTER_S, self._level)

    def _level(self) -> None:
        self._levelling = False
        self._load_balancer.level()

    async def _poll_metrics(self) -> None:
        """Set the limits by the servers' own metrics, for as long as the client is open."""
        pause_s = self._look_every_s / 8  # a limit doubles with each poll, and the first one is for slow servers
        while True:
            addresses = [address for address in self._load_balancer.addresses if address.has_metrics is not False]
            await asyncio.gather(*map(self._poll_queue, addresses))
            self._load_balancer.hand_out()
            self._load_balancer.level()
            await asyncio.sleep(pause_s)
            pause_s = min(2 * pause_s, self._look_every_s)

    async def _poll_queue(self, address: Address) -> None:
        assert self._open_session
        try:
            metrics = await fetch_metrics(self._open_session, address)
        except (aiohttp.ClientError, TimeoutError):
            return  # busy with its first prompts, or down
        if metrics is not None:
            address.has_metrics = True
            note_queue(address, running=metrics.running, waiting=metrics.waiting, now=self._clock())
        elif address.has_metrics is None:
            address.has_metrics = False
            note_no_queue(address)

    def _read_address(self, base_url: str) -> Address:
        return read_address(base_url, most=self._most_each)

    # --- who is at fault ---

    async def _probe(self, address: Address, model: str) -> Retryable | None:
        """What keeps an address from answering a request that cannot be at fault; None if it answers. Listing the
        models would prove nothing: vLLM still lists them after its engine has died."""
        probe = Request(model, (Message("user", "Say yes."),), {"max_tokens": 1})
        try:
            async with asyncio.timeout(PROBE_TIMEOUT_S):
                body = dump_sent(probe, (), self._lacking.get(model, frozenset()))
                outcome = await self._send(address, body, probe)
        except TimeoutError:
            return Retryable("unreachable", f"no reply to a small request within {PROBE_TIMEOUT_S:g} s")
        if isinstance(outcome, Reply | Failure | Unsupported):
            note_reply(address, now=self._clock())
            return None
        if isinstance(outcome, Retryable) and outcome.cause in ("moved", "busy", "unreachable"):
            return outcome
        return Retryable("unreachable", outcome.detail)

    def _check_patience(self, retryable: Retryable, *, started: float) -> None:
        """Raise `ServerGone` once every address has failed without a reply for too long since this request started."""
        now = self._clock()
        addresses = self._load_balancer.addresses
        if not addresses or any(
            one.failing_since is None or now - max(one.failing_since, started) < self._give_up_after_s
            for one in addresses
        ):
            return
        names = " and ".join(one.name for one in addresses)
        raise ServerGone(
            f"The model server at {names} has sent no reply for {self._give_up_after_s:g} s"
            f" ({hide(retryable.detail, self._api_key)}). Check the server, then rerun the command to resume the build;"
            " the replies received so far are kept."
        )

    async def _judge_configuration_error(
        self, address: Address, model: str, error: ConfigurationError
    ) -> Failure | Retryable:
        detail = hide(error.detail, self._api_key)
        if error.status in (401, 402, 403):
            # gateways moderate with 403; a key that has worked before is not at fault
            if error.status == 403 and address.replied_at > float("-inf"):
                return Failure("refused", detail)
            raise refuse_key(address, detail, self._api_key, self._api_key_env)
        if error.status == 404 and "model" in detail.lower():
            raise await self._refuse_model(address, model, detail)
        if address.replied_at > float("-inf"):
            return Retryable("server_error", detail)
        raise SetupError(f"There is no chat API at {address.name} ({detail}): the address usually ends in /v1.")

    async def _refuse_model(self, address: Address, model: str, detail: str) -> SetupError:
        assert self._open_session
        try:
            async with asyncio.timeout(CONNECT_TIMEOUT_S):
                _, names, _ = await list_models(self._open_session, address, secret=self._api_key)
        except (aiohttp.ClientError, TimeoutError):
            names = []
        return refuse_model(address, model, names or [f"unknown ({detail})"])
