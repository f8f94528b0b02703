"""A reply that repeats itself is given up early, and what is kept of it depends on its text alone."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from docmatix.core.pairs import Reply
from docmatix.models.event_stream import EventStream
from docmatix.models.loops import FIRST_CHARS, REPETITION, LoopWatch, cut_off
from docmatix.models.responses import read_answer
from docmatix.prompting.replies import parse_reply, repeats_itself
from tests.models.clients import make_request, open_client, wait_until
from tests.scripted_server import Answer, Body, refuse_fields, start_scripted_server

PAIRS = [("When was the barn built?", "1904"), ("Who owns it?", "A. Løvås"), ("Where is it?", "on Field Road")]
LONG = 200


def write_json(pairs: list[tuple[str, str]]) -> str:
    return json.dumps({"pairs": [{"question": question, "answer": answer} for question, answer in pairs]})


def write_text(pairs: list[tuple[str, str]]) -> str:
    return "\n".join(f"Q{n}: {question}\nA{n}: {answer}\n" for n, (question, answer) in enumerate(pairs, 1))


LOOPS = {
    "one pair as JSON": write_json(PAIRS[:2] + PAIRS[2:] * LONG),
    "one pair under numbers": write_text(PAIRS[:2] + PAIRS[2:] * LONG),
    "three pairs in turn": write_json(PAIRS * LONG),
    "whole lists": "\n".join([write_json(PAIRS)] * LONG),
    "lists in fences": "\n".join([f"```json\n{write_json(PAIRS)}\n```"] * LONG),
    "objects in lines": "\n".join([json.dumps({"question": "Who?", "answer": "A. Løvås"}, ensure_ascii=False)] * LONG),
    "bold labels": "\n\n".join(["**Q:** When was the barn built?\n**A:** 1904"] * LONG),
    "after thoughts": "<think>Let me see. The barn.</think>" + write_json(PAIRS[:1] * LONG),
    "beyond the BMP": write_json([("Which sign is it?", "\U0001f600")] * LONG),
}


@pytest.mark.parametrize("said", LOOPS.values(), ids=list(LOOPS))
def test_what_the_same_pair_has_come_three_times_in_is_cut_off(said: str) -> None:
    whole = Reply("r", said, "m", "length", 900, 4000)
    cut = cut_off(whole, repeats_itself)
    assert said.startswith(cut.content)
    assert (cut.finish_reason, cut.completion_tokens) == (REPETITION, 4000)
    assert len(cut.content) < 1600
    pairs, malformed = parse_reply(cut.content, format="pairs_json", finish_reason=cut.finish_reason)
    assert set(malformed) == {"repeated"}
    before, _ = parse_reply(said, format="pairs_json", finish_reason="length")
    assert set(pairs) == set(before)


NO_LOOPS = {
    "as many pairs": write_json([(f"What is in row {n}?", f"item {n * n}") for n in range(LONG)]),
    "numbers that differ": write_text([("What was the revenue?", f"${n} million") for n in range(LONG)]),
    "years that differ": write_json([(f"What was sold in {1800 + n}?", "5 tons") for n in range(LONG)]),
    "twice": write_json(PAIRS * 2),
    "drafts": f"<think>{' Once more: '.join([write_json(PAIRS)] * 9)}</think>{write_json(PAIRS)}",
    "drafts that nothing marks": "Let me think.\n" + "\nNo, better:\n".join([write_json(PAIRS)] * 2) + "</think>",
    "a table": "| a | b |\n" + "| --- | --- |\n" * LONG,
    "nothing": "\n" * 9999,
    "a word": "very " * 9999,
}


@pytest.mark.parametrize("said", NO_LOOPS.values(), ids=list(NO_LOOPS))
def test_what_only_looks_like_a_loop_is_kept_whole(said: str) -> None:
    reply = Reply("r", said, "m", "stop", 900, 400)
    assert cut_off(reply, repeats_itself) == reply


def write_events(said: str, *sizes: int) -> bytes:
    pieces, at = [], 0
    for size in sizes:
        pieces.append(said[at : at + size])
        at += size
    sent: list[Any] = [{"model": "m", "choices": [{"delta": {"content": piece}}]} for piece in [*pieces, said[at:]]]
    sent.append({"model": "m", "choices": [{"delta": {}, "finish_reason": "length"}]})
    sent.append({"model": "m", "choices": [], "usage": {"prompt_tokens": 900, "completion_tokens": 4000}})
    return "".join(f"data: {json.dumps(each)}\r\n\r\n" for each in sent).encode() + b"data: [DONE]\r\n\r\n"


def feed(raw: bytes, step: int, *, watch: LoopWatch | None = None) -> EventStream:
    events = EventStream(watch)
    for at in range(0, len(raw), step):
        events.feed(raw[at : at + step])
    return events


@given(
    st.sampled_from([*LOOPS.values(), *NO_LOOPS.values()]),
    st.lists(st.integers(1, 400), max_size=30),
    st.integers(5, 3000),
)
def test_what_is_kept_depends_neither_on_events_nor_on_packets(said: str, sizes: list[int], step: int) -> None:
    whole = cut_off(Reply("r", said, "m", "length", 900, 4000), repeats_itself)
    events = feed(write_events(said, *sizes), step, watch=LoopWatch(repeats_itself))
    outcome = read_answer(200, {}, events, request_id="r")
    assert isinstance(outcome, Reply)
    streamed = cut_off(outcome, repeats_itself)
    assert (streamed.content, streamed.finish_reason) == (whole.content, whole.finish_reason)
    assert events.is_looping == (whole.finish_reason == REPETITION)


@given(st.text(max_size=600), st.text(min_size=1, max_size=80), st.integers(0, 40), st.text(max_size=99))
def test_an_end_is_found_in_whatever_follows_it(before: str, piece: str, times: int, after: str) -> None:
    said = before + piece * times + after
    end = LoopWatch(lambda _: True).find_end(said)
    if end is not None:
        assert end >= FIRST_CHARS
        assert LoopWatch(lambda _: True).find_end(said[:end]) == end
        watch = LoopWatch(lambda _: True)
        assert next(filter(None, (watch.find_end(said[:size]) for size in range(len(said) + 1)))) == end


# --- the client -------------------------------------------------------------------------------------------------------

LOOP = LOOPS["one pair as JSON"]


async def test_the_connection_is_closed_and_the_server_stops_where_a_pair_comes_for_the_third_time() -> None:
    with start_scripted_server(reply=lambda _: LOOP, streams=True) as server:
        async with open_client(server.base_url, repeats=repeats_itself) as client:
            reply = await client.ask(make_request())
            await wait_until(lambda: len(server.log) == 1)
            stream = server.streams[0]
    assert isinstance(reply, Reply)
    assert LOOP.startswith(reply.content)
    assert reply.finish_reason == REPETITION
    assert server.log[0].status == 0  # it was never answered to the end
    assert stream.sent < stream.events / 10
    # an estimate: it counts the tokens of a stream at its end
    assert 0 < reply.completion_tokens < 400
    assert reply.prompt_tokens > 0
    assert client.counters.completion_tokens == reply.completion_tokens


def say(body: Body) -> str:
    return f"ok: {body['messages'][-1]['content']} \U0001f600 é"


@pytest.mark.parametrize(
    "message",
    [
        {"role": "assistant", "content": "1 µg \U0001f600"},
        {"content": "a", "reasoning_content": "hm hm hm"},
        {"content": "a", "reasoning": "hm hm hm"},
        {
            "content": [
                {"type": "thinking", "thinking": [{"type": "text", "text": "hm"}]},
                {"type": "text", "text": "a"},
            ]
        },
        {"content": [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]},
        {"content": None, "tool_calls": [{"function": {"name": "save", "arguments": '{"pairs": []}'}}]},
        {"content": "", "tool_calls": [{"function": {"name": "save", "arguments": {"pairs": []}}}] * 2},
        {"content": None, "function_call": {"name": "save", "arguments": "{}"}},
        {"content": None, "refusal": "I cannot help with that."},
        {"content": "<|channel|>analysis<|message|>hm<|end|><|start|>assistant<|channel|>final<|message|>a"},
    ],
)
@pytest.mark.parametrize("finish_reason", ["stop", "length"])
async def test_a_reply_is_the_same_whether_it_comes_in_events_or_whole(message: object, finish_reason: str) -> None:
    usage = {"prompt_tokens": 7, "completion_tokens": 5}
    answer = Answer({**Answer.of_message(message, finish_reason).content, "usage": usage})
    replies = []
    for streams in (False, True):
        with start_scripted_server(reply=lambda _: answer, streams=streams) as server:
            async with open_client(server.base_url, repeats=repeats_itself) as client:
                replies.append(await client.ask(make_request()))
        assert len(server.streams) == streams
    assert isinstance(replies[0], Reply)
    assert replies[0] == replies[1]
    assert replies[0].completion_tokens == 5


async def test_fields_of_the_stream_are_sent_and_not_recorded_and_connections_are_kept() -> None:
    with start_scripted_server(reply=say, streams=True) as server:
        async with open_client(server.base_url, repeats=repeats_itself) as client:
            asked = [make_request(f"{n}") for n in range(3)]
            replies = [await client.ask(each) for each in asked]
            sessions = client._connect().connector
            assert sessions is not None
            assert len(sessions._conns) == 1
    assert [reply.content for reply in replies if isinstance(reply, Reply)] == [
        f"ok: {n} \U0001f600 é" for n in range(3)
    ]
    assert all(body["stream"] is True and body["stream_options"] == {"include_usage": True} for body in server.bodies)
    assert all(b"stream" not in each.body for each in asked)


async def test_short_replies_and_those_that_nobody_watches_come_whole() -> None:
    with start_scripted_server(reply=say, streams=True) as server:
        async with open_client(server.base_url, repeats=repeats_itself) as client:
            short = make_request()
            short.sampling["max_tokens"] = 64
            await client.ask(short)
        async with open_client(server.base_url) as client:
            await client.ask(make_request())
    assert not any("stream" in body for body in server.bodies)


REFUSALS: list[tuple[int, object]] = [
    (400, {"error": {"message": "Streaming is not supported for this model."}}),
    (422, {"detail": [{"type": "extra_forbidden", "loc": ["body", "stream_options"], "msg": "Extra inputs"}]}),
    (400, {"error": {"message": "property 'stream_options' is unsupported, did you mean 'stream'?"}}),
    (400, {"error": {"message": "verify to stream this model", "param": "stream", "code": "unsupported_value"}}),
    (500, {"error": {"message": "stream mode is not implemented"}}),
    (400, {"error": {"message": "bad request"}}),  # whatever it means
    (500, {"error": {"message": "internal error"}}),
    (501, {}),
]


@pytest.mark.parametrize(("status", "content"), REFUSALS)
async def test_a_server_without_streams_is_asked_for_whole_replies_from_then_on(status: int, content: object) -> None:
    def refuse(body: Body) -> tuple[int, object] | None:
        return (status, content) if "stream" in body else None

    with start_scripted_server(reply=say, refuse=refuse, streams=True) as server:
        async with open_client(server.base_url, repeats=repeats_itself) as client:
            for n in range(4):
                assert isinstance(await client.ask(make_request(f"{n}")), Reply)
            assert any(name.startswith("stream") for name in client.counters.without)
    assert not server.streams
    assert server.request_count <= 6


async def test_a_request_that_is_refused_in_itself_teaches_nothing_of_streams() -> None:
    def refuse(body: Body) -> tuple[int, object] | None:
        return (400, {"error": "no"}) if "bad" in str(body["messages"]) else None

    with start_scripted_server(reply=say, refuse=refuse, streams=True) as server:
        async with open_client(server.base_url, repeats=repeats_itself) as client:
            assert not isinstance(await client.ask(make_request("bad")), Reply)
            assert isinstance(await client.ask(make_request("good")), Reply)
            assert not isinstance(await client.ask(make_request("bad, too")), Reply)
            assert not client.counters.without
    assert len(server.streams) == 1
    assert server.request_count == 4  # the first one was tried without a stream too


async def test_a_server_that_takes_other_fields_only_is_still_asked_for_streams() -> None:
    with start_scripted_server(reply=say, refuse=refuse_fields("temperature"), streams=True) as server:
        async with open_client(server.base_url, repeats=repeats_itself) as client:
            for n in range(2):
                assert isinstance(await client.ask(make_request(f"{n}")), Reply)
            assert set(client.counters.without) == {"temperature"}
    assert len(server.streams) == 2
