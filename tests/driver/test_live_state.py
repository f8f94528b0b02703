"""What a driver records of its run, of workers that die, and of drivers that are killed."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from docmatix.core.ledger import Ledger
from docmatix.driver.live_state import (
    AtWork,
    Recording,
    Tally,
    adopt_records,
    count_progress,
    read_live_records,
    read_pulses,
)
from docmatix.stages.support.job import Job, Pulse
from docmatix.storage.run import RunDirectory
from tests.jobs import count_files_asked, make_job


@given(st.lists(st.tuples(st.sampled_from("abc"), st.integers(0, 50))))
def test_a_tally_is_what_every_worker_has_counted_in_whatever_order_it_is_told(told: list[tuple[str, int]]) -> None:
    tally = Tally()
    for worker, requests in told:
        tally.take(worker, {"requests": requests})
    last = {worker: max(count for each, count in told if each == worker) for worker, _ in told}
    assert tally.total.get("requests", 0) == sum(last.values())


def test_shards_of_one_worker_count_its_client_once_and_their_own_pairs_each(tmp_path: Path) -> None:
    job = make_job(tmp_path)
    for shard, worker, requests in ((0, "a", 30), (1, "a", 32), (2, "b", 8)):
        pulse = {"done": 10, "pairs": 4, "requests": requests, "worker": worker}
        job.run.write(f"telemetry/live/{job.driver_id}/generate-{shard:05d}.json", json.dumps(pulse).encode())
    tally = Tally()
    assert read_pulses(job, "generate", tally=tally) == {"done": 30, "pairs": 12, "requests": 40}
    assert tally.total == {"requests": 40}
    assert read_pulses(job, "verify") == {}


def test_a_pulse_names_its_worker_and_half_of_one_is_passed_over(tmp_path: Path) -> None:
    job = make_job(tmp_path)
    Pulse(job, "extract", 3, every_s=0).beat(done=2)
    Pulse(job, "extract", 4, every_s=0).beat(done=3)
    job.run.write(f"telemetry/live/{job.driver_id}/extract-00005.json", b'{"done": 1')
    assert read_pulses(job, "extract") == {"done": 5}
    told = json.loads(job.run.read(f"telemetry/live/{job.driver_id}/extract-00003.json"))
    assert told["worker"]


def test_what_a_killed_driver_counted_becomes_a_record_when_the_next_one_takes_the_run(tmp_path: Path) -> None:
    job = make_job(tmp_path)
    killed = Recording(job, keep_every_s=0)
    killed.stages["generate"] = {"requests": 12}
    killed.keep()
    (live,) = read_live_records(job.run)
    assert live["stages"] == {"generate": {"requests": 12}}
    assert live["killed"]
    adopt_records(job.run)
    assert json.loads(job.run.read("telemetry/test.json")) == live


def test_a_driver_that_ends_leaves_its_record_and_nothing_live_to_adopt(tmp_path: Path) -> None:
    job = make_job(tmp_path)
    recording = Recording(job)
    recording.keep()  # too early
    recording.watchdog.append({"event": "stalled"})
    recording.close()
    assert read_live_records(job.run) == []
    adopt_records(job.run)
    content = json.loads(job.run.read("telemetry/test.json"))
    assert content["watchdog"] == [{"event": "stalled"}]
    assert "killed" not in content


def tell(job: Job, shard: int, **figures: float) -> None:
    content = json.dumps({**figures, "worker": "a"}).encode()
    job.run.write(f"telemetry/live/{job.driver_id}/generate-{shard:05d}.json", content)


def test_a_shard_counts_until_it_is_laid_down_and_then_no_more(tmp_path: Path) -> None:
    job = make_job(tmp_path)
    at_work = AtWork(job, "generate")
    tell(job, 0, done=10, pairs=3)
    tell(job, 1, done=4, pairs=1)
    at_work.read()
    job.run.remove(
        f"telemetry/live/{job.driver_id}/generate-00000.json"
    )  # committed, but nobody has told the driver yet
    at_work.read()
    assert at_work.total == {"done": 14, "pairs": 4}
    at_work.lay_down(0)
    assert at_work.total == {"done": 4, "pairs": 1}
    tell(job, 0, done=9)  # of a worker that was slower than the one that took its place
    at_work.read()
    assert at_work.total == {"done": 4, "pairs": 1}
    tell(job, 1, done=1)  # tried again
    at_work.read()
    assert at_work.total == {"done": 1}


def test_requests_in_flight_are_those_of_the_last_look(tmp_path: Path) -> None:
    job = make_job(tmp_path)
    at_work = AtWork(job, "generate")
    tell(job, 0, in_flight=64)
    at_work.read()
    tell(job, 0, in_flight=2)
    at_work.read()
    assert at_work.total == {"in_flight": 2}


def test_the_pulses_of_all_shards_are_asked_of_an_object_store_at_once(
    memory_run: RunDirectory, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = replace(make_job(tmp_path), run=memory_run)
    for shard in range(50):
        tell(job, shard, done=1)
    asked = count_files_asked(memory_run, monkeypatch)
    assert read_pulses(job, "generate") == {"done": 50}
    assert asked == [50]


@pytest.mark.parametrize("stage", ["extract", "generate", "curate"])
def test_a_committed_shard_counts_as_done_what_its_pulse_told_last(own_run: RunDirectory, stage: str) -> None:
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


def test_the_record_of_a_driver_that_has_ended_stands_whatever_it_left_behind(tmp_path: Path) -> None:
    job = make_job(tmp_path)
    recording = Recording(job, keep_every_s=0)
    recording.stages["generate"] = {"requests": 12}
    recording.keep()
    recording.stages["generate"] = {"requests": 100}
    recording.close()  # and is killed before it has tidied up
    assert read_live_records(job.run) == []
    adopt_records(job.run)
    content = json.loads(job.run.read("telemetry/test.json"))
    assert content["stages"] == {"generate": {"requests": 100}}
    assert "killed" not in content


def test_a_shard_whose_pulse_cannot_be_read_for_a_moment_has_not_moved(tmp_path: Path) -> None:
    job = make_job(tmp_path)
    name = f"telemetry/live/{job.driver_id}/generate-00000.json"
    at_work = AtWork(job, "generate")
    job.run.write(name, b'{"done": 10, "requests": 12, "worker": "a"}')
    at_work.read()
    assert at_work.own == {"done": 10}
    job.run.write(name, b'{"done": 1')
    at_work.read()
    assert at_work.own == {"done": 10}
