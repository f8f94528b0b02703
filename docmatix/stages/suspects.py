"""Finds the document that a worker dies of, so that it is given up instead of the build.

The child that handles a document may die of it; the worker should not. Where it does all the same (a cluster's memory
watcher takes the worker for what its child uses), Ray tries the shard again until `limits.shard_attempts` stops the
build: one document would stop a million. So from its second attempt on a shard notes, durably, which document it has in
hand. The last attempt that is left passes over a document that all noted attempts died of.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import TYPE_CHECKING

from docmatix.documents import Refusal

if TYPE_CHECKING:
    from docmatix.stages.job import Job

NOTES_BELIEVED = 2
"""A worker may be killed for any reason while a document happens to be in its hands: once is chance."""


class Suspects:
    """What earlier attempts at a shard had in hand when their worker died, in this build."""

    def __init__(self, job: Job, stage: str, shard: int) -> None:
        self._run = job.run
        folder = f"telemetry/attempts/{job.epoch}/{stage}-{shard:05d}"
        self._notes = f"{folder}-in-hand"
        # the runner has counted this attempt already
        self._earlier = len(job.run.names(folder)) - 1
        self._culprit: int | None = None
        if self._earlier >= job.config.limits.shard_attempts - 1:
            noted = [int(job.run.read(f"{self._notes}/{name}")) for name in job.run.names(self._notes)]
            # the first attempt notes nothing
            if len(noted) == self._earlier - 1 >= NOTES_BELIEVED and len(set(noted)) == 1:
                self._culprit = noted[0]

    def refuse(self, index: int) -> Refusal | None:
        """Why document `index` of the shard is not tried again, if it is to blame."""
        if index != self._culprit:
            return None
        return Refusal("crashed", f"its worker died in each of the last {self._earlier - 1} attempts")

    @contextlib.contextmanager
    def in_hand(self, index: int) -> Iterator[None]:
        """Note that a document is being handled; nothing is written in the first attempt at a shard."""
        if self._earlier < 1:
            yield
            return
        name = f"{self._notes}/{self._earlier}"
        self._run.write(name, str(index).encode())
        try:
            yield
        finally:
            self._run.remove(name)
