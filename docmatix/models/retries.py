"""The retry policy: what one request has been through, and how long it waits before its next try."""

from __future__ import annotations

from dataclasses import dataclass, field

from docmatix.models.load_balancer import LONGEST_WAIT_S
from docmatix.models.poison_requests import Deaths
from docmatix.models.responses import Retryable

FIRST_WAIT_S = 0.5
LONGEST_WAIT_UNREACHABLE_S = 5.0
"""A refused connection costs nothing, and a restarted server should not idle."""
LEAST_RETRY_AFTER_S = 0.1
MOST_BUSY = 40
"""Times in a row that one request may be asked to come back later while others are answered."""
# at 600 s each, a third would outlast `limits.no_progress_s` and so stop the build
MAX_TIMEOUTS = 2


@dataclass(slots=True)
class Tries:
    """The tries of one request so far; those that were called back to level the load are not counted."""

    started: float
    count: int = 0
    unclear: int = 0
    """Tries that were neither asked to wait nor refused a connection."""
    timeouts: int = 0
    """Those after which the same server answered a probe."""
    busy: int = 0
    """Busy answers in a row."""
    busy_since: float = float("inf")
    failed_at: float = float("inf")
    doubted: bool = False
    """Whether a probe failed after this request had: from then on each try follows a probe."""
    detail: str = ""
    """The message of the server at which the request was last lost."""
    deaths: Deaths = field(default_factory=Deaths)

    def note(self, retryable: Retryable, *, now: float) -> None:
        """Count a try that brought no answer."""
        self.count += 1
        if retryable.cause == "busy":
            self.busy_since = min(self.busy_since, now)
            self.busy += 1
            return
        if retryable.cause != "moved":  # which tells nothing of the request
            self.busy, self.busy_since = 0, float("inf")
        self.unclear += retryable.cause != "unreachable"

    def is_singled_out(self, *, now: float, give_up_after_s: float) -> bool:
        """Whether only this request is always asked to wait. Time proves nothing: others cause waits too."""
        return self.busy >= MOST_BUSY and now - self.busy_since > 2 * give_up_after_s

    def choose_wait(self, retryable: Retryable, *, jitter: float) -> float:
        """Seconds until the next try: what the server asked for, else twice as long each time. `jitter` (0..1) keeps
        requests that failed together from coming back together."""
        if retryable.wait_s is not None:
            return max(retryable.wait_s, LEAST_RETRY_AFTER_S) * (1 + jitter / 10)
        longest_s = LONGEST_WAIT_UNREACHABLE_S if retryable.cause == "unreachable" else LONGEST_WAIT_S
        return min(longest_s, FIRST_WAIT_S * 2.0 ** min(self.count - 1, 10)) * (1 + jitter) / 2
