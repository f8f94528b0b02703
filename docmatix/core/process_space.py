"""What process ids are to be understood in: an id that a file or a lease names says nothing in another container."""

from __future__ import annotations

import os
from pathlib import Path


def find_process_space() -> str | None:
    """This boot of this machine and the container on it, as text; None where the system does not tell."""
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
        return f"{boot} {os.readlink('/proc/self/ns/pid')}"  # noqa: PTH115
    except OSError:
        return None
