"""What a build records of its model servers: how fast they were, how idle, and how often they were restarted.

While they run it is in `telemetry/live/`, afterwards in the record of the driver's run; `status` shows both.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

LOOK_EVERY_S = 1.0
RATE_OVER_S = 10.0
"""The window of present rates: prompts come in bursts."""
_TOKENS = ("prompt_tokens", "completion_tokens")


class ServingWatch:
    """The driver's view of the servers, updated at most once a second."""

    def __init__(
        self,
        look: Callable[[], list[dict[str, Any]]],
        *,
        model: str,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._look, self._model, self._clock = look, model, clock
        self._looked_at = float("-inf")
        self._before: tuple[float, dict[str, float]] | None = None
        self._by_servers = False
        self._rates: dict[str, float] = {}
        self.record: dict[str, Any] = {"model": model, "replicas": [], "restarts": {}}
        """What is known so far; always the same mapping, so that a build that fails has recorded it."""

    def look(self, *, usage: Mapping[str, float] | None = None) -> bool:
        """Update the record if a second has passed; returns whether it has. Raises BuildError once no server is left.

        `usage` has the `prompt_tokens` and `completion_tokens` of all replies so far, for servers without metrics.
        """
        now = self._clock()
        if now - self._looked_at < LOOK_EVERY_S:
            return False
        self._looked_at = now
        replicas = self._look()
        self.record.clear()
        self.record |= {"model": self._model, **summarise_replicas(replicas), "replicas": replicas}
        by_servers = "completion_tokens" in self.record
        counts = {name: float((self.record if by_servers else usage or {}).get(name, 0)) for name in _TOKENS}
        if not by_servers and not all(counts.values()):
            return True  # unknown, which is not 0
        if by_servers != self._by_servers:
            self._by_servers, self._before, self._rates = by_servers, None, {}
        if self._before is None:
            self._before = now, counts
        elif now - self._before[0] >= RATE_OVER_S:
            since, before = self._before
            self._rates = {name: (counts[name] - before[name]) / (now - since) for name in counts}
            self._before = now, counts
        if self._rates:
            self.record["tokens_per_s_now"] = {name: round(rate, 1) for name, rate in self._rates.items()}
        return True

    @property
    def anybody_there(self) -> bool:
        """False while every replica is still loading, or loading again."""
        replicas = self.record["replicas"]
        return not replicas or any(replica.get("state", "ready") == "ready" for replica in replicas)


def summarise_replicas(replicas: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """The replicas' figures together; of those without metrics (llama.cpp) only the restarts are known.

    The `..._per_s` are those of one replica while it was ready, `idle_share` the share of that time without requests.
    """
    restarts = Counter(restart["reason"] for replica in replicas for restart in replica.get("restarts", ()))
    summary: dict[str, Any] = {"restarts": dict(restarts.most_common())}
    measured = [replica for replica in replicas if replica.get("metrics")]
    if not measured:
        return summary

    def add(name: str) -> float:
        return sum(replica["metrics"].get(name) or 0 for replica in measured)

    ready_s = sum(replica["ready_s"] for replica in measured)
    summary |= {
        "ready_s": round(ready_s, 1),
        "prompt_tokens": int(add("prompt_tokens")),
        "completion_tokens": int(add("generation_tokens")),
        "running": int(add("running")),
        "waiting": int(add("waiting")),
    }
    if ready_s:
        summary |= {
            "prompt_tokens_per_s": round(add("prompt_tokens") / ready_s, 1),
            "completion_tokens_per_s": round(add("generation_tokens") / ready_s, 1),
            "idle_share": round(sum(replica["idle_s"] for replica in measured) / ready_s, 4),
        }
    if queried := add("prefix_queries"):
        summary["cache_hit_share"] = round(add("prefix_hits") / queried, 4)
    if count := add("first_tokens"):
        summary["time_to_first_token_s"] = round(add("first_token_s") / count, 3)
    return summary


def describe_serving(records: Iterable[Mapping[str, Any]]) -> list[str]:
    """One line of text for each model that was served."""
    lines = []
    for record in records:
        parts = []
        states = Counter(replica.get("state") for replica in record["replicas"] if replica.get("state"))
        if states:
            parts.append("replicas: " + ", ".join(f"{count} {state}" for state, count in states.items()))
        now = record.get("tokens_per_s_now") if record.get("live") else None
        if now:
            parts.append(f"tokens/s now {now['prompt_tokens']:,.0f} in, {now['completion_tokens']:,.0f} out")
        if "completion_tokens_per_s" in record:
            each = record["prompt_tokens_per_s"], record["completion_tokens_per_s"]
            parts.append(f"tokens/s a replica {each[0]:,.0f} in, {each[1]:,.0f} out")
        if record.get("live") and "running" in record:
            parts.append(f"{record['running']} running, {record['waiting']} waiting")
        if "cache_hit_share" in record:
            parts.append(f"prefix cache hits {record['cache_hit_share']:.0%}")
        if "idle_share" in record:
            parts.append(f"idle {record['idle_share']:.0%}")
        if record["restarts"]:
            reasons = ", ".join(f"{reason} {count}" for reason, count in record["restarts"].items())
            parts.append(f"restarts: {reasons}")
        if parts:
            lines.append(f"{record['model']}: {'; '.join(parts)}")
    return lines
