"""One driver at a time: a lock on a disk, a lease in an object store. A dead driver holds neither."""

from __future__ import annotations

import contextlib
import json
import os
import socket
import threading
import time
import uuid
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import IO, Any

import psutil  # type: ignore[import-untyped]

from docmatix.core.errors import SetupError, StorageFailed
from docmatix.core.process_space import find_process_space
from docmatix.core.redaction import hide_in_url
from docmatix.storage.errors import storage_errors
from docmatix.storage.object_folder import Overtaken
from docmatix.storage.plain_files import NotPlain, open_plain
from docmatix.storage.store import Store

LOCK = ".lock"
LEASE_S = 120.0
"""A lease that was not renewed for this long belongs to a dead driver; a live one renews it four times as often."""
_LOOKS_PASS = 25
"""`docmatix status` holds the lock for a moment, to see whether it is free: tries, 20 ms apart. Counted, not timed: a
process that gets no processor for half a second has not tried meanwhile."""


def is_held(store: Store) -> bool:
    """Whether a driver is at work. In an object store one that was killed on another machine counts as alive until its
    lease ends."""
    if store.local:
        return _is_flocked(store)
    lease = _Lease(store, LEASE_S).read(patient=True)
    return lease is not None and _is_alive(lease)


def hold(store: Store, *, lease_s: float) -> contextlib.AbstractContextManager[None]:
    """Hold the lock for the length of a block. Raises SetupError if another driver holds it."""
    return _flocked(store) if store.local else _leased(store, lease_s)


# --- on a disk --------------------------------------------------------------------------------------------------------


def _is_flocked(store: Store) -> bool:
    import fcntl

    try:
        # opened for reading: looking creates nothing, and works in a run that only others may write
        with os.fdopen(_open_lock(store, os.O_RDONLY)) as stream:
            fcntl.flock(stream, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:
        return False
    return False


def _open_lock(store: Store, flags: int) -> int:
    try:
        return open_plain(store.path(LOCK), flags)
    except NotPlain as other:
        raise store.refuse(LOCK, other.kind) from None


@contextlib.contextmanager
def _flocked(store: Store) -> Iterator[None]:
    folder = Path(store.root)
    with storage_errors(store.url, folder=folder):
        stream = os.fdopen(_open_lock(store, os.O_RDWR | os.O_APPEND | os.O_CREAT), "a+")
    with stream:
        if not _try_flock(stream):
            stream.seek(0)
            holder = stream.read(200).strip() or "another process"
            raise SetupError(f"The run {store.url} is held by {holder}: wait for it, or give another --run.") from None
        with storage_errors(store.url, folder=folder):
            # the lock file may be hard-linked elsewhere, and nothing else in a run is written in place
            if os.fstat(stream.fileno()).st_nlink == 1:
                stream.truncate(0)
                # past the buffer, which would be written again, and fail again, as the file is closed
                os.write(stream.fileno(), f"process {os.getpid()} on {socket.gethostname()}".encode())
        yield


def _try_flock(stream: IO[str]) -> bool:
    import fcntl

    for _ in range(_LOOKS_PASS):
        try:
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            time.sleep(0.02)
        else:
            return True
    return False


# --- in an object store -----------------------------------------------------------------------------------------------


class _Lease:
    """A lease: renewed while held, and dead when no longer renewed.

    It is written in place of the version that was read, so of two drivers that find a dead one only one gets it.
    """

    def __init__(self, store: Store, lease_s: float) -> None:
        self._store, self._lease_s = store, lease_s
        self._mine = uuid.uuid4().hex
        self._version: str | None = None

    def take(self) -> None:
        version = self._store.look_up(LOCK)
        if (other := self.read()) is not None and _is_alive(other):
            raise SetupError(
                f"The run {hide_in_url(self._store.url)} is held by a driver on {other.get('host')}: wait for it, or"
                f" give another --run (if it was killed, its lease ends in {other['until'] - time.time():.0f} s)."
            )
        try:
            self._version = self._store.replace(LOCK, self._write(), seen=version)
        except Overtaken:
            now = None
        else:
            now = self.read()  # where the store has no conditional writes, the other one's may have come after ours
        if now is None or now.get("holder") != self._mine:
            raise SetupError(f"The run {hide_in_url(self._store.url)} was taken by another driver at the same moment.")

    def renew(self) -> bool:
        """Whether it is still ours."""
        try:
            # a driver that slept past its lease must not take it back from the one that holds it now
            if (now := self.read()) is None or now.get("holder") != self._mine:
                return False
            self._version = self._store.replace(LOCK, self._write(), seen=self._version, patient=False)
        except Overtaken:
            # ours, if the answer to the renewal before this one was lost
            now = self.read()
            self._version = self._store.look_up(LOCK)
            return now is not None and now.get("holder") == self._mine
        return True

    def give_back(self) -> None:
        if (now := self.read()) is not None and now.get("holder") == self._mine:
            self._store.remove(LOCK)

    def read(self, *, patient: bool = False) -> dict[str, Any] | None:
        """The current lease, of any holder."""
        try:
            lease = json.loads(self._store.read(LOCK, patient=patient))
            return lease if isinstance(lease, dict) and isinstance(lease["until"], (int, float)) else None
        except (FileNotFoundError, ValueError, LookupError):
            return None

    def _write(self) -> bytes:
        lease = {
            "holder": self._mine,
            "host": socket.gethostname(),
            "process": os.getpid(),
            "where": find_process_space(),
            "until": time.time() + self._lease_s,
        }
        return json.dumps(lease).encode()


def _is_alive(lease: Mapping[str, Any]) -> bool:
    if lease["until"] <= time.time():
        return False
    # a driver of this machine that was killed need not be waited for
    here = find_process_space()
    return here is None or lease.get("where") != here or psutil.pid_exists(int(lease.get("process", 0)))


@contextlib.contextmanager
def _leased(store: Store, lease_s: float) -> Iterator[None]:
    lease = _Lease(store, lease_s)
    try:
        lease.take()
    except StorageFailed as error:
        raise SetupError(str(error)) from None
    stop = threading.Event()

    def keep() -> None:
        while not stop.wait(lease_s / 4):
            # a store that is away for a while takes no lease from us
            with contextlib.suppress(StorageFailed):
                if not lease.renew():
                    store.lost.set()
                    return

    renewer = threading.Thread(target=keep, daemon=True)
    renewer.start()
    try:
        yield
    finally:
        stop.set()
        renewer.join()
        if not store.lost.is_set():
            with contextlib.suppress(StorageFailed):  # the lease then expires
                lease.give_back()
