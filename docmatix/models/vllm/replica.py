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
import os
import tempfile
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any, BinaryIO, Literal

from docmatix.core.errors import SetupError
from docmatix.core.redaction import hide_in_text, hide_values, list_secrets
from docmatix.models.child_environment import START_FOLDER
from docmatix.models.metrics import ServerMetrics, parse_metrics
from docmatix.models.vllm.command import build_command, build_environment, find_free_port, find_python
from docmatix.models.vllm.engine import VllmEngine
from docmatix.models.vllm.installation import check_environment
from docmatix.models.vllm.probes import Canary, HangDetector, fetch, is_own_port
from docmatix.models.vllm.server_log import (
    LAST_LINE_BYTES,
    explain_exit,
    find_cause,
    find_exception,
    find_last_line,
    mention_log,
    read_end,
    read_tail,
)
from docmatix.models.vllm.supervisor import GRACE_S, SupervisedProcess, start_supervised

POLL_S = 1.0
LIVES_A_START = 3
"""A life in which no request was finished counts as so much less of a failure than one that never began: a request that
kills servers does that to each that it is sent to, and it takes `docmatix.models.client` six to be sure of it."""
RESTART_PAUSE_S = 1.0
LONGEST_PAUSE_S = 60.0
"""The pause triples with each failed start: a Hub that refuses 64 downloads at once, or GPU memory that is not yet
given back, needs more than a second."""
DEAD_ENGINE_PATIENCE_S = 10.0
"""vLLM's API server answers 503 when its engine died, and ends by itself after about four seconds."""

State = Literal["starting", "ready", "failed", "closed"]


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
            line = find_last_line(read_tail(run.log, LAST_LINE_BYTES)) if run else status.last_line
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
        """Watch a server that is ready. Returns reason and detail of its end, or None when it is to be closed."""
        run = self._run
        assert run
        last = time.monotonic()
        pulse = HangDetector(last, hang_timeout_s=self._engine.hang_timeout_s)
        canary: Canary | None = None
        has_canaries = True
        dead_since: float | None = None
        try:
            while not self._closing.wait(POLL_S):
                code = run.supervised.poll()
                if code is not None:
                    said = read_tail(run.log)
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
                    return "engine died", find_exception(read_tail(run.log))
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
            detail=f"{reason} before it had finished a request: {detail or 'no word of why'}{mention_log(log)}",
        )
        self._end_run(kill=True)

    def _note_failure(self, detail: str, *, kill: bool = False) -> bool:
        detail += mention_log(self._save_log())
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
            line = find_last_line(read_tail(run.log, LAST_LINE_BYTES))
            self._run = None
        run.log.close()
        if run.metrics is not None:
            self._earlier = replace(run.metrics, running=0, waiting=0, kv_cache_usage=0.0).add_counters(self._earlier)
        self._change(last_line=line, pid=None, metrics=self._earlier)
