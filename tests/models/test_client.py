"""The client against a scripted server: every fault, by name, without waiting."""

from __future__ import annotations

import asyncio
import contextlib
import gzip
import json
import re
import socket
import time
import tracemalloc
from collections.abc import AsyncIterator, Callable
from contextlib import ExitStack, asynccontextmanager
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from docmatix.core.errors import ServerGone, SetupError
from docmatix.core.pairs import Failure, Message, Reply, Request
from docmatix.models.client import ChatClient
from docmatix.models.preflight import MOST_REPLY_BYTES, check_server, read_api_key
from docmatix.models.responses import ConfigurationError, Retryable, read_answer
from tests.scripted_server import Body, Faults, start_scripted_server

KEY = "sk-very-secret"
ANSWER = b'{"choices": [{"message": {"content": "hello"}}]}'
WHOLE = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s" % (len(ANSWER), ANSWER)
CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\n0\r\n\r\n" % (len(ANSWER), ANSWER)
SMALL = gzip.compress(ANSWER, mtime=0)
ZIPPED = b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: %d\r\n\r\n%s" % (len(SMALL), SMALL)


class Pace:
    """Time that passes only by sleeping, at once."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.waits: list[float] = []

    async def sleep(self, wait_s: float) -> None:
        self.waits.append(wait_s)
        self.now += wait_s
        await asyncio.sleep(0)


@asynccontextmanager
async def open_client(*addresses: str, pace: Pace | None = None, **options: Any) -> AsyncIterator[ChatClient]:
    pace = pace or Pace()
    seams = {"sleep": pace.sleep, "clock": lambda: pace.now, "draw": lambda: 0.0}
    async with ChatClient(addresses, **(seams | options)) as client:
        yield client


@asynccontextmanager
async def open_raw_server(answer: bytes) -> AsyncIterator[str]:
    """A server that answers whatever comes with these bytes and hangs up; yields its base URL."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError):
            await reader.read(1 << 16)
            writer.write(answer)
            await writer.drain()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1"


class FragileServer:
    """A server that dies of every request in which `poison` stands, with all that it has in hand, and is started again
    a moment later; any other one takes it a moment."""

    def __init__(self, *, most_deaths: int = 1000) -> None:
        """Once it has died `most_deaths` times, it is cured."""
        self.port = find_closed_port()
        self.deaths, self.most_deaths = 0, most_deaths
        self.most_together = 0
        """Requests that it had in hand at once in its last life."""
        self.tell: Callable[[list[str]], None] = lambda addresses: None
        """Told of each death and each restart, as a `ReplicaPool` would be."""
        self._in_hand = 0
        self._alive = False
        self._open: set[asyncio.StreamWriter] = set()
        self._handlers: set[asyncio.Task[None]] = set()
        self._server: asyncio.Server | None = None
        self._reviving: asyncio.Task[None] | None = None

    @property
    def base_url(self) -> str:
        return f"http://127.0.0.1:{self.port}/v1"

    async def __aenter__(self) -> FragileServer:
        self._alive = True
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", self.port)
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._reviving:
            await self._reviving
        await self._end()
        await asyncio.gather(*self._handlers)

    async def _end(self) -> None:
        assert self._server
        self._alive = False
        for writer in self._open:
            writer.transport.abort()
        self._open.clear()  # the requests on them die with this death, and are not another one
        # asyncio never closes a connection that it accepted in the turn in which its server was closed
        # (`Server._attach` asserts that it is open), so nothing more is accepted first, and what was is let in
        asyncio.get_running_loop().remove_reader(self._server.sockets[0].fileno())
        await asyncio.sleep(0)
        self._server.close()

    async def _revive(self) -> None:
        await asyncio.sleep(0.05)
        self.most_together = 0
        await self.__aenter__()
        self.tell([self.base_url])

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if not self._alive:
            writer.transport.abort()
            return
        # known from the start: a task that is cancelled before it has begun closes nothing
        self._open.add(writer)
        handler = asyncio.create_task(self._serve(reader, writer))
        self._handlers.add(handler)
        handler.add_done_callback(self._handlers.discard)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
            headers = await reader.readuntil(b"\r\n\r\n")
            if found := re.search(rb"Content-Length: (\d+)", headers):
                body = await reader.readexactly(int(found[1]))
                if b"poison" in body and writer in self._open and self.deaths < self.most_deaths:
                    self.deaths += 1
                    await self._end()
                    self.tell([])
                    self._reviving = asyncio.create_task(self._revive())
                else:
                    self._in_hand += 1
                    self.most_together = max(self.most_together, self._in_hand)
                    await asyncio.sleep(0.03)
                    self._in_hand -= 1
                    writer.write(WHOLE.replace(b"\r\n", b"\r\nConnection: close\r\n", 1))
        self._open.discard(writer)
        writer.close()


