"""Starts, joins and leaves Ray: a private one on this machine, or the cluster that the configuration names."""

from __future__ import annotations

import contextlib
import logging
import os
import queue
import shutil
import signal
import tempfile
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil  # type: ignore[import-untyped]

from docmatix import errors
from docmatix.config import Resources
from docmatix.errors import BuildError

_TELL_PATIENCE_S = 5.0
_RAYS_OWN = {"raylet", "gcs_server"}
_STARTS = 3
"""Ray gives itself 30 s to start, which a machine with ten times as much to do as it has cores does not always make."""


@contextlib.contextmanager
def ray_running(resources: Resources, *, init: Callable[..., object] | None = None) -> Iterator[None]:
    """A private, quiet Ray on this machine, or the running cluster at `resources.address`; ended with the block.

    `init` stands for `ray.init`: a seam for tests. Raises SetupError where a cluster cannot be joined, BuildError where
    no private Ray gets started."""
    # set later than the import, `ray.init` fails after 17 s
    os.environ.setdefault("RAY_AUTH_MODE", "disabled")
    # a private Ray has one user: its memory watcher would kill workers for what other programs use
    os.environ.setdefault("RAY_memory_monitor_refresh_ms", "0")
    # Ray runs its workers at nice 15: beside a model server on the same machine whoever asks it would hardly run
    os.environ.setdefault("RAY_worker_niceness", "0")
    # a thread that outlives `shutdown` would start a Ray of its own with its next call
    os.environ.setdefault("RAY_ENABLE_AUTO_CONNECT", "0")
    import ray

    if ray.is_initialized():
        # a notebook or a test that has its own Ray: it is used, and left running
        with _quiet_data():
            yield
        return
    scratch = None
    options: dict[str, Any] = {}
    if resources.address is None:
        # session folders pile up under the temp directory; the name is short, since socket paths end at 107 bytes
        remove_scratch_of_the_dead(Path(tempfile.gettempdir()))
        scratch = tempfile.mkdtemp(prefix=f"dmx-{os.getpid()}-")
        options = {
            "address": "local",  # a bare `init` would join a stranger's cluster
            "_temp_dir": scratch,
            "num_cpus": resources.cpus,
            "include_dashboard": False,
            "object_store_memory": 100 << 20,  # nothing but shard numbers travels
        }
    else:
        options = {"address": resources.address}
    at_term = signal.getsignal(signal.SIGTERM)
    options |= {"log_to_driver": False, "logging_level": logging.ERROR, "configure_logging": True}
    try:
        try:
            if scratch is None:
                (init or ray.init)(**options)
            else:
                _start_private(init or ray.init, options)
            if threading.current_thread() is threading.main_thread():
                signal.signal(signal.SIGTERM, at_term)  # Ray's own leaves with exit code 15
        except (ConnectionError, RuntimeError, ValueError) as error:
            raise errors.SetupError(f"Ray cannot be reached at {resources.address!r}: {error}.") from None
        with _quiet_data():
            yield
    finally:
        # the thread that drove Ray Data may still be at it, and would log what it thinks of the end
        logging.getLogger("ray").setLevel(logging.CRITICAL + 1)
        ray.shutdown()
        if scratch is not None:
            shutil.rmtree(scratch, ignore_errors=True)


def _start_private(init: Callable[..., object], options: dict[str, Any]) -> None:
    for left in reversed(range(_STARTS)):
        try:
            init(**options)
        except ValueError:
            raise
        except Exception as error:  # Ray raises a bare one
            for process in find_private_ray():
                process.kill()
                process.wait()
            if not left:
                said = " ".join(str(error).split())
                raise BuildError(
                    f"Ray did not start on this machine in {_STARTS} attempts ({said}); if it is busy or short of"
                    " memory, run the same command again later."
                ) from None
        else:
            return


def remove_scratch_of_the_dead(folder: Path) -> None:
    """Remove the session folders of drivers that were killed: `dmx-PID-*` of processes that are no more."""
    for path in folder.glob("dmx-*-*"):
        pid = path.name.split("-")[1]
        if pid.isdigit() and not psutil.pid_exists(int(pid)):
            shutil.rmtree(path, ignore_errors=True)


@contextlib.contextmanager
def _quiet_data() -> Iterator[None]:
    """Ray Data without its own progress bars, opinions on the console, and sense of when a build stands still."""
    import ray

    context = ray.data.DataContext.get_current()
    # 30 minutes without a finished shard are normal when an LLM is slow; `limits.no_progress_s` knows better
    ours = {"enable_progress_bars": False, "print_on_execution_start": False, "execution_no_progress_timeout_s": -1}
    before = {name: getattr(context, name) for name in ours}
    logger = logging.getLogger("ray.data")
    level = logger.level
    try:
        logger.setLevel(logging.CRITICAL)
        for name, value in ours.items():
            setattr(context, name, value)
        yield
    finally:
        logger.setLevel(level)
        for name, value in before.items():
            setattr(context, name, value)


def find_private_ray() -> list[psutil.Process]:
    """The processes without which a Ray of our own is none; empty where the Ray is somebody else's."""
    found = []
    for child in psutil.Process().children():
        with contextlib.suppress(psutil.Error):
            if child.name() in _RAYS_OWN:
                found.append(child)
    return found


def describe_resources() -> str:
    """What the running Ray has, in words; asked for a few seconds only, since a Ray in trouble does not answer."""
    said: queue.Queue[str] = queue.Queue()

    def look() -> None:
        import ray

        nodes = ray.nodes()
        lost = sum(not node["Alive"] for node in nodes)
        total, free = ray.cluster_resources(), ray.available_resources()
        said.put(
            f"Ray has {free.get('CPU', 0):g} of {total.get('CPU', 0):g} CPUs free on {len(nodes) - lost} nodes"
            f"{f', {lost} lost' if lost else ''}"
        )

    threading.Thread(target=look, daemon=True).start()
    try:
        return said.get(timeout=_TELL_PATIENCE_S)
    except queue.Empty:
        return "Ray does not answer"
