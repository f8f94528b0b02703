"""The workers of a build: those on CPUs live through all its stages, those that ask through one pass of theirs.

A private Ray is started beside the listing of the source. Until it is up, a starter does the first shards; all calls of
Ray are made from a thread, since one that waits for a Ray that has died waits forever, or ends its process silently.
"""

from __future__ import annotations

import contextlib
import os
import queue
import threading
import uuid
from collections.abc import Generator, Iterator, Mapping, Sequence
from types import TracebackType
from typing import Any, Self

import psutil  # type: ignore[import-untyped]

from docmatix.config import Resources
from docmatix.core.errors import BuildError
from docmatix.driver.dispatch import Pool, dispatch
from docmatix.driver.heartbeat import Heartbeats, ProcessKey, WorkerState, heartbeats_heard
from docmatix.driver.ray_cluster import find_private_ray, has_own_ray, ray_running
from docmatix.driver.ray_workers import (
    Assignment,
    RayPool,
    end_workers,
    kill_process,
    start_asking_workers,
    start_shard_workers,
)
from docmatix.driver.starter import Starter
from docmatix.driver.tasks import Report, Task
from docmatix.pipeline import PIPELINE
from docmatix.stages.support.job import Job

_POLL_S = 0.5
_END_PATIENCE_S, _STOP_PATIENCE_S = 60.0, 3.0  # for the thread that calls Ray


