"""Takes from the process that reads PDFs what it does not need: files, the network, other processes, privileges.

An attacker who takes that process over is left with the document at hand, the code on disk and the kernel. Some kernel
or container refuses each step, so each is tried, and `confine` reports which hold (`docs/design/pdf.md`).
"""

from __future__ import annotations

import ctypes
import errno
import os
import platform
import struct
import sys
import sysconfig
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple


class Confinement(NamedTuple):
    """Which steps hold for a process."""

    own_network: bool = False
    no_capabilities: bool = False
    no_new_privileges: bool = False
    landlock: int = 0  # the version of its interface, 0 for none
    filtered: bool = False

    def describe(self) -> str:
        """What the process can reach and what restricts it, one line for each kind of resource."""
        landlock = f"Landlock {self.landlock}" if self.landlock else ""
        filtered = "filter" if self.filtered else ""
        namespace = "namespace" if self.own_network else ""
        kinds = (
            ("files", landlock, "code, read-only", "all of its user's"),
            ("network", " and ".join(filter(None, (namespace, filtered))), "none", "all"),
            ("processes", filtered or (landlock if self.landlock >= 6 else ""), "none", "all of its user's"),
            ("capabilities", "dropped" if self.no_capabilities else "", "none but reading", "those of its parent"),
            ("new privileges", "no_new_privs" if self.no_new_privileges else "", "none", "all"),
        )
        return "\n".join(
            f"{kind}: {confined} ({means})" if means else f"{kind}: {free}" for kind, means, confined, free in kinds
        )


def confine(readable: Iterable[Path]) -> Confinement:
    """Confine this process permanently, as far as the system permits; it can still read `readable`.

    The process must have a single thread: others would stay free.
    """
    if sys.platform != "linux":
        return Confinement()
    kernel = ctypes.CDLL(None, use_errno=True)
    # the order matters: creating a namespace takes capabilities, and a filter requires no_new_privs
    return Confinement(
        own_network=_enter_empty_network(kernel),
        no_capabilities=_drop_capabilities(kernel),
        no_new_privileges=kernel.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0,
        landlock=_restrict_files(kernel, readable),
        filtered=_filter_calls(kernel),
    )


def list_code(packages: Iterable[str]) -> list[Path]:
    """What later imports read: these packages, what is installed, and shared libraries.

    Not all of `sys.path`: an editable install adds a whole project, with its data and its keys.
    """
    prefixes = {sys.prefix, sys.base_prefix, sys.exec_prefix, sys.base_exec_prefix}
    return [
        *(Path(folder) for package in packages for folder in sys.modules[package].__path__),
        *(path for path in map(Path, sys.path) if path.is_file() or _holds_installed(path)),
        *(Path(sysconfig.get_path(name)) for name in ("stdlib", "platstdlib", "purelib", "platlib")),
        *(Path(prefix, name) for prefix in prefixes for name in ("lib", "lib64")),
        *(Path(folder) for folder in os.environ.get("LD_LIBRARY_PATH", "").split(":") if folder),
        *map(Path, _SYSTEM_CODE),
    ]


_SYSTEM_CODE = (
    *("/lib", "/lib64", "/usr/lib", "/usr/lib64", "/usr/local/lib", "/usr/local/lib64", "/nix/store", "/gnu/store"),
    *("/etc/ld.so.cache", "/etc/localtime", "/usr/share/zoneinfo"),
    # from which OpenBLAS chooses its kernels on aarch64
    "/sys/devices/system/cpu",
)


def _holds_installed(folder: Path) -> bool:
    try:
        return any(name.endswith(".dist-info") for name in os.listdir(folder))  # noqa: PTH208
    except OSError:
        return False


_PR_SET_NO_NEW_PRIVS = 38
_CLONE_NEWIPC, _CLONE_NEWUSER, _CLONE_NEWNET = 0x08000000, 0x10000000, 0x40000000
_CAPABILITIES_V3 = 0x20080522
_CAP_DAC_READ_SEARCH = 1 << 2


