"""The replicas of a build as its driver keeps track of them. No Ray here."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from docmatix.core.errors import BuildError
from docmatix.models.metrics import ServerMetrics
from docmatix.models.vllm.replica import Restart, ServerState
from docmatix.models.vllm.server_log import UNKNOWN_CAUSE, mention_log

if TYPE_CHECKING:
    from docmatix.models.vllm.engine import VllmEngine

SAY_EVERY_S = 15.0
"""Loading takes minutes: a line this often, and one whenever a replica becomes ready or is lost."""
POLL_S = 0.5
MARGIN_S = 60.0
"""A replica has its own time to start, and reports when it is over; the fleet as a whole is given up after that."""


class ReplicaReport(NamedTuple):
    """The latest report of a replica's actor."""

    incarnation: str
    """Changes when the actor is restarted."""
    state: ServerState


class ReportSource(Protocol):
    """What `Fleet` needs of a `ReplicaPool`."""

    def look(self) -> list[ReplicaReport | str | None]: ...


@dataclass(slots=True)
class _TrackedReplica:
    """One replica over all incarnations of its actor."""

    incarnation: str | None = None
    now: ServerState | None = None
    """None while it waits for room on the cluster, at first or again."""
    given_up: str | None = None
    """Why nothing more is expected of it."""
    restarts: list[Restart] = field(default_factory=list)
    """Of past incarnations, with their ends."""
    past: ServerMetrics | None = None
    past_idle_s: float = 0.0
    past_busy_s: float = 0.0

    def update(self, report: ReplicaReport | str | None) -> None:
        """Take in the latest report, as `ReplicaPool.look` gives it."""
        if self.given_up is not None:
            return
        if self.now is not None and (not isinstance(report, ReplicaReport) or report.incarnation != self.incarnation):
            self._retire(self.now)
        if isinstance(report, str):
            self.given_up = report
        elif report is not None:
            self.incarnation, self.now = report
            if self.now.state == "failed":
                self.given_up = self.now.detail or UNKNOWN_CAUSE

    def _retire(self, last: ServerState) -> None:
        self.restarts += [*last.restarts, Restart(time.time(), "lost", "its Ray actor or node ended")]
        if last.metrics is not None:
            self.past = last.metrics.reset_gauges().add_counters(self.past)
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
        pool: ReportSource,
        give_up: Callable[[int], None] = lambda number: None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`give_up` is called with the number (from 0) of each replica that is given up, to free its place on the
        cluster. `clock` is a seam for tests."""
        self.engine, self.replicas = engine, tuple(replicas)
        self._say, self._give_up, self._clock = say, give_up, clock
        self._pool = pool
        self._tracked = [_TrackedReplica() for _ in replicas]
        self._said: dict[int, tuple[str, int]] = {}
        self._changed_at = clock()
        self._last_seen: list[tuple[str, str | None, int]] | None = None

    def look(self) -> list[dict[str, Any]]:
        """The state of each replica, for status and telemetry; says what has changed.

        Raises BuildError once all replicas are given up, or none was ready and none changed for `start_timeout_s`.
        """
        for number, (replica, report) in enumerate(zip(self._tracked, self._pool.look(), strict=True)):
            was_expected = replica.given_up is None
            replica.update(report)
            self._say_changes(number, replica)
            if was_expected and replica.given_up is not None:
                self._give_up(number)
        self._check_progress()
        return [replica.to_json() for replica in self._tracked]

    def _check_progress(self) -> None:
        given_up = [replica.given_up for replica in self._tracked if replica.given_up is not None]
        if len(given_up) == len(self._tracked):
            raise BuildError(
                f"No vLLM replica of {self.engine.model} could be started or kept running ({given_up[0]}). Fix this,"
                " then rerun the command to resume the build."
            )
        seen = [(replica.state, replica.incarnation, len(replica.all_restarts)) for replica in self._tracked]
        if self.any_ready or seen != self._last_seen:
            self._changed_at, self._last_seen = self._clock(), seen
        elif self._clock() - self._changed_at > self.engine.start_timeout_s + MARGIN_S:
            counts = Counter(replica.state for replica in self._tracked)
            states = ", ".join(f"{count} {state}" for state, count in counts.items())
            why = f"; {given_up[0]}" if given_up else ""
            raise BuildError(
                f"No replica became ready within {self.engine.start_timeout_s:g} s (generate.engine.start_timeout_s):"
                f" {states}{why}. A replica needs {describe_need(self.engine)}: rerun the command to resume the build"
                " once there is room for one."
            )

    def _say_changes(self, number: int, replica: _TrackedReplica) -> None:
        state, restarts = replica.state, replica.all_restarts
        before = self._said.get(number, ("waiting", 0))
        if (state, len(restarts)) == before:
            return
        self._said[number] = (state, len(restarts))
        if len(restarts) > before[1]:
            why = f"{restarts[-1].reason} {restarts[-1].detail}".strip() + mention_log(restarts[-1].log)
            self._say(f"serving   replica {number + 1} is restarting: {why}")
        if replica.now is not None and state == "ready" and before[0] != "ready":
            self._say(
                f"serving   replica {number + 1} is ready on {replica.now.host} ({replica.now.start_s:.0f} s to start)"
            )
        if state == "failed":
            self._say(f"serving   replica {number + 1} was given up: {replica.given_up}")

    @property
    def any_ready(self) -> bool:
        """Whether a replica can be asked."""
        return any(replica.state == "ready" for replica in self._tracked)

    @property
    def running(self) -> list[int]:
        """The numbers of the replicas whose actor runs."""
        return [number for number, each in enumerate(self._tracked) if each.now is not None and each.given_up is None]

    def await_first(self) -> None:
        """Wait until one replica can be asked. Raises as `look` does."""
        began = last_line_at = self._clock()
        while True:
            self.look()
            if self.any_ready:
                return
            now = self._clock()
            if now - last_line_at >= SAY_EVERY_S:
                last_line_at = now
                self._say(f"serving   {now - began:.0f} s: {self._describe_loading()}")
            time.sleep(POLL_S)

    def _describe_loading(self) -> str:
        placed = [replica.now for replica in self._tracked if replica.now is not None]
        parts = [f"{len(placed)} of {len(self._tracked)} replicas loading"]
        if waiting := sum(replica.state == "waiting" for replica in self._tracked):
            parts.append(f"{waiting} waiting for room on the cluster ({describe_need(self.engine)})")
        if placed and placed[0].last_line:
            parts.append(placed[0].last_line[:100])
        return "; ".join(parts)


def describe_need(engine: VllmEngine) -> str:
    return f"{engine.gpus:g} GPU and {engine.cpus_per_replica:g} CPU"
