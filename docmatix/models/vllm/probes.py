"""Whether a vLLM server lives: that its API server answers, and that its engine takes steps while it has requests.

Answers alone prove nothing: with vLLM 0.32 the API server answers 200 on `/health` while its engine is stopped, and its
metrics do not count requests that the engine has not looked at yet. A canary, a request for one token, settles it.
"""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import select
from pathlib import Path

from docmatix.models.metrics import ServerMetrics

ANSWER_TIMEOUT_S = 5.0
"""For `/health` and `/metrics`. A server that is slower than this often enough has hung by `hang_timeout_s`."""
MOST_TICK_S = 15.0
"""A watch thread that was itself kept from running must not take its own absence for the server's."""
CANARY_SHARE = 0.25
"""The canary is sent when the engine took no step for this share of `hang_timeout_s`."""
TCP_LISTEN = "0A"


class HangDetector:
    """Whether a server has hung. Pure: it is given the time, and counts only as much of it as was watched."""

    def __init__(self, now: float, *, hang_timeout_s: float) -> None:
        """`now` in seconds of any monotonic clock; the server has just answered."""
        self._hang_timeout_s = hang_timeout_s
        self._seen_at, self._watched_s = now, 0.0
        self._answered_at = self._stepped_at = 0.0
        self._busy_since: float | None = None
        self._steps: int | None = None

    def look(
        self, now: float, *, answered: bool, metrics: ServerMetrics | None, canary: bool, served: bool = False
    ) -> str | None:
        """Take in one look at the server; returns why it has hung, if it has.

        `answered`: the API server did. `canary`: one is in flight. `served`: it has been answered.
        """
        self._watched_s += min(now - self._seen_at, MOST_TICK_S)
        self._seen_at = now
        if answered:
            self._answered_at = self._watched_s
        stepped = metrics is not None and metrics.steps != self._steps
        if metrics is not None:
            self._steps = metrics.steps
        if stepped or served:
            self._stepped_at, self._busy_since = self._watched_s, None
        elif canary or (metrics is not None and metrics.has_requests()):
            if self._busy_since is None:
                self._busy_since = self._watched_s
        elif answered and metrics is not None:
            self._busy_since = None
        if self._watched_s - self._answered_at > self._hang_timeout_s:
            return f"it has not answered for {self._watched_s - self._answered_at:.0f} s"
        if self._busy_since is not None and self._watched_s - self._busy_since > self._hang_timeout_s:
            return f"its engine has requests but computed nothing for {self._watched_s - self._busy_since:.0f} s"
        return None

    def wants_canary(self) -> bool:
        """Whether the engine has taken no step for long enough to be sent a canary."""
        return self._watched_s - self._stepped_at > CANARY_SHARE * self._hang_timeout_s


class Canary:
    """A request for one token, waited for without blocking."""

    def __init__(self, host: str, port: int, *, model: str, key: str | None) -> None:
        """Send it, with the server's API key. Raises `OSError` if it cannot be sent."""
        self._connection = http.client.HTTPConnection(host, port, timeout=ANSWER_TIMEOUT_S)
        body = json.dumps({"model": model, "prompt": "a", "max_tokens": 1})
        headers = {"Content-Type": "application/json"} | ({"Authorization": f"Bearer {key}"} if key else {})
        self._connection.request("POST", "/v1/completions", body, headers)

    def poll(self) -> int | None:
        """The status of the answer, 0 for a broken connection, None while there is none."""
        if not select.select([self._connection.sock], [], [], 0)[0]:
            return None
        try:
            return self._connection.getresponse().status
        except (OSError, http.client.HTTPException):
            return 0

    def close(self) -> None:
        """Abandon it."""
        self._connection.close()


def fetch(host: str, port: int, path: str) -> tuple[int, str]:
    """Status and body of a GET; status 0 without an answer within `ANSWER_TIMEOUT_S`."""
    connection = http.client.HTTPConnection(host, port, timeout=ANSWER_TIMEOUT_S)
    try:
        connection.request("GET", path)
        answer = connection.getresponse()
        return answer.status, answer.read().decode("utf-8", "replace")
    except (OSError, http.client.HTTPException):
        return 0, ""
    finally:
        connection.close()


def is_own_port(port: int) -> bool:
    """Whether no other user listens on it. Anyone can read a command line, and a user who took the port while the
    server was loading would be sent the key and the documents."""
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        with contextlib.suppress(OSError):
            for line in Path(table).read_text().splitlines()[1:]:
                _, local, _, state, _, _, _, user, *_ = line.split()
                if state == TCP_LISTEN and int(local.rpartition(":")[2], 16) == port and int(user) != os.geteuid():
                    return False
    return True
