"""What a driver records of its run in `telemetry/`: what each stage's workers counted, the servers, the watchdog.

`telemetry/EPOCH.json` is written as a driver ends. While it runs the same stands in `telemetry/live/EPOCH/record.json`,
so that what was asked by a driver that is killed counts among what a run has cost.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import socket
import time
from collections.abc import Mapping
from typing import Any, Self

from docmatix.core.ledger import Ledger
from docmatix.core.redaction import hide_in_text
from docmatix.pipeline import GENERATE, PIPELINE
from docmatix.stages.support.job import Job
from docmatix.storage.run import RunDirectory

KEEP_EVERY_S = 5.0
"""A driver that is killed loses what was counted in so many seconds."""
_OF_SHARDS = ("done", "pairs", "kept")
"""Figures that each shard counts for itself; the others are its worker's, whose other shards tell the same."""


class Tally:
    """The figures of several workers together. What a worker counts only grows, so the largest of each stands for it; a
    worker that takes the place of a dead one counts from nothing, as another one."""

    def __init__(self) -> None:
        self._workers: dict[str, dict[str, float]] = {}

    def take(self, worker: str, figures: Mapping[str, float]) -> None:
        """What a worker has counted by now."""
        known = self._workers.setdefault(worker, {})
        known.update({name: max(known.get(name, 0), value) for name, value in figures.items()})

    @property
    def total(self) -> dict[str, float]:
        """Added up over workers."""
        names = dict.fromkeys(name for figures in self._workers.values() for name in figures)
        return {name: sum(figures.get(name, 0) for figures in self._workers.values()) for name in names}


class Recording:
    """What a driver has to tell of its run, kept as it goes."""

    def __init__(self, job: Job, *, keep_every_s: float = KEEP_EVERY_S) -> None:
        self._run, self._driver_id, self._keep_every_s = job.run, job.driver_id, keep_every_s
        self._fingerprints = job.fingerprints
        self._kept_at = time.monotonic()
        self._started = time.time()
        self.stages: dict[str, dict[str, float]] = {}
        """The figures of each stage: those of its workers' clients, and `seconds`."""
        self.serving: list[dict[str, Any]] = []
        """What is known of the servers of each model; see `docmatix.models.telemetry`."""
        self.watchdog: list[dict[str, Any]] = []
        """What the watchdog found, in its order."""
        self._stopped: str | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if error is not None:
            self.note_stop(error)
        self.close()

    def count(self, figure: str) -> float:
        """A figure added up over stages."""
        return sum(figures.get(figure, 0) for figures in self.stages.values())

    def note_stop(self, error: BaseException) -> None:
        """The build stops for this error, or for a person who interrupts it."""
        said = "interrupted" if isinstance(error, KeyboardInterrupt) else str(error) or type(error).__name__
        self._stopped = hide_in_text(said)

    def keep(self) -> None:
        """Write what is known by now, if it is time to; what cannot be written is written the next time."""
        now = time.monotonic()
        if now - self._kept_at < self._keep_every_s:
            return
        self._kept_at = now
        with contextlib.suppress(Exception):
            self._run.write(f"telemetry/live/{self._driver_id}/record.json", self._to_json(killed=True), durable=False)

    def close(self) -> None:
        """Write the record of a driver that has come to its end, good or bad."""
        with contextlib.suppress(Exception):
            self._run.write(f"telemetry/{self._driver_id}.json", self._to_json())

    def _to_json(self, **facts: Any) -> bytes:
        content = {
            "started": self._started,
            "host": socket.gethostname(),
            "process": os.getpid(),
            "fingerprints": self._fingerprints,
            "stages": self.stages,
            "serving": self.serving,
            "watchdog": self.watchdog,
            "seconds": round(time.time() - self._started, 3),
        }
        if self._stopped is not None:
            content["stopped"] = self._stopped
        return json.dumps(content | facts, indent=1).encode()


def adopt_records(run: RunDirectory) -> None:
    """Give drivers that were killed the record that they could not write, with `killed` in it. By who holds the run."""
    for driver_id in _list_unfinished(run):
        # one that was killed before it had anything to tell has none
        with contextlib.suppress(FileNotFoundError, NotADirectoryError):
            run.write(f"telemetry/{driver_id}.json", run.read(f"telemetry/live/{driver_id}/record.json"))


