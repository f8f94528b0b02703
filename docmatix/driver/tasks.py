"""What the driver hands to its workers, and what they report: plain values for workers of any kind."""

from __future__ import annotations

import time
import traceback
from collections.abc import Mapping
from dataclasses import dataclass, field

from docmatix.core import errors
from docmatix.core.errors import BuildError, DocmatixError
from docmatix.driver.heartbeat import name_worker
from docmatix.stages.pack import OutputFile


@dataclass(frozen=True, slots=True)
class Task:
    """One shard of one stage to be done; `output` only for `pack`."""

    shard: int
    output: OutputFile | None = None
    attempt: int = 0
    """How many workers have died at it in this build."""


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
    task: Task, started: float, *, error: Exception | None = None, figures: Mapping[str, float] | None = None
) -> Report:
    """The report of this process on a task that it began at `started`."""
    kind = message = ""
    if error is not None:
        kind = type(error).__name__
        message = str(error) if isinstance(error, DocmatixError) else "".join(traceback.format_exception(error)[-6:])
    return Report(task, name_worker(), started, time.time(), dict(figures or {}), error=kind, message=message)
