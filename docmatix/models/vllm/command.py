"""The command line and environment that a vLLM server is started with."""

from __future__ import annotations

import json
import os
import socket
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from docmatix.models.child_environment import leave_current_folder, make_absolute

if TYPE_CHECKING:
    from docmatix.models.vllm.engine import VllmEngine

CPU_CACHE_GB = "4"
"""On the CPU vLLM takes nine tenths of the machine's memory for its cache unless it is given a size."""
STREAM_INTERVAL = "16"
"""Tokens in an event: each event costs both sides some 20 us."""
GUARD_FOLDER, GUARD = str(Path(__file__).resolve().parent / "inside_vllm"), "docmatix_guard.Guard"
"""The middleware that guards the paths which vLLM's own key does not, and its folder on the module path."""


def build_command(
    engine: VllmEngine, *, python: str, host: str, port: int, pictures_per_request: int | None = None
) -> list[str]:
    """The command of a server. `engine.extra_args` come last: vLLM takes the last of two values."""
    # llguidance reads the grammars that llama.cpp is sent, which xgrammar 0.2.8 refuses; its JSON is compact, and only
    # here, not in the request, can white space be forbidden
    command = [
        *(python, "-m", "vllm.entrypoints.openai.api_server"),
        *("--model", expand_path(engine.model)),
        *("--served-model-name", engine.model_name),
        *("--host", host),
        *("--port", str(port)),
        *("--tensor-parallel-size", str(engine.tensor_parallel_size)),
        *("--pipeline-parallel-size", str(engine.pipeline_parallel_size)),
        *("--max-model-len", str(engine.max_model_len)),
        *("--dtype", engine.dtype),
        "--enable-prefix-caching",
        *("--structured-outputs-config", '{"backend": "guidance", "disable_any_whitespace": true}'),
        *("--uvicorn-log-level", "warning"),
        "--disable-uvicorn-access-log",
        *("--allowed-origins", "[]"),  # by default older versions answer every web page
        *("--middleware", GUARD),
    ]
    if engine.tensor_parallel_size * engine.pipeline_parallel_size > 1:
        # a replica's GPUs are on one node; otherwise vLLM may find Ray and ask it for GPUs a second time
        command += ["--distributed-executor-backend", "mp"]
    if engine.quantization:
        command += ["--quantization", engine.quantization]
    if engine.gpus > 0:
        command += ["--gpu-memory-utilization", f"{engine.gpu_memory_utilization:g}"]
    if not any(word.startswith("--reasoning-parser") for word in engine.extra_args):
        # a build reads replies as they come only to give up those that repeat themselves; parsers of thoughts know
        # events of one token best
        command += ["--stream-interval", STREAM_INTERVAL]
    if engine.loras:
        # with a slot for each adapter, requests for different adapters share a batch
        command += ["--enable-lora", "--max-loras", str(len(engine.loras)), "--lora-modules"]
        command += [f"{name}={expand_path(path)}" for name, path in engine.loras.items()]
    if engine.vision and pictures_per_request is not None:
        command += ["--limit-mm-per-prompt", json.dumps({"image": pictures_per_request})]
    return [*command, *map(_move_argument, engine.extra_args)]


def build_environment(engine: VllmEngine, base: Mapping[str, str]) -> dict[str, str]:
    """The environment of a server: `base` without what is meant for docmatix, with `engine.env`. The key is in it
    because any user can read a command line."""
    environment = dict(base)
    # the driver's own VLLM_API_KEY would lock the build out of its server; Ray sets OMP_NUM_THREADS to 1 in its actors,
    # which vLLM takes for a considered choice
    unwanted = {"VLLM_API_KEY", "PYTHONHOME", "PYTHONWARNINGS", "VIRTUAL_ENV", "OMP_NUM_THREADS"}
    if engine.python is not None:
        unwanted.add("PYTHONPATH")  # another interpreter has its own packages
    for name in unwanted:
        environment.pop(name, None)
    environment |= {"VLLM_NO_USAGE_STATS": "1", "DO_NOT_TRACK": "1", "PYTHONUNBUFFERED": "1"}
    if engine.gpus == 0:
        environment.setdefault("VLLM_CPU_KVCACHE_SPACE", CPU_CACHE_GB)
    # a replica is on one node: what its processes send each other, without any key, should not leave it
    for name, value in {"VLLM_HOST_IP": "127.0.0.1", "GLOO_SOCKET_IFNAME": "lo", "NCCL_SOCKET_IFNAME": "lo"}.items():
        environment.setdefault(name, value)
    environment = leave_current_folder(environment | engine.env)
    environment["PYTHONPATH"] = os.pathsep.join(filter(None, [GUARD_FOLDER, environment.get("PYTHONPATH")]))
    return environment


def find_python(engine: VllmEngine) -> str:
    """The interpreter that serves. A bare name is looked up on PATH alone, whatever is in the current folder."""
    python = _expand_home(engine.python or sys.executable)
    return make_absolute(python) if os.sep in python else python


def expand_path(path: str) -> str:
    """A path as the server must read it from another folder; what does not exist here is a repository on the Hub."""
    path = _expand_home(path)
    return make_absolute(path) if _exists(path) else path


def find_free_port(host: str) -> int:
    """A port of `host` that is free now."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as free:
        free.bind((host, 0))
        port: int = free.getsockname()[1]
        return port


def _expand_home(path: str) -> str:
    return str(Path(path).expanduser()) if path.startswith("~") else path


def _move_argument(word: str) -> str:
    """An extra argument as the server must read it from another folder: the name of a file here becomes absolute."""
    option, equals, value = word.partition("=") if word.startswith("--") else ("", "", word)
    is_path = os.sep in value or Path(value).suffix  # `auto` is a value, even if a file here is called that
    return f"{option}{equals}{make_absolute(value)}" if is_path and _exists(value) else word


def _exists(path: str) -> bool:
    try:
        return Path(path).exists()
    except (OSError, ValueError):  # too long for a name: JSON, for instance
        return False