def make_request(text: str = "hello", **extra: Any) -> Request:
    return Request("scripted", (Message("user", text),), {"temperature": 0}, extra)


def say_ok(body: Body) -> str:
    return f"ok: {body['messages'][-1]['content']}"


def spoil_on_poison(body: Body) -> str:
    if "poison" in body["messages"][-1]["content"]:
        raise RuntimeError("assertion failed: poison")
    return say_ok(body)


def find_closed_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


async def test_a_reply_comes_with_its_tokens_and_the_hash_of_its_request() -> None:
    request = make_request("two words")
    with start_scripted_server(reply=say_ok) as server:
        async with open_client(server.base_url) as client:
            reply = await client.ask(request)
    assert reply == Reply(request.request_id, "ok: two words", "scripted", "stop", 2, 3)
    assert (client.counters.prompt_tokens, client.counters.completion_tokens) == (2, 3)
    assert server.bodies == [request.to_body()]


async def test_a_busy_server_is_left_alone_for_as_long_as_it_says() -> None:
    pace = Pace()
    with start_scripted_server(reply=say_ok, faults=Faults(busy=1, retry_after="7")) as server:
        async with open_client(server.base_url, pace=pace, max_attempts=1) as client:
            assert isinstance(await client.ask(make_request()), Reply)
    assert pace.waits == [7.0]


@pytest.mark.parametrize(
    ("faults", "cause"),
    [
        (Faults(broken=1), "server_error"),
        (Faults(garbage=1), "garbage"),
        (Faults(cut=1), "cut"),
        (Faults(hung=1), "timeout"),
        (Faults(unavailable=1), "server_error"),
        (Faults(halved=1), "garbage"),
        (Faults(foreign=1), "garbage"),
        (Faults(mangled=1), "garbage"),
        (Faults(bloated=1), "garbage"),
        (Faults(swollen=1), "garbage"),
        (Faults(dripping=1), "timeout"),
    ],
)
async def test_a_fault_on_the_way_is_tried_again(faults: Faults, cause: str) -> None:
    pace = Pace()
    with start_scripted_server(reply=say_ok, faults=faults) as server:
        async with open_client(server.base_url, pace=pace, timeout_s=2 if cause == "timeout" else 60) as client:
            assert isinstance(await client.ask(make_request()), Reply)
    assert client.counters.retries == {cause: 1}
    assert pace.waits == [0.25]


async def test_waits_double_up_to_a_bound() -> None:
    pace = Pace()
    with start_scripted_server(faults=Faults(poisoned=1)) as server:
        async with open_client(server.base_url, pace=pace, give_up_after_s=60, draw=lambda: 1.0) as client:
            with pytest.raises(ServerGone):
                await client.ask(make_request())
    assert pace.waits == [0.5, 1, 2, 4, 8, 16, 30]


async def test_a_mix_of_faults_loses_no_request() -> None:
    faults = Faults(busy=0.2, broken=0.2, garbage=0.2, cut=0.2)
    requests = [make_request(f"question {i}") for i in range(60)]
    with start_scripted_server(reply=say_ok, faults=faults) as server:
        async with open_client(server.base_url, max_in_flight=16) as client:
            replies = await asyncio.gather(*map(client.ask, requests))
    assert [reply.content for reply in replies if isinstance(reply, Reply)] == [f"ok: question {i}" for i in range(60)]
    assert set(client.counters.retries) == {"busy", "server_error", "garbage", "cut"}
    assert server.stats()["distinct_answered"] == 60


async def test_a_poisoned_request_is_given_up_while_the_others_are_answered() -> None:
    requests = [make_request(text) for text in ("a", "poison", "b", "c")]
    with start_scripted_server(reply=spoil_on_poison) as server:
        async with open_client(server.base_url, max_attempts=3) as client:
            outcomes = await asyncio.gather(*map(client.ask, requests))
    assert [isinstance(outcome, Reply) for outcome in outcomes] == [True, False, True, True]
    assert outcomes[1] == Failure("server_error", "500 assertion failed: poison invalid_request_error")


@pytest.mark.parametrize("watched", [False, True])
async def test_a_request_that_kills_its_server_takes_no_others_with_it(watched: bool) -> None:
    texts = ["a", "b", "poison", *"cdefghijk"]
    requests = [make_request(text) for text in texts]
    options: dict[str, Any] = {"max_in_flight": 6, "give_up_after_s": 600, "sleep": lambda _: asyncio.sleep(0.02)}
    async with FragileServer() as server, open_client(server.base_url, **options) as client:
        server.tell = client.set_addresses if watched else server.tell
        outcomes = await asyncio.gather(*map(client.ask, requests))
    failed = {text: outcome for text, outcome in zip(texts, outcomes, strict=True) if isinstance(outcome, Failure)}
    assert {text: failure.reason for text, failure in failed.items()} == {"poison": "server_error"}
    assert server.deaths <= 9