def _list_unfinished(run: RunDirectory) -> list[str]:
    """The drivers that are at work, or were killed: what one that has ended left behind tells less than its record."""
    ended = {name.removesuffix(".json") for name in run.names("telemetry")}
    return [driver_id for driver_id in run.names("telemetry/live") if driver_id not in ended]


def read_live_records(run: RunDirectory) -> list[dict[str, Any]]:
    """The records of drivers that are at work, or were killed and not followed by another one yet."""
    return read_live(run, "record.json")


def read_live(run: RunDirectory, name: str) -> list[dict[str, Any]]:
    """What drivers that are at work, or were killed, have in a file of that name."""
    found = []
    names = [f"telemetry/live/{driver_id}/{name}" for driver_id in _list_unfinished(run)]
    for content in run.read_several(names).values():
        with contextlib.suppress(ValueError):
            if isinstance(told := json.loads(content), dict):
                found.append(told)
    return found


class AtWork:
    """The figures of the shards in hand, as their pulses tell them: those of a shard until it is laid down, since
    between its last pulse and its commit it would count for nothing, and after it twice."""

    def __init__(self, job: Job, stage: str, *, tally: Tally | None = None) -> None:
        """`tally` is told what their workers have counted."""
        self._job, self._stage, self._tally = job, stage, tally
        self._shards: dict[int, dict[str, float]] = {}
        self._laid_down: set[int] = set()
        self._workers = Tally()

    def read(self) -> None:
        """Take in the pulses that are there now."""
        folder = f"telemetry/live/{self._job.driver_id}"
        shards = {}
        for name in self._job.run.names(folder):
            if match := re.fullmatch(rf"{self._stage}-(\d+)\.json", name):
                shards[f"{folder}/{name}"] = int(match[1])
        self._workers = Tally()  # a worker's requests in flight come and go
        for name, content in self._job.run.read_several(list(shards)).items():
            with contextlib.suppress(ValueError):
                figures = json.loads(content)
                worker = figures.pop("worker", "")
                own = {figure: figures.pop(figure) for figure in _OF_SHARDS if figure in figures}
                if shards[name] not in self._laid_down:
                    self._shards[shards[name]] = own
                for each in (self._workers, self._tally):
                    if each is not None:
                        each.take(worker, figures)

    def lay_down(self, shard: int) -> None:
        """A shard is committed: what it counted is in the ledger now."""
        self._laid_down.add(shard)
        self._shards.pop(shard, None)

    @property
    def own(self) -> dict[str, float]:
        """What the shards count themselves. One whose pulse cannot be read for a moment counts as it did before: it has
        not moved by that."""
        total = dict[str, float]()
        for own in self._shards.values():
            for name, count in own.items():
                total[name] = total.get(name, 0) + count
        return total

    @property
    def total(self) -> dict[str, float]:
        """Shards and workers together; empty where none has reported."""
        return self.own | self._workers.total


def count_progress(
    stage: str, ledger: Ledger, *, at_work: Mapping[str, float], counted: Mapping[str, float]
) -> dict[str, float]:
    """The figures of a stage so far: what its committed shards have in their `ledger` and those `at_work` tell of
    themselves, and what the workers of both have `counted`, which only grows; `in_flight` is that of now."""

    def read(unit: str, side: str) -> int:
        return int(getattr(ledger.accounts[unit], side)) if unit in ledger.accounts else 0

    row = PIPELINE[stage]
    committed = {"done": read(row.done_in, "entered")} if row.done_in is not None else {}
    if row.shows_pairs_as is not None:
        committed[row.shows_pairs_as] = read("pairs", "kept")
    if stage == GENERATE:  # a window that gave no candidate is a row too
        committed["done"] += ledger.accounts["windows"].dropped["no_candidates"] if "windows" in ledger.accounts else 0
    own = {name: count + at_work.get(name, 0) for name, count in committed.items()}
    return {**counted, "in_flight": at_work.get("in_flight", 0), **own}


def read_pulses(job: Job, stage: str, *, tally: Tally | None = None) -> dict[str, float]:
    """The figures of the shards at work together; empty where none has reported. `tally` is told what their workers
    have counted."""
    at_work = AtWork(job, stage, tally=tally)
    at_work.read()
    return at_work.total
