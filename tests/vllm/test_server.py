"""The real vLLM under its watch: it answers, keeps to schema and grammar, and is started again however it dies."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil  # type: ignore[import-untyped]
import pytest

from docmatix.core.pairs import Failure, Message, Reply
from docmatix.models.metrics import ServerMetrics, parse_metrics
from docmatix.models.responses import read_answer
from docmatix.models.vllm.command import build_command, build_environment
from docmatix.models.vllm.engine import VllmEngine
from docmatix.models.vllm.replica import ServerState, VllmServer
from docmatix.models.vllm.supervisor import find_start, list_processes
from docmatix.prompting.questions.sentences.candidates import Candidate
from docmatix.prompting.questions.sentences.question_grammar import question_grammar
from docmatix.prompting.replies import pairs_schema
from tests.vllm_environment import find_python, real_engine

PATIENCE_S = 600.0
KEY = "key-of-the-tests"
CONTEXT = "The library in Marlow was opened on 3 May 1962 by the mayor and holds 48,000 books."
PARSE = """
import sys
from vllm.entrypoints.launchers.cli_args import make_arg_parser, validate_parsed_serve_args
from vllm.utils.argparse_utils import FlexibleArgumentParser
options = make_arg_parser(FlexibleArgumentParser()).parse_args(sys.argv[1:])
validate_parsed_serve_args(options)
print(options.dtype, options.limit_mm_per_prompt, len(options.lora_modules), options.structured_outputs_config.backend)
"""


@pytest.fixture(scope="module")
def engine() -> VllmEngine:
    return real_engine(env={"VLLM_API_KEY": KEY})


@pytest.fixture(scope="module")
def server(engine: VllmEngine) -> Iterator[VllmServer]:
    running = VllmServer(engine)
    try:
        yield running
    finally:
        running.close()


def wait_for(server: VllmServer, happened: Callable[[ServerState], bool]) -> ServerState:
    deadline = time.monotonic() + PATIENCE_S
    while not happened(state := server.describe()):
        assert state.state != "failed", state.detail
        assert time.monotonic() < deadline, state
        time.sleep(0.1)
    return state


def wait_until_ready(server: VllmServer, *, restarts: int = 0) -> ServerState:
    return wait_for(server, lambda state: state.state == "ready" and len(state.restarts) >= restarts)


def post(state: ServerState, text: str, **fields: Any) -> tuple[int, bytes]:
    """Status and body of a chat completion; status 0 where the connection broke."""
    messages = [{"role": "system", "content": "You are a helpful assistant."}, {"role": "user", "content": text}]
    body = {"model": "smollm2-135m", "messages": messages, "temperature": 0, "max_tokens": 60, **fields}
    headers = {"Content-Type": "application/json", "Authorization": f"Bearer {KEY}"}
    request = urllib.request.Request(f"{state.base_url}/chat/completions", json.dumps(body).encode(), headers)
    try:
        with urllib.request.urlopen(request, timeout=PATIENCE_S) as answer:
            return answer.status, answer.read()
    except urllib.error.HTTPError as error:
        return error.code, error.read()
    except OSError:
        return 0, b""


def ask(state: ServerState, text: str, **fields: Any) -> Reply:
    answer = read_answer(*_with_headers(post(state, text, **fields)), request_id="r")
    assert isinstance(answer, Reply), answer
    return answer


def _with_headers(answer: tuple[int, bytes]) -> tuple[int, dict[str, str], bytes]:
    return answer[0], {}, answer[1]


def ask_at_length(state: ServerState) -> tuple[threading.Thread, list[int]]:
    """A request that keeps the engine busy for as long as its context allows."""
    statuses: list[int] = []

    def run() -> None:
        statuses.append(post(state, "Tell me a story.", max_tokens=1900, ignore_eos=True)[0])

    thread = threading.Thread(target=run)
    thread.start()
    return thread, statuses


def list_session(state: ServerState) -> list[int]:
    return [process.pid for process in list_processes() if process.session == state.pid and not process.is_ended()]


def find_process(state: ServerState, title: bytes) -> int:
    """The process of the server that calls itself so."""
    found = [pid for pid in list_session(state) if title in Path(f"/proc/{pid}/cmdline").read_bytes()]
    assert len(found) == 1, found
    return found[0]


def wait_until_gone(pids: list[int]) -> bool:
    deadline = time.monotonic() + 60
    while any(find_start(pid) for pid in pids) and time.monotonic() < deadline:
        time.sleep(0.1)
    return not any(find_start(pid) for pid in pids)


def list_shared_memory(pids: list[int]) -> set[str]:
    """The files of the memory that processes share."""
    maps = "".join(Path(f"/proc/{pid}/maps").read_text() for pid in pids)
    return set(re.findall(r"/dev/shm/psm_\w+", maps))


def make_candidate() -> Candidate:
    start = CONTEXT.index("3 May 1962")
    return Candidate(answer="3 May 1962", kind="date", page=1, start=start, end=start + 10, context=CONTEXT)


def measure(engine: VllmEngine, state: ServerState, text: str) -> float:
    messages, fields = engine.measure_text((Message("user", "Ask a question about a document."),), text)
    sent = [message._asdict() for message in messages]
    answer = read_answer(*_with_headers(post(state, "", **fields, messages=sent)), request_id="r", measured=text)
    assert isinstance(answer, Reply), answer
    assert answer.logprob is not None
    return answer.logprob


def test_it_tells_how_likely_its_model_finds_a_text():
    # the first such request compiles a kernel, which took longer than the short patience of the other tests
    engine = real_engine(env={"VLLM_API_KEY": KEY}, hang_timeout_s=300)
    server = VllmServer(engine)
    try:
        state = wait_until_ready(server)
        fluent = measure(engine, state, "When was the bridge over the Tamar opened?")
        # what llama.cpp tells of the same weights and messages
        assert fluent == pytest.approx(-6.16, abs=0.3)
        assert measure(engine, state, "Tamar the When bridge over opened was the?") < fluent - 1
        assert measure(engine, state, "Où est le café ?") < 0
    finally:
        server.close()


def test_every_argument_is_one_that_vllm_knows():
    engine = real_engine(
        loras={"a": "org/a"}, vision=True, quantization="fp8", gpus_per_replica=None, extra_args=("--dtype", "half"),
        tensor_parallel_size=2,
    )  # fmt: skip
    command = build_command(engine, python=str(find_python()), host="127.0.0.1", port=1, pictures_per_request=3)
    told = subprocess.run(
        [command[0], "-c", PARSE, *command[3:]],
        env=build_environment(engine, os.environ), capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert told.returncode == 0, told.stderr[-2000:]
    assert told.stdout.splitlines()[-1] == "half {'image': 3} 1 guidance"


def test_it_answers_in_sensible_english(server: VllmServer):
    state = wait_until_ready(server)
    assert state.failed_starts == 0
    assert "Paris" in ask(state, "What is the capital of France?").content


def request_status(state: ServerState, method: str, path: str, **headers: str) -> int:
    assert state.base_url
    root = state.base_url.removesuffix("/v1")
    body = b'{"model": "smollm2-135m", "messages": [{"role": "user", "content": "Hi."}]}' if method == "POST" else None
    request = urllib.request.Request(root + path, body, {"Content-Type": "application/json", **headers}, method=method)
    try:
        with urllib.request.urlopen(request, timeout=PATIENCE_S) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        return error.code


def test_every_path_but_health_and_metrics_asks_for_the_key(server: VllmServer):
    state = wait_until_ready(server)
    assert state.base_url
    page = urllib.request.Request(
        f"{state.base_url.removesuffix('/v1')}/openapi.json", headers={"Authorization": f"Bearer {KEY}"}
    )
    with urllib.request.urlopen(page, timeout=PATIENCE_S) as answer:
        paths = json.load(answer)["paths"]
    uses = [(method.upper(), path) for path, methods in paths.items() for method in methods]
    uses += [("GET", path) for path in ("/docs", "/redoc", "/openapi.json", "/static/a", "/nowhere")]
    assert ("POST", "/invocations") in uses, "the path that vLLM itself leaves open and that answers as a chat does"
    statuses = {(method, path): request_status(state, method, path) for method, path in uses}
    assert {use for use, status in statuses.items() if status != 401} == {("GET", "/health"), ("GET", "/metrics")}
    assert request_status(state, "POST", "/invocations", Authorization=f"Bearer {KEY}") == 200
    assert request_status(state, "OPTIONS", "/v1/chat/completions", Origin="http://evil.example") == 401


def test_nothing_of_it_listens_beyond_this_machine_or_starts_in_our_folder(server: VllmServer):
    pids = list_session(wait_until_ready(server))
    listening = [
        connection.laddr.ip
        for pid in pids
        for connection in psutil.Process(pid).net_connections()
        if connection.status == psutil.CONN_LISTEN
    ]
    assert set(listening) == {"127.0.0.1"}
    assert {psutil.Process(pid).cwd() for pid in pids} == {"/"}


def test_replies_keep_to_a_json_schema_without_white_space(server: VllmServer, engine: VllmEngine):
    state = wait_until_ready(server)
    held = engine.constrain_json("pairs", pairs_schema()) or {}
    reply = ask(state, f"Write one question and its answer as JSON about this: {CONTEXT}", max_tokens=200, **held)
    if reply.finish_reason == "stop":
        json.loads(reply.content)
    outside = re.sub(r'"(?:[^"\\]|\\.)*"?', "", reply.content)
    assert reply.content.startswith("{")
    assert not re.search(r"\s{2}|\n", outside), reply.content


def test_replies_keep_to_a_question_s_grammar_and_to_choices(server: VllmServer, engine: VllmEngine):
    state = wait_until_ready(server)
    grammar = question_grammar(make_candidate())
    assert grammar is not None
    reply = ask(state, f"Ask when the library was opened. {CONTEXT}", **engine.constrain_grammar(grammar))
    assert reply.finish_reason == "stop"
    assert re.fullmatch(grammar.partition("start: /")[2].rstrip("/"), reply.content), reply.content
    choices = ['the "mayor"', "3 May 1962", "nobody\nat all"]
    reply = ask(state, f"When was it opened? {CONTEXT}", **engine.constrain_choices(choices))
    assert reply.content in choices


def test_a_request_that_is_too_long_is_refused_by_name(server: VllmServer):
    state = wait_until_ready(server)
    answer = read_answer(*_with_headers(post(state, "word " * 3000)), request_id="r")
    assert isinstance(answer, Failure)
    assert answer.reason == "too_long"
    assert "maximum context length is 2048" in answer.detail


def read_metrics(state: ServerState) -> ServerMetrics:
    """What the server says now: the watch's own may be of a second ago, in the middle of the request before."""
    assert state.base_url
    with urllib.request.urlopen(f"{state.base_url.removesuffix('/v1')}/metrics", timeout=PATIENCE_S) as answer:
        metrics = parse_metrics(answer.read().decode())
    assert metrics
    return metrics