@pytest.mark.parametrize("watched", [False, True])
async def test_a_request_that_kills_its_server_is_found_out_with_no_other_one_to_compare_it_with(watched: bool) -> None:
    options: dict[str, Any] = {"give_up_after_s": 600, "sleep": lambda _: asyncio.sleep(0.02)}
    async with FragileServer() as server, open_client(server.base_url, **options) as client:
        server.tell = client.set_addresses if watched else server.tell
        outcome = await client.ask(make_request("poison"))
    assert isinstance(outcome, Failure)
    assert outcome.reason == "server_error"
    # four of which others might be to blame as well, and two alone; where it is not seen to be away between two tries,
    # as many as may be tried, and one that follows a small request
    assert 6 <= server.deaths <= 9


async def test_a_request_whose_server_dies_often_but_not_of_it_is_answered() -> None:
    options: dict[str, Any] = {"give_up_after_s": 600, "sleep": lambda _: asyncio.sleep(0.02)}
    async with FragileServer(most_deaths=5) as server, open_client(server.base_url, **options) as client:
        outcome = await client.ask(make_request("poison"))
    assert isinstance(outcome, Reply)
    assert server.deaths == 5


async def test_of_many_requests_in_flight_the_one_that_kills_its_server_is_found_out() -> None:
    requests = [make_request("poison" if number == 17 else str(number)) for number in range(40)]
    options: dict[str, Any] = {"give_up_after_s": 600, "sleep": lambda _: asyncio.sleep(0.02)}
    async with FragileServer() as server, open_client(server.base_url, **options) as client:
        outcomes = await asyncio.gather(*map(client.ask, requests))
    assert [number for number, outcome in enumerate(outcomes) if isinstance(outcome, Failure)] == [17]


async def test_requests_that_survived_two_deaths_go_several_at_once() -> None:
    requests = [make_request(f"poison {number}") for number in range(40)]
    options: dict[str, Any] = {"give_up_after_s": 600, "sleep": lambda _: asyncio.sleep(0.02)}
    async with FragileServer(most_deaths=2) as server, open_client(server.base_url, **options) as client:
        outcomes = await asyncio.gather(*map(client.ask, requests))
    assert all(isinstance(outcome, Reply) for outcome in outcomes)
    assert server.deaths == 2
    assert server.most_together >= 8


async def test_a_request_that_is_told_to_wait_twice_in_an_hour_is_answered_the_third_time() -> None:
    pace, times = Pace(), 0

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal times
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
            headers = await reader.readuntil(b"\r\n\r\n")
            found = re.search(rb"Content-Length: (\d+)", headers)
            body = await reader.readexactly(int(found[1])) if found else b""
            busy = b"slow" in body and times < 2
            times += b"slow" in body
            answer = b"HTTP/1.1 429 Busy\r\nContent-Length: 0\r\n\r\n" if busy else WHOLE
            writer.write(answer.replace(b"\r\n", b"\r\nConnection: close\r\n", 1))
            await writer.drain()
        writer.close()

    async def wait_behind_others(wait_s: float) -> None:
        pace.now += 1800
        await client.ask(make_request("quick"))

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    address = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1"
    options: dict[str, Any] = {"give_up_after_s": 3000, "sleep": wait_behind_others}
    async with server, open_client(address, pace=pace, **options) as client:
        outcome = await client.ask(make_request("slow"))
    assert isinstance(outcome, Reply)
    assert times == 3


async def test_a_poisoned_request_on_its_own_is_told_from_an_outage_by_a_canary() -> None:
    with start_scripted_server(reply=spoil_on_poison) as server:
        async with open_client(server.base_url, max_attempts=3) as client:
            outcome = await client.ask(make_request("poison"))
    assert isinstance(outcome, Failure)
    assert [asked.status for asked in server.log] == [500, 500, 500, 200, 500]


async def test_a_request_that_always_hangs_is_given_up_as_a_timeout() -> None:
    def hang_on_riddle(body: Body) -> str:
        if "riddle" in body["messages"][-1]["content"]:
            raise TimeoutError
        return "ok"

    with start_scripted_server(reply=hang_on_riddle) as server:
        async with open_client(server.base_url, timeout_s=1) as client:
            outcome = await client.ask(make_request("riddle"))
        # two tries: a third would outlast what a build waits for one request, and stop it
        await wait_until(lambda: [asked.status for asked in server.log] == [0, 200, 0, 200])
    assert outcome == Failure("timeout", "no reply within 1 s")


