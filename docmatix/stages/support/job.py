"""What every stage is given: where the run is, what is wanted, and who else is at it."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from docmatix.config import Config
from docmatix.core.ledger import Ledger
from docmatix.models.service import NOWHERE, Service
from docmatix.models.tokenizer import ESTIMATE, TokenCounter
from docmatix.pipeline import PIPELINE, list_stages
from docmatix.prompting.prompts import Prompt
from docmatix.storage.parquet import ShardWriter
from docmatix.storage.records import Record, committing
from docmatix.storage.run import Run


@dataclass(frozen=True, slots=True)
class Job:
    """A build, as its workers see it. `driver_id` names the driver that started them."""

    run: Run
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

    @property
    def shows_pages(self) -> bool:
        """Whether a model is shown pages, which then need no text."""
        return any(prompt.family == "vision" for prompt in self.prompts.values())

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


@dataclass(slots=True)
class ShardProgress:
    """How far the work on a shard is, for the driver's progress and watchdog: `done`, `ocr_pages`, `pairs`, `kept`."""

    figures: dict[str, float] = field(default_factory=dict)

    def update(self, **figures: float) -> None:
        """May be called for every row."""
        self.figures.update(figures)
