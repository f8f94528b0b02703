"""Checks by the real vLLM: all are asked and counted, another model is served for its check alone, and a build that is
killed among them asks nothing twice."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from docmatix.cli import main
from docmatix.pipeline import GENERATE, VERIFY
from docmatix.review.cost import read_telemetry
from docmatix.review.status import read_status
from docmatix.stages.support.reading import read_job
from docmatix.storage.run import Run
from tests.builds import Driver
from tests.vllm.test_build import find_server, wait_until, write_build
from tests.vllm_environment import real_engine

SHORT = {"sampling": {"max_tokens": 24}}
"""Of answers, with a model that would go on."""
CHECKS: list[dict[str, Any]] = [
    {"kind": "answer_again", **SHORT},
    {"kind": "answer_blind", **SHORT},
    {"kind": "judge", "share": 0.5, "sampling": {"max_tokens": 160}},
    {"kind": "fluency"},
]
ALL_FOUR = ["answer_again", "answer_blind", "fluency", "judge"]


def describe_engine(name: str, **settings: Any) -> dict[str, Any]:
    """One that reads prompts whole: on the CPU, vLLM dies of one with a seed that it reads in parts ("CPU Generator
    does not use offset"). On a busy machine such a step takes longer than the time after which an engine is killed."""
    extra_args = ("--enforce-eager", "--max-num-seqs", "16", "--no-enable-chunked-prefill")
    engine = real_engine(max_in_flight=4, name=name, extra_args=extra_args, hang_timeout_s=180, **settings)
    return engine.model_dump(mode="json")


def write_checked(folder: Path, *checks: dict[str, Any]) -> Path:
    """A configuration over two short documents."""
    generate = {
        "engine": describe_engine(folder.name),
        "prompts": ["extractive"],
        "max_candidates": 4,
        "pairs_per_page": 0,
    }
    config = write_build(folder, generate=generate, verify=list(checks))
    (folder / "pdfs" / "report.pdf").unlink()
    return config


def list_requests(run: Path) -> Iterator[dict[str, Any]]:
    """The requests of the checks, as `verify` has recorded them."""
    opened = Run(run)
    for shard in opened.shards(VERIFY):
        for row in opened.iterate_rows(VERIFY, shard):
            yield from row["requests"]


def list_served(run: Path) -> list[str]:
    """The models for which each driver has started a server, in turn."""
    return [record["model"] for record in read_status(Run(run))["serving"]]


def count_asked(run: Path, stage: str) -> int:
    """The requests that the latest driver has sent in a stage."""
    latest = max(read_telemetry(Run(run)), key=lambda record: record["started"])
    return int(latest["stages"].get(stage, {}).get("requests", 0))


def read_stored(run: Path, stage: str) -> set[str]:
    """The requests whose replies are stored."""
    files = (run / stage / "replies").rglob("*.parquet")
    return {request for file in files for request in pq.read_table(file, columns=["request_id"])[0].to_pylist()}


def kill_when(driver: Driver, name: str, happened: Callable[[], Any]) -> None:
    """Kill the build by SIGKILL, and wait for its server to end."""
    wait_until(lambda: happened() or driver.process.poll() is not None)
    assert driver.process.poll() is None, driver.finish()[1]
    os.killpg(driver.process.pid, signal.SIGKILL)
    driver.process.communicate()
    deadline = time.monotonic() + 120
    while find_server(name) is not None:
        assert time.monotonic() < deadline, "its server was left behind"
        time.sleep(0.2)


def test_all_four_checks_are_asked_and_counted_on_the_one_server(tmp_path):
    run = tmp_path / "run"
    warmer = describe_engine(tmp_path.name, sampling={"temperature": 0.3})
    again, blind, *others = CHECKS
    # a model is served once, however differently it is asked
    code, output = Driver(write_checked(tmp_path, again, {**blind, "engine": warmer}, *others), run).finish(
        within_s=900
    )
    assert code == 0, output
    assert list_served(run) == [tmp_path.name]

    requests = list(list_requests(run))
    (stage,) = [each for each in read_status(Run(run))["stages"] if each["stage"] == VERIFY]
    ledger = {line["unit"]: line for line in stage["ledger"]}
    assert ledger["pairs"]["in"] == ledger["pairs"]["out"] > 5
    assert ledger["requests"]["in"] == len(requests)
    assert sorted({each["check"] for each in requests}) == ALL_FOUR
    job = read_job(Run(run))
    counted = [job.record(VERIFY, shard).extra["checks"] for shard in job.run.shards(VERIFY)]
    for name in ALL_FOUR:
        asked = [each for each in requests if each["check"] == name]
        assert all((each["score"] is None) == (each["reason"] is not None) for each in asked)
        assert sum(each.get(name, {}).get("requests", 0) for each in counted) == len(asked)
        # what it writes for a rating may go on until it is cut off; the others can always be read
        assert name == "judge" or any(each["score"] is not None for each in asked)
    assert main(["check", str(run)]) == 0


def test_killed_among_the_checks_a_build_asks_nothing_twice_and_serves_another_model_for_its_check(tmp_path):
    run = tmp_path / "run"
    other = describe_engine(f"{tmp_path.name}-other")
    elsewhere = {"kind": "answer_blind", "name": "blind_elsewhere", "engine": other, **SHORT}
    config = write_checked(tmp_path, *CHECKS, elsewhere)
    kill_when(Driver(config, run), tmp_path.name, lambda: len(read_stored(run, VERIFY)) >= 3)
    stored = read_stored(run, VERIFY)
    written = read_stored(run, GENERATE)

    code, output = Driver(config, run).finish(within_s=900)
    assert code == 0, output
    assert read_status(Run(run))["balanced"]
    asked = {each["request_id"] for each in list_requests(run)}
    assert stored < asked
    assert count_asked(run, GENERATE) == 0
    assert read_stored(run, GENERATE) == written
    assert count_asked(run, VERIFY) == len(asked - stored)
    # of the first driver, and of the second
    assert list_served(run) == [tmp_path.name, tmp_path.name, f"{tmp_path.name}-other"]
    models = {each["check"]: each["model"] for each in list_requests(run)}
    assert models == {**dict.fromkeys(ALL_FOUR, tmp_path.name), "blind_elsewhere": f"{tmp_path.name}-other"}
    assert main(["check", str(run)]) == 0
