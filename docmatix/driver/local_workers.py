"""Workers as plain processes of this machine: what a build on one machine needs instead of Ray."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import socket
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from multiprocessing import connection as connections
from multiprocessing.connection import Connection
from pathlib import Path

from docmatix.core.errors import BuildError
from docmatix.driver.asking_runner import AskingRunner
from docmatix.driver.dispatch import Lost
from docmatix.driver.heartbeat import Heartbeat, ProcessKey, WorkerState, choose_interval
from docmatix.driver.nursery import NoMoreProcesses, Nursery, Unfit, describe_unfit
from docmatix.driver.shard_runner import ShardRunner
from docmatix.driver.tasks import Report, Task, tell_task
from docmatix.models.vllm.supervisor import find_start
from docmatix.stages.support.job import Job

MOST_STILLBORN = 5
"""Workers in a row that may end before they have said anything."""
_END_PATIENCE_S = 10.0


@dataclass(frozen=True, slots=True)
class Assignment:
    """What a worker does from now on: a stage of a build."""

    stage: str
    job: Job


# --- in a worker's process --------------------------------------------------------------------------------------------


class _Teller:
    """Sends what a worker's threads say, one after the other."""

    def __init__(self, driver: Connection) -> None:
        self._driver, self._lock = driver, threading.Lock()

    def __call__(self, said: Report | WorkerState | Unfit) -> None:
        with self._lock:
            self._driver.send(said)


@contextlib.contextmanager
def _telling_what_is_raised(tell: _Teller) -> Iterator[None]:
    """Tell the driver of an exception, which is a bug: what a shard raises is in its report."""
    try:
        yield
    except (EOFError, ConnectionError):
        raise  # the driver has closed the connection
    except Exception as error:
        tell(describe_unfit(error))
        raise


def serve_shards(driver: Connection, *, cpus: int, stall_s: float) -> None:
    """Do shards of the stages that need no model server, one at a time, until the driver closes the connection."""
    tell, runner = _Teller(driver), ShardRunner(cpus=cpus)
    beats = Heartbeat("", tell, count=runner.count, every_s=choose_interval(stall_s))
    given = None
    with contextlib.closing(runner), _telling_what_is_raised(tell):
        while True:
            name_process("idle worker")
            said: Assignment | Task = driver.recv()
            if isinstance(said, Assignment):
                given, beats.stage = said, said.stage
                continue
            assert given is not None
            name_process(f"{given.stage} {said.shard}")
            report = runner.run(given.job, given.stage, said, progress=beats.begin(said.shard))
            beats.finish(said.shard)
            tell(report)


def serve_asking(driver: Connection, *, workers: int) -> None:
    """Ask the model server about shards of one stage, several at once, until the driver closes the connection."""
    name_process("asking worker")
    tell = _Teller(driver)
    with _telling_what_is_raised(tell):
        asyncio.run(_ask(driver, driver.recv(), tell, workers=workers))


async def _ask(driver: Connection, given: Assignment, tell: _Teller, *, workers: int) -> None:
    loop = asyncio.get_running_loop()
    runner = AskingRunner(given.job, given.stage, workers=workers)
    stall_s = given.job.config.limits.stall_s
    beats = Heartbeat(given.stage, tell, count=runner.count, every_s=choose_interval(stall_s))
    in_hand: set[asyncio.Task[None]] = set()
    over = loop.create_future()

    def end(error: BaseException | None) -> None:
        if not over.done():
            over.set_exception(error) if error is not None else over.set_result(None)

    async def do(task: Task) -> None:
        name_process(f"{given.stage} {task.shard}")
        report = await runner.run(task, progress=beats.begin(task.shard))
        beats.finish(task.shard)
        # in a thread: a driver that is busy with another worker must not hold up hundreds of requests
        await asyncio.to_thread(tell, report)

    def finish(one: asyncio.Task[None]) -> None:
        in_hand.discard(one)
        if one.cancelled():
            end(RuntimeError("A shard was cancelled."))
        elif (error := one.exception()) is not None:
            end(error)

    def begin(task: Task) -> None:
        one = asyncio.ensure_future(do(task))
        in_hand.add(one)
        one.add_done_callback(finish)

    def listen() -> None:
        error: BaseException | None = None
        try:
            while True:
                loop.call_soon_threadsafe(begin, driver.recv())
        except (EOFError, OSError):
            pass  # the driver has closed it
        except BaseException as raised:
            error = raised
        loop.call_soon_threadsafe(end, error)

    threading.Thread(target=listen, name="tasks", daemon=True).start()
    await over


def name_process(name: str) -> None:
    """Have `ps` and `top` call this process so; Linux keeps 15 bytes."""
    with contextlib.suppress(OSError):
        Path("/proc/self/comm").write_text(name[:15])


# --- in the driver ----------------------------------------------------------------------------------------------------


@dataclass(slots=True, eq=False)
class _Member:
    connection: Connection
    state: WorkerState
    """The last that it has told; before the first, what is known without it."""
    has_spoken: bool = False
    given: Assignment | None = None
    tasks: dict[int, Task] = field(default_factory=dict)
    """What it has in hand, by shard."""