class Workforce:
    """Starts workers as they are needed."""

    def __init__(self, resources: Resources, *, stall_s: float) -> None:
        self._resources, self._stall_s = resources, stall_s
        self.is_private = resources.address is None and not has_own_ray()
        """Whether its Ray is its own, and has yet to be started."""
        self._ray: threading.Thread | None = None
        self._up, self._ended, self._trouble = threading.Event(), threading.Event(), list[BaseException]()
        self._heartbeats: Heartbeats | None = None
        self._starter: Starter | None = None
        self._workers: RayPool | None = None
        self._most = 0
        self._states: dict[ProcessKey, WorkerState] = {}
        """The last of each worker on CPUs."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ended.set()
        self._end_starter()
        if self._ray is not None:
            self._ray.join()

    def start(self, job: Job | None = None, stage: str | None = None) -> None:
        """Begin to start Ray, or to join the cluster, unless that was begun before. Returns at once. Until a private
        Ray is up, a starter will do shards of `stage`, if one is given."""
        if self._ray is None:
            if job is not None and stage is not None and self.is_private:
                self._starter = Starter(job, stage, cpus=self._resources.cpus or os.cpu_count() or 1)
            self._ray = threading.Thread(target=self._run_ray, name="ray", daemon=True)
            self._ray.start()

    def wait(self) -> None:
        """Wait until Ray is up. Raises what its start has raised."""
        self.start()
        self._up.wait()
        self._raise_trouble()

    def _run_ray(self) -> None:
        # for as long as it lives: Linux ends Ray's processes with the thread that started them
        with contextlib.ExitStack() as opened:
            try:
                opened.enter_context(ray_running(self._resources))
                self._heartbeats = opened.enter_context(heartbeats_heard(stall_s=self._stall_s))
            except BaseException as error:  # raised in the driver's own thread
                self._trouble.append(error)
                return
            finally:
                self._up.set()
            self._ended.wait()
            if not self.is_private:  # the workers of its own end with it
                self.release_cpus()

    def _raise_trouble(self) -> None:
        if self._trouble:
            raise self._trouble[0]

    # --- what it does -------------------------------------------------------------------------------------------------

    def take_states(self, stage: str) -> Mapping[ProcessKey, WorkerState] | None:
        """The states that workers at this stage have reported since the last call; None if no mailbox responds."""
        told = self._heartbeats.take() if self._up.is_set() and self._heartbeats is not None else None
        starter = self._starter  # which another thread may end meanwhile
        if starter is not None and (its_own := starter.take_states()):
            told = {**(told or {}), **its_own}
        if told is None:
            return None
        known = self._workers.workers if self._workers is not None else set()
        self._states |= {key: state for key, state in told.items() if state.worker in known}
        return {key: state for key, state in told.items() if state.stage == stage}

    def list_idle(self, stage: str) -> dict[ProcessKey, WorkerState]:
        """The workers on CPUs as they were heard of last, as if at this stage: one that was stopped meanwhile would
        never be heard of in it, and not be missed."""
        known = self._workers.workers if self._workers is not None else set()
        states = {key: state for key, state in self._states.items() if state.worker in known}
        return {
            key: WorkerState(stage, state.host, state.node, state.pid, state.started, worker=state.worker)
            for key, state in states.items()
        }

    def end(self, states: Sequence[WorkerState]) -> list[str | None]:
        """`end_workers`, also of the starter, of which Ray knows nothing."""
        own = {state.key: kill_process(state.pid, state.started) for state in states if not state.node}
        others = [state for state in states if state.node]
        outcomes = dict(zip([state.key for state in others], end_workers(others), strict=True))
        return [{**own, **outcomes}[state.key] for state in states]

    def _end_starter(self) -> None:
        starter, self._starter = self._starter, None
        if starter is not None:
            starter.close()

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
        results: queue.Queue[Report | BaseException | None] = queue.Queue()
        stopped = threading.Event()
        if asks:
            self.wait()
        else:
            self.start(job, stage)
        thread = threading.Thread(
            target=self._drive, args=(job, stage, tasks, asks, results, stopped), name=f"workers-{stage}", daemon=True
        )
        thread.start()
        left, private, patience_s = len(tasks), list[psutil.Process](), _END_PATIENCE_S
        try:
            while left:
                self._raise_trouble()
                private = private or (find_private_ray() if self._up.is_set() else [])
                try:
                    result = results.get(timeout=_POLL_S)
                except queue.Empty:
                    if not all(map(_is_alive, private)):
                        patience_s = _STOP_PATIENCE_S  # the thread waits for a Ray that is no more, forever
                        raise _describe_death(private, stage) from None
                    yield None
                    continue
                if isinstance(result, BuildError):
                    raise result
                if isinstance(result, BaseException):
                    raise BuildError(f"Ray gave up on {stage}: {type(result).__name__}: {result}") from result
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
        asks: bool,
        results: queue.Queue[Report | BaseException | None],
        stopped: threading.Event,
    ) -> None:
        with contextlib.ExitStack() as stack:
            try:
                pools = self._find_pools(job, stage, len(tasks), asks=asks, stack=stack)
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

    def _find_pools(
        self, job: Job, stage: str, tasks: int, *, asks: bool, stack: contextlib.ExitStack
    ) -> Iterator[list[Pool]]:
        """The pools of each moment: a starter's until Ray's are there."""
        if asks:
            assert self._heartbeats is not None
            asking = start_asking_workers(job, stage, tasks=tasks, mailbox=self._heartbeats.mailbox)
            stack.callback(asking.close)
            asking.assign(Assignment("", stage, []), job)
            while True:
                yield [asking]
        starter = self._starter
        if starter is not None:
            stack.callback(self._end_starter)
            if starter.stage != stage:  # there was nothing to do of its own
                starter = None
        pools: list[Pool] = []
        assigned = False
        while True:
            if self._up.is_set() and not assigned and not self._trouble:
                assigned = True
                pools.append(self._assign(job, stage, tasks))
            if starter is not None and self._workers is not None and self._workers.workers:
                starter.retire()
                if starter.is_done:
                    self._end_starter()
                    starter = None
            # with no pool yet, a cluster is being joined
            yield [*([starter] if starter is not None else []), *pools] or [_NOBODY]

    def _assign(self, job: Job, stage: str, tasks: int) -> RayPool:
        import ray

        assert self._heartbeats is not None
        self._most = max(self._most, tasks)
        if self._workers is None:
            self._workers = start_shard_workers(
                self._resources, stall_s=self._stall_s, mailbox=self._heartbeats.mailbox, most=lambda: self._most
            )
        self._workers.assign(Assignment(uuid.uuid4().hex, stage, [ray.put(job)]), job)
        return self._workers


class _Nobody:
    """The pool before there is one."""

    def give(self, task: Task) -> bool:
        return False

    def poll(self, timeout_s: float) -> list[Any]:
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
