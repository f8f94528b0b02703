"""datatrove's MinHash on the signatures that `benchmarks.dedup` drew; needs datatrove and numpy, and no docmatix.

Run by `benchmarks.dedup`: PYTHON benchmarks/dedup_datatrove.py FOLDER DOCUMENTS NUMBERS WORKERS
"""

from __future__ import annotations

import json
import resource
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np

BUCKETS, PER_BUCKET = 16, 8
"""All 128 numbers: of pairs with a similarity of 0.85 it sees 99.3 %, of 0.7 61 %."""
BLOCK = 1 << 16


def write_buckets(folder: Path, documents: int, numbers: int) -> None:
    """What its first step leaves: for each bucket a sorted file of hashes with the number of the document."""
    signatures = np.memmap(folder / "signatures", dtype=np.uint32, mode="r", shape=(documents, numbers))
    fields = [(f"field{place}", "<u4") for place in range(PER_BUCKET + 1)]
    for bucket in range(BUCKETS):
        records = np.empty((documents, PER_BUCKET + 1), dtype=np.uint32)
        records[:, :PER_BUCKET] = signatures[:, bucket * PER_BUCKET : (bucket + 1) * PER_BUCKET]
        records[:, PER_BUCKET] = np.arange(documents)
        found = records.view(fields).reshape(-1)
        found.sort(order=[name for name, _ in fields])
        place = folder / "datatrove" / "signatures" / f"bucket_{bucket:03d}"
        place.mkdir(parents=True)
        found.tofile(place / "00000.minhash.sig")


def main(folder: Path, documents: int, numbers: int, workers: int) -> dict[str, Any]:
    from datatrove.executor import LocalPipelineExecutor
    from datatrove.pipeline.dedup.minhash import MinhashConfig, MinhashDedupBuckets, MinhashDedupCluster
    from datatrove.utils.hashing import HashConfig

    own = folder / "datatrove"
    config = MinhashConfig(
        num_buckets=BUCKETS, hashes_per_bucket=PER_BUCKET, hash_config=HashConfig(precision=32, hash_fc="xxhash")
    )
    started = time.perf_counter()
    write_buckets(folder, documents, numbers)
    pairs, removed = str(own / "pairs"), own / "removed"
    steps = [
        (MinhashDedupBuckets(str(own / "signatures"), pairs, config=config, lines_to_buffer=1000), BUCKETS),
        (MinhashDedupCluster(pairs, str(removed), config=config, lines_to_buffer=1000), 1),
    ]
    for place, (step, tasks) in enumerate(steps):
        logs = str(own / f"logs{place}")
        LocalPipelineExecutor([step], tasks=tasks, workers=min(workers, tasks), logging_dir=logs).run()
    seconds = time.perf_counter() - started
    found = sorted(removed.glob("*.remove"))
    left_out = np.concatenate([np.fromfile(path, dtype=np.uint32) for path in found] or [np.empty(0, np.uint32)])
    np.save(folder / "datatrove.npy", np.sort(left_out).astype(np.int64))
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    cpu = sum(each.ru_utime + each.ru_stime for each in used)
    return {"seconds": seconds, "cpu": cpu, "peak_mb": max(each.ru_maxrss for each in used) / 1024}


if __name__ == "__main__":
    told = main(Path(sys.argv[1]), *map(int, sys.argv[2:5]))
    print(json.dumps(told), flush=True)
