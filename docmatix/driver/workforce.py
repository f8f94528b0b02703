"""The workers of a build: those on CPUs live through all its stages, those that ask through one pass of theirs.

On one machine they are processes of its own. On a cluster they are Ray's; so are those that ask servers which Ray has
placed, for which a private Ray is started. All calls of Ray are made from a thread, since one that waits for a Ray that
has died waits forever, or ends its process silently.
"""

from __future__ import annotations

import contextlib
import queue
import threading
import uuid
from collections.abc import Generator, Iterator, Mapping, Sequence
from dataclasses import replace
from types import TracebackType
from typing import Self

import psutil  # type: ignore[import-untyped]

from docmatix.config import Resources
from docmatix.core.cpus import count_cpus
from docmatix.core.errors import BuildError
from docmatix.driver.dispatch import Lost, Pool, dispatch
from docmatix.driver.heartbeat import Heartbeats, ProcessKey, WorkerState, heartbeats_heard
from docmatix.driver.local_workers import (
    LocalPool,
    kill_process,
    start_asking_processes,
    start_shard_processes,
)
from docmatix.driver.nursery import Nursery
from docmatix.driver.ray_cluster import describe_resources, find_private_ray, has_own_ray, ray_running
from docmatix.driver.ray_workers import (
    Assignment,
    RayPool,
    end_workers,
    start_asking_workers,
    start_shard_workers,
)
from docmatix.driver.tasks import Report, Task
from docmatix.pipeline import PIPELINE
from docmatix.stages.support.job import Job

_POLL_S = 0.5
_END_PATIENCE_S, _STOP_PATIENCE_S = 60.0, 3.0  # for the thread that calls Ray


