"""A replica without Ray and without a model: what becomes of it when it dies, hangs or does not start.

The server is `tests.fake_vllm`; the real one is in `tests/vllm`.
"""

from __future__ import annotations

import json
import os
import pickle
import signal
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from docmatix.models.vllm.engine import VllmEngine
from docmatix.models.vllm.replica import ServerState, VllmServer
from docmatix.models.vllm.supervisor import find_family, find_start, list_processes
from tests.fake_vllm import fake_engine, find_engine_pid

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="vLLM is served on Linux alone")

OWNER = """
import sys, time
from functools import partial
from pathlib import Path
from docmatix.models.vllm.replica import VllmServer
from tests.fake_vllm import fake_engine, find_engine_pid
server = VllmServer(fake_engine(Path(sys.argv[1])), grace_s=1)
while server.describe().state != "ready":
    time.sleep(0.05)
pid = server.describe().pid
print(pid, find_engine_pid(pid), flush=True)
time.sleep(600)
"""


def wait_for(server: VllmServer, happened: Callable[[ServerState], bool], *, within_s: float = 120.0) -> ServerState:
    deadline = time.monotonic() + within_s
    while not happened(state := server.describe()):
        assert time.monotonic() < deadline, state
        time.sleep(0.05)
    return state


def is_ready(state: ServerState) -> bool:
    return state.state == "ready"


def ask(
    state: ServerState, text: str = "What is the answer?", *, model: str = "fake", **settings: Any
) -> tuple[int, str]:
    """Status and content of a chat completion; status 0 where the connection broke."""
    body = {"model": model, "messages": [{"role": "user", "content": text}], **settings}
    request = urllib.request.Request(
        f"{state.base_url}/chat/completions", json.dumps(body).encode(), {"Content-Type": "application/json"}
    )
    try:
        with urllib.request.urlopen(request, timeout=120) as answer:
            return answer.status, json.load(answer)["choices"][0]["message"]["content"]
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()
    except OSError as error:
        return 0, str(error)


def ask_aside(state: ServerState) -> tuple[threading.Thread, list[tuple[int, str]]]:
    answers: list[tuple[int, str]] = []
    thread = threading.Thread(target=lambda: answers.append(ask(state)))
    thread.start()
    return thread, answers


def list_family(state: ServerState) -> list[int]:
    """Every process of a replica: the server's session, and those that watch over it."""
    assert state.pid
    watching = [process.parent for process in list_processes() if process.pid == state.pid]
    watching += [process.parent for process in list_processes() if process.pid in watching]
    return [process.pid for process in find_family(watching[0], state.pid)] + watching


def wait_until_gone(pids: list[int], *, within_s: float = 60.0) -> bool:
    deadline = time.monotonic() + within_s
    while any(find_start(pid) for pid in pids):
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True


@pytest.fixture
def serve() -> Iterator[Callable[..., VllmServer]]:
    servers: list[VllmServer] = []

    def start(engine: VllmEngine, **options: Any) -> VllmServer:
        servers.append(VllmServer(engine, **{"grace_s": 2.0, **options}))
        return servers[-1]

    yield start
    for server in servers:
        server.close()


def test_a_replica_starts_answers_and_ends(tmp_path: Path, serve: Callable[..., VllmServer]):
    server = serve(fake_engine(tmp_path, start_s=2))
    first = server.describe()
    assert (first.state, first.base_url) == ("starting", None)
    loading = wait_for(server, lambda state: "Loading" in state.last_line)
    assert loading.state == "starting"
    state = wait_for(server, is_ready)
    assert state.start_s > 1
    assert state.pid is not None
    assert ask(state)[0] == 200
    state = wait_for(server, lambda state: state.metrics is not None and state.metrics.finished == 1)
    assert state.metrics
    assert state.metrics.steps > 0
    assert state.metrics.generation_tokens > 0
    assert pickle.loads(pickle.dumps(state)) == state
    family = list_family(state)
    assert len(family) == 4
    server.close()
    server.close()
    assert wait_until_gone(family)
    assert server.describe().state == "closed"
    assert server.describe().pid is None


