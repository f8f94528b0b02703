"""The replicas of a build as its driver keeps track of them. No Ray here."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any, NamedTuple, Protocol

from docmatix.config import VllmEngine
from docmatix.core.errors import BuildError
from docmatix.models.metrics import ServerMetrics
from docmatix.models.vllm.replica import Restart, ServerState
from docmatix.models.vllm.server_log import mention_log

SAY_EVERY_S = 15.0
"""Loading takes minutes: a line this often, and one whenever a replica gets ready or is lost."""
POLL_S = 0.5
HOPE_S = 60.0
"""A replica is given its own time to start, and says so itself; only then the fleet as a whole is despaired of."""


class ReplicaReport(NamedTuple):
    """The last word of a replica."""

    incarnation: str
    """Another one after its actor was started again."""
    state: ServerState


class Hearing(Protocol):
    """Whoever can tell the last word of each replica."""

    def look(self) -> list[ReplicaReport | str | None]: ...


@dataclass(slots=True)
class _TrackedReplica:
    """One replica over all lives of its actor."""

    incarnation: str | None = None
    now: ServerState | None = None
    """None while it waits for room on the cluster, at first or again."""
    given_up: str | None = None
    """Why nothing more is expected of it."""
    restarts: list[Restart] = field(default_factory=list)
    """Of lives that are over, and their ends."""
    past: ServerMetrics | None = None
    past_idle_s: float = 0.0
    past_busy_s: float = 0.0

    def update(self, said: ReplicaReport | str | None) -> None:
        """Take in what the replica_pool tells."""
        if self.given_up is not None:
            return
        if self.now is not None and (not isinstance(said, ReplicaReport) or said.incarnation != self.incarnation):
            self._bury(self.now)
        if isinstance(said, str):
            self.given_up = said
        elif said is not None:
            self.incarnation, self.now = said
            if self.now.state == "failed":
                self.given_up = self.now.detail or "no word of why"

    def _bury(self, last: ServerState) -> None:
        self.restarts += [*last.restarts, Restart(time.time(), "lost", "its Ray actor or node ended")]
        if last.metrics is not None:
            self.past = replace(last.metrics, running=0, waiting=0, kv_cache_usage=0.0).add_counters(self.past)
        self.past_idle_s += last.idle_s
        self.past_busy_s += last.busy_s
        self.now = None

    @property
    def state(self) -> str:
        if self.given_up is not None:
            return "failed"
        return "waiting" if self.now is None else self.now.state

    @property
    def all_restarts(self) -> list[Restart]:
        return [*self.restarts, *(self.now.restarts if self.now else ())]

    def to_json(self) -> dict[str, Any]:
        metrics = self.past
        if self.now is not None and self.now.metrics is not None:
            metrics = self.now.metrics.add_counters(self.past)
        idle_s = self.past_idle_s + (self.now.idle_s if self.now else 0)
        busy_s = self.past_busy_s + (self.now.busy_s if self.now else 0)
        return {
            "state": self.state,
            "host": self.now.host if self.now else None,
            "detail": self.given_up or "",
            "restarts": [asdict(restart) for restart in self.all_restarts],
            "ready_s": round(idle_s + busy_s, 1),
            "idle_s": round(idle_s, 1),
            "metrics": None if metrics is None else asdict(metrics),
        }


class Fleet:
    """The replicas of a build, from the driver's side."""

    def __init__(
        self,
        engine: VllmEngine,
        replicas: Sequence[Any],
        *,
        say: Callable[[str], None],
        pool: Hearing,
        give_up: Callable[[int], None] = lambda number: None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`give_up` is told the number (from 0) of a replica of which nothing more is expected, so that its place on
        the cluster becomes free. `clock` is a seam for tests."""
        self.engine, self.replicas = engine, tuple(replicas)
        self._say, self._give_up, self._clock = say, give_up, clock
        self._pool = pool
        self._lives = [_TrackedReplica() for _ in replicas]
        self._told: dict[int, tuple[str, int]] = {}
        self._hoped_at = clock()
        self._hope: Any = None

    def look(self) -> list[dict[str, Any]]:
        """Where each replica is, for status and telemetry; says what has changed.

        Raises BuildError once all of them have been given up, or for `start_timeout_s` none could be asked and nothing
        has changed about any.
        """
        for number, (life, said) in enumerate(zip(self._lives, self._pool.look(), strict=True)):
            had_hope = life.given_up is None
            life.update(said)
            self._tell(number, life)
            if had_hope and life.given_up is not None:
                self._give_up(number)
        self._require_hope()
        return [life.to_json() for life in self._lives]

    def _require_hope(self) -> None:
        given_up = [life.given_up for life in self._lives if life.given_up is not None]
        if len(given_up) == len(self._lives):
            raise BuildError(
                f"No vLLM replica of {self.engine.model} could be started or kept running ({given_up[0]}): mend that"
                " and run the same command again."
            )
        changes = [(life.state, life.incarnation, len(life.all_restarts)) for life in self._lives]
        if self.any_ready or changes != self._hope:
            self._hoped_at, self._hope = self._clock(), changes
        elif self._clock() - self._hoped_at > self.engine.start_timeout_s + HOPE_S:
            states = Counter(life.state for life in self._lives)
            said = ", ".join(f"{count} {state}" for state, count in states.items())
            why = f"; {given_up[0]}" if given_up else ""
            raise BuildError(
                f"No replica could be asked for {self.engine.start_timeout_s:g} s (generate.engine.start_timeout_s):"
                f" {said}{why}. A replica needs {describe_need(self.engine)}; run the same command again once there is"
                " room for one."
            )

    def _tell(self, number: int, life: _TrackedReplica) -> None:
        state, restarts = life.state, life.all_restarts
        before = self._told.get(number, ("waiting", 0))
        if (state, len(restarts)) == before:
            return
        self._told[number] = (state, len(restarts))
        if len(restarts) > before[1]:
            why = f"{restarts[-1].reason} {restarts[-1].detail}".strip() + mention_log(restarts[-1].log)
            self._say(f"serving   replica {number + 1} is started again: {why}")
        if life.now is not None and state == "ready" and before[0] != "ready":
            self._say(f"serving   replica {number + 1} is ready on {life.now.host} ({life.now.start_s:.0f} s to start)")
        if state == "failed":
            self._say(f"serving   replica {number + 1} is given up: {life.given_up}")

    @property
    def any_ready(self) -> bool:
        """Whether there is somebody to ask."""
        return any(life.state == "ready" for life in self._lives)

    @property
    def heard_of(self) -> list[int]:
        """The numbers of the replicas whose actor runs."""
        return [number for number, life in enumerate(self._lives) if life.now is not None and life.given_up is None]

    def await_first(self) -> None:
        """Wait until one replica can be asked. Raises as `look` does."""
        began = said = self._clock()
        while True:
            self.look()
            if self.any_ready:
                return
            now = self._clock()
            if now - said >= SAY_EVERY_S:
                said = now
                placed = [life.now for life in self._lives if life.now is not None]
                parts = [f"{len(placed)} of {len(self._lives)} replicas loading"]
                if waiting := sum(life.state == "waiting" for life in self._lives):
                    parts.append(f"{waiting} wait for room on the cluster ({describe_need(self.engine)})")
                parts += [placed[0].last_line[:100]] if placed and placed[0].last_line else []
                self._say(f"serving   {now - began:.0f} s: {'; '.join(parts)}")
            time.sleep(POLL_S)


def describe_need(engine: VllmEngine) -> str:
    return f"{engine.gpus:g} GPU and {engine.cpus_per_replica:g} CPU"
