"""One replica of vLLM: the thread that starts its server, watches it and restarts it. No Ray here.

server = VllmServer(engine, host="127.0.0.1")
server.describe()                             # ServerState(state="starting", last_line="Loading weights ...")
server.close()
"""

from __future__ import annotations

import contextlib
import http.client
import os
import tempfile
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, BinaryIO, Literal

from docmatix.core.errors import SetupError
from docmatix.core.redaction import hide_in_text, hide_values, list_secrets
from docmatix.models.child_environment import START_FOLDER
from docmatix.models.metrics import ServerMetrics, parse_metrics
from docmatix.models.vllm.command import build_command, build_environment, find_free_port, find_python
from docmatix.models.vllm.installation import check_environment
from docmatix.models.vllm.probes import Canary, HangDetector, fetch, is_own_port
from docmatix.models.vllm.server_log import (
    LAST_LINE_BYTES,
    UNKNOWN_CAUSE,
    explain_exit,
    find_cause,
    find_exception,
    find_last_line,
    mention_log,
    read_end,
    read_tail,
)
from docmatix.models.vllm.supervisor import GRACE_S, SupervisedProcess, start_supervised

if TYPE_CHECKING:
    from docmatix.models.vllm.engine import VllmEngine

POLL_S = 1.0
# a request that kills its servers makes up to six of them end without a finished request before it is given up
FRUITLESS_PER_FAILED_START = 3
"""So many servers that end before finishing a request count as one that failed to start."""
RESTART_PAUSE_S = 1.0
LONGEST_PAUSE_S = 60.0
"""The pause triples with each failed start: a Hub that refuses 64 downloads at once, or GPU memory that is not free
yet, needs more than a second."""
DEAD_ENGINE_PATIENCE_S = 10.0
"""vLLM's API server answers 503 once its engine has died, and exits about four seconds later."""

State = Literal["starting", "ready", "failed", "closed"]


@dataclass(frozen=True, slots=True)
class Restart:
    """A replica that was ready and had to be restarted."""

    at: float
    """Seconds since 1970."""
    reason: str
    """`died (signal 9)`, `exit 1`, `hang`, ..."""
    detail: str
    """More about it, from its log or its silence; may be empty."""
    log: str = ""
    """Where the end of its log is kept; empty if it is not."""


@dataclass(frozen=True, slots=True)
class ServerState:
    """How a replica is doing. Plain values: it can be sent to another process."""

    state: State
    """`failed` is final: it failed to start too often in a row."""
    host: str
    since_s: float = 0.0
    """Seconds in this state."""
    base_url: str | None = None
    """Where it answers, `http://host:port/v1`, or did before its last restart; None until it was first ready."""
    pid: int | None = None
    """The API server's process, while there is one."""
    last_line: str = ""
    """The last informative line of its log: how far it has come while it starts."""
    detail: str = ""
    """Why it last failed to start, or died before finishing a request."""
    start_s: float = 0.0
    """Seconds that its last start took."""
    failed_starts: int = 0
    """In a row."""
    restarts: tuple[Restart, ...] = ()
    metrics: ServerMetrics | None = None
    """Counters over all restarts."""
    busy_s: float = 0.0
    """Seconds ready with a running or waiting request, sampled once a second."""
    idle_s: float = 0.0
    """Seconds ready without one."""


@dataclass
class _ServerProcess:
    """The server from one start to its end."""

    supervised: SupervisedProcess
    port: int
    log: BinaryIO
    metrics: ServerMetrics | None = None


