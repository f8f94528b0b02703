"""llama.cpp for real: it starts, answers, keeps to a grammar, and ends with its parent."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import psutil  # type: ignore[import-untyped]
import pytest

from docmatix.core.errors import BuildError, SetupError
from docmatix.core.pairs import Failure, Message, Reply, Request
from docmatix.models.client import ChatClient
from docmatix.models.llamacpp import LlamacppEngine
from docmatix.models.llamacpp_server import LlamacppServer, count_threads, find_model, start_llamacpp
from docmatix.models.preflight import check_server
from docmatix.prompting.replies import repeats_itself
from tests.waiting import wait_until

pytest.importorskip("xllamacpp")

ENGINE = LlamacppEngine(kind="llamacpp", context_tokens=512, slots=2, threads=1)
STARTER = """
import os, sys, threading, time
from docmatix.models.llamacpp import LlamacppEngine
from docmatix.models.llamacpp_server import start_llamacpp

def serve():
    with start_llamacpp(LlamacppEngine(kind="llamacpp", context_tokens=512, slots=1, threads=1)) as server:
        fork = os.fork() if "fork" in sys.argv else 0  # holds the pipes open when its parent is dead
        if "fork" in sys.argv and not fork:
            os.close(1)
            time.sleep(120)
            os._exit(0)
        print(server.pid, fork, flush=True)
        time.sleep(600)

if "thread" in sys.argv:
    threading.Thread(target=serve).start()
else:
    serve()