@pytest.mark.parametrize(
    ("victim", "number", "reason"),
    [
        ("server", signal.SIGKILL, "died (signal 9)"),
        ("engine", signal.SIGKILL, "engine died"),
        ("supervisor", signal.SIGKILL, "died (its supervisor was killed)"),
        ("server", signal.SIGSTOP, "hang"),
        ("engine", signal.SIGSTOP, "hang"),
    ],
)
def test_a_replica_that_dies_or_hangs_is_started_again(
    tmp_path: Path, serve: Callable[..., VllmServer], victim: str, number: int, reason: str
):
    server = serve(fake_engine(tmp_path))
    before = wait_for(server, is_ready)
    assert before.pid
    assert ask(before)[0] == 200
    wait_for(server, lambda state: state.metrics is not None and state.metrics.finished == 1)
    family = list_family(before)
    engine, (supervisor, _) = find_engine_pid(before.pid), family[-2:]
    os.kill({"server": before.pid, "engine": engine, "supervisor": supervisor}[victim], number)
    after = wait_for(server, lambda state: is_ready(state) and bool(state.restarts))
    assert [restart.reason for restart in after.restarts] == [reason]
    assert wait_until_gone(family)
    assert after.base_url == before.base_url
    assert after.pid != before.pid
    assert ask(after)[0] == 200
    assert wait_for(server, lambda state: state.metrics is not None and state.metrics.finished == 2), "counted on"
    assert after.failed_starts == 0


def test_an_engine_that_stops_under_requests_is_noticed_by_its_steps(tmp_path: Path, serve: Callable[..., VllmServer]):
    server = serve(fake_engine(tmp_path, delay_s=600))
    state = wait_for(server, is_ready)
    thread, answers = ask_aside(state)
    wait_for(server, lambda state: state.metrics is not None and state.metrics.running == 1)
    assert state.pid
    os.kill(find_engine_pid(state.pid), signal.SIGSTOP)
    after = wait_for(server, lambda state: bool(state.restarts))
    thread.join(60)
    assert after.restarts[0].reason == "hang"
    assert "computed nothing" in after.restarts[0].detail
    assert answers[0][0] == 0, "who waits learns of it"


def test_requests_in_flight_when_the_engine_dies_get_a_server_error(tmp_path: Path, serve: Callable[..., VllmServer]):
    server = serve(fake_engine(tmp_path, delay_s=600))
    state = wait_for(server, is_ready)
    thread, answers = ask_aside(state)
    wait_for(server, lambda state: state.metrics is not None and state.metrics.running == 1)
    assert state.pid
    os.kill(find_engine_pid(state.pid), signal.SIGKILL)
    thread.join(60)
    assert answers[0][0] == 500


def test_busy_and_idle_seconds_are_told_apart(tmp_path: Path, serve: Callable[..., VllmServer]):
    server = serve(fake_engine(tmp_path, delay_s=2.5))
    wait_for(server, lambda state: state.idle_s > 0)
    assert server.describe().busy_s == 0
    ask(server.describe())
    state = wait_for(server, lambda state: state.metrics is not None and state.metrics.finished == 1)
    assert state.busy_s > 0
    assert state.busy_s + state.idle_s <= state.since_s + 0.1


def test_a_replica_that_fails_to_start_is_tried_again(tmp_path: Path, serve: Callable[..., VllmServer]):
    server = serve(fake_engine(tmp_path, failing_starts=2))
    failing = wait_for(server, lambda state: state.failed_starts == 1)
    assert failing.state == "starting"
    assert failing.detail == "exit 1 while it started: ValueError: No available memory for the cache blocks."
    state = wait_for(server, is_ready)
    assert (state.failed_starts, state.detail, state.restarts) == (0, "", ())


def test_one_that_never_starts_is_given_up_with_the_reason(tmp_path: Path, serve: Callable[..., VllmServer]):
    failure = "torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 2.00 GiB."
    server = serve(fake_engine(tmp_path, failing_starts=9, failure=failure, max_failed_starts=2))
    state = wait_for(server, lambda state: state.state == "failed")
    assert (state.failed_starts, state.pid, state.base_url) == (2, None, None)
    assert state.detail == f"exit 1 while it started: {failure}"
    assert (tmp_path / "starts").read_text() == ".."
    server.close()
    assert server.describe().state == "failed"


def test_what_a_server_said_before_it_ended_is_kept_without_secrets_and_its_place_is_told(
    tmp_path: Path, serve: Callable[..., VllmServer]
):
    kept: list[str] = []

    def keep(said: str) -> str:
        kept.append(said)
        return f"log {len(kept)}"

    failure = "OSError: 401 with canary-of-the-engine"
    engine = fake_engine(tmp_path, failing_starts=1, failure=failure, env={"HF_TOKEN": "canary-of-the-engine"})
    server = serve(engine, keep_log=keep)
    failing = wait_for(server, lambda state: state.failed_starts == 1)
    assert failing.detail == "exit 1 while it started: OSError: 401 with ***; the end of its log is in log 1"
    before = wait_for(server, is_ready)
    assert before.pid
    os.kill(before.pid, signal.SIGKILL)
    after = wait_for(server, lambda state: is_ready(state) and bool(state.restarts))
    assert [restart.log for restart in after.restarts] == ["log 2"]
    server.close()
    assert len(kept) == 2, "closing is not a failure"
    assert "core.py" in kept[0]
    assert "canary" not in kept[0]
    assert kept[1].strip()


