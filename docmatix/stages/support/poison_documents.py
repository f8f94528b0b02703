"""Finds the document that the workers of a shard die of: it is dropped instead of the build.

From its second attempt on a shard notes durably which document it has in hand, and what is being done with it. The last
attempt passes over a document that all noted ones died of, unfetched if they died while fetching it. Neighbours that
are decoded together with it (rows of Parquet) still stop the build.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from docmatix.core.documents import Refusal

if TYPE_CHECKING:
    from docmatix.stages.support.job import Job

NOTES_BELIEVED = 2
"""A worker may be killed for any reason while a document happens to be in its hands: once is chance."""


def _name_attempts(job: Job, stage: str, shard: int) -> str:
    return f"telemetry/attempts/{job.driver_id}/{stage}-{shard:05d}"


class PoisonDocuments:
    """What earlier attempts at a shard had in hand when their worker died, in this build."""

    def __init__(self, job: Job, stage: str, shard: int, *, attempt: int) -> None:
        """`attempt` counts from zero; in the first one nothing is read or written."""
        self._run, self._attempt = job.run, attempt
        self._notes = f"{_name_attempts(job, stage, shard)}-in-hand"
        self._culprit: int | None = None
        self._died_at: set[str] = set()
        if attempt and attempt >= job.config.limits.shard_attempts - 1:
            noted = [job.run.read(f"{self._notes}/{name}").decode().split() for name in job.run.names(self._notes)]
            # the first attempt notes nothing
            if len(noted) == attempt - 1 >= NOTES_BELIEVED and len({index for index, _ in noted}) == 1:
                self._culprit = int(noted[0][0])
                self._died_at = {doing for _, doing in noted}

    def refuse(self, index: int, doing: str | None = None) -> Refusal | None:
        """Why document `index` of the shard is not tried again, if it is to blame; with `doing` only if a worker died
        while it did this with the document."""
        if index != self._culprit or (doing is not None and doing not in self._died_at):
            return None
        return Refusal("crashed", f"its worker died in each of the last {self._attempt - 1} attempts")

    @contextlib.contextmanager
    def in_hand(self, index: int, doing: str) -> Iterator[Callable[[str], None]]:
        """Note that a document is being handled, and what is being done with it (`fetch`, `read`, `render`), which the
        block may change by what it is given; nothing is written in the first attempt at a shard."""
        name = f"{self._notes}/{self._attempt}"

        def note(doing: str) -> None:
            if self._attempt:
                self._run.write(name, f"{index} {doing}".encode())

        note(doing)
        try:
            yield note
        finally:
            if self._attempt:
                self._run.remove(name)
