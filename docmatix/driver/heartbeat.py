"""Heartbeats: each worker sends its whole state about once a second, over its socket to the driver, or on Ray to one
actor, the driver's mailbox.

A lost beat is made up for by the next, so the mailbox may die and start elsewhere; while it does not respond, no worker
counts as silent. A worker whose process is stopped, or whose interpreter is blocked, sends nothing.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import socket
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING, Any

from docmatix.core.process_space import find_process_space
from docmatix.models.vllm.supervisor import find_start
from docmatix.stages.support.job import ShardProgress

if TYPE_CHECKING:
    from docmatix.models.client import Counters

LOOKS_PER_STALL = 24
"""Of a silence of `limits.stall_s` at most this share counts between two looks: a machine that swaps may miss many."""
MOST_EVERY_S, LEAST_EVERY_S = 1.0, 0.25
ANSWER_PATIENCE_S = 10.0
"""Longest wait for a response of the mailbox."""

MOST_LATE_ANSWERS = 3
"""In a row, before the mailbox is started again: its process may hang, which Ray does not notice."""

ProcessKey = tuple[str, int, int]
"""The node, the process id and its start: together they name a process for good."""


@dataclass(frozen=True, slots=True)
class WorkerState:
    """The state that a worker reports."""

    stage: str
    host: str
    node: str
    """Ray's id of the node."""
    pid: int
    started: int
    """Ticks since the boot."""
    shards: dict[int, dict[str, float]] = field(default_factory=dict)
    """The shards in hand, with their figures: `done` documents, rows or requests, `pairs`, `kept`."""
    counted: dict[str, float] = field(default_factory=dict)
    """What the worker's client has counted; see `read_figures`."""
    worker: str = ""
    """Its name among the workers of all machines; see `name_worker`."""

    @property
    def key(self) -> ProcessKey:
        return self.node, self.pid, self.started

    def to_json(self) -> dict[str, Any]:
        """What is shown of it while the build runs."""
        shown = ("stage", "host", "node", "pid", "started", "shards", "in_flight")
        return {name: getattr(self, name) for name in shown}

    @property
    def replies(self) -> float:
        """Requests that have come to an end."""
        return self.counted.get("replies", 0) + self.counted.get("failures", 0)

    @property
    def in_flight(self) -> int:
        return int(self.counted.get("in_flight", 0))


class Heartbeat:
    """Tells a worker's state from a thread of its own, for as long as the process runs."""

    def __init__(
        self,
        stage: str,
        tell: Callable[[WorkerState], object],
        *,
        node: str = "",
        count: Callable[[], Mapping[str, float]] = dict,
        every_s: float = MOST_EVERY_S,
    ) -> None:
        """`node` is Ray's id of it; `count` returns the figures of the client, of a worker that asks."""
        self.stage = stage
        """What its shards are of; a worker may turn to another one between two of them."""
        self._tell, self._node, self._count, self._every_s = tell, node, count, every_s
        self._started = find_start(os.getpid()) or 0
        self._in_hand: dict[int, ShardProgress] = {}
        self._changed, self._closed = threading.Event(), threading.Event()
        self._tell_state()  # before the first shard: a worker that the driver has never heard of cannot fall silent
        threading.Thread(target=self._beat, name="heartbeat", daemon=True).start()

    def begin(self, shard: int) -> ShardProgress:
        """The worker starts a shard, which is reported at once."""
        progress = self._in_hand[shard] = ShardProgress()
        self._changed.set()
        return progress

    def finish(self, shard: int) -> None:
        """The worker is done with a shard, successfully or not."""
        self._in_hand.pop(shard, None)

    def close(self) -> None:
        """Stop sending."""
        self._closed.set()

    def _beat(self) -> None:
        while not self._closed.wait(LEAST_EVERY_S):
            self._changed.wait(self._every_s - LEAST_EVERY_S)
            self._changed.clear()
            self._tell_state()

    def _tell_state(self) -> None:
        # what cannot be sent now is sent the next time; the thread must not end
        with contextlib.suppress(Exception):
            self._tell(self._describe())

    def _describe(self) -> WorkerState:
        return WorkerState(
            stage=self.stage,
            host=socket.gethostname(),
            node=self._node,
            pid=os.getpid(),
            started=self._started,
            shards={shard: dict(progress.figures) for shard, progress in dict(self._in_hand).items()},
            counted=dict(self._count()),
            worker=name_worker(),
        )