def test_a_log_that_cannot_be_kept_costs_no_replica(tmp_path: Path, serve: Callable[..., VllmServer]):
    def keep(said: str) -> str:
        raise OSError("no space left")

    server = serve(fake_engine(tmp_path, failing_starts=1), keep_log=keep)
    failing = wait_for(server, lambda state: state.failed_starts == 1)
    assert failing.detail == "exit 1 while it started: ValueError: No available memory for the cache blocks."
    wait_for(server, is_ready)


def has_started_again(state: ServerState, *, times: int) -> bool:
    return is_ready(state) and len(state.restarts) == times


def has_given_signs_of_life(state: ServerState, *, times: int) -> bool:
    return state.metrics is not None and state.metrics.canaries >= times


def test_one_that_dies_before_it_has_finished_a_request_is_given_up_though_it_gives_signs_of_life(
    tmp_path: Path, serve: Callable[..., VllmServer]
):
    server = serve(fake_engine(tmp_path, max_failed_starts=1))
    for deaths in range(3):
        state = wait_for(server, partial(has_started_again, times=deaths))
        assert ask(state, max_tokens=1)[0] == 200
        wait_for(server, partial(has_given_signs_of_life, times=deaths + 1))
        assert state.pid
        os.kill(find_engine_pid(state.pid), signal.SIGKILL)
    state = wait_for(server, lambda state: state.state == "failed")
    assert len(state.restarts) == 3
    assert "before it had finished a request" in state.detail


def test_one_that_loads_for_too_long_is_a_failed_start(tmp_path: Path, serve: Callable[..., VllmServer]):
    hours = [0.0]
    engine = fake_engine(tmp_path, start_s=600, start_timeout_s=7200, max_failed_starts=1)
    server = serve(engine, clock=lambda: 3600 * hours[0])
    wait_for(server, lambda state: "Loading" in state.last_line)
    hours[0] = 2.1
    state = wait_for(server, lambda state: state.state == "failed")
    assert state.detail.startswith("no answer within 7200 s: Loading safetensors checkpoint shards")


def test_an_interpreter_that_is_gone_is_a_failed_start(tmp_path: Path, serve: Callable[..., VllmServer]):
    engine = fake_engine(tmp_path, max_failed_starts=1)
    Path(str(engine.python)).unlink()
    state = wait_for(serve(engine), lambda state: state.state == "failed")
    assert "does not exist" in state.detail


def test_one_that_is_closed_while_it_loads_is_gone(tmp_path: Path, serve: Callable[..., VllmServer]):
    server = serve(fake_engine(tmp_path, start_s=600))
    family = list_family(wait_for(server, lambda state: "Loading" in state.last_line))
    server.close()
    assert server.describe().state == "closed"
    assert wait_until_gone(family)


def test_one_that_is_deaf_is_killed_when_it_is_closed(tmp_path: Path, serve: Callable[..., VllmServer]):
    server = serve(fake_engine(tmp_path, deaf=True), grace_s=0.2)
    family = list_family(wait_for(server, is_ready))
    server.close()
    assert wait_until_gone(family)


def test_the_canary_and_requests_carry_the_key(tmp_path: Path, serve: Callable[..., VllmServer]):
    server = serve(fake_engine(tmp_path, env={"VLLM_API_KEY": "key"}))
    state = wait_for(server, is_ready)
    assert ask(state)[0] == 401
    state = wait_for(server, lambda state: state.metrics is not None and state.metrics.finished > 0)
    assert not state.restarts


def test_nothing_is_left_when_the_owner_is_killed(tmp_path: Path):
    owner = subprocess.Popen([sys.executable, "-c", OWNER, str(tmp_path)], stdout=subprocess.PIPE, text=True)
    assert owner.stdout
    with owner:
        try:
            pids = [int(word) for word in owner.stdout.readline().split()]
        finally:
            owner.kill()
    assert len(pids) == 2
    assert wait_until_gone(pids)
