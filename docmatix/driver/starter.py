"""A worker without Ray, which does the first shards while a private Ray takes four to eight seconds to start.

It is a process of its own, as a document may kill whatever handles it, and ends with the driver.
"""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import sys
from multiprocessing.connection import Connection

from docmatix.core.import_path import protect_children
from docmatix.driver.dispatch import Lost
from docmatix.driver.tasks import Report, Task
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
        self._task: Task | None = None
        self._wanted = True
        self._connection.send((job, stage, cpus))

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
            self._connection.send(task)
        except OSError:
            self._wanted = False
            return False
        self._task = task
        return True

    def poll(self, timeout_s: float) -> list[Report | Lost]:
        if not self._connection.poll(timeout_s):
            return []
        task, self._task = self._task, None
        try:
            report: Report = self._connection.recv()
        except (EOFError, OSError):
            self._wanted = False
            return [] if task is None else [Lost(task)]
        return [report]

    def close(self) -> None:
        """End it at once."""
        self._connection.close()
        self._process.kill()
        self._process.wait()


def serve(number: int) -> None:
    """Do tasks as they come over this file, until it is closed."""
    from docmatix.driver.shard_runner import ShardRunner
    from docmatix.stages.support.job import ShardProgress

    connection = Connection(number)
    job, stage, cpus = connection.recv()
    runner = ShardRunner(cpus=cpus)
    runner.turn_to(job, stage)
    with contextlib.closing(runner), contextlib.suppress(EOFError, OSError):
        while True:
            task: Task = connection.recv()
            connection.send(runner.run(job, stage, task, progress=ShardProgress()))
