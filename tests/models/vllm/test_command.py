"""The command line and environment of a vLLM server, and what guards its paths."""

from __future__ import annotations

import itertools
import json
import sys
from pathlib import Path
from typing import Any

import pytest

from docmatix.models.vllm.command import GUARD_FOLDER, build_command, build_environment, find_free_port, find_python
from docmatix.models.vllm.engine import VllmEngine
from docmatix.models.vllm.inside_vllm.docmatix_guard import Guard

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="vLLM is served on Linux alone")


def make_engine(**settings: Any) -> VllmEngine:
    return VllmEngine(kind="vllm", **{"model": "org/some-model", **settings})


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


def test_a_free_port_is_free():
    assert 1024 <= find_free_port("127.0.0.1") < 65536
