"""What is recorded of model servers: figures over replicas, rates, and the lines that people read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from docmatix.models.telemetry import ServingWatch, describe_serving, summarise_replicas


def make_replica(
    *, idle_s: float = 10.0, ready_s: float = 100.0, state: str = "ready", **metrics: Any
) -> dict[str, Any]:
    return {"state": state, "restarts": [], "ready_s": ready_s, "idle_s": idle_s, "metrics": metrics}


def test_figures_of_replicas_are_added_and_rates_are_those_of_one():
    replicas = [
        make_replica(prompt_tokens=1000, generation_tokens=400, running=3, waiting=1),
        make_replica(prompt_tokens=3000, generation_tokens=600, running=5, waiting=0, idle_s=30.0),
    ]
    summary = summarise_replicas(replicas)
    assert (summary["prompt_tokens"], summary["completion_tokens"]) == (4000, 1000)
    assert (summary["prompt_tokens_per_s"], summary["completion_tokens_per_s"]) == (20.0, 5.0)
    assert (summary["running"], summary["waiting"]) == (8, 1)
    assert summary["idle_share"] == 0.2


def test_shares_are_of_what_was_counted_and_absent_where_nothing_was():
    summary = summarise_replicas([make_replica(prefix_queries=200, prefix_hits=150, first_tokens=4, first_token_s=2.0)])
    assert summary["cache_hit_share"] == 0.75
    assert summary["time_to_first_token_s"] == 0.5
    bare = summarise_replicas([make_replica(ready_s=0.0, idle_s=0.0)])
    assert not {"cache_hit_share", "time_to_first_token_s", "idle_share"} & set(bare)


def test_a_replica_that_never_answered_counts_with_its_restarts_alone():
    lost = {"state": "starting", "restarts": [{"reason": "hang"}, {"reason": "hang"}], "ready_s": 0, "metrics": None}
    assert summarise_replicas([lost]) == {"restarts": {"hang": 2}}
    assert summarise_replicas([]) == {"restarts": {}}


def test_a_watch_looks_once_a_second_and_takes_rates_over_ten():
    now, tokens, looks = 0.0, 0, 0

    def look() -> list[dict[str, Any]]:
        nonlocal looks
        looks += 1
        return [make_replica(prompt_tokens=2 * tokens, generation_tokens=tokens)]

    watch = ServingWatch(look, model="m", clock=lambda: now)
    for step in range(221):
        now, tokens = step / 10, 50 * (step // 10)
        watch.look()
    assert looks == 23
    assert watch.record["tokens_per_s_now"] == {"prompt_tokens": 100.0, "completion_tokens": 50.0}


def test_no_replica_is_there_while_all_are_loading():
    states = ["starting", "starting"]
    watch = ServingWatch(lambda: [make_replica(state=state) for state in states], model="m", clock=lambda: 0.0)
    watch.look()
    assert not watch.anybody_there
    states[1] = "ready"
    watch = ServingWatch(lambda: [make_replica(state=state) for state in states], model="m", clock=lambda: 0.0)
    watch.look()
    assert watch.anybody_there


def test_a_line_for_people_names_restarts_and_leaves_out_what_is_unknown():
    replicas = [make_replica(prompt_tokens=1000, generation_tokens=400, prefix_queries=4, prefix_hits=3)]
    replicas[0]["restarts"] = [{"reason": "died (signal 9)"}]
    record = {"model": "small", "replicas": replicas, **summarise_replicas(replicas)}
    (line,) = describe_serving([record])
    assert line == (
        "small: replicas: 1 ready; tokens/s a replica 10 in, 4 out; prefix cache hits 75%; idle 10%;"
        " restarts: died (signal 9) 1"
    )
    assert describe_serving([{"model": "elsewhere", "replicas": [], "restarts": {}}]) == []


def watch_usage(replies: Sequence[Mapping[str, float] | None]) -> ServingWatch:
    """A watch of servers that count nothing, after looks ten seconds apart, each told what replies had used by then."""
    now = 0.0
    watch = ServingWatch(list, model="m", clock=lambda: now)
    for usage in replies:
        assert watch.look(usage=usage)
        now += 10
    return watch


def test_where_servers_count_no_tokens_the_replies_usage_gives_the_rate():
    watch = watch_usage([{"prompt_tokens": count * 300, "completion_tokens": count * 20} for count in range(1, 4)])
    assert watch.record["tokens_per_s_now"] == {"prompt_tokens": 30.0, "completion_tokens": 2.0}
    assert describe_serving([watch.record | {"live": True}]) == ["m: tokens/s now 30 in, 2 out"]


def test_where_neither_servers_nor_replies_count_tokens_no_rate_is_told():
    for usage in (None, {}, {"prompt_tokens": 0, "completion_tokens": 0}):
        watch = watch_usage([usage] * 4)
        assert "tokens_per_s_now" not in watch.record
        assert describe_serving([watch.record | {"live": True}]) == []


def test_figures_of_servers_and_of_replies_are_never_subtracted_from_each_other():
    replicas: list[dict[str, Any]] = []
    usage = {"prompt_tokens": 9000, "completion_tokens": 900}
    now = 0.0
    watch = ServingWatch(lambda: replicas, model="m", clock=lambda: now)
    for step in range(6):
        now = 10.0 * step
        if step == 3:
            replicas.append(make_replica(prompt_tokens=0, generation_tokens=0))
        watch.look(usage=usage)
        rates = watch.record.get("tokens_per_s_now", {"prompt_tokens": 0, "completion_tokens": 0})
        assert rates == {"prompt_tokens": 0, "completion_tokens": 0}
