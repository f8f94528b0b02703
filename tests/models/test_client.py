"""The client against a scripted server: replies, addresses, keys, whatever bytes come."""

from __future__ import annotations

import asyncio
import gzip
import itertools
import time
import tracemalloc
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from docmatix.core.errors import ServerGone, SetupError
from docmatix.core.pairs import Failure, Reply
from docmatix.models.client import ChatClient
from docmatix.models.transport import MOST_REPLY_BYTES
from tests.models.clients import (
    CHUNKED,
    KEY,
    WHOLE,
    ZIPPED,
    Pace,
    find_closed_port,
    make_request,
    open_client,
    open_raw_server,
    say_ok,
    spoil_on_poison,
    wait_until,
)
from tests.scripted_server import Body, Faults, refuse_fields, start_scripted_server


async def test_a_reply_comes_with_its_tokens_and_the_hash_of_its_request() -> None:
    request = make_request("two words")
    with start_scripted_server(reply=say_ok) as server:
        async with open_client(server.base_url) as client:
            reply = await client.ask(request)
    assert reply == Reply(request.request_id, "ok: two words", "scripted", "stop", 2, 3)
    assert (client.counters.prompt_tokens, client.counters.completion_tokens) == (2, 3)
    assert server.bodies == [request.to_body()]


async def test_a_request_refused_for_what_it_says_is_asked_once() -> None:
    with start_scripted_server(faults=Faults(refused=1)) as server:
        async with open_client(server.base_url) as client:
            outcome = await client.ask(make_request())
    assert outcome == Failure("refused", "400 This request cannot be served invalid_request_error")
    assert server.request_count == 1


async def test_fields_that_a_server_refuses_are_left_out_from_then_on_and_identify_the_request_still() -> None:
    refuse = refuse_fields("max_tokens", "seed")
    first, second = (replace(make_request(text), sampling={"max_tokens": 9, "seed": 1}) for text in ("one", "two"))
    with start_scripted_server(reply=say_ok, refuse=refuse) as server:
        async with open_client(server.base_url) as client:
            replies = [await client.ask(first), await client.ask(second)]
    assert [reply.request_id for reply in replies if isinstance(reply, Reply)] == [first.request_id, second.request_id]
    assert [asked.status for asked in server.log] == [400, 400, 200, 200]
    assert [set(body) - {"model", "messages"} for body in server.bodies[2:]] == [{"max_completion_tokens"}] * 2
    assert [body["max_completion_tokens"] for body in server.bodies[2:]] == [9, 9]
    assert (client.counters.requests, client.counters.replies) == (2, 2)
    assert client.counters.retries == {"unsupported": 2}
    assert client.counters.without == {"max_tokens": 2, "seed": 2}


async def test_a_server_that_does_not_tell_how_likely_a_text_is_is_counted_and_its_reply_kept() -> None:
    measured = replace(make_request(), extra={"logprobs": True}, measured="ok: hello")
    with start_scripted_server(reply=say_ok, refuse=refuse_fields("logprobs")) as server:
        async with open_client(server.base_url) as client:
            reply = await client.ask(measured)
            await client.ask(make_request("another"))
    assert isinstance(reply, Reply)
    assert (reply.content, reply.logprob) == ("ok: hello", None)
    assert client.counters.without == {"logprobs": 1}


async def test_requests_that_were_under_way_when_a_field_was_refused_are_asked_again_and_later_ones_once() -> None:
    with start_scripted_server(refuse=refuse_fields("temperature")) as server:
        async with open_client(server.base_url, max_in_flight=4) as client:
            outcomes = await asyncio.gather(*(client.ask(make_request(str(i))) for i in range(40)))
    assert all(isinstance(outcome, Reply) for outcome in outcomes)
    assert 1 <= server.stats()["by_status"]["400"] <= 4


async def test_a_field_that_makes_a_server_fail_is_left_out_too() -> None:
    def refuse(body: Body) -> tuple[int, Any] | None:
        return (500, {"error": "unexpected keyword argument 'seed'"}) if "seed" in body else None

    with start_scripted_server(refuse=refuse) as server:
        async with open_client(server.base_url) as client:
            assert isinstance(await client.ask(replace(make_request(), sampling={"seed": 1})), Reply)
    assert [asked.status for asked in server.log] == [500, 200]


async def test_what_one_model_refuses_is_sent_to_another() -> None:
    def refuse(body: Body) -> tuple[int, Any] | None:
        return refuse_fields("temperature")(body) if body["model"] == "strict" else None

    with start_scripted_server(model=None, refuse=refuse) as server:
        async with open_client(server.base_url) as client:
            for model in ("strict", "scripted"):
                await client.ask(replace(make_request(), model=model))
    assert ["temperature" in body for body in server.bodies] == [True, False, True]


async def test_a_request_that_is_refused_without_the_field_too_teaches_nothing() -> None:
    def refuse(body: Body) -> tuple[int, Any] | None:
        said = body["messages"][-1]["content"]
        return (400, {"error": {"message": f"Not with us: {said}"}}) if "Unknown" in said else None

    with start_scripted_server(refuse=refuse) as server:
        async with open_client(server.base_url) as client:
            outcome = await client.ask(make_request("Unknown parameter: 'temperature'."))
            await client.ask(make_request("hello"))
    assert isinstance(outcome, Failure)
    assert outcome.reason == "refused"
    assert ["temperature" in body for body in server.bodies] == [True, False, True]


async def test_a_probe_is_sent_as_the_server_takes_it() -> None:
    refuse = refuse_fields("max_tokens")
    with start_scripted_server(reply=spoil_on_poison, refuse=refuse) as server:
        async with open_client(server.base_url, max_attempts=1) as client:
            await client.ask(make_request(max_tokens=9))
            outcome = await client.ask(make_request("poison", max_tokens=9))
    assert isinstance(outcome, Failure)
    assert outcome.reason == "server_error"
    assert [body["max_completion_tokens"] for body in server.bodies if "say" in str(body).lower()] == [1]


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


@pytest.mark.parametrize("faults", [Faults(busy=1), Faults(broken=1), Faults(unavailable=1), Faults(refused=1)])
async def test_a_server_that_repeats_the_header_does_not_give_the_key_away(faults: Faults) -> None:
    said = ""
    # a first try that fails is followed by others, and by the end of the build if the server stays busy forever
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
            numbers, bounded = itertools.count(), asyncio.Event()

            async def keep_asking() -> None:
                while not bounded.is_set():
                    assert isinstance(await client.ask(make_request(str(next(numbers)))), Reply)

            asked = [asyncio.create_task(keep_asking()) for _ in range(64)]
            await wait_until(lambda: client.limits == {server.base_url: 9})  # four, and a queue of five
            bounded.set()
            await asyncio.gather(*asked)
    assert server.request_count == next(numbers)


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
