"""The Ray shell, as far as it can be tried without Ray."""

from __future__ import annotations

import subprocess
import sys

from docmatix.driver.ray_workers import kill_process
from docmatix.models.vllm.supervisor import find_start


def test_only_the_process_that_was_meant_is_killed():
    process = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
    started = find_start(process.pid)
    assert started is not None
    assert kill_process(process.pid, started + 1) == "gone"  # another one that has the same id now
    assert process.poll() is None
    assert kill_process(process.pid, started) == "killed"
    assert process.wait() == -9
    assert kill_process(process.pid, started) == "gone"
