"""The client's retries: what is waited out, what is given up, what ends a build."""

from __future__ import annotations

import asyncio
import contextlib
import re
import time
from contextlib import ExitStack
from typing import Any

import pytest

from docmatix.core.errors import ServerGone
from docmatix.core.pairs import Failure, Reply
from docmatix.models.responses import Retryable
from docmatix.models.retries import Tries
from tests.models.clients import (
    WHOLE,
    Pace,
    find_closed_port,
    make_request,
    open_client,
    say_ok,
    spoil_on_poison,
    wait_until,
)
from tests.scripted_server import Body, Faults, start_scripted_server


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
        (Faults(foreign=1), "server_error"),
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


def test_a_request_that_moves_between_busy_servers_keeps_its_row_of_busy_answers() -> None:
    tries = Tries(started=0)
    for cause in ("busy", "moved", "busy"):
        tries.note(Retryable(cause, ""), now=1)
    assert tries.busy == 2
    tries.note(Retryable("cut", ""), now=2)
    assert tries.busy == 0
