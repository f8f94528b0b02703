"""Workers as Ray actors: a process each, which Ray starts again where it dies, elsewhere if its node is lost."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from docmatix.core.errors import BuildError
from docmatix.driver.asking_runner import AskingRunner
from docmatix.driver.dispatch import Lost
from docmatix.driver.heartbeat import (
    Heartbeat,
    WorkerState,
    choose_interval,
    name_worker,
    tell_mailbox,
)
from docmatix.driver.local_workers import kill_process
from docmatix.driver.shard_runner import ShardRunner
from docmatix.driver.tasks import Report, Task, tell_task
from docmatix.stages.support.job import Job

_GROW_EVERY_S = 5.0  # a cluster's nodes may come while the build is at work
_KILL_PATIENCE_S = 60.0  # to kill a worker, Ray first starts a process on its node
_ASK_AGAIN_S = 1.0  # after a worker that is being started again did not answer


@dataclass(frozen=True, slots=True)
class Assignment:
    """What a worker does until it is given another one: a stage of a build. `job` is a Ray reference in a list, which
    Ray hands over as it is, so that a worker fetches it once."""

    key: str
    stage: str
    job: list[Any]


@dataclass(frozen=True, slots=True)
class _Work:
    """An assignment, with the build that it is of as the driver has it."""

    given: Assignment
    job: Job


# --- in a worker's process --------------------------------------------------------------------------------------------


class ShardWorker:
    """Does shards of the stages on CPUs, one at a time, for as long as the build runs."""

    def __init__(self, stall_s: float, mailbox: Any) -> None:
        self.runner = ShardRunner(cpus=_count_cpus_of_node())
        self.heartbeat = _start_heartbeat("", stall_s, mailbox, count=self.runner.count)
        self.key = ""
        self.job: Job | None = None

    def tell_name(self) -> str:
        return name_worker()

    def do(self, given: Assignment, task: Task) -> Report:
        import ray

        if self.key != given.key:
            self.key, self.job = given.key, ray.get(given.job[0])
        self.heartbeat.stage = given.stage
        assert self.job is not None
        progress = self.heartbeat.begin(task.shard)
        try:
            return self.runner.run(self.job, given.stage, task, progress=progress)
        finally:
            self.heartbeat.finish(task.shard)


class AskingWorker:
    """Asks the model server about several shards at once."""

    def __init__(self, job: Job, stage: str, workers: int, mailbox: Any) -> None:
        self.runner = AskingRunner(job, stage, workers=workers)
        self.heartbeat = _start_heartbeat(stage, job.config.limits.stall_s, mailbox, count=self.runner.count)

    async def tell_name(self) -> str:
        return name_worker()

    async def do(self, given: Assignment, task: Task) -> Report:
        try:
            return await self.runner.run(task, progress=self.heartbeat.begin(task.shard))
        finally:
            self.heartbeat.finish(task.shard)


def _start_heartbeat(
    stage: str, stall_s: float, mailbox: Any, *, count: Callable[[], Mapping[str, float]]
) -> Heartbeat:
    import ray

    node = ray.get_runtime_context().get_node_id()
    return Heartbeat(stage, tell_mailbox(mailbox), node=node, count=count, every_s=choose_interval(stall_s))


def _count_cpus_of_node() -> int:
    """Those that Ray has for this machine."""
    import ray

    here = ray.get_runtime_context().get_node_id()
    cpus = (node["Resources"].get("CPU", 1) for node in ray.nodes() if node["NodeID"] == here)
    return max(1, int(next(cpus, 1)))


# --- in the driver ----------------------------------------------------------------------------------------------------


@dataclass(slots=True, eq=False)
class _Member:
    """A worker as the driver knows it; it has no `name` until it has started, and again once it has."""

    actor: Any
    asked: Any
    """The reference of its name."""
    ask_at: float = 0.0
    name: str | None = None
    tasks: dict[Any, Task] = field(default_factory=dict)
    """What it has in hand, by the reference of the report."""


class RayPool:
    """The workers of one kind on the running Ray. Used by one thread at a time."""

    def __init__(self, start: Callable[[], Any], *, size: Callable[[], int], room: int = 1) -> None:
        """`start` starts a worker, `size` is how many are wanted by now, `room` how many tasks each takes."""
        self._start, self._size, self._room = start, size, room
        self._members: list[_Member] = []
        self._work: _Work | None = None
        self._grown_at = 0.0

    def assign(self, given: Assignment, job: Job) -> None:
        """What its workers do from the next task on."""
        self._work = _Work(given, job)
        self._grow()

    @property
    def workers(self) -> set[str]:
        """The names of those that have started."""
        return {member.name for member in self._members if member.name is not None}

    def give(self, task: Task) -> bool:
        free = [member for member in self._members if member.name is not None and len(member.tasks) < self._room]
        if not free:
            return False
        member = min(free, key=lambda each: len(each.tasks))
        assert self._work is not None
        given = self._work.given
        # by this name the process is known to the system while it is at it
        do = member.actor.do.options(name=f"{given.stage} {task.shard}")
        member.tasks[do.remote(given, tell_task(self._work.job, given.stage, task))] = task
        return True

    def poll(self, timeout_s: float) -> list[Report | Lost]:
        import ray

        now = time.monotonic()
        if now - self._grown_at > _GROW_EVERY_S:
            self._grow()
        asked = {}
        for member in self._members:
            if member.asked is None and member.name is None and now >= member.ask_at:
                member.asked = member.actor.tell_name.remote()
            if member.asked is not None:
                asked[member.asked] = member
        working = {reference: member for member in self._members for reference in member.tasks}
        references = [*asked, *working]
        if not references:
            time.sleep(timeout_s)
            return []
        done, left = ray.wait(references, num_returns=1, timeout=timeout_s)
        if done and left:
            more, _ = ray.wait(left, num_returns=len(left), timeout=0)
            done += more
        outcomes: list[Report | Lost] = []
        for reference in done:
            if reference in asked:
                self._take_name(asked[reference])
            else:
                outcomes.append(self._take_report(working[reference], reference))
        return outcomes

    def close(self) -> None:
        """End the workers at once."""
        import ray

        for member in self._members:
            with contextlib.suppress(Exception):
                ray.kill(member.actor)
        self._members = []

    def _grow(self) -> None:
        self._grown_at = time.monotonic()
        for _ in range(self._size() - len(self._members)):
            actor = self._start()
            self._members.append(_Member(actor, actor.tell_name.remote()))

    def _take_name(self, member: _Member) -> None:
        import ray

        asked, member.asked = member.asked, None
        try:
            member.name = ray.get(asked)
        except ray.exceptions.RayTaskError as error:
            raise BuildError(f"A worker could not start: {error}") from error
        except ray.exceptions.ActorDiedError as error:
            if isinstance(error.__cause__, Exception) or "creation task" in str(error):
                raise BuildError(f"A worker could not start: {error}") from error
            member.actor = self._start()
            member.ask_at = time.monotonic() + _ASK_AGAIN_S
        except ray.exceptions.RayError:  # it is being started again
            member.ask_at = time.monotonic() + _ASK_AGAIN_S

    def _take_report(self, member: _Member, reference: Any) -> Report | Lost:
        import ray

        task = member.tasks.pop(reference)
        try:
            report: Report = ray.get(reference)
        except ray.exceptions.RayTaskError:
            raise  # a bug: what a shard raises is in its report
        except ray.exceptions.RayError:
            member.name = None  # nothing is given to it before it answers again
            return Lost(task)
        return report


def start_shard_workers(resources: Any, *, stall_s: float, mailbox: Any, most: Callable[[], int]) -> RayPool:
    """Workers for the stages on CPUs, one for each CPU of the running Ray, up to `resources.workers` and `most`."""
    import ray

    make = ray.remote(ShardWorker).options(num_cpus=1, max_restarts=-1, max_task_retries=0)

    def size() -> int:
        # a cluster whose nodes are on their way has none yet
        cpus = max(1, int(ray.cluster_resources().get("CPU", 1)))
        return min(most(), resources.workers or cpus)

    return RayPool(lambda: make.remote(stall_s, mailbox), size=size)


def start_asking_workers(job: Job, stage: str, *, tasks: int, mailbox: Any) -> RayPool:
    """Workers that ask the model of a stage: `resources.generate_workers`, which share its `max_in_flight`."""
    import ray

    resources = job.config.resources
    workers, room = min(tasks, resources.generate_workers), min(tasks, resources.shards_in_flight)
    # who asks waits most of the time, and must find room beside replicas that hold all CPUs of a small machine
    make = ray.remote(AskingWorker).options(num_cpus=0, max_restarts=-1, max_task_retries=0, max_concurrency=room + 1)
    reference = ray.put(job)
    return RayPool(lambda: make.remote(reference, stage, workers, mailbox), size=lambda: workers, room=room)


def end_workers(states: Sequence[WorkerState]) -> list[str | None]:
    """Kill silent workers, each on its node; Ray retries their shards. Returns what became of each: `killed`, `gone`
    where process or node no longer exist, None where the node does not respond."""
    import ray
    from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

    if not states:
        return []
    kill = ray.remote(kill_process)
    asked = []
    for state in states:
        affinity = NodeAffinitySchedulingStrategy(state.node, soft=False)
        here = kill.options(num_cpus=0, max_retries=0, scheduling_strategy=affinity)
        asked.append(here.remote(state.pid, state.started))
    # for all together: a lost node may have a hundred workers, and the driver looks after nothing meanwhile
    answered, _ = ray.wait(asked, num_returns=len(asked), timeout=_KILL_PATIENCE_S)
    known = set(answered)
    outcomes: list[str | None] = []
    for reference in asked:
        try:
            outcomes.append(ray.get(reference) if reference in known else None)
        except ray.exceptions.TaskUnschedulableError:  # the node is lost, and its workers with it
            outcomes.append("gone")
        except ray.exceptions.RayError:
            outcomes.append(None)
    return outcomes
