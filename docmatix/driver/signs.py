"""Signs of life: a small file that every worker writes anew, many times in `limits.stall_s`, from a thread of its own.

`telemetry/live/EPOCH/worker-STAGE-NODE-PID.json` says that the worker's process runs, however long its document or its
reply takes, and what it has in hand. The driver's watchdog reads it. The driver gives signs too, in
`telemetry/live/EPOCH/driver.json`, for who looks at the run from elsewhere (`docmatix status`): that a run is held does
not say whether its driver still gets on.
"""

from __future__ import annotations

import contextlib
import json
import os
import socket
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field

from docmatix.models.vllm.supervisor import find_start
from docmatix.stages.support.job import Job, Pulse, name_worker
from docmatix.storage.run import RunDirectory

SIGNS_A_STALL = 24
"""Signs that a worker gives, and looks that the driver takes, in `limits.stall_s`: one of 120 s lets a machine that
swaps miss twenty."""
DRIVER_EVERY_S = 5.0
"""Seconds between two signs of a driver."""
DRIVER_SILENT_S = 60.0
"""A driver that has given no sign for so long is stopped, cut off, or dead; its clock, and that of who looks, rarely
differ by as much."""
LEAST_EVERY_S = 0.25
"""However small `limits.stall_s` is, and however often a worker takes up a shard, which is told at once."""


@dataclass(frozen=True, slots=True)
class Sign:
    """What a worker says of itself."""

    stage: str
    host: str
    node: str
    """Ray's id of the node."""
    pid: int
    started: int
    """Ticks since the boot: with `pid` it names the process for good."""
    beats: int
    """How many signs it has given."""
    shards: dict[str, int] = field(default_factory=dict)
    """The shards in hand, by number, and how many documents, rows or requests of each are done."""
    replies: int = 0
    in_flight: int = 0
    counted: dict[str, float] = field(default_factory=dict)
    """What the worker's client has counted; see `docmatix.stages.support.job.read_figures`."""
    worker: str = ""
    """Its name among the workers of all machines; see `docmatix.stages.support.job.name_worker`."""


class Heart:
    """Gives a worker's signs of life, from a thread of its own, for as long as the process runs."""

    def __init__(self, job: Job, stage: str, *, node: str, count: Callable[[], dict[str, float]] | None = None) -> None:
        """`node` is Ray's id of it; `count` tells the figures of the client, of a worker that asks."""
        self._run, self._stage, self._node, self._count = job.run, stage, node, count
        self._name = f"telemetry/live/{job.driver_id}/worker-{stage}-{node[:8]}-{os.getpid()}.json"
        self._every_s = choose_interval(job.config.limits.stall_s)
        self._started = find_start(os.getpid()) or 0
        self._in_hand: dict[int, Pulse] = {}
        self._beats = 0
        self._changed = threading.Event()
        threading.Thread(target=self._beat, name="heart", daemon=True).start()

    def take(self, shard: int, pulse: Pulse) -> None:
        """The worker has a shard in hand."""
        self._in_hand[shard] = pulse
        self._changed.set()

    def lay_down(self, shard: int) -> None:
        """The worker is done with a shard, one way or the other."""
        self._in_hand.pop(shard, None)

    def _beat(self) -> None:
        while True:
            # what cannot be written now can be written the next time; the thread must not end
            with contextlib.suppress(Exception):
                self._beats += 1
                self._run.write(self._name, json.dumps(asdict(self._describe())).encode(), durable=False)
            time.sleep(LEAST_EVERY_S)
            self._changed.wait(self._every_s - LEAST_EVERY_S)
            self._changed.clear()

    def _describe(self) -> Sign:
        counted = self._count() if self._count else {}
        return Sign(
            stage=self._stage,
            host=socket.gethostname(),
            node=self._node,
            pid=os.getpid(),
            started=self._started,
            beats=self._beats,
            shards={str(shard): int(pulse.figures.get("done", 0)) for shard, pulse in dict(self._in_hand).items()},
            replies=int(counted.get("replies", 0) + counted.get("failures", 0)),
            in_flight=int(counted.get("in_flight", 0)),
            counted=counted,
            worker=name_worker(),
        )


def choose_interval(stall_s: float) -> float:
    """Seconds between two signs, and between two looks."""
    return max(LEAST_EVERY_S, stall_s / SIGNS_A_STALL)


def read_signs(run: RunDirectory, driver_id: str, stage: str) -> dict[str, Sign]:
    """The last signs of a stage's workers, by file name; those that cannot be read now are left out."""
    found = {}
    folder = f"telemetry/live/{driver_id}"
    names = [f"{folder}/{name}" for name in run.names(folder) if name.startswith(f"worker-{stage}-")]
    for name, content in run.read_several(names).items():
        with contextlib.suppress(ValueError, TypeError):
            found[name.removeprefix(f"{folder}/")] = Sign(**json.loads(content))
    return found


@dataclass(frozen=True, slots=True)
class DriverSign:
    """What a driver says of itself."""

    host: str
    process: int
    at: float
    """Seconds since 1970, by its own clock."""


@contextlib.contextmanager
def driver_alive(run: RunDirectory, driver_id: str, *, every_s: float = DRIVER_EVERY_S) -> Iterator[None]:
    """Give the driver's signs of life for the length of the block, whatever it does meanwhile."""
    ended = threading.Event()

    def beat() -> None:
        while True:
            # what cannot be written now can be written the next time
            with contextlib.suppress(Exception):
                sign = DriverSign(socket.gethostname(), os.getpid(), round(time.time(), 1))
                run.write(f"telemetry/live/{driver_id}/driver.json", json.dumps(asdict(sign)).encode(), durable=False)
            if ended.wait(every_s):
                return

    thread = threading.Thread(target=beat, name="driver-heart", daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


def read_driver_sign(run: RunDirectory) -> DriverSign | None:
    """The latest sign of a driver that is at work on a run, or was killed; None where there is none."""
    names = [f"telemetry/live/{driver_id}/driver.json" for driver_id in run.names("telemetry/live")]
    found = []
    for content in run.read_several(names).values():
        with contextlib.suppress(ValueError, TypeError):
            found.append(DriverSign(**json.loads(content)))
    return max(found, key=lambda sign: sign.at, default=None)
