"""Supervised processes: when their owner ends, however it does, everything that they started ends too.

    supervised = start_supervised([python, "-m", "vllm..."], env=environment, log=file, grace_s=10)
    supervised.pid, supervised.poll()  # None, or how it ended

Run by its path with the standard library alone. Linux only. The processes and their roles: docs/design/models.md.
"""

from __future__ import annotations

import contextlib
import ctypes
import json
import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

PR_SET_PDEATHSIG = 1
PR_SET_CHILD_SUBREAPER = 36
POLL_S = 0.2
# 3 s were too few on a busy machine; without them 420 MB of shared memory stay (a model of 135 M parameters)
TRACKER_PATIENCE_S = 10.0
"""How long Python's resource trackers may clean up vLLM's shared memory once only they are left."""
END_PATIENCE_S = 20.0
"""After SIGKILL a process may hang in the kernel, in a GPU's driver for instance: then it is left there."""
START_TIMEOUT_S = 60.0
GRACE_S = 10.0
NO_PROCESS = -1
LOST = -1000
"""The code of a server whose supervisor was killed: the server was ended, and its own code is not known."""


# --- the owner's side -------------------------------------------------------------------------------------------------


class SupervisedProcess:
    """A server under a supervisor."""

    def __init__(self, process: subprocess.Popen[bytes], *, grace_s: float) -> None:
        """Wait until the supervisor has started the server; use `start_supervised`. Raises `OSError` if it did not."""
        self._process, self._grace_s = process, grace_s
        self._unread = b""
        self._code: int | None = None
        started = self._read_message(START_TIMEOUT_S)
        if started is None or "pid" not in started:
            self._close_pipes()
            raise OSError((started or {}).get("error") or "its supervisor did not start")
        self.pid: int = started["pid"]
        """The server's process id, which is also its session's."""
        self.supervisor_pid: int = started["supervisor"]
        self.guard_pid: int = started["guard"]

    def poll(self, timeout_s: float = 0.0) -> int | None:
        """How the server ended: its exit code, minus the number of a signal, or `LOST`; None while it runs. Once there
        is a code, no process of the server is left."""
        if self._code is None:
            try:
                message = self._read_message(timeout_s)
            except EOFError:
                end_family(NO_PROCESS, self.pid)
                message = {"code": LOST}
            if message is not None:
                self._code = int(message["code"])
                self._close_pipes()
        return self._code

    def stop(self, *, kill: bool = False, patience_s: float = TRACKER_PATIENCE_S + END_PATIENCE_S) -> int:
        """End the server and all it started: by SIGKILL after `grace_s`, or with `kill` at once. Returns its code.

        A supervisor that takes longer than `patience_s` is considered stuck.
        """
        if self._code is None:
            with contextlib.suppress(OSError):  # the supervisor may have ended, or be about to report
                assert self._process.stdin
                self._process.stdin.write(b"kill\n" if kill else b"stop\n")
                self._process.stdin.flush()
            code = self.poll((0 if kill else self._grace_s) + patience_s)
            if code is None:
                # the supervisor itself was stopped: its guard takes over
                os.kill(self.supervisor_pid, signal.SIGKILL)
                self.poll(patience_s)
        return LOST if self._code is None else self._code

    def _read_message(self, timeout_s: float) -> dict[str, Any] | None:
        """The supervisor's next message; None if there is none in time. Raises `EOFError` once there will be none."""
        assert self._process.stdout
        deadline = time.monotonic() + timeout_s
        while b"\n" not in self._unread:
            left = max(0.0, deadline - time.monotonic())
            if not select.select([self._process.stdout], [], [], left)[0]:
                return None
            read = os.read(self._process.stdout.fileno(), 1 << 12)
            if not read:
                raise EOFError
            self._unread += read
        line, _, self._unread = self._unread.partition(b"\n")
        message: dict[str, Any] = json.loads(line)
        return message

    def _close_pipes(self) -> None:
        for pipe in (self._process.stdin, self._process.stdout):
            with contextlib.suppress(BrokenPipeError):
                if pipe:
                    pipe.close()


