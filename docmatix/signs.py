"""Signs of life: a small file that every worker writes anew, many times in `limits.stall_s`, from a thread of its own.

`telemetry/live/EPOCH/worker-STAGE-NODE-PID.json` says that the worker's process runs, however long its document or its
reply takes, and what it has in hand. The driver's watchdog reads it.
"""

from __future__ import annotations

import contextlib
import json
import os
import socket
import threading
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field

from docmatix.run_directory import RunDirectory
from docmatix.serving.warden import find_start
from docmatix.stages.job import Job, Pulse

SIGNS_A_STALL = 24
"""Signs that a worker gives, and looks that the driver takes, in `limits.stall_s`: one of 120 s lets a machine that
swaps miss twenty."""
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


class Heart:
    """Gives a worker's signs of life, from a thread of its own, for as long as the process runs."""

    def __init__(self, job: Job, stage: str, *, node: str, count: Callable[[], tuple[int, int]] | None = None) -> None:
        """`node` is Ray's id of it; `count` tells the replies so far and the requests in flight."""
        self._run, self._stage, self._node, self._count = job.run, stage, node, count
        self._name = f"telemetry/live/{job.epoch}/worker-{stage}-{node[:8]}-{os.getpid()}.json"
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
        replies, in_flight = self._count() if self._count else (0, 0)
        return Sign(
            stage=self._stage,
            host=socket.gethostname(),
            node=self._node,
            pid=os.getpid(),
            started=self._started,
            beats=self._beats,
            shards={str(shard): int(pulse.figures.get("done", 0)) for shard, pulse in dict(self._in_hand).items()},
            replies=replies,
            in_flight=in_flight,
        )


def choose_interval(stall_s: float) -> float:
    """Seconds between two signs, and between two looks."""
    return max(LEAST_EVERY_S, stall_s / SIGNS_A_STALL)


def read_signs(run: RunDirectory, epoch: str, stage: str) -> dict[str, Sign]:
    """The last signs of a stage's workers, by file name; those that cannot be read now are left out."""
    found = {}
    folder = f"telemetry/live/{epoch}"
    names = [f"{folder}/{name}" for name in run.names(folder) if name.startswith(f"worker-{stage}-")]
    for name, content in run.read_several(names).items():
        with contextlib.suppress(ValueError, TypeError):
            found[name.removeprefix(f"{folder}/")] = Sign(**json.loads(content))
    return found
