"""A replica without Ray and without a model: what is started, what its log says, and what becomes of it when it dies,
hangs or does not start. The server is `tests.fake_vllm`; the real one is in `tests/vllm`.
"""

from __future__ import annotations

import itertools
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
from hypothesis import given
from hypothesis import strategies as st

from docmatix.core.errors import SetupError
from docmatix.models.metrics import ServerMetrics
from docmatix.models.vllm.engine import VllmEngine
from docmatix.models.vllm.inside_vllm.docmatix_guard import Guard
from docmatix.models.vllm.replica import (
    CANARY_SHARE,
    GUARD_FOLDER,
    MOST_TICK_S,
    Pulse,
    ServerState,
    VllmServer,
    build_command,
    build_environment,
    check_environment,
    explain_exit,
    find_cause,
    find_exception,
    find_free_port,
    find_last_line,
    find_python,
    read_end,
)
from docmatix.models.vllm.supervisor import LOST, find_family, find_start, list_processes
from tests.fake_vllm import fake_engine, find_engine_pid, write_interpreter

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


def make_engine(**settings: Any) -> VllmEngine:
    return VllmEngine(kind="vllm", **{"model": "org/some-model", **settings})


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


# --- what is started --------------------------------------------------------------------------------------------------


def list_pairs(command: list[str]) -> dict[str, str]:
    return dict(itertools.pairwise(command))


def test_the_command_says_what_the_engine_says():
    engine = make_engine(
        name="ours", tensor_parallel_size=4, pipeline_parallel_size=2, max_model_len=4096, dtype="bfloat16",
        quantization="fp8", gpu_memory_utilization=0.85,
    )  # fmt: skip
    command = build_command(engine, python="/env/bin/python", host="10.0.0.7", port=8123)
    assert command[:3] == ["/env/bin/python", "-m", "vllm.entrypoints.openai.api_server"]
    said = list_pairs(command)
    assert said["--model"] == "org/some-model"
    assert said["--served-model-name"] == "ours"
    assert (said["--host"], said["--port"]) == ("10.0.0.7", "8123")
    assert (said["--tensor-parallel-size"], said["--pipeline-parallel-size"]) == ("4", "2")
    assert said["--distributed-executor-backend"] == "mp"
    assert (said["--max-model-len"], said["--dtype"], said["--quantization"]) == ("4096", "bfloat16", "fp8")
    assert said["--gpu-memory-utilization"] == "0.85"
    assert json.loads(said["--structured-outputs-config"]) == {"backend": "guidance", "disable_any_whitespace": True}
    assert "--enable-prefix-caching" in command
    assert "--enable-lora" not in command
    assert "--limit-mm-per-prompt" not in command


def test_a_replica_without_gpus_says_nothing_of_their_memory():
    command = build_command(make_engine(gpus_per_replica=0), python="python", host="h", port=1)
    assert "--gpu-memory-utilization" not in command
    assert "--distributed-executor-backend" not in command


def test_adapters_and_pictures_are_announced():
    engine = make_engine(loras={"short": "/loras/short", "long": "org/long"}, vision=True)
    command = build_command(engine, python="python", host="h", port=1, pictures_per_request=6)
    at = command.index("--lora-modules")
    assert command[at - 3 : at] == ["--enable-lora", "--max-loras", "2"]
    assert command[at + 1 : at + 3] == ["short=/loras/short", "long=org/long"]
    assert json.loads(list_pairs(command)["--limit-mm-per-prompt"]) == {"image": 6}


def test_the_user_s_arguments_come_last_so_that_they_win():
    command = build_command(make_engine(extra_args=("--dtype", "half")), python="python", host="h", port=1)
    assert command[-2:] == ["--dtype", "half"]


def test_a_home_directory_is_written_out():
    engine = make_engine(model="~/model", loras={"a": "~/a"})
    command = build_command(engine, python="python", host="h", port=1)
    assert list_pairs(command)["--model"] == str(Path.home() / "model")
    assert f"a={Path.home() / 'a'}" in command


def test_what_is_docmatix_s_own_does_not_reach_the_other_interpreter():
    base = {"PYTHONPATH": "/ours", "VIRTUAL_ENV": "/ours", "VLLM_API_KEY": "x", "HF_HOME": "/hf", "HF_HUB_OFFLINE": "1"}
    base["CUDA_VISIBLE_DEVICES"] = "3"
    environment = build_environment(make_engine(python="/env/bin/python"), base)
    assert not {"VIRTUAL_ENV", "VLLM_API_KEY", "VLLM_CPU_KVCACHE_SPACE"} & set(environment)
    assert environment["PYTHONPATH"] == GUARD_FOLDER
    assert (environment["HF_HOME"], environment["HF_HUB_OFFLINE"]) == ("/hf", "1")
    assert environment["CUDA_VISIBLE_DEVICES"] == "3"
    assert environment["VLLM_NO_USAGE_STATS"] == environment["DO_NOT_TRACK"] == "1"
    shared = build_environment(make_engine(), base)["PYTHONPATH"]
    assert shared == f"{GUARD_FOLDER}:/ours", "the same interpreter needs it"