def test_metrics_move(server: VllmServer):
    state = wait_until_ready(server)
    before = read_metrics(state)
    for _ in range(2):
        ask(state, f"{CONTEXT * 12} What is this about?", max_tokens=5)
    after = wait_for(
        server, lambda state: bool(state.metrics and state.metrics.finished >= before.finished + 2)
    ).metrics
    assert after
    assert after.generation_tokens >= before.generation_tokens + 10
    assert after.prompt_tokens > before.prompt_tokens + 400
    assert after.steps > before.steps
    assert after.first_tokens >= before.first_tokens + 2
    assert after.prefix_hits >= before.prefix_hits + 128, "the second prompt shares its beginning with the first"


@pytest.mark.parametrize(
    ("title", "number", "reason", "statuses"),
    [
        (b"api_server", signal.SIGKILL, "died (signal 9)", [0]),
        (b"EngineCore", signal.SIGKILL, "engine died", [500]),
        (b"EngineCore", signal.SIGSTOP, "hang", [0]),
    ],
)
def test_one_that_dies_or_hangs_at_work_is_started_again(
    server: VllmServer, title: bytes, number: int, reason: str, statuses: list[int]
):
    before = wait_until_ready(server)
    family = list_session(before)
    memory = list_shared_memory(family)
    assert memory
    steps = before.metrics.steps if before.metrics else 0
    thread, answers = ask_at_length(before)
    wait_for(server, lambda state: bool(state.metrics and state.metrics.running and state.metrics.steps > steps))
    os.kill(find_process(before, title), number)
    after = wait_until_ready(server, restarts=len(before.restarts) + 1)
    thread.join(PATIENCE_S)
    assert answers == statuses
    assert after.restarts[-1].reason == reason
    assert wait_until_gone(family)
    assert after.base_url == before.base_url
    assert "Paris" in ask(after, "What is the capital of France?").content
    assert not any(Path(file).exists() for file in memory), "what the dead shared would stay until the next boot"


def test_nothing_is_left_when_it_is_closed(server: VllmServer):
    family = list_session(wait_until_ready(server))
    assert len(family) >= 3
    server.close()
    assert wait_until_gone(family)
    assert server.describe().state == "closed"