async def test_a_request_that_hangs_at_each_of_two_servers_is_given_up_as_soon() -> None:
    def hang_on_riddle(body: Body) -> str:
        if "riddle" in body["messages"][-1]["content"]:
            raise TimeoutError
        return "ok"

    with start_scripted_server(reply=hang_on_riddle) as one, start_scripted_server(reply=hang_on_riddle) as other:
        async with open_client(one.base_url, other.base_url, timeout_s=1) as client:
            outcome = await client.ask(make_request("riddle"))
    assert outcome == Failure("timeout", "no reply within 1 s")
    assert client.counters.retries == {"timeout": 2}


async def test_a_silent_server_ends_the_build_and_drops_nothing() -> None:
    def hang(_: Body) -> str:
        raise TimeoutError

    pace = Pace()
    with start_scripted_server(reply=hang) as server:
        hasten: dict[str, Any] = {"clock": lambda: pace.now + 100 * time.monotonic()}
        async with open_client(server.base_url, pace=pace, timeout_s=0.2, give_up_after_s=100, **hasten) as client:
            outcomes = await asyncio.gather(
                *(client.ask(make_request(str(i))) for i in range(4)), return_exceptions=True
            )
    assert [type(outcome) for outcome in outcomes] == [ServerGone] * 4
    assert r"no reply for 100 s (no reply within 0.2 s)" in str(outcomes[0])


async def test_a_dead_engine_behind_a_living_api_ends_the_build_and_drops_nothing() -> None:
    pace = Pace()
    with start_scripted_server(faults=Faults(poisoned=1)) as server:
        async with open_client(server.base_url, pace=pace, give_up_after_s=300) as client:
            with pytest.raises(ServerGone, match=r"no reply for 300 s .*The engine fell over"):
                await client.ask(make_request())
    assert sum(pace.waits) >= 300


async def test_a_request_refused_for_what_it_says_is_asked_once() -> None:
    with start_scripted_server(faults=Faults(refused=1)) as server:
        async with open_client(server.base_url) as client:
            outcome = await client.ask(make_request())
    assert outcome == Failure("refused", "400 This request cannot be served invalid_request_error")
    assert server.request_count == 1


@pytest.mark.parametrize(
    ("status", "said"),
    [
        (400, {"error": {"message": "request (3031 tokens) exceeds the available context size (2048 tokens)"}}),
        (400, {"message": "This model's maximum context length is 4096 tokens. However, you requested 5000 tokens"}),
        (400, {"error": {"message": "Your input is too big", "code": "context_length_exceeded"}}),
        (400, {"error": {"message": "The input (5000 tokens) is longer than the model's context length"}}),
        (422, {"error": "Input validation error: `inputs` tokens + `max_new_tokens` must be <= 4096"}),
        (429, {"error": {"message": "Request too large for gpt-4o on tokens per min (TPM): Limit 30000"}}),
    ],
)
def test_a_prompt_beyond_the_context_is_too_long(status: int, said: dict[str, Any]) -> None:
    outcome = read_answer(status, {}, json.dumps(said).encode(), request_id="r")
    assert isinstance(outcome, Failure)
    assert outcome.reason == "too_long"


@pytest.mark.parametrize(
    ("headers", "wait_s"),
    [
        ({"Retry-After": "3.5"}, 3.5),
        ({"Retry-After": "99999"}, 120.0),
        ({"Retry-After": "-1"}, 0.0),
        ({"Retry-After": "nan"}, None),
        ({"Retry-After": "soon"}, None),
        ({"Retry-After": "Wed, 21 Oct 2026 07:28:30 GMT", "Date": "Wed, 21 Oct 2026 07:28:00 GMT"}, 30.0),
        ({"Retry-After": "Wed, 21 Oct 2015 07:28:30 GMT"}, 0.0),
        ({}, None),
    ],
)
def test_retry_after_is_seconds_or_a_date_by_the_servers_clock(headers: dict[str, str], wait_s: float | None) -> None:
    outcome = read_answer(429, headers, b"", request_id="r")
    assert isinstance(outcome, Retryable)
    assert outcome.wait_s == wait_s


@given(
    st.integers(100, 599),
    st.dictionaries(st.sampled_from(["Retry-After", "Date", "Location"]), st.text()),
    st.one_of(
        st.binary(),
        st.recursive(
            st.none() | st.integers() | st.text(),
            lambda inner: st.lists(inner) | st.dictionaries(st.sampled_from(["choices", "message", "error"]), inner),
        ).map(lambda value: json.dumps(value).encode()),
    ),
)
def test_no_answer_whatever_it_holds_raises(status: int, headers: dict[str, str], raw: bytes) -> None:
    assert isinstance(
        read_answer(status, headers, raw, request_id="r"), Reply | Failure | Retryable | ConfigurationError
    )


