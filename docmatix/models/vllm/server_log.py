"""What the log of a vLLM server shows: how far it has come, why it ended."""

from __future__ import annotations

import os
import re
from typing import BinaryIO

from docmatix.models.vllm.supervisor import LOST

LOG_TAIL_BYTES = 1 << 18
LAST_LINE_BYTES = 1 << 13
CAUSE_LINES = 400
"""Only the end of a long log: what went wrong hours ago is not why a server died."""
CAUSE_CHARS = 600
UNKNOWN_CAUSE = "no reason given"

_PREFIX = re.compile(
    r"^(\([\w :.=-]*pid=\d+[^)]*\)\s*)?((DEBUG|INFO|WARNING|ERROR|CRITICAL)\s+\d\d-\d\d [\d:]{8}\s+\[[^\]]*\]\s?)?"
)
_UNINFORMATIVE = re.compile(
    r"Route: |Available routes|^\s*$|^[\s█▄▀]|warnings\.warn|Warning: |leaked|nanobind|^\s*- |resource_tracker"
)
_EXCEPTION = re.compile(
    r"^([A-Za-z_][\w.]*(Error|Exception|Exit|Interrupt|Refused|Timeout|NotFound)\b|[\w./-]+: error): ?\S|^Killed$"
)
_ENGINE_DIED = re.compile(r"EngineDeadError|engine core exited unexpectedly")
_ECHO = re.compile(
    r"Engine core initialization failed|EngineDeadError|EngineCore encountered an issue|See root cause above"
    r"|CancelledError|KeyboardInterrupt|SystemExit|BrokenPipe|ConnectionReset|EOFError"
)
"""Exceptions that only pass on that something else has failed."""


def read_line(line: str) -> str:
    """A log line without process, level, time and place; of a progress bar its last state."""
    return _PREFIX.sub("", line.rpartition("\r")[2].rstrip(), count=1)


def find_last_line(log: str) -> str:
    """The last informative line, or an empty string."""
    for line in reversed(log.replace("\r\n", "\n").split("\n")):
        text = read_line(line.rstrip("\r"))
        if not _UNINFORMATIVE.search(text):
            return shorten(text, 200)
    return ""


def find_exception(log: str) -> str:
    """The last exception in a log that is not the echo of another one, or an empty string.

    A failing engine logs its exception and raises it again, and the API server raises another one about it.
    """
    lines = [read_line(line) for line in log.splitlines()[-CAUSE_LINES:]]
    found = [index for index, line in enumerate(lines) if _EXCEPTION.search(line)]
    causes = [index for index in found if not _ECHO.search(lines[index])]
    if not causes:
        return ""
    # a validation error says what is wrong in the indented lines below it
    below = []
    for line in lines[causes[-1] + 1 : causes[-1] + 4]:
        if not line.startswith("  ") or line.lstrip().startswith(("File ", "For further")):
            break
        below.append(line.strip())
    return shorten(" ".join([lines[causes[-1]], *below]), CAUSE_CHARS)


def find_cause(log: str) -> str:
    """Why a server did not start, from its log: an exception, or its last lines."""
    informative = [text.strip() for line in log.splitlines() if not _UNINFORMATIVE.search(text := read_line(line))]
    return find_exception(log) or shorten(" | ".join(informative[-3:]), CAUSE_CHARS) or UNKNOWN_CAUSE


def explain_exit(code: int, log: str = "") -> str:
    """How a server ended: `exit 1`, `died (signal 9)`, or `engine died`, after which vLLM's API server exits."""
    if code == LOST:
        return "died (its supervisor was killed)"
    if code < 0:
        return f"died (signal {-code})"
    return "engine died" if _ENGINE_DIED.search(log) else f"exit {code}"


def mention_log(path: str) -> str:
    """A clause on where the end of a log is kept, to follow others; empty without a path."""
    return f"; the end of its log is in {path}" if path else ""


def read_tail(log: BinaryIO, most_bytes: int = LOG_TAIL_BYTES) -> str:
    """The last bytes of a log. The server writes through the same open file, so its position is left alone."""
    size = os.fstat(log.fileno()).st_size
    return os.pread(log.fileno(), most_bytes, max(0, size - most_bytes)).decode("utf-8", "replace")


def read_end(log: BinaryIO, most_bytes: int = LOG_TAIL_BYTES) -> str:
    """The last whole lines of a log: a line that is cut may hold half of a secret, which no filter recognises."""
    text = read_tail(log, most_bytes)
    return text.partition("\n")[2] if os.fstat(log.fileno()).st_size > most_bytes else text


def shorten(text: str, chars: int = 300) -> str:
    """Text as one line of limited length."""
    text = " ".join(text.split())
    return text if len(text) <= chars else text[: chars - 1] + "…"
