"""Starts, joins and leaves Ray: a private one on this machine, or the cluster that the configuration names."""

from __future__ import annotations

import contextlib
import logging
import os
import queue
import secrets
import shutil
import signal
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import psutil  # type: ignore[import-untyped]

from docmatix.config import Resources
from docmatix.core.errors import BuildError, SetupError
from docmatix.core.import_path import protect_children
from docmatix.storage import scratch

_TELL_PATIENCE_S = 5.0
_SCRATCH = "dmx"
_LONGEST_SOCKET = 107  # bytes in the path of a Unix socket
# the longest path that Ray makes below the temporary directory
_SESSION = "/dmx-1a2b3c4d-{pid}-abcd1234/r/session_2026-11-29_20-09-22_672392_{pid}/sockets/plasma_store"
_CURRENT_CLUSTER = Path("/tmp/ray/ray_current_cluster")  # where `ray start` leaves its address for `auto`
_RAYS_OWN = {"raylet", "gcs_server"}
_STARTS = 3  # Ray gives itself 30 s to start, which is not always enough at ten times as much work as cores


@contextlib.contextmanager
def ray_running(resources: Resources, *, init: Callable[..., object] | None = None) -> Iterator[None]:
    """A private, quiet Ray on this machine, or the running cluster at `resources.address`; ended with the block.
    `init` replaces `ray.init`. Raises SetupError if a cluster cannot be joined, BuildError if no private Ray starts."""
    # a private Ray has one user: its memory watcher would kill workers for what other programs use
    os.environ.setdefault("RAY_memory_monitor_refresh_ms", "0")
    # Ray runs its workers at nice 15: next to a model server on the same machine, its clients would be starved
    os.environ.setdefault("RAY_worker_niceness", "0")
    # a thread that outlives `shutdown` would start a Ray of its own with its next call
    os.environ.setdefault("RAY_ENABLE_AUTO_CONNECT", "0")
    if has_own_ray():  # a notebook or a test: its Ray is used, and left running
        yield
        return
    changes = protect_children(os.environ) | {"RAY_USAGE_STATS_ENABLED": "0"}
    changes |= guard_private() if resources.address is None else guard_joined(resources.address)
    with contextlib.ExitStack() as stack:
        # last of all: a Ray that the user starts next has nothing to do with the token of this build
        stack.callback(reload_authentication)
        stack.enter_context(_changed_environment(changes))
        reload_authentication()
        import ray

        stack.enter_context(_connected(resources, init or ray.init))
        yield


def has_own_ray() -> bool:
    """Whether this process is connected to a Ray; without importing it, since it reads the environment as it is."""
    return "ray" in sys.modules and bool(sys.modules["ray"].is_initialized())


def guard_private() -> dict[str, str]:
    """The environment of a Ray that only its own driver and workers can speak to, and only on this machine. Without a
    token in it, Ray writes one to a file that all can read."""
    return {
        "RAY_AUTH_MODE": "token",
        "RAY_AUTH_TOKEN": secrets.token_hex(32),
        # Ray then takes 127.0.0.1 for its address, and listens on nothing else (also on Linux, whatever the name says)
        "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0",
    }


def guard_joined(address: str) -> dict[str, str]:
    """The environment for joining a cluster: with its token, unless configured to have none. Raises SetupError for
    `auto` if this machine runs another user's Ray, which would receive the token."""
    if address == "auto" and not os.environ.get("RAY_ADDRESS") and (owner := _find_other_owner()):
        raise SetupError(
            f"resources.address is `auto`, and this machine runs a Ray of {owner}, which would be joined: give the"
            " address of your own cluster, as HOST:PORT or in RAY_ADDRESS."
        )
    return {"RAY_AUTH_MODE": os.environ.get("RAY_AUTH_MODE", "token")}


def reload_authentication() -> None:
    """Have Ray read its mode and token from the environment again: otherwise it does so only on import."""
    from ray._raylet import AuthenticationTokenLoader, Config  # type: ignore[attr-defined]

    Config.initialize("")
    AuthenticationTokenLoader.instance().reset_cache()


@contextlib.contextmanager
def _changed_environment(changes: Mapping[str, str]) -> Iterator[None]:
    before = {name: os.environ.get(name) for name in changes}
    os.environ.update(changes)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


