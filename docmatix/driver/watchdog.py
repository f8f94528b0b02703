"""Whether a stage makes progress, and what happens when it does not, or when one of its workers falls silent.

Progress is a shard committed, started or further on, or a reply. A worker without a heartbeat for `limits.stall_s` is
killed and its shards are tried again; one that is alive but slow is left to the limits of documents and requests. A
stage without progress reports what it waits for after `stall_s`, and the build stops after `limits.no_progress_s`.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Mapping, Sequence
from itertools import islice
from typing import Any

from docmatix.core.errors import BuildError
from docmatix.driver.heartbeat import LEAST_EVERY_S, LOOKS_PER_STALL, ProcessKey, WorkerState
from docmatix.driver.ray_cluster import describe_resources
from docmatix.driver.ray_workers import end_workers
from docmatix.driver.waiting import describe_wait, find_patience
from docmatix.pipeline import EXTRACT, PIPELINE
from docmatix.stages.support.job import Job
from docmatix.stages.support.planned_documents import read_plan

MOST_LOOK_EVERY_S = 60.0
LEAST_LOOKS = 3
"""A worker is silent only if at least so many looks in a row have found nothing of it."""


class Watchdog:
    """Since when nothing has moved, and which workers have fallen silent: plain bookkeeping.

    Time counts only while the driver looks and the mailbox answers: if either slept, no worker is blamed."""

    def __init__(self, *, stall_s: float, patience_s: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._stall_s, self._patience_s, self._clock = stall_s, patience_s, clock
        self._every_s = min(MOST_LOOK_EVERY_S, max(LEAST_EVERY_S, min(stall_s, patience_s) / LOOKS_PER_STALL))
        self.unheard_s = 0.0
        """How long the mailbox has not answered."""
        self._looked_at = clock()
        self._states: dict[ProcessKey, WorkerState] = {}
        self._silent_s: dict[ProcessKey, float] = {}
        self.silent: list[WorkerState] = []
        """Workers without a heartbeat for half of `stall_s` at the last look; living ones send many in that time."""
        self._say_at = stall_s
        self.waited_s = 0.0
        """Seconds without progress."""

    @property
    def states(self) -> list[WorkerState]:
        """The last state of each worker."""
        return list(self._states.values())

    @property
    def is_due(self) -> bool:
        """Whether it is time for the next look."""
        return self._clock() - self._looked_at >= self._every_s

    @property
    def is_over(self) -> bool:
        """Whether there was no progress for so long that the stage is given up."""
        return self.waited_s > self._patience_s

    def note(self) -> None:
        """There was progress."""
        self.waited_s, self._say_at = 0.0, self._stall_s

    def look(self, told: Mapping[ProcessKey, WorkerState] | None) -> list[WorkerState]:
        """Take in the states since the last look (None if the mailbox did not respond). Returns the workers that have
        been silent for `stall_s`, once for each silence of that length."""
        now = self._clock()
        # a silence is as long as several looks have found it: one may come late
        passed_s = min(now - self._looked_at, 2 * self._every_s, self._stall_s / LEAST_LOOKS)
        self._looked_at = now
        self.waited_s += passed_s
        self.unheard_s = self.unheard_s + passed_s if told is None else 0.0
        if told is None:
            return []
        for key, state in told.items():
            known = self._states.get(key)
            # a worker without a shard is no progress: one that dies as it starts comes again and again
            moved = (known.shards, known.replies) != (state.shards, state.replies) if known else bool(state.shards)
            if moved:
                self.note()
            self._states[key] = state
        for key in self._states:
            self._silent_s[key] = 0.0 if key in told else self._silent_s[key] + passed_s
        self.silent = [state for key, state in self._states.items() if self._silent_s[key] >= self._stall_s / 2]
        fallen = [state for state in self.silent if self._silent_s[state.key] >= self._stall_s]
        self._silent_s |= {state.key: 0.0 for state in fallen}
        return fallen

    def forget(self, state: WorkerState) -> None:
        """The worker has ended."""
        del self._states[state.key], self._silent_s[state.key]

    def has_news(self) -> bool:
        """Whether it is time to say that nothing moves: after `stall_s`, then after twice as long each time."""
        if self.waited_s < self._say_at:
            return False
        self._say_at *= 2
        return True


class StageWatch:
    """The watchdog of one stage, and what is done about what it finds."""

    def __init__(
        self,
        job: Job,
        stage: str,
        *,
        say: Callable[[str], None],
        events: list[dict[str, Any]],
        end: Callable[[Sequence[WorkerState]], Sequence[str | None]] = end_workers,
        describe: Callable[[], str] = describe_resources,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Findings go to `say` and, as mappings that JSON can hold, to `events`. `end` kills workers and returns the
        outcome of each."""
        self._job, self._stage, self._say, self._events, self._end_workers = job, stage, say, events, end
        self._describe = describe
        patience_s = find_patience(job.config, stage)
        self._watchdog = Watchdog(stall_s=job.config.limits.stall_s, patience_s=patience_s, clock=clock)
        self._told: dict[ProcessKey, WorkerState] | None = None
        self.stalled: dict[str, Any] | None = None
        """The last report on a stage without progress."""

    @property
    def states(self) -> list[WorkerState]:
        """The last state of each worker."""
        return self._watchdog.states

    def note(self) -> None:
        """There was progress."""
        self._watchdog.note()
        self.stalled = None

    def hear(self, told: Mapping[ProcessKey, WorkerState]) -> None:
        """Take in the states of the stage's workers since the last call."""
        self._told = {**(self._told or {}), **told}

    def look(self, *, left: int) -> None:
        """Take a look if it is time for one. Raises BuildError where nothing has moved for too long; `left` is how many
        shards are to be done."""
        if not self._watchdog.is_due:
            return
        told, self._told = self._told, None
        if silent := self._watchdog.look(told):
            self._end(silent)
        waited_s = self._watchdog.waited_s
        if not waited_s:
            self.stalled = None
        elif self._watchdog.is_over:
            raise BuildError(
                f"{self._stage} has stalled with {left} shards left: no progress for {waited_s:.0f} s"
                f" (limits.no_progress_s); waiting for {self._describe_wait()}. Fix that, then rerun the command to"
                " resume the build."
            )
        elif self._watchdog.has_news():
            waits_for = self._describe_wait()
            self.stalled = self._note_event("stalled", seconds=round(waited_s), waits_for=waits_for)
            self._say(f"{self._stage:9} no progress for {waited_s:.0f} s; waiting for {waits_for}")

    def _end(self, silent: Sequence[WorkerState]) -> None:
        """End workers that give no sign of life."""
        stall_s = self._job.config.limits.stall_s
        for state, outcome in zip(silent, self._end_workers(silent), strict=True):
            if outcome is not None:
                self._watchdog.forget(state)
            if outcome == "killed":
                shards = [str(shard) for shard in state.shards]
                self._note_event("worker_killed", host=state.host, process=state.pid, shards=shards)
                again = f"; retrying shard {', '.join(shards)}" if shards else ""
                self._say(
                    f"{self._stage:9} process {state.pid} on {state.host} gave no sign of life for {stall_s:g} s and"
                    f" was killed{again}"
                )

    def _note_event(self, event: str, **facts: Any) -> dict[str, Any]:
        self._events.append({"at": round(time.time(), 1), "stage": self._stage, "event": event, **facts})
        return self._events[-1]

    def _describe_wait(self) -> str:
        if self._watchdog.unheard_s >= self._job.config.limits.stall_s / 2:
            return "the heartbeats of the workers, which do not arrive"
        states = self.states
        return describe_wait(
            states,
            asks=self._name_servers(),
            find_document=self._find_document,
            resources="" if any(state.shards for state in states) else self._describe(),
            silent=self._watchdog.silent,
        )

    def _name_servers(self) -> str | None:
        if not PIPELINE[self._stage].asks or not self._job.choose_engine(self._stage).has_model:
            return None
        service = self._job.service
        return f"{len(service.replicas)} vLLM replicas" if service.replicas else ", ".join(service.addresses)

    def _find_document(self, shard: int, done: int) -> str | None:
        """The document that a worker is at, if the stage goes through them in the order of the plan."""
        if self._stage != EXTRACT:
            return None
        with contextlib.suppress(Exception):
            return next(islice(read_plan(self._job, shard), done, None)).source_uri
        return None