class LocalPool:
    """Workers of one kind on this machine. Used by one thread at a time, but for `take_states`."""

    def __init__(
        self, nursery: Nursery, serve: Callable[[Connection], object], *, size: Callable[[], int], room: int = 1
    ) -> None:
        """Each worker runs `serve`, which is pickled; `size` is how many are wanted by now, `room` how many tasks each
        takes at once."""
        self._nursery, self._serve, self._size, self._room = nursery, serve, size, room
        self._members: list[_Member] = []
        self._given: Assignment | None = None
        self._stillborn = 0
        self._lock, self._told = threading.Lock(), dict[ProcessKey, WorkerState]()
        self._heard = False
        """Whether what they say was read since somebody took it."""

    def assign(self, stage: str, job: Job) -> None:
        """What its workers do from the next task on."""
        self._given = Assignment(stage, job)
        self._grow()

    @property
    def workers(self) -> set[ProcessKey]:
        """Those that live, as far as is known."""
        return {member.state.key for member in list(self._members)}

    def give(self, task: Task) -> bool:
        assert self._given is not None
        while free := [member for member in self._members if len(member.tasks) < self._room]:
            member = min(free, key=lambda each: len(each.tasks))
            try:
                if member.given is not self._given:
                    member.connection.send(self._given)
                    member.given = self._given
                member.connection.send(tell_task(self._given.job, self._given.stage, task))
            except OSError:  # it has died, or reads nothing, and may have read a part
                kill_process(member.state.pid, member.state.started)
                if member.tasks:
                    return False  # `poll` finds them lost
                self._bury(member)
                continue
            member.tasks[task.shard] = task
            return True
        return False

    def poll(self, timeout_s: float) -> list[Report | Lost]:
        self._grow()
        by_connection = {member.connection: member for member in self._members}
        if not by_connection:
            time.sleep(timeout_s)
            return []
        outcomes: list[Report | Lost] = []
        for ready in connections.wait(list(by_connection), timeout_s):
            assert isinstance(ready, Connection)
            outcomes += self._hear(by_connection[ready])
        with self._lock:
            self._heard = True
        return outcomes

    def take_states(self) -> dict[ProcessKey, WorkerState] | None:
        """What workers have told of themselves since the last call, None if nobody has listened since: it says nothing
        about a worker then. May be called by another thread."""
        with self._lock:
            if not self._heard:
                return None
            states, self._told, self._heard = self._told, {}, False
        return states

    def describe(self) -> str:
        """How many workers there are, in words."""
        return f"{len(self._members)} of {self._size()} worker processes run"

    def close(self) -> None:
        """End the workers, and wait until they have ended."""
        for member in self._members:
            kill_process(member.state.pid, member.state.started)
        deadline = time.monotonic() + _END_PATIENCE_S
        for member in self._members:
            with contextlib.suppress(EOFError, OSError), member.connection:
                while member.connection.poll(max(0.0, deadline - time.monotonic())):
                    member.connection.recv_bytes()
        self._members = []

    def _grow(self) -> None:
        for _ in range(self._size() - len(self._members)):
            try:
                connection, pid = self._nursery.fork(self._serve)
            except NoMoreProcesses:
                if self._members:
                    return  # it is done by fewer
                raise
            # known before it speaks: one that is stopped as it starts would never be missed
            stage = self._given.stage if self._given is not None else ""
            state = WorkerState(stage, socket.gethostname(), "", pid, find_start(pid) or 0)
            self._members.append(_Member(connection, state))
            self._note(state)

    def _hear(self, member: _Member) -> list[Report | Lost]:
        """What a worker has said by now."""
        outcomes: list[Report | Lost] = []
        try:
            while member.connection.poll():
                said: Report | WorkerState | Unfit = member.connection.recv()
                if isinstance(said, Report):
                    del member.tasks[said.task.shard]
                    outcomes.append(said)
                elif isinstance(said, Unfit):
                    bug = BuildError("A worker has failed, which is a bug in docmatix; please report it.")
                    bug.add_note(said.message)
                    raise bug
                else:
                    member.state, member.has_spoken, self._stillborn = said, True, 0
                    self._note(said)
        except (EOFError, OSError):
            outcomes += map(Lost, member.tasks.values())
            self._bury(member)
        return outcomes

    def _bury(self, member: _Member) -> None:
        member.connection.close()
        self._members.remove(member)
        # those that a killed nursery takes with it are no sign
        self._stillborn += not member.has_spoken and self._nursery.is_alive
        if self._stillborn >= MOST_STILLBORN:
            raise BuildError(
                f"{MOST_STILLBORN} workers in a row have ended as they started: look at the memory of this machine,"
                " and rerun the command to resume the build."
            )

    def _note(self, state: WorkerState) -> None:
        with self._lock:
            self._told[state.key] = state


def start_shard_processes(
    nursery: Nursery, *, cpus: int, most: Callable[[], int], workers: int | None, stall_s: float
) -> LocalPool:
    """Workers for the stages on CPUs: one for each of the `cpus`, up to `workers` and `most`."""
    serve = partial(serve_shards, cpus=cpus, stall_s=stall_s)
    return LocalPool(nursery, serve, size=lambda: min(most(), workers or cpus))


def start_asking_processes(nursery: Nursery, job: Job, *, tasks: int) -> LocalPool:
    """Workers that ask a model: `resources.generate_workers`, which share its `max_in_flight`."""
    resources = job.config.resources
    workers, room = min(tasks, resources.generate_workers), min(tasks, resources.shards_in_flight)
    return LocalPool(nursery, partial(serve_asking, workers=workers), size=lambda: workers, room=room)


def kill_process(pid: int, started: int) -> str:
    """Kill the process of that id that was started then: `killed`, or `gone` if there is none."""
    if (find_start(pid) or 0) != started:
        return "gone"
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)
    return "killed"
