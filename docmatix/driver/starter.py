"""A worker without Ray, which does the first shards while a private Ray takes four to eight seconds to start.

It is a process of its own, as a document may kill whatever handles it, and ends with the driver.
"""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import sys
import threading
import time
from multiprocessing.connection import Connection

from docmatix.core.import_path import protect_children
from docmatix.driver.dispatch import Lost
from docmatix.driver.heartbeat import Heartbeat, ProcessKey, WorkerState, choose_interval
from docmatix.driver.tasks import Report, Task, tell_task
from docmatix.models.vllm.supervisor import find_start
from docmatix.stages.support.job import Job

_MAIN = "import sys; from docmatix.driver.starter import serve; serve(int(sys.argv[1]))"


class Starter:
    """A pool of one worker, for as long as it is wanted."""

    def __init__(self, job: Job, stage: str, *, cpus: int) -> None:
        ours, theirs = socket.socketpair()
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, "-P", "-c", _MAIN, str(theirs.fileno())],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                pass_fds=(theirs.fileno(),),
                env=os.environ | protect_children(os.environ),
            )
        self._connection = Connection(ours.detach())
        self.stage = stage
        """What it does shards of."""
        self._job = job
        self._task: Task | None = None
        self._wanted = True
        # known before it speaks: one that is stopped as it starts would never be missed
        state = WorkerState(stage, socket.gethostname(), "", self.pid, find_start(self.pid) or 0)
        self._lock, self._states = threading.Lock(), {state.key: state}
        try:
            self._connection.send((job, stage, cpus))
        except OSError:  # it has died already
            self._wanted = False

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def is_done(self) -> bool:
        """Whether it has nothing in hand, and will be given nothing more."""
        return self._task is None and not self._wanted

    def retire(self) -> None:
        """Give it nothing more: there are other workers now."""
        self._wanted = False

    def give(self, task: Task) -> bool:
        if self._task is not None or not self._wanted:
            return False
        try:
            self._connection.send(tell_task(self._job, self.stage, task))
        except OSError:
            self._wanted = False
            return False
        self._task = task
        return True

    def poll(self, timeout_s: float) -> list[Report | Lost]:
        while self._connection.poll(timeout_s):
            try:
                told: Report | WorkerState = self._connection.recv()
            except (EOFError, OSError):
                self._wanted = False
                lost, self._task = self._task, None
                return [] if lost is None else [Lost(lost)]
            if isinstance(told, Report):
                self._task = None
                return [told]
            with self._lock:
                self._states[told.key] = told
            timeout_s = 0
        if not self._wanted:  # there is no end to wait for
            time.sleep(timeout_s)
        return []

    def take_states(self) -> dict[ProcessKey, WorkerState]:
        """What it has told of itself since the last call; may be called by another thread."""
        with self._lock:
            states, self._states = self._states, {}
        return states

    def close(self) -> None:
        """End it at once."""
        self._connection.close()
        self._process.kill()
        self._process.wait()


def serve(number: int) -> None:
    """Do tasks as they come over this file, until it is closed."""
    from docmatix.driver.shard_runner import ShardRunner

    connection, lock = Connection(number), threading.Lock()

    def tell(said: Report | WorkerState) -> None:
        with lock:
            connection.send(said)

    job, stage, cpus = connection.recv()
    runner = ShardRunner(cpus=cpus)
    runner.turn_to(job, stage)
    beats = Heartbeat(stage, tell, count=runner.count, every_s=choose_interval(job.config.limits.stall_s))
    with contextlib.closing(runner), contextlib.suppress(EOFError, OSError):
        while True:
            task: Task = connection.recv()
            progress = beats.begin(task.shard)
            report = runner.run(job, stage, task, progress=progress)
            beats.finish(task.shard)
            tell(report)
