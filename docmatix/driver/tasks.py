"""What the driver hands to its workers, and what they report: plain values for workers of any kind."""

from __future__ import annotations

import contextlib
import time
import traceback
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace

from docmatix.core import errors
from docmatix.core.errors import BuildError, DocmatixError
from docmatix.driver.heartbeat import name_worker
from docmatix.pipeline import CURATE, PLAN
from docmatix.stages.support.job import Job
from docmatix.stages.support.output_files import OutputFile
from docmatix.storage.record_memory import Told


@dataclass(frozen=True, slots=True)
class Task:
    """One shard of one stage to be done; `output` only for `pack`."""

    shard: int
    output: OutputFile | None = None
    attempt: int = 0
    """How many workers have died at it in this build."""
    told: tuple[Told, ...] = ()
    """The records that it needs, so that its worker reads none."""


@dataclass(frozen=True, slots=True)
class Report:
    """How a task went, and what its worker has counted so far: requests, tokens, retries. `started` and `ended` are in
    seconds since 1970; what the shard raised is told by the name of its class, and a message."""

    task: Task
    worker: str
    started: float
    ended: float
    figures: Mapping[str, float] = field(default_factory=dict)
    error: str = ""
    message: str = ""
    told: tuple[Told, ...] = ()
    """The record that was committed."""

    def revive(self, stage: str) -> DocmatixError:
        """The error of a shard of this stage; one that is not ours becomes a BuildError that asks for a report."""
        kind = getattr(errors, self.error, None)
        if isinstance(kind, type) and issubclass(kind, DocmatixError):
            return kind(self.message)
        bug = BuildError(
            f"Shard {self.task.shard} of {stage} failed with {self.error}, which is a bug in docmatix; please report"
            " it."
        )
        bug.add_note(self.message)
        return bug


def report_task(
    task: Task,
    started: float,
    *,
    figures: Mapping[str, float],
    error: Exception | None = None,
    told: Iterable[Told] = (),
) -> Report:
    """The report of this process on a task that it began at `started`."""
    kind = message = ""
    if error is not None:
        kind = type(error).__name__
        message = str(error) if isinstance(error, DocmatixError) else "".join(traceback.format_exception(error)[-6:])
    told = tuple(told)
    bare = replace(task, told=())  # the driver knows what it told
    return Report(bare, name_worker(), started, time.time(), dict(figures), error=kind, message=message, told=told)


def tell_task(job: Job, stage: str, task: Task) -> Task:
    """A task with the records that it needs, as far as the driver knows them."""
    pairs = [(stage, task.shard)]
    if task.output is None:
        pairs += [(each, task.shard) for each in dict.fromkeys((PLAN, *job.reads(stage)))]
    else:
        shards = dict.fromkeys(each.shard for each in task.output.ranges)
        pairs += [(each, shard) for shard in shards for each in (PLAN, CURATE)]
    return replace(task, told=tuple(job.run.tell(pairs)))


@contextlib.contextmanager
def knowing(job: Job, task: Task) -> Iterator[None]:
    """Have the run of a worker know what its task tells, for the length of the block."""
    job.run.know(task.told)
    try:
        yield
    finally:
        job.run.untell([(each.stage, each.shard) for each in task.told])