class Mailbox:
    """The actor: holds the last state of each worker until the driver takes it."""

    def __init__(self) -> None:
        self._states: dict[ProcessKey, WorkerState] = {}

    def put(self, state: WorkerState) -> None:
        self._states[state.key] = state

    def take(self) -> list[WorkerState]:
        """The states of all workers that have reported since the last call."""
        states, self._states = list(self._states.values()), {}
        return states


class Heartbeats:
    """The states of workers, fetched by a thread, since a Ray in trouble responds late or never."""

    def __init__(
        self,
        fetch: Callable[[], Sequence[WorkerState]],
        *,
        every_s: float = MOST_EVERY_S,
        mailbox: Any = None,
        restart: Callable[[], object] = lambda: None,
        close: Callable[[], object] = lambda: None,
    ) -> None:
        """`mailbox` is the actor, for workers; `restart` starts it again, and `close` ends it as the thread ends."""
        self.mailbox = mailbox
        self._fetch, self._every_s, self._restart, self._close = fetch, every_s, restart, close
        self._lock, self._ended = threading.Lock(), threading.Event()
        self._told: dict[ProcessKey, WorkerState] | None = None
        self._thread = threading.Thread(target=self._listen, name="heartbeats", daemon=True)
        self._thread.start()

    def take(self) -> Mapping[ProcessKey, WorkerState] | None:
        """The states reported since the last call; None if the mailbox has not responded since."""
        with self._lock:
            told, self._told = self._told, None
        return told

    def close(self) -> None:
        self._ended.set()
        self._thread.join(timeout=ANSWER_PATIENCE_S / 2)

    def _listen(self) -> None:
        late = 0
        while not self._ended.wait(self._every_s):
            try:
                states = self._fetch()
            except Exception as error:
                late = late + 1 if isinstance(error, TimeoutError) else 0
                if late and late % MOST_LATE_ANSWERS == 0:
                    with contextlib.suppress(Exception):
                        self._restart()
                continue
            late = 0
            with self._lock:
                self._told = (self._told or {}) | {state.key: state for state in states}
        with contextlib.suppress(Exception):
            self._close()


@contextlib.contextmanager
def heartbeats_heard(*, stall_s: float) -> Iterator[Heartbeats]:
    """A mailbox on the running Ray, emptied by the driver for the length of the block."""
    import ray
    from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

    # beside the driver, without which it is of no use; it needs no CPU, of which replicas may hold all
    here = NodeAffinitySchedulingStrategy(ray.get_runtime_context().get_node_id(), soft=True)
    actor = ray.remote(Mailbox).options(num_cpus=0, max_restarts=-1, scheduling_strategy=here)
    mailbox: Any = actor.remote()
    heartbeats = Heartbeats(
        lambda: ray.get(mailbox.take.remote(), timeout=ANSWER_PATIENCE_S),
        every_s=choose_interval(stall_s),
        mailbox=mailbox,
        restart=lambda: ray.kill(mailbox, no_restart=False),
        close=lambda: ray.kill(mailbox),
    )
    try:
        yield heartbeats
    finally:
        heartbeats.close()


def tell_mailbox(mailbox: Any) -> Callable[[WorkerState], object]:
    """What a worker's heartbeat is given to tell its state with: waits for the answer, so that none pile up."""
    import ray

    return lambda state: ray.wait([mailbox.put.remote(state)], timeout=ANSWER_PATIENCE_S)


def choose_interval(stall_s: float) -> float:
    """Seconds between two beats."""
    return min(MOST_EVERY_S, max(LEAST_EVERY_S, stall_s / LOOKS_PER_STALL))


def name_worker() -> str:
    """This process, among those of all machines: containers may share their host's name, and have a process 7 each."""
    return f"{socket.gethostname()} {os.getpid()} {_name_process_space()}"


@cache
def _name_process_space() -> str:
    return hashlib.sha256((find_process_space() or "").encode()).hexdigest()[:8]


def read_figures(counters: Counters) -> dict[str, float]:
    """A client's counters as flat figures: `requests`, `replies`, `retries`, `retries_busy`, `without_seed`, ..."""
    figures: dict[str, float] = {
        name: getattr(counters, name)
        for name in ("requests", "replies", "failures", "prompt_tokens", "completion_tokens", "in_flight")
    }
    figures["retries"] = counters.retries.total()
    figures |= {f"retries_{cause}": count for cause, count in sorted(counters.retries.items())}
    return figures | {f"without_{field}": count for field, count in sorted(counters.without.items())}