class VllmServer:
    """A replica that is kept running until it is closed or fails to start too often."""

    def __init__(
        self,
        engine: VllmEngine,
        *,
        host: str = "127.0.0.1",
        pictures_per_request: int | None = None,
        grace_s: float = GRACE_S,
        keep_log: Callable[[str], str] = lambda text: "",
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Begin to start it, and return at once. `host` is this machine's address for clients. `keep_log` is given the
        end of the log, without secrets, of each server that dies or hangs, and returns where it is kept. `clock`, which
        times starts, is a seam for tests."""
        self._engine, self._host, self._grace_s, self._clock = engine, host, grace_s, clock
        self._pictures_per_request, self._keep_log = pictures_per_request, keep_log
        self._secrets = list_secrets({**os.environ, **engine.env}, engine.extra_args)
        self._lock, self._closing = threading.Lock(), threading.Event()
        self._status = ServerState(state="starting", host=host)
        self._since = time.monotonic()
        self._earlier: ServerMetrics | None = None
        self._process: _ServerProcess | None = None
        self._port: int | None = None
        self._watcher = threading.Thread(target=self._watch, name="vllm-watcher", daemon=True)
        self._watcher.start()

    def describe(self) -> ServerState:
        """Its present state; waits for nothing but a file read."""
        with self._lock:
            process, status, since = self._process, self._status, self._since
            line = find_last_line(read_tail(process.log, LAST_LINE_BYTES)) if process else status.last_line
        # a server prints its settings, and its log may hold the token that it could not log in with
        line, detail = self._hide(line), self._hide(status.detail)
        restarts = tuple(replace(each, detail=self._hide(each.detail)) for each in status.restarts)
        return replace(status, since_s=time.monotonic() - since, last_line=line, detail=detail, restarts=restarts)

    def close(self) -> None:
        """End all its processes, by SIGKILL after `grace_s`. May be called more than once."""
        self._closing.set()
        self._watcher.join()

    def _hide(self, text: str) -> str:
        return hide_in_text(hide_values(text, self._secrets))

    # --- the watch thread, which alone calls what follows ---

    def _watch(self) -> None:
        try:
            check_environment(self._engine)
        except SetupError as error:
            self._change(state="failed", detail=str(error))
            return
        fruitless = 0  # servers in a row that finished no request; a failed start counts as several
        try:
            while not self._closing.is_set():
                if self._start():
                    end = self._follow()
                    if end is None:
                        break
                    # a server that starts but dies of its first requests would be restarted forever
                    metrics = self._process.metrics if self._process else None
                    served = metrics is not None and metrics.finished > metrics.canaries
                    self._note_restart(*end, served=served)
                    fruitless = 0 if served else fruitless + 1
                else:
                    fruitless += FRUITLESS_PER_FAILED_START
                if fruitless >= FRUITLESS_PER_FAILED_START * self._engine.max_failed_starts:
                    break
                failed = max(0, self._status.failed_starts - 1)
                self._closing.wait(min(LONGEST_PAUSE_S, RESTART_PAUSE_S * 3.0**failed))
        except Exception as error:
            # otherwise the exception of a thread would go unnoticed, and the replica would stall silently
            self._change(detail=f"{type(error).__name__}: {error}")
            raise
        finally:
            self._end_process()
            self._change(state="closed" if self._closing.is_set() else "failed")

    def _change(self, **values: Any) -> None:
        with self._lock:
            if values.get("state", self._status.state) != self._status.state:
                self._since = time.monotonic()
            self._status = replace(self._status, **values)

    def _start(self) -> bool:
        """Start the server and wait for it. Returns whether it answers; if not, `detail` says why."""
        # no client knows a port before its server was ready, so one that cannot be taken is replaced
        port = self._port or find_free_port(self._host)
        command = build_command(
            self._engine,
            python=find_python(self._engine),
            host=self._host,
            port=port,
            pictures_per_request=self._pictures_per_request,
        )
        log = tempfile.TemporaryFile()  # noqa: SIM115 -- closed in `_end_process`
        try:
            environment = build_environment(self._engine, os.environ)
            supervised = start_supervised(command, env=environment, folder=START_FOLDER, log=log, grace_s=self._grace_s)
        except OSError as error:
            log.close()
            return self._note_failure(str(error))
        with self._lock:
            self._process = _ServerProcess(supervised=supervised, port=port, log=log)
        self._change(pid=supervised.pid)
        began = self._clock()
        while not self._closing.is_set():
            code = supervised.poll()
            if code is not None:
                return self._note_failure(f"{explain_exit(code)} while it started: {find_cause(read_tail(log))}")
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
                last = find_last_line(read_tail(log, LAST_LINE_BYTES))
                return self._note_failure(f"no answer within {self._engine.start_timeout_s:g} s: {last}", kill=True)
            self._closing.wait(POLL_S / 2)
        return False

    def _follow(self) -> tuple[str, str] | None:
        """Watch a server that is ready. Returns reason and detail of its end, or None once it is to be closed."""
        process = self._process
        assert process
        last = time.monotonic()
        detector = HangDetector(last, hang_timeout_s=self._engine.hang_timeout_s)
        canary: Canary | None = None
        has_canaries, key = True, self._engine.env.get("VLLM_API_KEY")
        dead_since: float | None = None
        try:
            while not self._closing.wait(POLL_S):
                code = process.supervised.poll()
                if code is not None:
                    text = read_tail(process.log)
                    # a killed server had no time to say why: its log ends with something else
                    return explain_exit(code, text), find_exception(text) if code >= 0 else ""
                health, _ = fetch(self._host, process.port, "/health")
                status, page = fetch(self._host, process.port, "/metrics") if health else (0, "")
                metrics = parse_metrics(page) if status == 200 else None
                served = False
                if canary and (answer := canary.poll()) is not None:
                    canary.close()
                    canary = None
                    served, has_canaries = answer == 200, answer in (0, 200) or answer >= 500
                now = time.monotonic()
                self._note_metrics(process, metrics, now - last)
                last = now
                sent = canary is not None
                if hung := detector.look(now, answered=health != 0, metrics=metrics, canary=sent, served=served):
                    return "hang", hung
                dead_since = (dead_since or now) if health == 503 else None
                if dead_since and now - dead_since > DEAD_ENGINE_PATIENCE_S:
                    return "engine died", find_exception(read_tail(process.log))
                if canary is None and has_canaries and health == 200 and detector.wants_canary():
                    with contextlib.suppress(OSError, http.client.HTTPException):
                        canary = Canary(self._host, process.port, model=self._engine.model_name, key=key)
        finally:
            if canary:
                canary.close()
        return None

    def _note_metrics(self, process: _ServerProcess, metrics: ServerMetrics | None, passed_s: float) -> None:
        # a server too busy to publish is not idle: its last metrics still count
        process.metrics = metrics or process.metrics
        if process.metrics is None:
            return
        busy = process.metrics.has_requests()
        status = self._status
        self._change(
            metrics=process.metrics.add_counters(self._earlier),
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
            detail=f"{reason} before it had finished a request: {detail or UNKNOWN_CAUSE}{mention_log(log)}",
        )
        self._end_process(kill=True)

    def _note_failure(self, detail: str, *, kill: bool = False) -> bool:
        detail += mention_log(self._save_log())
        self._end_process(kill=kill)
        self._port = None
        self._change(detail=detail, failed_starts=self._status.failed_starts + 1, pid=None)
        return False

    def _save_log(self) -> str:
        # a log is not worth a replica: the disk may be full, the store unreachable
        with contextlib.suppress(Exception):
            if self._process is not None:
                return self._keep_log(self._hide(read_end(self._process.log)))
        return ""

    def _end_process(self, *, kill: bool = False) -> None:
        if (process := self._process) is None:
            return
        process.supervised.stop(kill=kill)
        with self._lock:
            line = find_last_line(read_tail(process.log, LAST_LINE_BYTES))
            self._process = None
        process.log.close()
        if process.metrics is not None:
            self._earlier = process.metrics.reset_gauges().add_counters(self._earlier)
        self._change(last_line=line, pid=None, metrics=self._earlier)