"""


@pytest.fixture(scope="module")
def server() -> Iterator[LlamacppServer]:
    with start_llamacpp(ENGINE) as running:
        yield running


def is_gone(pid: int) -> bool:
    return not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE


def make_client(server: LlamacppServer) -> ChatClient:
    return ChatClient([server.base_url], api_key=server.api_key.get_secret_value(), give_up_after_s=60)


def make_request(text: str, **extra: str) -> Request:
    return Request(ENGINE.model, (Message("user", text),), {"temperature": 0, "max_tokens": 8}, dict(extra))


@pytest.mark.slow
async def test_it_answers_under_its_configured_name(server: LlamacppServer) -> None:
    assert server.is_alive()
    key = server.api_key.get_secret_value()
    assert await check_server([server.base_url], model="smollm2-135m", api_key=key, timeout_s=60) == []
    async with make_client(server) as client:
        reply = await client.ask(make_request("Say hello."))
    assert isinstance(reply, Reply)
    assert reply.model == "smollm2-135m"
    assert reply.content
    assert 0 < reply.completion_tokens <= 8
    assert key not in server.read_log()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("grammar", "allowed"),
    [
        ('root ::= "yes" | "no"', {"yes", "no"}),
        ("%llguidance {}\nstart: /(yes|no)/", {"yes", "no"}),
    ],
)
async def test_a_reply_keeps_to_its_grammar(server: LlamacppServer, grammar: str, allowed: set[str]) -> None:
    async with make_client(server) as client:
        reply = await client.ask(make_request("Tell me a long story.", grammar=grammar))
    assert isinstance(reply, Reply)
    assert reply.content in allowed


@pytest.mark.slow
async def test_a_reply_that_is_held_to_a_text_is_as_likely_as_the_same_written_freely(server: LlamacppServer) -> None:
    free = replace(make_request("Say hello."), extra={"logprobs": True, "top_logprobs": 1})

    async def measure(client: ChatClient, text: str) -> float:
        messages, fields = ENGINE.measure_text(free.messages, text)
        reply = await client.ask(replace(free, messages=messages, extra=fields, measured=text))
        assert isinstance(reply, Reply)
        assert (reply.content, client.counters.without) == (text, {})
        assert reply.logprob is not None
        return reply.logprob

    async with make_client(server) as client:
        written = await client.ask(free)
        assert isinstance(written, Reply)
        assert written.logprob is None
        read = await client.ask(replace(free, measured=written.content))
        assert isinstance(read, Reply)
        # after the grammar, the only token that it allows would have a probability of 1
        assert await measure(client, written.content) == pytest.approx(read.logprob, abs=0.05)
        fluent, scrambled = "When was the bridge opened?", "Bridge when opened the was?"
        assert await measure(client, fluent) > await measure(client, scrambled) + 1


@pytest.mark.slow
async def test_it_stops_where_a_reply_repeats_itself(server: LlamacppServer) -> None:
    grammar = r'root ::= ("Q: Who signed the lease?\nA: Ann Lee\n\n")+'
    request = Request(ENGINE.model, (Message("user", "Ask."),), {"temperature": 0}, {"grammar": grammar})
    key = server.api_key.get_secret_value()
    async with ChatClient([server.base_url], api_key=key, repeats=repeats_itself) as client:
        reply = await client.ask(request)
        assert not client.counters.without
        async with asyncio.timeout(30):  # the slot is free again
            assert isinstance(await client.ask(make_request("Say hello.")), Reply)
    assert isinstance(reply, Reply)
    assert reply.finish_reason == "repetition"
    assert reply.content.startswith("Q: Who signed the lease?\nA: Ann Lee\n\n" * 3)
    assert len(reply.content) < 600


@pytest.mark.slow
async def test_a_streamed_reply_is_the_one_that_comes_whole(server: LlamacppServer) -> None:
    request = Request(ENGINE.model, (Message("user", "Name three cities."),), {"temperature": 0, "max_tokens": 256})
    key = server.api_key.get_secret_value()
    replies = []
    for repeats in (None, repeats_itself):
        async with ChatClient([server.base_url], api_key=key, repeats=repeats) as client:
            replies.append(await client.ask(request))
    assert isinstance(replies[0], Reply)
    assert replies[0] == replies[1]


@pytest.mark.slow
async def test_a_prompt_beyond_a_slots_context_is_too_long_and_a_broken_grammar_refused(server: LlamacppServer) -> None:
    async with make_client(server) as client:
        too_long = await client.ask(make_request("word " * 1000))
        refused = await client.ask(make_request("hello", grammar='root ::= "'))
    assert isinstance(too_long, Failure)
    assert isinstance(refused, Failure)
    assert (too_long.reason, refused.reason) == ("too_long", "refused")


@pytest.mark.slow
@pytest.mark.parametrize("starter", [["main"], ["thread"], ["thread", "fork"]], ids=" and ".join)
def test_it_ends_when_its_parent_is_killed(starter: list[str]) -> None:
    with subprocess.Popen([sys.executable, "-c", STARTER, *starter], stdout=subprocess.PIPE, text=True) as parent:
        try:
            assert parent.stdout
            pid, fork = map(int, parent.stdout.readline().split())
            assert not is_gone(pid)
        finally:
            parent.kill()
        assert wait_until(lambda: is_gone(pid))
        if fork:
            os.kill(fork, signal.SIGKILL)


@pytest.mark.slow
async def test_it_is_started_again_at_its_address_when_it_is_killed() -> None:
    with start_llamacpp(ENGINE) as server:
        killed = server.pid
        os.kill(killed, signal.SIGKILL)
        async with make_client(server) as client:
            reply = await client.ask(make_request("Say hello."))
        assert isinstance(reply, Reply)
        assert server.pid != killed
        assert wait_until(lambda: server.restarts == 1)
    assert is_gone(server.pid)


@pytest.mark.slow
def test_one_that_cannot_be_started_again_ends_the_build_with_its_words(tmp_path: Path) -> None:
    model = tmp_path / "copy.gguf"
    shutil.copy(find_model("smollm2-135m"), model)
    with start_llamacpp(ENGINE.model_copy(update={"model": str(model)})) as server:
        assert server.look() == [{"restarts": []}]
        model.unlink()  # what the server has mapped stays as it is
        model.write_bytes(b"GGUF, but not quite")
        os.kill(server.pid, signal.SIGKILL)
        assert wait_until(lambda: server.given_up is not None)
        with pytest.raises(BuildError, match=r"died and failed to restart 3 times: .*copy\.gguf.*rerun the command"):
            server.look()


@pytest.mark.slow
def test_it_outlives_the_thread_that_started_it_and_ends_with_its_block() -> None:
    with ExitStack() as block:
        started: list[LlamacppServer] = []
        thread = threading.Thread(target=lambda: started.append(block.enter_context(start_llamacpp(ENGINE))))
        thread.start()
        thread.join()
        time.sleep(0.2)
        assert started[0].is_alive()
    assert not started[0].is_alive()
    assert is_gone(started[0].pid)


@pytest.mark.slow
def test_a_broken_model_file_is_a_setup_error_with_the_engines_words(tmp_path: Path) -> None:
    model = tmp_path / "broken.gguf"
    model.write_bytes(b"GGUF, but not quite")
    with (
        pytest.raises(SetupError, match=r"cannot serve .*broken\.gguf \(.*failed to load model"),
        start_llamacpp(ENGINE.model_copy(update={"model": str(model)})),
    ):
        pass


def test_a_start_that_takes_too_long_is_ended() -> None:
    with pytest.raises(BuildError, match=r"did not start within 0\.01 s"), start_llamacpp(ENGINE, start_timeout_s=0.01):
        pass


def test_a_packaged_model_is_found_by_name_and_any_other_by_path(tmp_path: Path) -> None:
    packaged = find_model("smollm2-135m")
    assert packaged.read_bytes()[:4] == b"GGUF"
    assert find_model(str(packaged)) == packaged.resolve()


def test_a_model_that_is_nowhere_is_refused_with_the_names_there_are() -> None:
    with pytest.raises(SetupError, match=r"neither a GGUF file nor one of smollm2-135m"):
        find_model("no/such.gguf")


def test_threads_are_few_but_some() -> None:
    assert 1 <= count_threads() <= 8
