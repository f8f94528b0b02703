"""The command line and the environment that a vLLM server is started with."""

from __future__ import annotations

import json
import os
import socket
import sys
from collections.abc import Mapping
from pathlib import Path

from docmatix.config import VllmEngine
from docmatix.models.child_environment import leave_current_folder, make_absolute

CPU_CACHE_GB = "4"
"""vLLM on the CPU takes nine tenths of the machine's memory for its cache unless it is told how much."""
GUARD_FOLDER, GUARD = str(Path(__file__).resolve().parent / "inside_vllm"), "docmatix_guard.Guard"
"""What keeps the paths that vLLM's own key does not, and the folder on the module path where vLLM finds it."""


def build_command(
    engine: VllmEngine, *, python: str, host: str, port: int, pictures_per_request: int | None = None
) -> list[str]:
    """The command of a server. `engine.extra_args` come last: where an argument is given twice, vLLM takes the last.

    Replies are held to JSON and grammars by llguidance: it reads the grammars that llama.cpp is sent, and its JSON is
    compact. xgrammar 0.2.8 refuses the first, and white space cannot be forbidden by the request, only here.
    """
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
        # what older versions do of themselves is to let every web page ask
        *("--allowed-origins", "[]"),
        *("--middleware", GUARD),
    ]
    if engine.tensor_parallel_size * engine.pipeline_parallel_size > 1:
        # all GPUs of a replica are on one node; left to itself vLLM may find Ray and ask it for GPUs a second time
        command += ["--distributed-executor-backend", "mp"]
    if engine.quantization:
        command += ["--quantization", engine.quantization]
    if engine.gpus > 0:
        command += ["--gpu-memory-utilization", f"{engine.gpu_memory_utilization:g}"]
    if engine.loras:
        # requests for different adapters share a batch, instead of one adapter's waiting for the other's to end
        command += ["--enable-lora", "--max-loras", str(len(engine.loras)), "--lora-modules"]
        command += [f"{name}={expand_path(path)}" for name, path in engine.loras.items()]
    if engine.vision and pictures_per_request is not None:
        command += ["--limit-mm-per-prompt", json.dumps({"image": pictures_per_request})]
    return [*command, *map(_move_argument, engine.extra_args)]


def build_environment(engine: VllmEngine, base: Mapping[str, str]) -> dict[str, str]:
    """The environment of a server: that of this process, without what is meant for docmatix, with `engine.env`. The key
    is in it because any user can read a command line.
    """
    environment = dict(base)
    # a key that the driver happens to have would lock the build out of its own server
    unwanted = {"VLLM_API_KEY", "PYTHONHOME", "PYTHONWARNINGS", "VIRTUAL_ENV"}
    # Ray sets this to 1 in its actors, and vLLM then believes that somebody has thought about it
    unwanted.add("OMP_NUM_THREADS")
    if engine.python is not None:
        unwanted.add("PYTHONPATH")  # packages of this interpreter are none of the other's
    for name in unwanted:
        environment.pop(name, None)
    environment |= {"VLLM_NO_USAGE_STATS": "1", "DO_NOT_TRACK": "1", "PYTHONUNBUFFERED": "1"}
    if engine.gpus == 0:
        environment.setdefault("VLLM_CPU_KVCACHE_SPACE", CPU_CACHE_GB)
    # a replica lies on one node: what its processes tell one another, without any key, need not leave it
    for name, place in {"VLLM_HOST_IP": "127.0.0.1", "GLOO_SOCKET_IFNAME": "lo", "NCCL_SOCKET_IFNAME": "lo"}.items():
        environment.setdefault(name, place)
    environment = leave_current_folder(environment | engine.env)
    environment["PYTHONPATH"] = os.pathsep.join(filter(None, [GUARD_FOLDER, environment.get("PYTHONPATH")]))
    return environment


def find_python(engine: VllmEngine) -> str:
    """The interpreter that serves. A bare name is looked up on PATH alone, whatever lies in the current folder."""
    python = _expand_home(engine.python or sys.executable)
    return make_absolute(python) if os.sep in python else python


def expand_path(path: str) -> str:
    """A path as the server is to read it from another folder; what is none here is a repository on the Hub."""
    path = _expand_home(path)
    return make_absolute(path) if _exists(path) else path


def _expand_home(path: str) -> str:
    return str(Path(path).expanduser()) if path.startswith("~") else path


def _move_argument(word: str) -> str:
    """An extra argument as the server is to read it from another folder: what names a file here becomes absolute."""
    option, equals, value = word.partition("=") if word.startswith("--") else ("", "", word)
    is_path = os.sep in value or Path(value).suffix  # `auto` is none, whatever lies here
    return f"{option}{equals}{make_absolute(value)}" if is_path and _exists(value) else word


def _exists(path: str) -> bool:
    try:
        return Path(path).exists()
    except (OSError, ValueError):  # too long for a name: JSON, for instance
        return False


def find_free_port(host: str) -> int:
    """A port of `host` that nobody listens at now."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as free:
        free.bind((host, 0))
        port: int = free.getsockname()[1]
        return port
