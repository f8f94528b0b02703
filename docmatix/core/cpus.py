"""How many cores this process may keep busy."""

from __future__ import annotations

import contextlib
import math
import os
from collections.abc import Iterator
from pathlib import Path

_MOUNTED = Path("/sys/fs/cgroup")


def count_cpus(*, groups: Path = Path("/proc/self/cgroup"), mounted: Path = _MOUNTED) -> int:
    """The cores of this machine, by the affinity of this process and the quotas of the control groups that it is in."""
    allowed = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(1, math.floor(min([allowed, *_read_quotas(groups, mounted)])))


def _read_quotas(groups: Path, mounted: Path) -> Iterator[float]:
    """In cores, of each group from this process's own up to the root, of both versions of control groups."""
    with contextlib.suppress(OSError):
        for line in groups.read_text().splitlines():
            _, controllers, path = line.split(":", 2)
            if controllers and "cpu" not in controllers.split(","):
                continue
            root = mounted / "cpu" if controllers else mounted
            folder = root / path.lstrip("/")
            for each in (folder, *folder.parents):
                with contextlib.suppress(OSError, ValueError, ZeroDivisionError):
                    if controllers:
                        quota, period = ((each / f"cpu.cfs_{name}_us").read_text() for name in ("quota", "period"))
                    else:
                        quota, period = (each / "cpu.max").read_text().split()
                    if int(quota) > 0:
                        yield int(quota) / int(period)
                if each == root:
                    break
