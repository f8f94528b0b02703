"""The cost of a build: sums over all drivers that worked on it."""

from __future__ import annotations

import pytest

from docmatix.review.cost import add_up, read_telemetry
from docmatix.storage.run import Run
from tests.jobs import make_config

FIRST = {
    "seconds": 100.5,
    "stages": {
        "extract": {"seconds": 60},
        "generate": {"seconds": 40, "requests": 12, "retries": 3, "retries_429": 2, "retries_timeout": 1},
    },
    "serving": [{"model": "m", "replicas": [], "restarts": {"crashed": 1}, "ready_s": 3600}],
}
SECOND = {"seconds": 10, "stages": {"generate": {"seconds": 9, "requests": 3, "retries": 1, "retries_429": 1}}}


def test_what_several_drivers_did_is_added_up():
    cost = add_up([FIRST, SECOND], make_config())
    assert (cost.drivers, cost.seconds, cost.requests) == (2, 110.5, 15)
    assert cost.stage_seconds == {"extract": 60, "generate": 49}
    assert cost.retries == {"429": 3, "timeout": 1}
    assert cost.restarts == {"crashed": 1}


def test_hours_of_replicas_are_hours_of_gpus_only_where_the_build_serves_on_gpus():
    assert add_up([FIRST], make_config()).gpu_s == 0
    engine = {"kind": "vllm", "model": "m", "tensor_parallel_size": 4}
    cost = add_up([FIRST], make_config(generate={"engine": engine}))
    assert (cost.replica_s, cost.gpu_s) == (3600, 4 * 3600)
    engine = {"kind": "vllm", "model": "m", "gpus_per_replica": 0.5}
    assert add_up([FIRST], make_config(generate={"engine": engine})).gpu_s == 1800


def test_a_run_without_telemetry_has_cost_nothing(memory_run: Run):
    assert read_telemetry(memory_run) == []
    assert add_up([], make_config()).seconds == 0


@pytest.mark.parametrize("content", [b"{", b"[]", b'"text"'])
def test_telemetry_that_cannot_be_read_is_passed_over(memory_run: Run, content: bytes):
    memory_run.write("telemetry/a.json", content)
    memory_run.write("telemetry/b.json", b'{"stages": {}, "seconds": 4}')
    assert read_telemetry(memory_run) == [{"stages": {}, "seconds": 4}]


def test_what_push_leaves_in_the_folder_is_no_driver(memory_run: Run):
    memory_run.write("telemetry/checked.json", b'{"sha256": "ab", "checked_at": 1}')
    assert read_telemetry(memory_run) == []