@pytest.mark.parametrize("count", ["1e999", "1" + "0" * 30, "-5", '"12"', "null", "[]", "{}", "NaN"])
def test_a_count_that_is_none_costs_no_reply(count: str) -> None:
    raw = f'{{"choices": [{{"message": {{"content": "a"}}}}], "usage": {{"prompt_tokens": {count}}}}}'
    assert read_answer(200, {}, raw.encode(), request_id="r") == Reply("r", "a", "", "stop", 0, 0)


def test_a_reply_holds_nothing_that_no_file_can_hold() -> None:
    choice = {"message": {"content": "a \ud800 b"}, "finish_reason": "\udfff"}
    outcome = read_answer(200, {}, json.dumps({"choices": [choice], "model": "\ud900"}).encode(), request_id="r")
    assert outcome == Reply("r", "a \ufffd b", "\ufffd", "\ufffd", 0, 0)


@pytest.mark.parametrize(
    ("status", "kind"), [(200, Retryable), (400, Failure), (500, Retryable), (302, ConfigurationError)]
)
@pytest.mark.parametrize("raw", [b"[" * 100_000, b'{"error":' * 100_000, b"[" * 1000 + b"]" * 1000])
def test_an_answer_nested_without_end_is_read_as_any_other(status: int, kind: type, raw: bytes) -> None:
    assert isinstance(read_answer(status, {}, raw, request_id="r"), kind)


async def test_a_body_without_end_is_read_up_to_a_bound() -> None:
    zeros = gzip.compress(bytes(1 << 30), compresslevel=1)
    headers = f"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: {len(zeros)}\r\n\r\n".encode()
    async with open_raw_server(headers + zeros) as address, open_client(address, give_up_after_s=0) as client:
        tracemalloc.start()
        try:
            with pytest.raises(ServerGone, match="more than 4 MB in one reply"):
                await client.ask(make_request())
            peak = tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()
    assert peak < 8 * MOST_REPLY_BYTES  # read in one go it was a gigabyte


@st.composite
def damage(draw: st.DrawFn) -> bytes:
    """An HTTP answer in which bytes are changed, left out, repeated or put in, or that ends too soon."""
    answer = bytearray(draw(st.sampled_from([WHOLE, CHUNKED, ZIPPED])))
    for _ in range(draw(st.integers(1, 4))):
        at = draw(st.integers(0, len(answer)))
        until = min(len(answer), at + draw(st.integers(0, 12)))
        answer[at:until] = draw(st.one_of(st.binary(max_size=8), st.just(bytes(answer[at:until]) * 2), st.just(b"")))
    return bytes(answer[: draw(st.integers(0, len(answer)))] if draw(st.booleans()) else answer)


@settings(max_examples=150, suppress_health_check=[HealthCheck.too_slow])
@given(damage())
def test_whatever_bytes_come_a_request_ends_in_a_reply_a_failure_or_a_sentence(answer: bytes) -> None:
    options: dict[str, Any] = {"max_attempts": 1, "give_up_after_s": 0, "timeout_s": 5}

    async def ask() -> object:
        async with open_raw_server(answer) as address, open_client(address, **options) as client:
            return (await asyncio.gather(client.ask(make_request()), return_exceptions=True))[0]

    outcome = asyncio.run(ask())
    assert isinstance(outcome, Reply | Failure | ServerGone | SetupError)
    assert "\n" not in str(outcome)


@pytest.mark.parametrize(("answer", "content"), [(WHOLE, "hello"), (CHUNKED, "hello"), (ZIPPED, "hello")])
async def test_an_answer_is_read_however_it_is_sent(answer: bytes, content: str) -> None:
    async with open_raw_server(answer) as address, open_client(address) as client:
        reply = await client.ask(make_request())
    assert isinstance(reply, Reply)
    assert reply.content == content


async def test_a_wrong_key_names_the_environment_variable_and_never_the_key() -> None:
    with start_scripted_server(api_key="another") as server:
        async with open_client(server.base_url, api_key=KEY, api_key_env="MY_KEY") as client:
            with pytest.raises(SetupError, match="set the environment variable MY_KEY") as caught:
                await client.ask(make_request())
    assert KEY not in str(caught.value)
    assert KEY not in repr(client)
    assert "***" in repr(client)


async def test_a_right_key_is_taken() -> None:
    with start_scripted_server(api_key=KEY) as server:
        async with open_client(server.base_url, api_key=KEY) as client:
            assert isinstance(await client.ask(make_request()), Reply)


