"""The scope of process ids: an id in a file or a lease means nothing in another container."""

from __future__ import annotations

import os
from pathlib import Path


def find_process_space() -> str | None:
    """A text that identifies this machine's boot and the container on it; None if the system does not say."""
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
        return f"{boot} {os.readlink('/proc/self/ns/pid')}"  # noqa: PTH115
    except OSError:
        return None
