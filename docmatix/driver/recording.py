"""What a driver records of its run in `telemetry/`: what each stage's workers counted, the servers, the watchdog.

`telemetry/DRIVER_ID.json` is written as a driver ends. Until then the same is in `telemetry/live/DRIVER_ID.json`, with
the time of writing (the driver's sign of life) and what its workers have in hand: the one file that says what a build
is doing. The record of a driver that was killed is taken from it.
"""

from __future__ import annotations

import contextlib
import copy
import json
import os
import socket
import threading
import time
from collections.abc import Mapping
from typing import Any, Self

from docmatix.core.redaction import hide_in_text
from docmatix.stages.support.job import Job
from docmatix.stages.support.live_state import read_live_states
from docmatix.storage.run import Run

EVERY_S, REMOTE_EVERY_S = 1.0, 5.0
"""Seconds between two writes of the live state, on a disk and on an object store. A driver that is killed loses what
was counted since the last one."""


class Recording:
    """What a driver records about its run, written continuously by a separate thread, whatever the driver waits for.
    What cannot be written now is written the next time."""

    def __init__(self, job: Job, *, every_s: float | None = None) -> None:
        self._run, self._driver_id, self._fingerprints = job.run, job.driver_id, job.fingerprints
        self._every_s = every_s or (EVERY_S if job.run.local else REMOTE_EVERY_S)
        self._started = time.time()
        self.stages: dict[str, dict[str, float]] = {}
        """The figures of each stage: those of its workers' clients, and `seconds`."""
        self.serving: list[dict[str, Any]] = []
        """What is known of the servers of each model; see `docmatix.models.telemetry`."""
        self.watchdog: list[dict[str, Any]] = []
        """What the watchdog found, in its order."""
        self._stopped: str | None = None
        self._shown: dict[str, Any] = {}
        self._shown_at = float("-inf")
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._write_live, name="live-state", daemon=True)

    def __enter__(self) -> Self:
        self.show({})
        self._thread.start()
        return self

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if error is not None:
            self.note_stop(error)
        self.close()  # before the live state ends: a driver that is killed meanwhile has left its record
        self._ended.set()
        self._thread.join()
        with contextlib.suppress(Exception):
            self._run.remove(self._live)

    @property
    def _live(self) -> str:
        return f"telemetry/live/{self._driver_id}.json"

    @property
    def is_due(self) -> bool:
        """Whether the state shown is old enough to be replaced."""
        return time.monotonic() - self._shown_at >= self._every_s

    def show(self, live: Mapping[str, Any]) -> None:
        """Have the live state say so, beside the record as it is now; `live` is not changed afterwards."""
        self._shown_at = time.monotonic()
        # a copy: the thread that writes must not see half a change
        self._shown = {**copy.deepcopy(self._describe()), "live": live}

    def count(self, figure: str) -> float:
        """A figure added up over stages."""
        return sum(figures.get(figure, 0) for figures in self.stages.values())

    def note_stop(self, error: BaseException) -> None:
        """The build stops for this error, or for a person who interrupts it."""
        said = "interrupted" if isinstance(error, KeyboardInterrupt) else str(error) or type(error).__name__
        self._stopped = hide_in_text(said)

    def close(self) -> None:
        """Write the record of a driver that has come to its end, good or bad."""
        stopped = {} if self._stopped is None else {"stopped": self._stopped}
        with contextlib.suppress(Exception):
            content = json.dumps({**self._describe(), **self._count_seconds(), **stopped}, indent=1)
            self._run.write(f"telemetry/{self._driver_id}.json", content.encode())

    def _describe(self) -> dict[str, Any]:
        return {
            "started": self._started,
            "host": socket.gethostname(),
            "process": os.getpid(),
            "fingerprints": self._fingerprints,
            "stages": self.stages,
            "serving": self.serving,
            "watchdog": self.watchdog,
        }

    def _count_seconds(self) -> dict[str, float]:
        return {"seconds": round(time.time() - self._started, 3)}

    def _write_live(self) -> None:
        while True:
            with contextlib.suppress(Exception):
                content = {**self._shown, **self._count_seconds(), "at": round(time.time(), 1)}
                self._run.write(self._live, json.dumps(content).encode(), durable=False)
            if self._ended.wait(self._every_s):
                return


def adopt_records(run: Run) -> None:
    """Give drivers that were killed the record that they could not write, with `killed` in it. By who holds the run."""
    for driver_id, state in read_live_states(run).items():
        record = {name: value for name, value in state.items() if name not in {"live", "at"}} | {"killed": True}
        run.write(f"telemetry/{driver_id}.json", json.dumps(record, indent=1).encode())
    for driver_id in run.names("telemetry/live"):  # version 0.1.0 had a folder for each driver
        record_name = f"telemetry/live/{driver_id}/record.json"
        if not driver_id.endswith(".json") and run.exists(record_name):
            run.write(f"telemetry/{driver_id}.json", run.read(record_name))