async def test_a_server_that_wants_a_key_where_there_is_none_says_where_to_name_it() -> None:
    with start_scripted_server(api_key="another") as server:
        async with open_client(server.base_url) as client:
            with pytest.raises(SetupError, match=r"generate\.engine\.api_key_env"):
                await client.ask(make_request())


async def test_a_key_that_the_server_repeats_is_masked() -> None:
    def repeat_key(body: Body) -> str:
        raise RuntimeError(f"cannot bill {KEY}")

    with start_scripted_server(reply=repeat_key) as server:
        async with open_client(server.base_url, api_key=KEY, give_up_after_s=1) as client:
            with pytest.raises(ServerGone, match=r"cannot bill \*\*\*"):
                await client.ask(make_request())


@pytest.mark.parametrize("status", [200, 400, 401, 403, 404, 413, 429, 500, 503])
@pytest.mark.parametrize("chars", [0, 290, 1190])
def test_no_answer_that_repeats_the_key_gives_it_away(status: int, chars: int) -> None:
    key = "sk-with/slash+and-more"
    text = f"{'x' * chars} Bearer {key}"
    for raw in (text, json.dumps({"error": {"message": text}}), json.dumps(text).replace("/", "\\/")):
        outcome = read_answer(status, {"Location": text}, raw.encode(), request_id="r", secret=key)
        assert not isinstance(outcome, Reply)
        assert "sk-" not in outcome.detail


def test_what_servers_without_keys_are_sent_is_no_secret() -> None:
    outcome = read_answer(400, {}, b"The list is EMPTY", request_id="r", secret="EMPTY")
    assert outcome == Failure("refused", "400 The list is EMPTY")


@pytest.mark.parametrize("faults", [Faults(busy=1), Faults(broken=1), Faults(unavailable=1), Faults(refused=1)])
async def test_a_server_that_repeats_the_header_does_not_give_the_key_away(faults: Faults) -> None:
    said = ""
    # a first try that fails is followed by others, and by the end of the build where the server is busy for ever
    with start_scripted_server(faults=faults, api_key=KEY, repeats_key=True) as server:
        async with open_client(server.base_url, api_key=KEY, max_attempts=1, give_up_after_s=0) as client:
            try:
                said = repr(await client.ask(make_request()))
            except ServerGone as error:
                said = str(error)
    assert "***" in said
    assert KEY not in said


async def test_the_query_of_an_address_is_in_no_message() -> None:
    async with (
        open_raw_server(b"no HTTP at all") as address,
        open_client(f"{address}?key={KEY}", give_up_after_s=0) as client,
    ):
        with pytest.raises(ServerGone) as caught:
            await client.ask(make_request())
    assert address in str(caught.value)
    assert KEY not in str(caught.value)


async def test_a_missing_model_lists_what_the_server_has() -> None:
    with start_scripted_server(model="other") as server:
        async with open_client(server.base_url) as client:
            with pytest.raises(SetupError, match=r"no model 'scripted' \(it has: other\)"):
                await client.ask(make_request())


async def test_an_address_without_v1_is_told_to_have_it() -> None:
    with start_scripted_server() as server:
        async with open_client(server.base_url.removesuffix("/v1")) as client:
            with pytest.raises(SetupError, match="usually ends in /v1"):
                await client.ask(make_request())


async def test_an_absent_server_is_waited_for_and_then_ends_the_build() -> None:
    pace = Pace()
    async with open_client(f"http://127.0.0.1:{find_closed_port()}/v1", pace=pace, give_up_after_s=60) as client:
        with pytest.raises(ServerGone, match=r"no reply for 60 s \(Connection refused\)"):
            await client.ask(make_request())
    assert 60 <= sum(pace.waits) < 66


async def test_a_server_that_comes_back_is_asked_again() -> None:
    port, pace = find_closed_port(), Pace()
    with ExitStack() as later:

        async def sleep(wait_s: float) -> None:
            await pace.sleep(wait_s)
            if len(pace.waits) == 12:
                later.enter_context(start_scripted_server(reply=say_ok, port=port))

        async with open_client(f"http://127.0.0.1:{port}/v1", pace=pace, sleep=sleep, max_attempts=2) as client:
            assert isinstance(await client.ask(make_request()), Reply)
    assert client.counters.retries == {"unreachable": 12}


async def test_the_living_of_two_addresses_takes_the_work_without_a_wait() -> None:
    pace = Pace()
    with start_scripted_server(reply=say_ok) as server:
        dead = f"http://127.0.0.1:{find_closed_port()}/v1"
        async with open_client(dead, server.base_url, pace=pace, max_in_flight=4) as client:
            outcomes = await asyncio.gather(*(client.ask(make_request(str(i))) for i in range(20)))
    assert all(isinstance(outcome, Reply) for outcome in outcomes)
    assert pace.waits == []
    assert client.counters.retries["unreachable"] == 2  # its half of the first four


