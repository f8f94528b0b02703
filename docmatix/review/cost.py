"""What a build cost: requests, retries, restarts and hours, as far as the run recorded them."""

from __future__ import annotations

import contextlib
import json
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from docmatix.config import Config
from docmatix.stages.support.reading import list_engines
from docmatix.storage.run import Run


@dataclass(slots=True)
class Cost:
    """Sums over every driver of the run; requests repeated after a kill count each time."""

    drivers: int = 0
    seconds: float = 0.0
    stage_seconds: dict[str, float] = field(default_factory=dict)
    requests: int = 0
    retries: Counter[str] = field(default_factory=Counter)
    without: Counter[str] = field(default_factory=Counter)
    """Fields that a server does not take, each with the replies to requests that were sent without it."""
    restarts: Counter[str] = field(default_factory=Counter)
    replica_s: float = 0.0
    """Seconds that replicas of the model were ready; 0 where not recorded."""
    gpu_s: float = 0.0


def read_telemetry(run: Run) -> list[dict[str, Any]]:
    """What each driver that has ended recorded, in the order of their names; unreadable records are skipped."""
    found = []
    for name in run.names("telemetry"):
        if name.endswith(".json"):
            with contextlib.suppress(OSError, ValueError):
                content = json.loads(run.read(f"telemetry/{name}"))
                if isinstance(content, dict) and "stages" in content:  # `push` keeps a note there too
                    found.append(content)
    return found


def add_up(telemetry: Iterable[Mapping[str, Any]], config: Config) -> Cost:
    """The cost over all drivers."""
    gpus = {engine.model_name: engine.gpus for engine in list_engines(config)}
    cost = Cost()
    for driver in telemetry:
        cost.drivers += 1
        cost.seconds += driver.get("seconds", 0)
        for stage, figures in driver.get("stages", {}).items():
            cost.stage_seconds[stage] = cost.stage_seconds.get(stage, 0) + figures.get("seconds", 0)
            cost.requests += int(figures.get("requests", 0))
            for name, count in figures.items():
                if name.startswith("retries_") and count:
                    cost.retries[name.removeprefix("retries_")] += int(count)
                if name.startswith("without_") and count:
                    cost.without[name.removeprefix("without_")] += int(count)
        for served in driver.get("serving", []):
            cost.restarts.update(served.get("restarts", {}))
            ready = served.get("ready_s", 0)
            cost.replica_s += ready
            cost.gpu_s += ready * gpus.get(served.get("model", ""), 0)
    return cost
