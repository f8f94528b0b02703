"""The metrics that a vLLM server publishes at `/metrics`, as numbers: those of vLLM since 0.11.

parse_metrics(text)  # ServerMetrics(running=12, waiting=3, ...), or None for a server that publishes none of these
"""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from math import isfinite


@dataclass(frozen=True, slots=True)
class ServerMetrics:
    """One moment of a server, over all its engines. Counters start at zero with the server."""

    running: int = 0
    """Requests in the batch being computed."""
    waiting: int = 0
    """Requests in the queue."""
    kv_cache_usage: float = 0.0
    """Share of the key-value cache in use, 0..1; that of the fullest engine if there are several."""
    steps: int = 0
    """Steps of the engine so far. They rise with every token, so an engine has hung if they do not while it has
    requests."""
    prompt_tokens: int = 0
    generation_tokens: int = 0
    prefix_queries: int = 0
    """Prompt tokens looked up in the prefix cache."""
    prefix_hits: int = 0
    """Prompt tokens found there."""
    preemptions: int = 0
    """Requests evicted from the batch for lack of cache, to be computed again."""
    finished: int = 0
    """Requests that ended, in whatever way."""
    canaries: int = 0
    """Of these, those for a single token: docmatix sends them only to see whether the server lives."""
    first_token_s: float = 0.0
    """Seconds until the first token, summed over `first_tokens` requests."""
    first_tokens: int = 0
    queue_s: float = 0.0
    """Seconds in the queue, summed over `queued` requests."""
    queued: int = 0

    def add_counters(self, earlier: ServerMetrics | None) -> ServerMetrics:
        """These metrics, with the counters of an earlier server added."""
        if earlier is None:
            return self
        values = {field.name: getattr(self, field.name) for field in fields(self)}
        return ServerMetrics(
            **{name: value if name in GAUGES else value + getattr(earlier, name) for name, value in values.items()}
        )

    def reset_gauges(self) -> ServerMetrics:
        """The metrics that remain of a server which has ended."""
        return replace(self, running=0, waiting=0, kv_cache_usage=0.0)

    def has_requests(self) -> bool:
        """Whether a request is running or waiting."""
        return self.running + self.waiting > 0


GAUGES = frozenset({"running", "waiting", "kv_cache_usage"})
"""The fields that describe the present; the others are counters."""

_FIELDS = {
    "vllm:num_requests_running": "running",
    "vllm:num_requests_waiting": "waiting",
    "vllm:kv_cache_usage_perc": "kv_cache_usage",
    "vllm:iteration_tokens_total_count": "steps",
    "vllm:prompt_tokens_total": "prompt_tokens",
    "vllm:generation_tokens_total": "generation_tokens",
    "vllm:prefix_cache_queries_total": "prefix_queries",
    "vllm:prefix_cache_hits_total": "prefix_hits",
    "vllm:num_preemptions_total": "preemptions",
    "vllm:request_success_total": "finished",
    "vllm:request_params_max_tokens_bucket": "canaries",  # its first bucket
    "vllm:time_to_first_token_seconds_sum": "first_token_s",
    "vllm:time_to_first_token_seconds_count": "first_tokens",
    "vllm:request_queue_time_seconds_sum": "queue_s",
    "vllm:request_queue_time_seconds_count": "queued",
}
_ONE_TOKEN = 'le="1.0"'
_WHOLE = frozenset(field.name for field in fields(ServerMetrics) if field.type == "int")


def parse_metrics(text: str) -> ServerMetrics | None:
    """Read Prometheus text; None if it has none of vLLM's metrics. Broken lines are skipped."""
    # 50 to 100 KB a second from each server, read in 0.5 ms: hence string methods and no parser of the whole format
    values: dict[str, float] = {}
    for line in text.splitlines():
        if not line.startswith("vllm:"):
            continue
        # a label may hold spaces and braces, so the name ends at the first brace and the value follows the last
        field = _FIELDS.get(line.partition("{")[0].partition(" ")[0])
        if field is None or (field == "canaries" and _ONE_TOKEN not in line):
            continue
        try:
            value = float(line.rpartition("}")[2].split()[-1 if "}" not in line else 0])
        except (ValueError, IndexError):
            continue
        if not isfinite(value):
            continue
        known = values.get(field, 0.0)
        values[field] = max(known, value) if field == "kv_cache_usage" else known + value
    if not values:
        return None
    return ServerMetrics(**{name: int(v) if name in _WHOLE else v for name, v in values.items()})  # type: ignore[arg-type]
