"""Streams of events as servers and gateways send them, read as they come."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from docmatix.core.pairs import Failure, Reply
from docmatix.models.transport import MOST_REPLY_BYTES
from docmatix.prompting.replies import repeats_itself
from tests.models.clients import make_request, open_client

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: %s\r\nConnection: close\r\n\r\n"
EVENTS = HEAD % b"text/event-stream"


def write(*deltas: Any, finish_reason: str | None = "stop", done: bool = True) -> bytes:
    sent: list[Any] = [{"model": "m", "choices": [{"delta": delta, "finish_reason": None}]} for delta in deltas]
    if finish_reason:
        sent.append({"model": "m", "choices": [{"delta": {}, "finish_reason": finish_reason}]})
        sent.append({"model": "m", "choices": [], "usage": {"prompt_tokens": 9, "completion_tokens": 2}})
    events = [*(json.dumps(each, ensure_ascii=False) for each in sent), *(["[DONE]"] if done else [])]
    return "".join(f"data: {event}\n\n" for event in events).encode()


SAID = [{"role": "assistant"}, {"content": "5 µg"}, {"content": " \U0001f600"}]
WHOLE = json.dumps({"model": "m", "choices": [{"message": {"content": "5 µg \U0001f600"}, "finish_reason": "stop"}]})
BROKEN = write(*SAID[:2], finish_reason=None, done=False)


@asynccontextmanager
async def open_server(*answers: bytes, step: int = 1 << 16, stays_open: bool = False) -> AsyncIterator[str]:
    """A server that sends the answers one after the other, in pieces of `step` bytes; the last one again and again."""
    left = list(answers)
    open_ones = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError):
            asked = await reader.readuntil(b"\r\n\r\n")
            if asked.startswith(b"POST"):
                answer = left.pop(0) if len(left) > 1 else left[0]
                for at in range(0, len(answer), step):
                    writer.write(answer[at : at + step])
                    await writer.drain()
                    if step < 1 << 10:
                        await asyncio.sleep(0)
        if stays_open:
            open_ones.append(writer)
        else:
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1"
        for writer in open_ones:
            writer.close()


STREAMS = {
    "plain": EVENTS + write(*SAID),
    "CRLF": EVENTS + write(*SAID).replace(b"\n", b"\r\n"),
    "comments": EVENTS + b": ping\n\n" + write(*SAID).replace(b"\n\n", b"\n\n: ping\n\n"),
    "names and numbers": EVENTS + write(*SAID).replace(b"data:", b"event: message\nid: 7\nretry: 10\ndata:"),
    "pings in JSON": EVENTS + b'event: ping\ndata: {"type": "ping"}\n\n' + write(*SAID),
    "no blank after the colon": EVENTS + write(*SAID).replace(b"data: ", b"data:"),
    "no type": HEAD % b"application/json" + write(*SAID),
    "no mark of the end": EVENTS + write(*SAID, done=False),
    "a message at the end": EVENTS
    + write(*SAID).replace(b'{"delta": {}, ', b'{"delta": {}, "message": {"content": "all of it"}, '),
    "the other half of a character": EVENTS + write(*SAID).replace("\U0001f600".encode(), b"\\ud83d\\ude00"),
    "halves in two events": EVENTS
    + write(*SAID[:2], {"content": " @"}, {"content": "#"}).replace(b"@", b"\\ud83d").replace(b"#", b"\\ude00"),
    "one piece under the type of events": EVENTS + WHOLE.encode(),
    "one piece after comments": EVENTS + b": wait\n\n: wait\n\n" + WHOLE.encode(),
    "one piece": HEAD % b"application/json" + WHOLE.encode(),
}


@pytest.mark.parametrize("step", [1, 7, 1 << 16])
@pytest.mark.parametrize("answer", STREAMS.values(), ids=list(STREAMS))
async def test_a_stream_is_read_however_it_is_written_and_cut_into_packets(answer: bytes, step: int) -> None:
    async with open_server(answer, step=step) as address, open_client(address, repeats=repeats_itself) as client:
        reply = await client.ask(make_request())
        assert not client.counters.retries
    assert isinstance(reply, Reply)
    assert (reply.content, reply.finish_reason, reply.model) == ("5 µg \U0001f600", "stop", "m")


FAULTS = {
    "cut": EVENTS + BROKEN,
    "cut in a character": EVENTS + BROKEN[: BROKEN.index("µ".encode()) + 1],
    "cut within chunks": b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
    + b"%x\r\n%s\r\n" % (len(BROKEN), BROKEN),
    "an error among the events": EVENTS + BROKEN + b'data: {"error": {"message": "fell over", "code": 500}}\n\n',
    "an error as an event": EVENTS + b'event: error\ndata: {"error": {"message": "fell over"}}\n\ndata: [DONE]\n\n',
    "given up": EVENTS + write(*SAID, finish_reason="abort"),
    "no JSON": EVENTS + b"data: <html>\n\n" + write(*SAID),
    "nothing": EVENTS,
    "too many requests": EVENTS + b'data: {"error": {"message": "slow down", "code": 429}}\n\n',
}


@pytest.mark.parametrize("fault", FAULTS.values(), ids=list(FAULTS))
async def test_half_of_a_stream_is_no_reply_and_is_asked_for_again(fault: bytes) -> None:
    async with (
        open_server(fault, STREAMS["plain"]) as address,
        open_client(address, repeats=repeats_itself) as client,
    ):
        reply = await client.ask(make_request())
        assert client.counters.retries.total() == 1
    assert isinstance(reply, Reply)
    assert reply.content == "5 µg \U0001f600"
    assert (reply.prompt_tokens, reply.completion_tokens) == (9, 2)


async def test_an_error_about_the_context_in_a_stream_is_one() -> None:
    said = b'data: {"error": {"message": "prompt is too long: 9000 tokens > 8192 maximum"}}\n\n'
    async with open_server(EVENTS + said) as address, open_client(address, repeats=repeats_itself) as client:
        outcome = await client.ask(make_request())
    assert isinstance(outcome, Failure)
    assert outcome.reason == "too_long"


async def test_a_stream_without_its_end_makes_the_next_try_ask_for_one_piece() -> None:
    """Some gateways leave out the finish reason, without which a cut is no cut."""
    endless = EVENTS + write(*SAID, finish_reason=None)
    answers = (endless, endless, STREAMS["one piece"])
    async with open_server(*answers) as address, open_client(address, repeats=repeats_itself) as client:
        assert isinstance(await client.ask(make_request()), Reply)
        assert client.counters.without == {"stream": 1}


async def test_a_connection_that_stays_open_after_the_last_event_is_not_waited_for() -> None:
    async with (
        open_server(STREAMS["plain"], stays_open=True) as address,
        open_client(address, repeats=repeats_itself, timeout_s=20) as client,
    ):
        async with asyncio.timeout(10):
            assert isinstance(await client.ask(make_request()), Reply)


async def test_a_long_reply_in_many_small_events_is_whole_and_one_that_never_ends_is_given_up() -> None:
    deltas = [{"content": f"{n:04d} "} for n in range(60_000)]
    long = EVENTS + write(*deltas)
    assert len(long) > MOST_REPLY_BYTES
    async with open_server(long) as address, open_client(address, repeats=repeats_itself) as client:
        reply = await client.ask(make_request())
    assert isinstance(reply, Reply)
    assert reply.content == "".join(delta["content"] for delta in deltas)
    huge = EVENTS + write({"content": "x" * (MOST_REPLY_BYTES + 1)})
    async with (
        open_server(huge, STREAMS["plain"]) as address,
        open_client(address, repeats=repeats_itself) as client,
    ):
        assert isinstance(await client.ask(make_request()), Reply)
        assert client.counters.retries == {"garbage": 1}
