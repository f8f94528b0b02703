"""What every stage is given: where the run is, what is wanted, and who else is at it."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from docmatix.config import Config
from docmatix.core.ledger import Ledger
from docmatix.models.engine import Engine
from docmatix.models.service import NOWHERE, Service
from docmatix.models.tokenizer import ESTIMATE, TokenCounter
from docmatix.pipeline import GENERATE, PIPELINE, VERIFY, list_stages
from docmatix.prompting.prompts import WRITING, Prompt
from docmatix.stages.support.fingerprints import identify_checks
from docmatix.storage.records import Record, SlimRecord, committing
from docmatix.storage.run import Run

if TYPE_CHECKING:
    from docmatix.storage.parquet import ShardWriter


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
    check_pass: int = 0
    """The pass of `verify` that is at work (`Config.check_passes`)."""

    @property
    def stages(self) -> list[str]:
        """The stages of this build, in their order."""
        return list_stages(verify=bool(self.config.verify))

    @property
    def shows_pages(self) -> bool:
        """Whether a model is shown pages, which then need no text."""
        return any(prompt.family == "vision" for prompt in self.prompts.values())

    @property
    def written_prompts(self) -> dict[str, Prompt]:
        """The prompts that write pairs, without those of the checks."""
        return {name: prompt for name, prompt in self.prompts.items() if prompt.family in WRITING}

    def choose_engine(self, stage: str) -> Engine:
        """The engine of a stage that asks a model; that of `verify` in the present pass."""
        return self.config.check_passes[self.check_pass].engine if stage == VERIFY else self.config.generate.engine

    @property
    def check_ids(self) -> dict[str, str]:
        """What each check of `verify` depends on, by its label."""
        return identify_checks(self.config, self.prompts, generated=self.fingerprints[GENERATE])

    @property
    def mark_of_some(self) -> str:
        """What a shard of `verify` is marked with in place of its fingerprint until all checks are done."""
        return f"{self.fingerprints[VERIFY]}-partly"

    def list_wanted_checks(self) -> dict[str, str]:
        """Those of `check_ids` that are done after the present pass."""
        labels = {check.label for each in self.config.check_passes[: self.check_pass + 1] for check in each.checks}
        return {label: known for label, known in self.check_ids.items() if label in labels}

    def reads(self, stage: str) -> list[str]:
        """The stages of this build whose shard of the same number a stage reads."""
        return [upstream for upstream in PIPELINE[stage].reads if upstream in self.stages]

    def inputs(self, stage: str, shard: int) -> tuple[str, ...] | None:
        """sha256 of the parts that a shard is made from; None while one of them is not there."""
        parts = []
        for upstream in self.reads(stage):
            record = self.run.read_head(upstream, shard)
            if record is None:
                return None
            parts.append(record.sha256)
        return tuple(parts)

    def is_current(self, stage: str, shard: int) -> bool:
        """Whether a committed shard is what this configuration and these inputs would give."""
        record = self.run.read_head(stage, shard)
        return (
            record is not None
            and record.fingerprint == self.fingerprints[stage]
            and is_made_from(record, stage, self.inputs(stage, shard))
        )

    def find_current(self, stage: str, shards: Iterable[int]) -> list[int]:
        """Those of these shards that are current. Reads the records of all shards."""
        made = self.run.heads(stage)
        upstreams = [self.run.heads(upstream) for upstream in self.reads(stage)]
        fingerprint = self.fingerprints[stage]
        return [
            shard
            for shard in shards
            if (record := made.get(shard)) is not None
            and record.fingerprint == fingerprint
            and is_made_from(record, stage, _name_inputs(upstreams, shard))
        ]

    def is_checked(self, shard: int, wanted: Mapping[str, str]) -> bool:
        """Whether a shard of `verify` has these checks (`list_wanted_checks`), and is current if they are all."""
        record = self.run.read_record(VERIFY, shard)
        if record is None or not is_made_from(record, VERIFY, self.inputs(VERIFY, shard)):
            return False
        whole = len(wanted) < len(self.config.verify) or record.fingerprint == self.fingerprints[VERIFY]
        return whole and wanted.items() <= record.extra.get("checked", {}).items()

    def is_partly_checked(self, shard: int) -> bool:
        """Whether a shard of `verify` has some of the checks of this configuration, and not yet all."""
        record = self.run.read_head(VERIFY, shard)
        return (
            record is not None
            and record.fingerprint == self.mark_of_some
            and is_made_from(record, VERIFY, self.inputs(VERIFY, shard))
        )

    def inputs_at_hand(self, stage: str, shard: int) -> contextlib.AbstractContextManager[None]:
        """For the length of a block, what a shard is made from is on this machine: neither its records nor its parts
        are asked of the run's store."""
        return self.run.at_hand((upstream, shard) for upstream in self.reads(stage))

    @contextlib.contextmanager
    def committing(
        self,
        stage: str,
        shard: int,
        *,
        ledger: Ledger,
        extra: dict[str, Any] | None = None,
        fingerprint: str | None = None,
    ) -> Iterator[ShardWriter]:
        """`committing` with the schema of the stage, and this job's inputs and, unless another one is given, its
        fingerprint."""
        with committing(
            self.run,
            stage,
            shard,
            schema=PIPELINE[stage].load_schema(),
            fingerprint=fingerprint or self.fingerprints[stage],
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


def _name_inputs(upstreams: Sequence[Mapping[int, Record | SlimRecord]], shard: int) -> tuple[str, ...] | None:
    try:
        return tuple([records[shard].sha256 for records in upstreams])
    except KeyError:
        return None


def is_made_from(record: Record | SlimRecord, stage: str, inputs: tuple[str, ...] | None) -> bool:
    """Whether a record names these parts as its inputs. Earlier versions made `verify` from `generate` alone."""
    return record.inputs == inputs or (stage == VERIFY and inputs is not None and record.inputs == inputs[-1:])


@dataclass(slots=True)
class ShardProgress:
    """How far the work on a shard is, for the driver's progress and watchdog: `done`, `ocr_pages`, `pairs`, `kept`."""

    figures: dict[str, float] = field(default_factory=dict)
    attempt: int = 0
    """How often this driver has had the shard tried before."""

    def update(self, **figures: float) -> None:
        """May be called for every row."""
        self.figures.update(figures)