def test_the_engine_s_environment_wins():
    engine = make_engine(gpus_per_replica=0, env={"VLLM_API_KEY": "key", "VLLM_CPU_KVCACHE_SPACE": "1"})
    environment = build_environment(engine, {"VLLM_API_KEY": "other"})
    assert (environment["VLLM_API_KEY"], environment["VLLM_CPU_KVCACHE_SPACE"]) == ("key", "1")
    engine = make_engine(gpus_per_replica=0)
    assert build_environment(engine, {})["VLLM_CPU_KVCACHE_SPACE"] == "4", "else nine tenths of the memory"


def test_what_the_processes_of_a_replica_tell_one_another_stays_on_its_node_unless_told_otherwise():
    environment = build_environment(make_engine(env={"NCCL_SOCKET_IFNAME": "ib0"}), {"GLOO_SOCKET_IFNAME": "eth1"})
    assert (environment["NCCL_SOCKET_IFNAME"], environment["GLOO_SOCKET_IFNAME"]) == ("ib0", "eth1")
    assert build_environment(make_engine(), {})["GLOO_SOCKET_IFNAME"] == "lo"
    assert build_environment(make_engine(), {})["VLLM_HOST_IP"] == "127.0.0.1"


async def test_the_guard_refuses_websockets_without_the_key_and_never_the_server_s_own_start(
    monkeypatch: pytest.MonkeyPatch,
):
    monkeypatch.setenv("VLLM_API_KEY", "key")
    passed: list[str] = []
    sent: list[dict[str, Any]] = []

    async def app(scope: dict[str, Any], receive: Any, send: Any) -> None:
        passed.append(scope["type"])

    async def receive() -> None: ...

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    guard = Guard(app)
    await guard({"type": "websocket", "path": "/v1/realtime", "headers": []}, receive, send)
    assert (passed, sent) == ([], [{"type": "websocket.close", "code": 1008}])
    await guard({"type": "lifespan"}, receive, send)
    await guard(
        {"type": "websocket", "path": "/v1/realtime", "headers": [(b"authorization", b"Bearer key")]}, receive, send
    )
    assert passed == ["lifespan", "websocket"]


def test_relative_paths_mean_what_they_meant_though_the_server_starts_elsewhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.chdir(tmp_path)
    for name in ("model", "adapter", "chat.jinja", "auto"):
        Path(name).touch()
    engine = make_engine(
        model="./model", loras={"a": "adapter", "b": "org/b"}, python="env/bin/python", env={"HF_HOME": "./hf"},
        extra_args=("--chat-template=chat.jinja", "--tokenizer-mode", "auto", "--seed", "0"),
    )  # fmt: skip
    assert find_python(engine) == f"{tmp_path}/env/bin/python"
    command = build_command(engine, python=find_python(engine), host="h", port=1)
    assert list_pairs(command)["--model"] == f"{tmp_path}/model"
    assert {f"a={tmp_path}/adapter", "b=org/b"} <= set(command)
    assert command[-5:] == [f"--chat-template={tmp_path}/chat.jinja", "--tokenizer-mode", "auto", "--seed", "0"]
    assert build_environment(engine, {})["HF_HOME"] == f"{tmp_path}/hf"
    assert find_python(make_engine(python="python3")) == "python3", "from PATH, whatever lies here"


# --- what cannot work -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["vllm", "vllm-cpu"])
def test_either_distribution_is_found_without_importing_it(tmp_path: Path, name: str):
    python = write_interpreter(tmp_path, distributions=(name,))
    assert check_environment(make_engine(python=python)) == f"{name} 0.32.0"


def test_two_of_them_are_refused(tmp_path: Path):
    python = write_interpreter(tmp_path, distributions=("vllm", "vllm-cpu"))
    with pytest.raises(SetupError, match="Both vllm and vllm-cpu"):
        check_environment(make_engine(python=python))


def test_an_environment_without_vllm_is_refused(tmp_path: Path):
    python = write_interpreter(tmp_path, distributions=("vllm-metal-plugin",))
    with pytest.raises(SetupError, match="vLLM is not installed"):
        check_environment(make_engine(python=python))