def _enter_empty_network(kernel: Any) -> bool:
    flags = _CLONE_NEWNET | _CLONE_NEWIPC
    # root needs no user namespace, and could not read another user's installation inside one
    return bool(kernel.unshare(flags if os.geteuid() == 0 else flags | _CLONE_NEWUSER) == 0)


def _drop_capabilities(kernel: Any) -> bool:
    """Drop all but root's right to read other users' files: it may run from another user's installation."""
    header = struct.pack("=Ii", _CAPABILITIES_V3, 0)
    # effective, permitted, inheritable, then their higher halves
    held = ctypes.create_string_buffer(24)
    if kernel.capget(header, held) != 0:
        return False
    kept = struct.unpack("=6I", held.raw)[1] & _CAP_DAC_READ_SEARCH
    return bool(kernel.capset(header, struct.pack("=6I", kept, kept, 0, 0, 0, 0)) == 0)


_CREATE_RULESET, _ADD_RULE, _RESTRICT_SELF = 444, 445, 446  # on every architecture
_RULE_PATH_BENEATH = 1
_WRITE_FILE, _READ_FILE, _READ_DIR = 1 << 1, 1 << 2, 1 << 3
# the number of file rights in each version of the interface; a right that no rule grants is refused
_FILE_RIGHTS = {1: 13, 2: 14, 3: 15, 4: 15, 5: 16}
_NETWORK_RIGHTS = 2
_SCOPES = 2


def _restrict_files(kernel: Any, readable: Iterable[Path]) -> int:
    version = kernel.syscall(_CREATE_RULESET, None, ctypes.c_size_t(0), 1)
    if version < 1:
        return 0
    attributes = struct.pack(
        "=QQQ",
        (1 << _FILE_RIGHTS[min(version, 5)]) - 1,
        (1 << _NETWORK_RIGHTS) - 1 if version >= 4 else 0,
        (1 << _SCOPES) - 1 if version >= 6 else 0,
    )
    rules = kernel.syscall(_CREATE_RULESET, attributes, ctypes.c_size_t(len(attributes)), 0)
    if rules < 0:
        return 0
    try:
        for path in dict.fromkeys(readable):
            with suppress(OSError):
                _permit(kernel, rules, path, _READ_FILE | _READ_DIR if path.is_dir() else _READ_FILE)
        with suppress(OSError):
            # Tesseract opens it for its messages, and crashes where it cannot
            _permit(kernel, rules, Path(os.devnull), _WRITE_FILE)
        return version if kernel.syscall(_RESTRICT_SELF, rules, 0) == 0 else 0
    finally:
        os.close(rules)


def _permit(kernel: Any, rules: int, path: Path, rights: int) -> None:
    opened = os.open(path, os.O_PATH | os.O_CLOEXEC)
    try:
        kernel.syscall(_ADD_RULE, rules, _RULE_PATH_BENEATH, struct.pack("=Qi", rights, opened), 0)
    finally:
        os.close(opened)


# System calls that reading a PDF never needs, with their numbers on x86-64 and aarch64. Those that need a capability
# are omitted: none is left, and no way to a user namespace, which would have them.
_REFUSED = """
    socket:41/198 socketpair:53/199 connect:42/203 bind:49/200 io_uring_setup:425/425
    execve:59/221 execveat:322/281 fork:57/ vfork:58/ unshare:272/97 setns:308/268
    ptrace:101/117 process_vm_readv:310/270 process_vm_writev:311/271 process_madvise:440/440 process_mrelease:448/448
    pidfd_open:434/434 pidfd_getfd:438/438 pidfd_send_signal:424/424 kcmp:312/272
    tkill:200/130 rt_sigqueueinfo:129/138 rt_tgsigqueueinfo:297/240 shmget:29/194 shmat:30/196
    sched_setparam:142/118 sched_setscheduler:144/119 sched_setattr:314/274 sched_setaffinity:203/122
    setpriority:141/140 ioprio_set:251/30
    chmod:90/ fchmod:91/52 fchmodat:268/53 fchmodat2:452/452 chown:92/ lchown:94/ fchown:93/55 fchownat:260/54
    utime:132/ utimes:235/ futimesat:261/ utimensat:280/88 setxattr:188/5 lsetxattr:189/6 fsetxattr:190/7
    removexattr:197/14 lremovexattr:198/15 fremovexattr:199/16 setxattrat:463/463 removexattrat:466/466
    file_setattr:469/469 open_by_handle_at:304/265
    bpf:321/280 perf_event_open:298/241 userfaultfd:323/282 add_key:248/217 request_key:249/218 keyctl:250/219
"""
# refused unless the first argument is the process itself (0 for limits)
_TO_PROCESSES, _TO_LIMITS = "kill:62/129 tgkill:234/131", "prlimit64:302/261"
_CLONE, _CLONE3, _SECCOMP = "clone:56/220", "clone3:435/435", "seccomp:317/277"
# the column in the tables, and the architecture's name in a filter
_MACHINES = {"x86_64": (0, 0xC000003E), "aarch64": (1, 0xC00000B7)}