async def test_an_address_that_was_dead_gets_work_again() -> None:
    port, pace = find_closed_port(), Pace()
    with start_scripted_server(reply=say_ok) as first:
        async with open_client(f"http://127.0.0.1:{port}/v1", first.base_url, pace=pace) as client:
            await client.ask(make_request("a"))
            with start_scripted_server(reply=say_ok, port=port) as second:
                await client.ask(make_request("b"))
                assert second.request_count == 0
                pace.now += 60
                await client.ask(make_request("c"))
                assert second.request_count == 1


async def test_requests_go_to_the_least_busy_address() -> None:
    faults = Faults(delay_s=0.2)
    with start_scripted_server(faults=faults) as first, start_scripted_server(faults=faults) as second:
        async with open_client(first.base_url, second.base_url, max_in_flight=8) as client:
            await asyncio.gather(*(client.ask(make_request(str(i))) for i in range(8)))
    assert (first.most_in_flight, second.most_in_flight) == (4, 4)


async def test_requests_in_flight_are_bounded_over_all_addresses() -> None:
    with start_scripted_server() as first, start_scripted_server() as second:
        async with open_client(first.base_url, second.base_url, max_in_flight=5) as client:
            await asyncio.gather(*(client.ask(make_request(str(i))) for i in range(40)))
    assert client.counters.most_in_flight == 5
    assert client.counters.in_flight == 0
    assert max(first.most_in_flight, second.most_in_flight) <= 5


async def test_a_client_without_addresses_waits_until_one_comes() -> None:
    with start_scripted_server() as server:
        async with open_client() as client:
            asked = asyncio.create_task(client.ask(make_request()))
            await asyncio.sleep(0.05)
            assert not asked.done()
            client.set_addresses([server.base_url])
            assert isinstance(await asked, Reply)


async def wait_until(happened: Callable[[], bool], within_s: float = 30) -> None:
    async with asyncio.timeout(within_s):
        while not happened():
            await asyncio.sleep(0.01)


async def test_requests_under_way_at_a_replica_that_is_gone_are_answered_by_another() -> None:
    def hang(_: Body) -> str:
        raise TimeoutError

    with start_scripted_server(reply=hang) as hung, start_scripted_server(reply=say_ok) as well:
        async with open_client(hung.base_url) as client:
            asked = [asyncio.create_task(client.ask(make_request(str(i)))) for i in range(6)]
            await wait_until(lambda: hung.in_flight == 6)
            client.set_addresses([well.base_url])
            replies = await asyncio.gather(*asked)
        assert well.request_count == 6
        await wait_until(lambda: hung.in_flight == 0)  # broken off, so that the server need not finish them
    assert [reply.content for reply in replies if isinstance(reply, Reply)] == [f"ok: {i}" for i in range(6)]
    assert client.counters.retries == {"moved": 6}


async def test_a_cancelled_request_stays_cancelled() -> None:
    with start_scripted_server(faults=Faults(hung=1)) as server:
        async with open_client(server.base_url) as client:
            asked = asyncio.create_task(client.ask(make_request()))
            await wait_until(lambda: server.in_flight == 1)
            client.set_addresses([])  # called back and cancelled at once
            asked.cancel()
            with pytest.raises(asyncio.CancelledError):
                await asked
        assert client.counters.in_flight == 0


async def test_what_a_server_tells_of_its_queue_bounds_what_it_is_sent() -> None:
    with start_scripted_server(slots=4, faults=Faults(delay_s=0.05)) as server:
        hasten: dict[str, Any] = {"look_every_s": 0.02, "clock": lambda: 100 * time.monotonic()}
        async with open_client(server.base_url, max_in_flight=64, **hasten) as client:
            asked = [asyncio.create_task(client.ask(make_request(str(i)))) for i in range(200)]
            await wait_until(lambda: client.limits == {server.base_url: 9})  # four, and a queue of five
            await asyncio.gather(*asked)
    assert server.request_count == 200


async def test_at_the_end_what_waits_for_a_slow_server_goes_to_an_idle_one() -> None:
    with (
        start_scripted_server(slots=1, faults=Faults(delay_s=3)) as slow,
        start_scripted_server(slots=8, faults=Faults(delay_s=0.01)) as fast,
    ):
        async with open_client(slow.base_url, fast.base_url, look_every_s=0.05) as client:
            await asyncio.gather(*(client.ask(make_request(str(i))) for i in range(12)))
    assert slow.most_in_flight == 6
    assert sum(asked.status == 200 for asked in slow.log) == 1
    assert client.counters.retries["moved"] == 5