class Workforce:
    """Starts workers as they are needed."""

    def __init__(self, resources: Resources, *, stall_s: float, nursery: Nursery | None = None) -> None:
        """`nursery` is one that was started before."""
        self._resources, self._stall_s = resources, stall_s
        self.is_local = resources.address is None and not has_own_ray()
        """Whether workers are processes of this machine, and its Ray, where it needs one, is its own."""
        self._nursery = nursery or Nursery()
        if not self.is_local:
            self._nursery.close()
        self._ray: threading.Thread | None = None
        self._up, self._ended, self._trouble = threading.Event(), threading.Event(), list[BaseException]()
        self._private: list[psutil.Process] = []
        """What its private Ray depends on."""
        self._heartbeats: Heartbeats | None = None
        self._workers: RayPool | LocalPool | None = None
        self._asking: LocalPool | None = None
        self._most = 0
        self._states: dict[ProcessKey, WorkerState] = {}
        """The last of each worker on CPUs."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ended.set()
        if self.is_local:
            self.release_cpus()
            self._nursery.close()
        if self._ray is not None:
            self._ray.join()

    def start(self) -> None:
        """Begin to start what starts workers, or to join the cluster, unless that was begun before. Returns at once."""
        if self.is_local:
            self._nursery.start()
        else:
            self._start_ray()

    def join_ray(self) -> None:
        """Start Ray, or join the cluster, and wait until it is up. Raises what its start has raised."""
        self._start_ray()
        self._up.wait()
        self._raise_trouble()

    def _start_ray(self) -> None:
        if self._ray is None:
            self._ray = threading.Thread(target=self._run_ray, name="ray", daemon=True)
            self._ray.start()

    def _run_ray(self) -> None:
        # for as long as it lives: Linux ends Ray's processes with the thread that started them
        with contextlib.ExitStack() as opened:
            try:
                opened.enter_context(ray_running(self._resources))
                self._private = find_private_ray()
                self._heartbeats = opened.enter_context(heartbeats_heard(stall_s=self._stall_s))
            except BaseException as error:  # raised in the driver's own thread
                self._trouble.append(error)
                return
            finally:
                self._up.set()
            self._ended.wait()
            if not self.is_local:
                self.release_cpus()

    def _raise_trouble(self) -> None:
        if self._trouble:
            raise self._trouble[0]

    # --- what it does -------------------------------------------------------------------------------------------------

    def take_states(self, stage: str) -> Mapping[ProcessKey, WorkerState] | None:
        """The states that workers at this stage have reported since the last call; None if no mailbox responds."""
        told = self._heartbeats.take() if self._up.is_set() and self._heartbeats is not None else None
        for pool in (self._workers, self._asking):
            if isinstance(pool, LocalPool) and (its_own := pool.take_states()) is not None:
                told = {**(told or {}), **its_own}
        if told is None:
            return None
        known = self._list_workers()
        of_cpus = {key: state for key, state in told.items() if known & {state.worker, key}}
        self._states |= of_cpus
        return count_idle(of_cpus, stage) | {key: state for key, state in told.items() if state.stage == stage}

    def list_idle(self, stage: str) -> dict[ProcessKey, WorkerState]:
        """The workers on CPUs as they were heard of last, as if at this stage: one that was stopped meanwhile would
        never be heard of in it, and not be missed."""
        known = self._list_workers()
        states = {key: state for key, state in self._states.items() if known & {state.worker, key}}
        return {key: replace(state, stage=stage, shards={}, counted={}) for key, state in states.items()}

    def _list_workers(self) -> set[str | ProcessKey]:
        """Those on CPUs, by name or process."""
        return set(self._workers.workers) if self._workers is not None else set()

    def end(self, states: Sequence[WorkerState]) -> list[str | None]:
        """`end_workers`, also of those of which Ray knows nothing."""
        own = {state.key: kill_process(state.pid, state.started) for state in states if not state.node}
        others = [state for state in states if state.node]
        outcomes = dict(zip([state.key for state in others], end_workers(others), strict=True))
        return [{**own, **outcomes}[state.key] for state in states]

    def describe(self) -> str:
        """What there is to work with, in words."""
        return self._workers.describe() if isinstance(self._workers, LocalPool) else describe_resources()

    def check_ray(self, stage: str) -> None:
        """Raise BuildError if the private Ray has died, which calls of it would wait for."""
        if not all(map(_is_alive, self._private)):
            raise _describe_death(self._private, stage)

    def release_cpus(self) -> None:
        """End the workers on CPUs, for whoever needs their place; the next stage starts others."""
        if self._workers is not None:
            self._workers.close()
            self._workers, self._most = None, 0
            self._states = {}

    def do(self, job: Job, stage: str, tasks: Sequence[Task]) -> Generator[Report | None]:
        """Do the tasks of a stage; yields each report as it comes, in no order, and None at least twice a second.

        Raises BuildError if Ray dies, and what its start has raised. What a shard raised is in its report."""
        asks = PIPELINE[stage].asks and job.choose_engine(stage).has_model
        needs_ray = not self.is_local or (asks and bool(job.service.replicas))
        results: queue.Queue[Report | BaseException | None] = queue.Queue()
        stopped = threading.Event()
        if asks and needs_ray:
            self.join_ray()
        self.start()
        thread = threading.Thread(
            target=self._drive,
            args=(job, stage, tasks, results, stopped),
            kwargs={"asks": asks, "needs_ray": needs_ray},
            name=f"workers-{stage}",
            daemon=True,
        )
        thread.start()
        left, patience_s = len(tasks), _END_PATIENCE_S
        try:
            while left:
                self._raise_trouble()
                try:
                    result = results.get(timeout=_POLL_S)
                except queue.Empty:
                    patience_s = _STOP_PATIENCE_S  # the thread waits for a Ray that is no more, forever
                    self.check_ray(stage)
                    patience_s = _END_PATIENCE_S
                    yield None
                    continue
                if isinstance(result, BuildError):
                    raise result
                if isinstance(result, BaseException):
                    raise BuildError(
                        f"The workers of {stage} were given up: {type(result).__name__}: {result}"
                    ) from result
                if result is not None:
                    left -= 1
                yield result
        finally:
            stopped.set()
            # Ray must not be ended while a thread is in a call of it: that aborts the process
            thread.join(timeout=patience_s)

    def _drive(
        self,
        job: Job,
        stage: str,
        tasks: Sequence[Task],
        results: queue.Queue[Report | BaseException | None],
        stopped: threading.Event,
        *,
        asks: bool,
        needs_ray: bool,
    ) -> None:
        with contextlib.ExitStack() as stack:
            try:
                if not needs_ray:
                    pools = self._find_processes(job, stage, len(tasks), asks=asks, stack=stack)
                elif asks:
                    pools = self._find_asking_on_ray(job, stage, len(tasks), stack=stack)
                else:
                    pools = self._find_on_ray(job, stage, len(tasks))
                with contextlib.closing(
                    dispatch(stage, tasks, lambda: next(pools), attempts=job.config.limits.shard_attempts)
                ) as reports:
                    for report in reports:
                        if stopped.is_set():
                            return
                        if report is not None:
                            results.put(report)
            except BaseException as error:  # handed to the thread that waits, whatever it is
                results.put(error)

    def _find_processes(
        self, job: Job, stage: str, tasks: int, *, asks: bool, stack: contextlib.ExitStack
    ) -> Iterator[list[Pool]]:
        """The pools of each moment, on this machine."""
        if asks:
            self._asking = start_asking_processes(self._nursery, job, tasks=tasks)
            stack.callback(self._forget_asking)
            self._asking.assign(stage, job)
            while True:
                yield [self._asking]
        self._most = max(self._most, tasks)
        if not isinstance(self._workers, LocalPool):
            self._workers = start_shard_processes(
                self._nursery,
                cpus=self._resources.cpus or count_cpus(),
                most=lambda: self._most,
                workers=self._resources.workers,
                stall_s=self._stall_s,
            )
        self._workers.assign(stage, job)
        while True:
            yield [self._workers]

    def _forget_asking(self) -> None:
        asking, self._asking = self._asking, None
        if asking is not None:
            asking.close()

    def _find_asking_on_ray(
        self, job: Job, stage: str, tasks: int, *, stack: contextlib.ExitStack
    ) -> Iterator[list[Pool]]:
        assert self._heartbeats is not None
        asking = start_asking_workers(job, stage, tasks=tasks, mailbox=self._heartbeats.mailbox)
        stack.callback(asking.close)
        asking.assign(Assignment("", stage, []), job)
        while True:
            yield [asking]

    def _find_on_ray(self, job: Job, stage: str, tasks: int) -> Iterator[list[Pool]]:
        import ray

        while not self._up.is_set() or self._trouble:
            yield [_NOBODY]  # the cluster is being joined
        assert self._heartbeats is not None
        self._most = max(self._most, tasks)
        if not isinstance(self._workers, RayPool):
            self._workers = start_shard_workers(
                self._resources, stall_s=self._stall_s, mailbox=self._heartbeats.mailbox, most=lambda: self._most
            )
        self._workers.assign(Assignment(uuid.uuid4().hex, stage, [ray.put(job)]), job)
        while True:
            yield [self._workers]


def count_idle(states: Mapping[ProcessKey, WorkerState], stage: str) -> dict[ProcessKey, WorkerState]:
    """The workers on CPUs that have nothing in hand, as at this stage: they learn of it with their first shard of it,
    and where fewer shards than workers are left, some never do. What they have counted was of another one."""
    return {
        key: replace(state, stage=stage, counted={})
        for key, state in states.items()
        if state.stage != stage and not state.shards
    }


class _Nobody:
    """The pool before there is one."""

    def give(self, task: Task) -> bool:
        return False

    def poll(self, timeout_s: float) -> list[Report | Lost]:
        threading.Event().wait(timeout_s)
        return []


_NOBODY = _Nobody()


def _is_alive(process: psutil.Process) -> bool:
    return bool(process.is_running()) and process.status() != psutil.STATUS_ZOMBIE


def _describe_death(private: Sequence[psutil.Process], stage: str) -> BuildError:
    (dead, *_) = [process for process in private if not _is_alive(process)]
    return BuildError(
        f"The private Ray of this build has died in {stage} (process {dead.pid} has ended; out of memory?): rerun the"
        " command to resume the build."
    )
