"""The figures of a stage: what workers count, and how far the shards in hand are."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from docmatix.core.ledger import Ledger
from docmatix.driver.figures import ShardsInHand, Tally, count_progress, count_working
from docmatix.storage.run import Run
from tests.driver.test_watchdog import ASKING


@given(st.lists(st.tuples(st.sampled_from("abc"), st.integers(0, 50))))
def test_a_tally_is_what_every_worker_has_counted_in_whatever_order_it_is_told(told: list[tuple[str, int]]) -> None:
    tally = Tally()
    for worker, requests in told:
        tally.take(worker, {"requests": requests})
    last = {worker: max(count for each, count in told if each == worker) for worker, _ in told}
    assert tally.total.get("requests", 0) == sum(last.values())


def test_shards_of_one_worker_count_its_client_once_and_their_own_pairs_each() -> None:
    one = replace(ASKING, shards={0: {"done": 10, "pairs": 4}, 1: {"done": 10, "pairs": 4}}, counted={"requests": 32})
    other = replace(ASKING, pid=8, shards={2: {"done": 10, "pairs": 4}}, counted={"requests": 8})
    idle = replace(ASKING, pid=9, shards={}, counted={"requests": 100})
    in_hand = ShardsInHand()
    in_hand.hear([one, other, idle])
    assert count_working(in_hand, [one, other, idle]) == {"done": 30, "pairs": 12, "requests": 40}


def test_a_shard_counts_until_its_commit_is_known_and_then_no_more() -> None:
    in_hand = ShardsInHand()
    in_hand.hear([replace(ASKING, shards={0: {"done": 10, "pairs": 3}, 1: {"done": 4, "pairs": 1}})])
    in_hand.hear([replace(ASKING, shards={1: {"done": 4, "pairs": 1}})])  # the driver does not know yet
    assert in_hand.total == {"done": 14, "pairs": 4}
    in_hand.finish(0)
    assert in_hand.total == {"done": 4, "pairs": 1}
    in_hand.hear([replace(ASKING, pid=8, shards={0: {"done": 9}})])  # slower than the worker that took its place
    assert in_hand.total == {"done": 4, "pairs": 1}
    in_hand.hear([replace(ASKING, shards={1: {"done": 1}})])  # tried again
    assert in_hand.total == {"done": 1}


@pytest.mark.parametrize("stage", ["extract", "generate", "curate"])
def test_a_committed_shard_counts_as_done_what_its_worker_told_last(own_run: Run, stage: str) -> None:
    rows = sum(record.rows for _, record in own_run.records(stage))
    told = count_progress(stage, own_run.ledger(stage), at_work={"done": 2, "kept": 1, "pairs": 1}, counted={})
    assert told["done"] == rows + 2
    kept = own_run.ledger(stage).accounts["pairs"].kept if stage != "extract" else 0
    assert {told[name] for name in ("pairs", "kept") if name in told} == ({kept + 1} if stage != "extract" else set())


def test_rows_that_pack_could_not_render_are_done_too() -> None:
    ledger = Ledger(("rows",))
    ledger.enter("rows", 5)
    ledger.keep("rows", 4)
    ledger.drop("rows", "timeout")
    assert count_progress("pack", ledger, at_work={"done": 1}, counted={})["done"] == 6


def test_what_workers_counted_is_told_when_no_shard_is_in_hand_and_in_flight_is_that_of_now() -> None:
    counted = {"completion_tokens": 900, "retries": 3, "in_flight": 64}
    assert count_progress("generate", Ledger(), at_work={}, counted=counted) == {
        "completion_tokens": 900,
        "retries": 3,
        "in_flight": 0,
        "done": 0,
        "pairs": 0,
    }
