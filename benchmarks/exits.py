"""Whether processes that open a run, look at it and end do end, on a machine that has too much to do.

Run: python -m benchmarks.exits [RUN] [--processes 200] [--at-once 8]      RUN is a run, by default the one in the tests

Each process is held to one core, and threads that it has besides its own run only when nothing else wants that core:
what they still do when the interpreter ends is what aborts a process ("terminate called without an active exception").
Prints how processes ended, and exits with 1 unless all did well.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
RUN = ROOT / "tests" / "fixtures" / "run_of_0_1_0" / "run"

LOOK = """
import os, sys
import docmatix
run, number = sys.argv[1], int(sys.argv[2])
os.sched_setaffinity(0, {sorted(os.sched_getaffinity(0))[number % len(os.sched_getaffinity(0))]})
ds = docmatix.open(run)
ds[0]
for thread in map(int, os.listdir("/proc/self/task")):
    if thread != os.getpid():
        os.sched_setscheduler(thread, os.SCHED_IDLE, os.sched_param(0))
for position in range(min(5, len(ds))):
    ds[position]
"""


def look(run: Path, number: int) -> str:
    """How one process ended: `0`, or its exit status with the end of what it said."""
    done = subprocess.run(
        [sys.executable, "-c", LOOK, str(run), str(number)], cwd=ROOT, capture_output=True, text=True, check=False
    )
    return " ".join([str(done.returncode), *done.stderr.splitlines()[-1:]])


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.exits", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("run", nargs="?", type=Path, default=RUN)
    parser.add_argument("--processes", type=int, default=200)
    parser.add_argument("--at-once", type=int, default=8)
    options = parser.parse_args()
    began = time.monotonic()
    with ThreadPoolExecutor(options.at_once) as pool:
        numbers = range(options.processes)
        ends = Counter(pool.map(look, [options.run.resolve()] * options.processes, numbers))
    print(f"{options.processes} processes, {options.at_once} at once, {time.monotonic() - began:.0f} s")
    print("| exit status | processes |\n| --- | ---: |")
    for end, count in ends.most_common():
        print(f"| {end} | {count} |")
    raise SystemExit(0 if set(ends) == {"0"} else 1)


if __name__ == "__main__":
    main()
