"""The bare loop of `benchmarks.pipeline` as Ray Data's plain `map_batches`: words read, pages rendered and encoded."""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping, Sequence
from typing import Any

from benchmarks.pipeline import read_bare

DOCUMENTS_A_BATCH = 16


def read_batch(batch: dict[str, Any]) -> dict[str, Any]:
    """The bytes of the JPEGs of each document of a batch."""
    works = zip(batch["path"], batch["numbers"], strict=True)
    return {"size": [read_bare((str(path), [int(number) for number in numbers])) for path, numbers in works]}


def time_ray_data(pages: Mapping[str, Sequence[int]], processes: int) -> float:
    """Seconds from the start of Ray to the last page."""
    import ray

    started = time.monotonic()
    ray.init(num_cpus=processes, include_dashboard=False, log_to_driver=False, logging_level=logging.ERROR)
    try:
        ray.data.DataContext.get_current().enable_progress_bars = False
        rows = [{"path": path, "numbers": list(numbers)} for path, numbers in sorted(pages.items())]
        blocks = max(processes, min(200, len(rows) // DOCUMENTS_A_BATCH))
        done = ray.data.from_items(rows, override_num_blocks=blocks).map_batches(
            read_batch, batch_size=DOCUMENTS_A_BATCH
        )
        assert sum(int(batch["size"].sum()) for batch in done.iter_batches(batch_size=None))
        return time.monotonic() - started
    finally:
        ray.shutdown()
