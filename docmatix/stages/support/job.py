"""What every stage is given: where the run is, what is wanted, and who else is at it."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import socket
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING, Any

from docmatix.config import Config
from docmatix.core.ledger import Ledger
from docmatix.core.process_space import find_process_space
from docmatix.models.service import NOWHERE, Service
from docmatix.models.tokenizer import ESTIMATE, TokenCounter
from docmatix.pipeline import PIPELINE, list_stages
from docmatix.prompting.prompts import Prompt
from docmatix.storage.parquet import ShardWriter
from docmatix.storage.records import Record, committing
from docmatix.storage.run import RunDirectory

if TYPE_CHECKING:
    from docmatix.models.client import Counters


@dataclass(frozen=True, slots=True)
class Job:
    """A build, as its workers see it. `driver_id` names the driver that started them."""

    run: RunDirectory
    config: Config
    prompts: dict[str, Prompt]
    fingerprints: dict[str, str]
    driver_id: str
    service: Service = NOWHERE
    """Where the model is asked; known once it is served."""
    counter: TokenCounter = ESTIMATE
    """Counts what a context holds."""

    @property
    def stages(self) -> list[str]:
        """The stages of this build, in their order."""
        return list_stages(verify=self.config.verify is not None)

    def reads(self, stage: str) -> list[str]:
        """The stages of this build whose shard of the same number a stage reads."""
        return [upstream for upstream in PIPELINE[stage].reads if upstream in self.stages]

    def inputs(self, stage: str, shard: int) -> tuple[str, ...] | None:
        """sha256 of the parts that a shard is made from; None while one of them is not there."""
        parts = []
        for upstream in self.reads(stage):
            record = self.run.read_record(upstream, shard)
            if record is None:
                return None
            parts.append(record.sha256)
        return tuple(parts)

    def is_current(self, stage: str, shard: int) -> bool:
        """Whether a committed shard is what this configuration and these inputs would give."""
        record = self.run.read_record(stage, shard)
        return (
            record is not None
            and record.fingerprint == self.fingerprints[stage]
            and record.inputs == self.inputs(stage, shard)
        )

    @contextlib.contextmanager
    def committing(
        self, stage: str, shard: int, *, ledger: Ledger, extra: dict[str, Any] | None = None
    ) -> Iterator[ShardWriter]:
        """`committing` with the schema of the stage, and this job's fingerprint and inputs."""
        with committing(
            self.run.store,
            stage,
            shard,
            schema=PIPELINE[stage].load_schema(),
            fingerprint=self.fingerprints[stage],
            ledger=ledger,
            inputs=self.inputs(stage, shard) or (),
            extra=extra,
        ) as writer:
            yield writer

    def record(self, stage: str, shard: int) -> Record:
        record = self.run.read_record(stage, shard)
        if record is None:
            raise FileNotFoundError(f"{stage}/part-{shard:05d}.json")
        return record


REMOTE_EVERY_S = 5.0
"""A request to an object store takes 50 ms, for which a worker that asks about eight shards can do nothing else: each
telling twice a second would take most of its time."""


@dataclass(slots=True)
class Pulse:
    """A sign of life from a shard at work: figures in a small file that the driver reads for its progress bar.

    Written at most once every `every_s` (`REMOTE_EVERY_S` on an object store); a lost one costs nothing, so failures to
    write are passed over.
    """

    job: Job
    stage: str
    shard: int
    every_s: float = 0.5
    figures: dict[str, float] = field(default_factory=dict)
    _last: float = 0.0

    def beat(self, *, counters: Counters | None = None, **figures: float) -> None:
        self.figures.update(figures)
        now = time.monotonic()
        every_s = self.every_s if self.job.run.local else max(self.every_s, REMOTE_EVERY_S)
        if now - self._last >= every_s:
            self._last = now
            self.figures.update(read_figures(counters) if counters else {})
            with contextlib.suppress(Exception):
                content = json.dumps({**self.figures, "worker": name_worker()}).encode()
                self.job.run.write(self._name, content, durable=False)

    def stop(self) -> None:
        """The shard is done, one way or the other: its figures are in the ledger now."""
        with contextlib.suppress(Exception):
            self.job.run.remove(self._name)

    @property
    def _name(self) -> str:
        return f"telemetry/live/{self.job.driver_id}/{self.stage}-{self.shard:05d}.json"


def name_worker() -> str:
    """This process, among those of all machines: containers may share their host's name, and have a process 7 each."""
    return f"{socket.gethostname()} {os.getpid()} {_name_process_space()}"


@cache
def _name_process_space() -> str:
    return hashlib.sha256((find_process_space() or "").encode()).hexdigest()[:8]


def read_figures(counters: Counters) -> dict[str, float]:
    """A client's counters as flat figures: `requests`, `prompt_tokens`, `retries`, `retries_429`, ..."""
    figures: dict[str, float] = {
        name: getattr(counters, name)
        for name in ("requests", "replies", "failures", "prompt_tokens", "completion_tokens", "in_flight")
    }
    figures["retries"] = counters.retries.total()
    return figures | {f"retries_{cause}": count for cause, count in sorted(counters.retries.items())}