def test_an_interpreter_that_is_none_is_refused(tmp_path: Path):
    with pytest.raises(SetupError, match=r"there is no .*/python3"):
        check_environment(make_engine(python=str(tmp_path / "python3")))
    with pytest.raises(SetupError, match="is no Python that runs"):
        check_environment(make_engine(python="/bin/echo"))
    with pytest.raises(SetupError, match="does not run"):
        check_environment(make_engine(python=str(tmp_path)))


@pytest.mark.parametrize(
    "setting", [{"model": "/nowhere/model"}, {"loras": {"a": "./nowhere"}}, {"model": "~/nowhere"}]
)
def test_a_path_that_does_not_exist_is_refused(tmp_path: Path, setting: dict[str, Any]):
    with pytest.raises(SetupError, match="there is no"):
        check_environment(make_engine(python=write_interpreter(tmp_path), **setting))


# --- what it says -----------------------------------------------------------------------------------------------------

LOADING = """\
(APIServer pid=1566) INFO 11-22 09:41:23 [model.py:2152] Using max model len 2048
(Worker pid=1663) INFO 11-22 09:41:48 [cpu_model_runner.py:68] Starting to load model org/some-model...
\rLoading safetensors checkpoint shards:   0% Completed | 0/4 [00:00<?, ?it/s]\
\rLoading safetensors checkpoint shards:  50% Completed | 2/4 [00:10<00:10,  4.70it/s]

/env/site-packages/vllm/triton_utils/dispatcher.py:138: FutureWarning: `torch.distributed.reduce_op` is deprecated
  if hasattr(value, "__dict__"):
"""
FAILED = """\
(Worker pid=9) ERROR 11-22 10:04:40 [multiproc_executor.py:890] ValueError: Available memory is less than requested.
(EngineCore pid=8) ERROR 11-22 10:04:41 [core.py:1502] EngineCore failed to start.
(EngineCore pid=8) ERROR 11-22 10:04:41 [core.py:1502] Traceback (most recent call last):
(EngineCore pid=8) ERROR 11-22 10:04:41 [core.py:1502]   File "vllm/v1/engine/core.py", line 1480, in run
(EngineCore pid=8) ERROR 11-22 10:04:41 [core.py:1502] RuntimeError: Worker failed with error 'Available memory is less'
Process EngineCore:
Traceback (most recent call last):
  File "multiprocessing/process.py", line 314, in _bootstrap
RuntimeError: Worker failed with error 'Available memory is less'
Traceback (most recent call last):
  File "<frozen runpy>", line 198, in _run_module_as_main
RuntimeError: Engine core initialization failed. See root cause above. Failed core proc(s): {}
resource_tracker.py:254: UserWarning: resource_tracker: There appear to be 1 leaked shared_memory objects to clean up
  warnings.warn('resource_tracker: There appear to be %d '
nanobind: leaked 514 functions!
 - leaked function "create_maxsi"
"""
INVALID = """\
Traceback (most recent call last):
  File "pydantic/_internal/_dataclasses.py", line 121, in __init__
pydantic_core._pydantic_core.ValidationError: 1 validation error for ModelConfig
  Value error, User-specified max_model_len (999999) is greater than the derived max_model_len (8192)
    For further information visit https://errors.pydantic.dev/2.14/v/value_error
"""
ENGINE_DIED = """\
(APIServer pid=1566) ERROR 11-22 09:45:23 [async_llm.py:906] AsyncLLM output_handler failed.
(APIServer pid=1566) ERROR 11-22 09:45:23 [async_llm.py:906] vllm.v1.engine.exceptions.EngineDeadError: EngineCore \
encountered an issue. See stack trace (above) for the root cause.
"""


def test_while_it_loads_the_last_telling_line_is_shown():
    assert find_last_line("") == ""
    assert find_last_line(LOADING.partition("\r")[0]) == "Starting to load model org/some-model..."
    assert find_last_line(LOADING.partition("/env")[0]).startswith(
        "Loading safetensors checkpoint shards: 50% Completed"
    )
    routes = "(APIServer pid=1) INFO 11-22 09:41:52 [launcher.py:195] Route: /health, Methods: GET\n"
    started = "(APIServer pid=1) INFO 11-22 09:41:52 [entry.py:140] Starting vLLM server on http://127.0.0.1:1\n"
    assert find_last_line(started + routes) == "Starting vLLM server on http://127.0.0.1:1"


def test_the_cause_is_the_exception_and_not_its_echoes():
    assert find_cause(FAILED) == "RuntimeError: Worker failed with error 'Available memory is less'"
    assert find_cause(INVALID).endswith("max_model_len (999999) is greater than the derived max_model_len (8192)")
    usage = "usage: api_server.py [-h]\n    [--dtype D]\napi_server.py: error: unrecognized arguments: --nonsense\n"
    assert find_cause(usage) == "api_server.py: error: unrecognized arguments: --nonsense"