def start_supervised(
    command: Sequence[str],
    *,
    env: Mapping[str, str],
    log: BinaryIO,
    folder: str | None = None,
    grace_s: float = GRACE_S,
) -> SupervisedProcess:
    """Start a command under a supervisor, in `folder` or the current one; what it prints goes to `log`. It does not
    outlive this process. Raises `OSError` if the command cannot be started."""
    supervisor = [sys.executable, "-I", "-S", str(Path(__file__).resolve())]
    arguments = [str(os.getpid()), str(find_start(os.getpid())), str(grace_s), *command]  # as `main` reads them
    process = subprocess.Popen(
        [*supervisor, *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=log,
        cwd=folder,
        env=dict(env),
        start_new_session=True,
    )
    try:
        supervised = SupervisedProcess(process, grace_s=grace_s)
    except EOFError:
        raise OSError("its supervisor did not start") from None
    finally:
        process.wait()  # the supervisor has detached from this child, which ends at once
    return supervised


# --- processes --------------------------------------------------------------------------------------------------------


class Process(NamedTuple):
    """An entry of the process table."""

    pid: int
    state: str
    parent: int
    session: int
    started: int
    """Ticks since boot: together with the id they identify a process."""

    def is_ended(self) -> bool:
        """Whether it is a zombie."""
        return self.state in "ZX"


def read_process(pid: int) -> Process | None:
    """One process; None if there is none."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(errors="replace")
    except OSError:
        return None
    # the name is in brackets and may itself hold brackets and spaces
    state, parent, _, session, *rest = stat.rpartition(")")[2].split()
    return Process(pid, state, int(parent), int(session), int(rest[15]))


def list_processes() -> list[Process]:
    """All processes visible to this one."""
    pids = [int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit()]
    return [process for pid in pids if (process := read_process(pid))]


def find_start(pid: int) -> int | None:
    """When a running process was started; None for one that has ended."""
    process = read_process(pid)
    return process.started if process and not process.is_ended() else None


def find_family(root: int, session: int | None) -> list[Process]:
    """The running processes that descend from `root` or belong to the session, without `root`."""
    processes = list_processes()
    children: dict[int, list[Process]] = {}
    for process in processes:
        children.setdefault(process.parent, []).append(process)
    family = {process.pid: process for process in processes if process.session == session}
    unseen = [root]
    while unseen:
        for child in children.get(unseen.pop(), ()):
            family[child.pid] = child
            unseen.append(child.pid)
    family.pop(root, None)
    return [process for process in family.values() if not process.is_ended()]


def end_family(root: int, session: int | None) -> bool:
    """Kill the family of `root` until none is left, resource trackers last. Returns whether none is left."""
    began = time.monotonic()
    alone_since: float | None = None
    while (now := time.monotonic()) - began < TRACKER_PATIENCE_S + END_PATIENCE_S:
        if root == os.getpid():
            _reap_orphans()
        family = find_family(root, session)
        if not family:
            return True
        trackers = [process for process in family if _is_tracker(process.pid)]
        alone_since = (alone_since or now) if len(trackers) == len(family) else None
        spared = trackers if alone_since is None or now - alone_since < TRACKER_PATIENCE_S else []
        for process in family:
            if process not in spared:
                _send(process.pid, signal.SIGKILL)
        time.sleep(0.02)
    for process in find_family(root, session):
        _send(process.pid, signal.SIGKILL)
    return False


def _is_tracker(pid: int) -> bool:
    try:
        return b"multiprocessing.resource_tracker" in Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return False


def _send(pid: int, number: int) -> None:
    with contextlib.suppress(OSError):
        os.kill(pid, number)


def _reap_orphans() -> None:
    try:
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass
    except ChildProcessError:
        pass


# --- the supervisor's side --------------------------------------------------------------------------------------------


def _set_process(option: int, value: int) -> None:
    ctypes.CDLL(None).prctl(option, value, 0, 0, 0)


def _detach() -> int:
    """Leave the owner's family and become the supervisor. Returns the guard's process id, in the supervisor only."""
    if os.fork():
        os._exit(0)
    os.setsid()
    _set_process(PR_SET_CHILD_SUBREAPER, 1)
    guard = os.getpid()
    supervisor = os.fork()
    if supervisor:
        _guard(supervisor)
    os.setsid()
    _set_process(PR_SET_CHILD_SUBREAPER, 1)
    return guard


def _guard(supervisor: int) -> None:
    """Wait for the supervisor's end, and end what it leaves behind."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    nothing = os.open(os.devnull, os.O_RDWR)
    for channel in (0, 1, 2):
        os.dup2(nothing, channel)  # else the owner would not see the supervisor's pipes close
    os.waitpid(supervisor, 0)
    end_family(os.getpid(), None)
    os._exit(0)


def _start_server(command: Sequence[str]) -> int:
    """Start the command in a session of its own that ends with this process. Raises `OSError`."""
    supervisor = os.getpid()

    def follow_supervisor() -> None:
        for number in (signal.SIGINT, signal.SIGHUP):
            signal.signal(number, signal.SIG_DFL)  # the supervisor's ignored signals would be inherited
        _set_process(PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != supervisor:
            os._exit(1)

    server = subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=2,
        start_new_session=True,
        preexec_fn=follow_supervisor,  # noqa: PLW1509 -- the supervisor has one thread
    )
    server.returncode = 0  # `_attend` waits for it; Popen would warn of a child that still runs
    return server.pid


class _Orders:
    """The owner's orders: `stop`, `kill`, or none yet."""

    def __init__(self, *, owner: int, owner_started: int, guard: int) -> None:
        self._owner, self._owner_started, self._guard = owner, owner_started, guard
        self._order = ""
        self._listens = True
        signal.signal(signal.SIGTERM, self._note_signal)
        for number in (signal.SIGINT, signal.SIGHUP):
            signal.signal(number, signal.SIG_IGN)

    def wait(self, timeout_s: float) -> str:
        """The most urgent order so far, after waiting that long for another one."""
        if select.select([0] if self._listens else [], [], [], timeout_s)[0]:
            read = os.read(0, 1 << 12)
            self._listens = bool(read)
            self._order = "kill" if b"kill" in read or self._order == "kill" else "stop"
        if not self._order and (find_start(self._owner) != self._owner_started or os.getppid() != self._guard):
            self._order = "stop"
        return self._order

    def _note_signal(self, number: int, frame: object) -> None:
        self._order = self._order or "stop"


def _attend(server: int, orders: _Orders, *, grace_s: float) -> int:
    """Wait for the server's end, or end it when ordered to. Returns its code, once none of its processes is left."""
    deadline = None
    while True:
        ended, status = os.waitpid(-1, os.WNOHANG)
        if ended == server:
            code = os.waitstatus_to_exitcode(status)
            break
        if ended:
            continue
        order = orders.wait(POLL_S)
        if order == "stop" and deadline is None:
            _send(server, signal.SIGTERM)
            _send(server, signal.SIGCONT)  # a stopped process would not receive it
            deadline = time.monotonic() + grace_s
        if order == "kill" or (deadline is not None and time.monotonic() > deadline):
            _send(server, signal.SIGKILL)
            deadline = time.monotonic() + grace_s
    end_family(os.getpid(), server)
    return code


def _report(message: Mapping[str, object]) -> None:
    with contextlib.suppress(OSError):  # the owner may have ended
        os.write(1, (json.dumps(message) + "\n").encode())


def main() -> None:
    """Supervise one server until it has ended."""
    owner, owner_started, grace_s, *command = sys.argv[1:]
    guard = _detach()
    orders = _Orders(owner=int(owner), owner_started=int(owner_started), guard=guard)
    try:
        server = _start_server(command)
    except OSError as error:
        _report({"error": str(error)})
        return
    _report({"pid": server, "supervisor": os.getpid(), "guard": guard})
    _report({"code": _attend(server, orders, grace_s=float(grace_s))})


if __name__ == "__main__":
    main()