async def test_a_server_that_is_refusing_gets_fewer_requests() -> None:
    with start_scripted_server(faults=Faults(busy=1, delay_s=0.02)) as server:
        async with open_client(server.base_url, max_in_flight=32) as client:
            await asyncio.gather(*(client.ask(make_request(str(i))) for i in range(32)))
            assert client.limits[server.base_url] < 32
    assert client.counters.replies == 32


async def test_a_closed_client_opens_again() -> None:
    with start_scripted_server() as server:
        async with open_client(server.base_url) as client:
            await client.ask(make_request())
            await client.close()
            assert isinstance(await client.ask(make_request()), Reply)


@pytest.mark.parametrize(
    ("address", "said"),
    [
        ("localhost:8000/v1", "not a valid URL"),
        ("http://[bad/v1", "not a valid URL"),
        ("http://me:hush@host/v1", "holds a name or password before the @"),
    ],
)
def test_a_broken_address_is_refused_in_a_sentence(address: str, said: str) -> None:
    with pytest.raises(SetupError, match=said) as caught:
        ChatClient([address])
    assert "hush" not in str(caught.value)


async def test_a_preflight_finds_a_server_that_is_well() -> None:
    with start_scripted_server(api_key=KEY) as server:
        assert await check_server([server.base_url], model="scripted", api_key=KEY) == []


async def test_a_preflight_without_a_server_says_to_start_it() -> None:
    address = f"http://127.0.0.1:{find_closed_port()}/v1"
    with pytest.raises(SetupError, match=rf"No model server answers at {address} .*start it"):
        await check_server([address], model="scripted")


async def test_a_preflight_tells_which_of_several_addresses_are_silent() -> None:
    dead = f"http://127.0.0.1:{find_closed_port()}/v1"
    with start_scripted_server() as server:
        assert await check_server([dead, server.base_url], model="scripted") == [dead]


@pytest.mark.parametrize(
    "body",
    [b"", b"<html>", b"[" * 100_000, b'{"data": 7}', b'{"data": [{"id": 7}]}', b"\xff\xfe", b" " * (9 << 20)],
)
async def test_a_preflight_says_in_a_sentence_what_a_strange_list_of_models_is(body: bytes) -> None:
    headers = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body)
    async with open_raw_server(headers + body) as address:
        with pytest.raises(SetupError, match=r"generate\.engine\.(base_url|model)"):
            await check_server([address], model="scripted")


@pytest.mark.parametrize(
    ("status", "sentence"),
    [
        (500, r"The model server fails at .*/v1 \(500 the card is gone\): find the cause in its log"),
        (429, r"The model server is too busy at .*/v1 \(429 the card is gone\): rerun the command"),
        (400, r"\(400 the card is gone\): follow its advice, or correct generate\.engine\.base_url"),
        (404, r"\(404 the card is gone\): correct generate\.engine\.base_url"),
    ],
)
async def test_a_preflight_blames_the_address_only_where_it_may_be_wrong(status: int, sentence: str) -> None:
    said = b'{"error": {"message": "the card is gone"}}'
    answer = b"HTTP/1.1 %d No\r\nContent-Length: %d\r\nConnection: close\r\n\r\n%b" % (status, len(said), said)
    async with open_raw_server(answer) as address:
        with pytest.raises(SetupError, match=sentence):
            await check_server([address], model="scripted", patience_s=0)


async def test_a_preflight_lists_the_models_there_are() -> None:
    has = r"no model 'scripted' \(it has: other\)"
    with start_scripted_server(model="other") as server, pytest.raises(SetupError, match=has):
        await check_server([server.base_url], model="scripted")


async def test_a_preflight_names_the_variable_of_a_refused_key() -> None:
    with start_scripted_server(api_key="another") as server, pytest.raises(SetupError, match="variable MY_KEY"):
        await check_server([server.base_url], model="scripted", api_key=KEY, api_key_env="MY_KEY")


def test_a_key_comes_from_the_environment_or_not_at_all() -> None:
    assert read_api_key(None) is None
    assert read_api_key("PATH")
    with pytest.raises(SetupError, match="DOCMATIX_NO_SUCH_KEY is not set"):
        read_api_key("DOCMATIX_NO_SUCH_KEY")


def test_a_key_that_no_header_can_hold_is_refused_and_not_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCMATIX_SOME_KEY", f"{KEY}\r\nX-Header: 1\n")
    with pytest.raises(SetupError, match="DOCMATIX_SOME_KEY holds a line break") as caught:
        read_api_key("DOCMATIX_SOME_KEY")
    assert KEY not in str(caught.value)