def test_without_an_exception_the_last_words_are_the_cause():
    assert find_cause("one\ntwo\nthree\nfour\n") == "two | three | four"
    assert find_cause("") == "no word of why"
    assert find_exception("one\ntwo\n") == find_exception(ENGINE_DIED) == ""


def test_an_exit_is_told_in_words():
    assert explain_exit(1) == "exit 1"
    assert explain_exit(-9) == "died (signal 9)"
    assert explain_exit(0, ENGINE_DIED) == "engine died"
    assert explain_exit(LOST).startswith("died")


@given(st.text())
def test_no_log_raises(log: str):
    find_last_line(log)
    find_cause(log)


# --- whether it lives -------------------------------------------------------------------------------------------------


def look(
    pulse: Pulse, now: float, *, steps: int | None, requests: int = 1, answered: bool = True, **more: bool
) -> str | None:
    metrics = None if steps is None else ServerMetrics(running=requests, steps=steps)
    return pulse.look(now, answered=answered, metrics=metrics, canary=more.pop("canary", False), **more)


def test_a_server_that_does_not_answer_has_hung():
    pulse = Pulse(0, hang_timeout_s=10)
    assert look(pulse, 1, steps=1) is None
    assert look(pulse, 10, steps=None, answered=False) is None
    assert "not answered" in (look(pulse, 12, steps=None, answered=False) or "")


def test_an_engine_that_has_requests_and_takes_no_step_has_hung():
    pulse = Pulse(0, hang_timeout_s=10)
    assert look(pulse, 1, steps=5) is None
    assert look(pulse, 2, steps=5) is None
    assert look(pulse, 12, steps=5) is None
    assert "computed nothing" in (look(pulse, 13, steps=5) or "")


def test_an_engine_without_requests_may_rest():
    pulse = Pulse(0, hang_timeout_s=10)
    assert not any(look(pulse, now, steps=5, requests=0) for now in range(1, 100, 5))
    assert pulse.wants_canary()
    assert look(pulse, 100, steps=5) is None, "the clock starts with the first request"


def test_an_engine_that_does_not_serve_the_canary_has_hung():
    pulse = Pulse(0, hang_timeout_s=10)
    assert look(pulse, 1, steps=5, requests=0) is None
    assert look(pulse, 2, steps=5, requests=0, canary=True) is None
    assert look(pulse, 13, steps=5, requests=0, canary=True) is not None


def test_an_answer_to_the_canary_is_a_sign_of_life_where_there_are_no_metrics():
    pulse = Pulse(0, hang_timeout_s=10)
    assert look(pulse, 5, steps=None, canary=True) is None
    assert look(pulse, 14, steps=None, served=True) is None
    assert look(pulse, 20, steps=None, canary=True) is None
    assert not pulse.wants_canary() or CANARY_SHARE * 10 < 6


def test_a_watcher_that_was_kept_from_looking_blames_nobody():
    pulse = Pulse(0, hang_timeout_s=2 * MOST_TICK_S)
    assert look(pulse, 1, steps=5) is None
    assert look(pulse, 2, steps=5) is None
    assert look(pulse, 10_000, steps=5) is None


@given(st.lists(st.tuples(st.floats(0, 9.9), st.integers(0, 3)), max_size=60))
def test_a_server_that_answers_and_steps_in_time_never_hangs(looks: list[tuple[float, int]]):
    pulse, now = Pulse(0, hang_timeout_s=10), 0.0
    for steps, (wait, requests) in enumerate(looks):
        now += wait
        assert look(pulse, now, steps=steps, requests=requests) is None


# --- one replica ------------------------------------------------------------------------------------------------------


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
    assert failing.detail == "exit 1 while it started: OSError: 401 with ***; its log ends in log 1"
    before = wait_for(server, is_ready)
    assert before.pid
    os.kill(before.pid, signal.SIGKILL)
    after = wait_for(server, lambda state: is_ready(state) and bool(state.restarts))
    assert [restart.log for restart in after.restarts] == ["log 2"]
    server.close()
    assert len(kept) == 2, "who is closed has no trouble to tell of"
    assert "core.py" in kept[0]
    assert "canary" not in kept[0]
    assert kept[1].strip()


def test_of_a_long_log_no_line_is_kept_that_is_cut(tmp_path: Path):
    path = tmp_path / "log"
    path.write_text("key canary-of-the-engine\nlast words\n")
    with path.open("rb") as log:
        assert read_end(log, 20) == "last words\n"
        assert read_end(log, 1000) == path.read_text()


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
    assert "there is no" in state.detail


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


def test_a_free_port_is_free():
    assert 1024 <= find_free_port("127.0.0.1") < 65536