_LOAD, _EQUAL, _AT_LEAST, _HAS_BITS, _RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
# offsets of what a filter inspects; the lower half of the argument, which holds the whole of a process id
_NUMBER, _ARCHITECTURE, _FIRST_ARGUMENT = 0, 4, 16
_ALLOW, _REFUSE, _LACK = 0x7FFF0000, 0x00050000 | errno.EPERM, 0x00050000 | errno.ENOSYS
_X32 = 0x40000000
_CLONE_THREAD = 0x00010000
_SET_FILTER, _SPECULATION_ALLOWED = 1, 1 << 2


def _filter_calls(kernel: Any) -> bool:
    machine = _MACHINES.get(platform.machine())
    if machine is None or sys.maxsize < 2**32:
        return False
    place, architecture = machine
    code = b"".join(struct.pack("=HBBI", *step) for step in _write_filter(place, architecture, os.getpid()))
    steps = ctypes.create_string_buffer(code, len(code))
    program = struct.pack("@HP", len(code) // 8, ctypes.addressof(steps))
    (number,) = _find_numbers(_SECCOMP, place)
    # without the second flag, kernels before 5.16 slow the whole process down with speculation mitigations
    return bool(kernel.syscall(number, _SET_FILTER, _SPECULATION_ALLOWED, program) == 0)


# an operation, how many steps to skip if its test holds and if it fails, and a value
_Step = tuple[int, int, int, int]


def _write_filter(place: int, architecture: int, pid: int) -> Iterator[_Step]:
    yield _LOAD, 0, 0, _ARCHITECTURE
    # calls made through another architecture's ABI have other numbers
    yield _EQUAL, 1, 0, architecture
    yield _RETURN, 0, 0, _REFUSE
    yield _LOAD, 0, 0, _NUMBER
    yield _AT_LEAST, 0, 1, _X32
    yield _RETURN, 0, 0, _REFUSE
    for number in _find_numbers(_REFUSED, place):
        yield _EQUAL, 0, 1, number
        yield _RETURN, 0, 0, _REFUSE
    for table, permitted in ((_TO_PROCESSES, pid), (_TO_LIMITS, 0)):
        for number in _find_numbers(table, place):
            yield from _refuse_unless((_EQUAL, 1, 0, permitted), number)
    # threads but no processes; a filter cannot see clone3's flags, and libraries manage without it
    yield from _refuse_unless((_HAS_BITS, 1, 0, _CLONE_THREAD), *_find_numbers(_CLONE, place))
    yield _EQUAL, 0, 1, _find_numbers(_CLONE3, place)[0]
    yield _RETURN, 0, 0, _LACK
    yield _RETURN, 0, 0, _ALLOW


def _refuse_unless(test: _Step, number: int) -> Iterator[_Step]:
    """Steps that refuse a call unless its first argument passes a test."""
    yield _EQUAL, 0, 4, number
    yield _LOAD, 0, 0, _FIRST_ARGUMENT
    yield test
    yield _RETURN, 0, 0, _REFUSE
    yield _RETURN, 0, 0, _ALLOW


def _find_numbers(table: str, place: int) -> list[int]:
    numbers = (entry.partition(":")[2].split("/")[place] for entry in table.split())
    return [int(number) for number in numbers if number]
