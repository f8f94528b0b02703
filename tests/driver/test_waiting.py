"""What a build says that it waits for, and how long it waits."""

from __future__ import annotations

from dataclasses import replace

from docmatix.driver.heartbeat import WorkerState
from docmatix.driver.waiting import PATIENCE_S, describe_wait, find_patience
from docmatix.pdf.sandbox import WALL_FACTOR
from tests.driver.test_watchdog import ASKING, STATE
from tests.jobs import OPENAI, make_config


def test_without_a_setting_a_stage_is_given_as_long_as_its_slowest_document_or_request_may_take():
    config = make_config()
    assert find_patience(config, "curate") == PATIENCE_S
    slow = make_config(extract={"timeout_s": 3600}, pack={"timeout_s": 7200})
    assert find_patience(slow, "extract") > 2 * WALL_FACTOR * 3600
    assert find_patience(slow, "pack") > WALL_FACTOR * 7200
    patient = make_config(generate={"engine": {**OPENAI, "timeout_s": 7200, "give_up_after_s": 3600}})
    assert find_patience(patient, "generate") > 2 * 7200 + 3600
    assert find_patience(make_config(limits={"no_progress_s": 5}), "generate") == 5
    assert find_patience(make_config(limits={"store_patience_s": 7200}), "curate") > 7200


def describe(*signs: WorkerState, asks: str | None = None) -> str:
    return describe_wait(
        signs, asks=asks, find_document=lambda shard, done: f"doc{done}.pdf", resources="Ray has 0 of 4 CPUs free"
    )


def test_what_is_waited_for_is_named():
    assert describe(STATE) == "shard 3, 4 done, now at doc4.pdf (process 7 on here)"
    assert describe(ASKING, asks="http://there/v1") == "64 replies from http://there/v1 for shard 3"
    assert describe() == "a worker to take a shard: Ray has 0 of 4 CPUs free"
    assert describe(replace(STATE, shards={})) == describe()
    assert describe(replace(ASKING, counted={}), asks="http://there/v1") == "shard 3, 4 done (process 7 on here)"
    many = [replace(STATE, pid=pid, shards={pid: {"done": 0}}) for pid in range(9)]
    assert describe(*many).endswith("(process 3 on here), and 5 more")


def test_a_server_that_answers_nothing_of_use_is_named_with_what_it_does():
    counted = {"retries": 31.0, "retries_garbage": 28.0, "retries_server_error": 3.0}
    waiting = replace(ASKING, counted=counted)
    said = "a good reply from http://there/v1 for shard 3; retried 31 times: garbage 28, server error 3"
    assert describe(waiting, asks="http://there/v1") == said
