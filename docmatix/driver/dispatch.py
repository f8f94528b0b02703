"""Hands tasks to workers as these have room, and tasks whose worker died to other workers, up to a limit."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from docmatix.core.errors import BuildError
from docmatix.driver.tasks import Report, Task

_POLL_S = 0.2


@dataclass(frozen=True, slots=True)
class Lost:
    """A task whose worker died, or can no longer be reached."""

    task: Task


class Pool(Protocol):
    """Some workers for one stage."""

    def give(self, task: Task) -> bool:
        """Hand a task to the worker with the most room; False where none has any."""
        ...

    def poll(self, timeout_s: float) -> list[Report | Lost]:
        """What has become of tasks since the last call; waits so long for the first of them."""
        ...


def dispatch(
    stage: str, tasks: Sequence[Task], pools: Callable[[], Sequence[Pool]], *, attempts: int
) -> Generator[Report | None]:
    """Do the tasks, in their order as far as workers go; yields each report as it comes, and None about five times a
    second. Raises BuildError for a task that has ended its worker `attempts` times.

    Each call of a build counts from zero. `pools` are those of now: more may come while the tasks are done.
    """
    waiting, out = deque(tasks), 0
    deaths: Counter[int] = Counter()
    while waiting or out:
        present = pools()
        for pool in present:
            while waiting and pool.give(waiting[0]):
                waiting.popleft()
                out += 1
        for outcome in [each for pool in present for each in pool.poll(_POLL_S / len(present))]:
            out -= 1
            if isinstance(outcome, Report):
                yield outcome
                continue
            shard = outcome.task.shard
            deaths[shard] += 1
            if deaths[shard] >= attempts:
                raise BuildError(
                    f"Shard {shard} of {stage} ended its worker {deaths[shard]} times (limits.shard_attempts); look at"
                    " the memory of this machine and at the documents of the shard in the plan. If machines were lost,"
                    " rerun the command: the count starts from zero."
                )
            waiting.appendleft(replace(outcome.task, attempt=deaths[shard]))
        yield None
