"""What drivers that are at work, or were killed, say of themselves: one file each, `telemetry/live/DRIVER_ID.json`.

It is the driver's record so far (`docmatix.driver.recording`), with the time of writing as `at`, and as `live` the
stage at work, its figures, its workers, and what it waits for if nothing moves.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Mapping
from typing import Any

from docmatix.storage.run import Run


def read_live_states(run: Run) -> dict[str, dict[str, Any]]:
    """The live states by driver, except of drivers that have written their record; what earlier versions left, and what
    cannot be read now, is passed over."""
    ended = set(run.names("telemetry"))
    names = [f"telemetry/live/{name}" for name in run.names("telemetry/live") if name.endswith(".json")]
    found = {}
    for name, content in run.read_several([name for name in names if name.rpartition("/")[2] not in ended]).items():
        with contextlib.suppress(ValueError):
            state = json.loads(content)
            if isinstance(state, dict) and isinstance(state.get("stages"), dict):
                found[name.rpartition("/")[2].removesuffix(".json")] = state
    return found


def describe_figures(figures: Mapping[str, float]) -> str:
    """`12 done, 30 pairs, 1200 completion tokens, 2 retries`, of the shards at work."""
    shown = ("done", "ocr_pages", "pairs", "kept", "completion_tokens", "in_flight", "retries")
    return ", ".join(f"{figures[name]:.0f} {name.replace('_', ' ')}" for name in shown if figures.get(name))