def _find_other_owner() -> str | None:
    """A user other than this one and root whose Ray `auto` might find: it looks at processes and at a file in /tmp."""
    mine = {0, os.geteuid()}
    for process in psutil.process_iter(["name", "uids", "username"]):
        uids = process.info["uids"]
        if process.info["name"] == "gcs_server" and uids is not None and uids.effective not in mine:
            return f"the user {process.info['username']}"
    with contextlib.suppress(OSError):
        owner = _CURRENT_CLUSTER.lstat().st_uid
        if owner not in mine:
            return f"the user with the id {owner}"
    return None


@contextlib.contextmanager
def _connected(resources: Resources, init: Callable[..., object]) -> Iterator[None]:
    import ray

    options: dict[str, Any] = {
        "log_to_driver": False,
        "logging_level": logging.ERROR,
        "configure_logging": True,
        "job_config": _make_job_config(),
    }
    at_term = signal.getsignal(signal.SIGTERM)
    with contextlib.ExitStack() as stack:
        if resources.address is None:
            folder = stack.enter_context(_scratch_folder())
        stack.callback(ray.shutdown)
        # the thread that drove the workers may still be at it, and would log what it thinks of the end
        stack.callback(logging.getLogger("ray").setLevel, logging.CRITICAL + 1)
        try:
            if resources.address is None:
                options |= {
                    "address": "local",  # a bare `init` would join a stranger's cluster
                    "_temp_dir": str(folder),
                    "num_cpus": resources.cpus,
                    "include_dashboard": False,
                    "object_store_memory": 100 << 20,  # nothing but shard numbers travels
                }
                _start_private(init, options)
            else:
                _join(init, resources.address, options)
            if threading.current_thread() is threading.main_thread():
                signal.signal(signal.SIGTERM, at_term)  # Ray's own leaves with exit code 15
        except (ConnectionError, RuntimeError, ValueError) as error:
            raise SetupError(f"Ray cannot be reached at {resources.address!r}: {error}.") from None
        yield


def _make_job_config() -> Any:
    """For workers that import nothing from the driver's current folder: Ray puts it on their path unless the job is a
    client's."""
    from ray.job_config import JobConfig

    return JobConfig(_client_job=True)


def _join(init: Callable[..., object], address: str, options: dict[str, Any]) -> None:
    from ray.exceptions import AuthenticationError

    try:
        init(**options, address=address)
    except (AuthenticationError, ConnectionError) as error:
        # of a wrong token the type is lost on the way, and its name is in the text of the cause
        if not isinstance(error, AuthenticationError) and "AuthenticationError" not in str(error.__cause__):
            raise
        raise SetupError(
            f"The Ray cluster at {address!r} does not accept this token, or none was given: set RAY_AUTH_TOKEN or"
            " RAY_AUTH_TOKEN_PATH to the token that its nodes were started with."
        ) from None


@contextlib.contextmanager
def _scratch_folder() -> Iterator[Path]:
    """The folder for Ray's session. Ray makes its own folder world-writable, so it goes into a private one."""
    # the session folders of killed drivers pile up
    roots = dict.fromkeys([Path(tempfile.gettempdir()), Path("/tmp")])
    for root in roots:
        scratch.remove_folders_of_the_dead(root, _SCRATCH)
    room = _LONGEST_SOCKET - len(_SESSION.format(pid=os.getpid()))
    short = [root for root in roots if len(os.fsencode(root)) <= room]
    folder = scratch.make_folder(_SCRATCH, folder=short[0] if short else None)
    try:
        yield folder / "r"
    finally:
        shutil.rmtree(folder, ignore_errors=True)


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
                reason = " ".join(str(error).split())
                raise BuildError(
                    f"Ray did not start on this machine in {_STARTS} attempts ({reason}); if it is busy or short of"
                    " memory, rerun the command later."
                ) from None
        else:
            return


def find_private_ray() -> list[psutil.Process]:
    """The processes that a private Ray depends on; empty if the Ray is not ours."""
    found = []
    for child in psutil.Process().children():
        with contextlib.suppress(psutil.Error):
            if child.name() in _RAYS_OWN:
                found.append(child)
    return found


def describe_resources() -> str:
    """What the running Ray has, in words; tried for a few seconds only, since a Ray in trouble does not respond."""
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
        return "Ray is not responding"
