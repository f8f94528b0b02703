"""Workers, nodes and Ray itself, killed or stopped in the middle of a real build, and a server that never answers: the
same dataset, or a clear stop that the same command continues."""

from __future__ import annotations

import contextlib
import json
import os
import re
import signal
import socket
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil  # type: ignore[import-untyped]
import pytest

from docmatix.review.status import describe_status, read_status
from docmatix.storage.run import Run
from tests.builds import Driver, find_workers, hash_dataset, list_files, write_config, write_pdfs
from tests.chaos import Nodes
from tests.fake_vllm import fake_engine
from tests.scripted_server import Faults, start_scripted_server

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]


@pytest.fixture(scope="module")
def pdf_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_pdfs(tmp_path_factory.mktemp("pdfs"))


@pytest.fixture(scope="module")
def base_url() -> Iterator[str]:
    with start_scripted_server(faults=Faults(delay_s=0.1)) as server:
        yield server.base_url


@pytest.fixture(scope="module")
def undisturbed(pdf_dir: Path, base_url: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("undisturbed")
    path = configure(folder, pdf_dir, base_url)
    code, output = Driver(path, folder / "run").finish()
    assert code == 0, output
    return folder / "run"


def configure(
    folder: Path, pdf_dir: Path, base_url: str, *, engine: dict[str, Any] | None = None, **changes: Any
) -> Path:
    """A build of seven shards with a second pass, which looks for signs of life twice a second and more."""
    asked = {"kind": "openai", "model": "scripted", "base_url": base_url, "give_up_after_s": 60, **(engine or {})}
    changes = {
        "plan": {"documents_per_shard": 2},
        "generate": {"engine": asked, "prompts": ["broad_whole"]},
        # the judge is at another address, and so in a pass of its own
        "verify": [
            {"kind": "answer_again"},
            {"kind": "judge", "engine": {**asked, "base_url": base_url.replace("127.0.0.1", "localhost")}},
        ],
        **changes,
    }
    return write_config(folder, pdf_dir, base_url, **changes)


def wait_for_work(driver: Driver, stage: str) -> list[psutil.Process]:
    """The workers of the driver that have a shard of the stage in hand, as soon as there are any."""
    found: list[psutil.Process] = []

    def look() -> bool:
        found[:] = find_workers(driver, stage)
        return bool(found)

    wait_until(look, driver)
    return found


def wait_until(happened: Callable[[], bool], driver: Driver, *, within_s: float = 120) -> None:
    deadline = time.monotonic() + within_s
    while not happened():
        assert driver.process.poll() is None, driver.finish()
        assert time.monotonic() < deadline, "the build did nothing"
        time.sleep(0.002)


def read_events(run: Path) -> list[dict[str, Any]]:
    """What the watchdogs of a run's drivers found."""
    records = [json.loads(path.read_text()) for path in sorted((run / "telemetry").glob("*.json"))]
    return [event for record in records for event in record["watchdog"]]


def assert_same(run: Path, reference: Path) -> None:
    assert hash_dataset(run) == hash_dataset(reference)
    assert list_files(run) == list_files(reference)


def test_a_worker_killed_in_each_stage_leaves_the_same_dataset(
    pdf_dir: Path, base_url: str, undisturbed: Path, tmp_path: Path
) -> None:
    run = tmp_path / "run"
    driver = Driver(configure(tmp_path, pdf_dir, base_url), run)
    killed = []
    for stage in ("extract", "generate", "verify", "curate", "pack"):
        for process in wait_for_work(driver, stage):
            with contextlib.suppress(psutil.NoSuchProcess):
                process.kill()
                killed.append(stage)
    code, output = driver.finish()
    assert code == 0, output
    assert {"extract", "generate", "verify", "curate", "pack"} == set(killed)
    assert_same(run, undisturbed)


def test_a_worker_that_is_stopped_is_killed_and_its_shard_tried_again(
    pdf_dir: Path, base_url: str, undisturbed: Path, tmp_path: Path
) -> None:
    run = tmp_path / "run"
    driver = Driver(configure(tmp_path, pdf_dir, base_url, limits={"stall_s": 8}), run)
    stopped = set()
    for stage in ("extract", "generate"):
        for worker in wait_for_work(driver, stage):
            worker.suspend()
            stopped.add((stage, worker.pid))
    code, output = driver.finish()
    assert code == 0, output
    assert_same(run, undisturbed)
    ended = {(event["stage"], event["process"]) for event in read_events(run) if event["event"] == "worker_killed"}
    assert stopped <= ended  # a busy machine may have lost others
    for _, pid in stopped:
        assert f"process {pid} on {socket.gethostname()} gave no sign of life for 8 s and was killed" in output


@pytest.fixture
def nodes() -> Iterator[Nodes]:
    """A cluster of a head without CPUs and two nodes with one each."""
    nodes = Nodes(2)
    yield nodes
    nodes.close()


def test_a_mailbox_that_is_killed_again_and_again_costs_no_worker_its_work(
    nodes: Nodes, pdf_dir: Path, base_url: str, undisturbed: Path, tmp_path: Path
) -> None:
    run = tmp_path / "run"
    resources = {"address": nodes.address, "workers": 1}
    driver = Driver(configure(tmp_path, pdf_dir, base_url, limits={"stall_s": 8}, resources=resources), run)
    killed = 0
    while driver.process.poll() is None:
        for process, title in nodes.list_processes():
            if title.startswith("ray::Mailbox"):
                with contextlib.suppress(psutil.Error):
                    process.kill()
                    killed += 1
        time.sleep(0.5)
    code, output = driver.finish()
    assert code == 0, output
    assert killed
    assert_same(run, undisturbed)
    assert not [event for event in read_events(run) if event["event"] == "worker_killed"]


def test_the_nursery_that_is_killed_in_each_stage_takes_its_workers_with_it_and_the_build_goes_on(
    pdf_dir: Path, base_url: str, undisturbed: Path, tmp_path: Path
) -> None:
    run = tmp_path / "run"
    driver = Driver(configure(tmp_path, pdf_dir, base_url), run)
    for stage in ("extract", "generate", "pack"):
        (worker, *_) = wait_for_work(driver, stage)
        nursery = worker.parent()
        assert "docmatix.driver.nursery" in " ".join(nursery.cmdline())
        nursery.kill()
        psutil.wait_procs([worker], timeout=10)
        assert not worker.is_running()
    code, output = driver.finish()
    assert code == 0, output
    assert_same(run, undisturbed)


@pytest.mark.parametrize("part", ["raylet", "gcs_server"])
def test_a_private_ray_that_dies_stops_the_build_in_one_sentence_and_the_next_run_goes_on(
    part: str, pdf_dir: Path, base_url: str, tmp_path: Path
) -> None:
    run = tmp_path / "run"

    def configure_vllm(*, delay_s: float) -> Path:
        engine = fake_engine(tmp_path / "vllm", delay_s=delay_s, model=str(tmp_path / "fake"))
        described = engine.model_dump(mode="json", exclude_defaults=True)
        generate = {"engine": described, "prompts": ["broad_whole"]}
        return configure(tmp_path, pdf_dir, base_url, generate=generate, verify=[])

    (tmp_path / "fake").mkdir()  # the model: a folder, so that nothing is looked up on the Hub
    # shards that are under way need no Ray to end: the stage must outlast the look at its processes
    driver = Driver(configure_vllm(delay_s=20), run)
    wait_for_work(driver, "generate")
    (process,) = [child for child in psutil.Process(driver.process.pid).children() if child.name() == part]
    process.kill()
    code, output = driver.finish(within_s=60)
    assert code == 1, output
    assert "The private Ray of this build has died in generate" in output.strip().splitlines()[-1]
    assert "Traceback" not in output
    code, output = Driver(configure_vllm(delay_s=0.01), run).finish()
    assert code == 0, output
    assert read_status(Run(run))["complete"]


def test_a_server_that_never_answers_is_named_and_stops_the_build_and_the_next_run_goes_on(
    pdf_dir: Path, base_url: str, undisturbed: Path, tmp_path: Path
) -> None:
    run = tmp_path / "run"
    with start_scripted_server(faults=Faults(hung=1.0)) as silent:
        # long enough for a worker to start on a busy machine
        limits = {"stall_s": 2, "no_progress_s": 40}
        driver = Driver(configure(tmp_path, pdf_dir, silent.base_url, limits=limits), run)

        def read_stalled() -> dict[str, Any]:
            stages = {stage["stage"]: stage for stage in read_status(Run(run))["stages"]}
            stalled: dict[str, Any] = stages["generate"].get("stalled", {})
            return stalled

        wait_for_work(driver, "generate")
        wait_until(lambda: silent.base_url in read_stalled().get("waits_for", ""), driver)
        lines = describe_status(Run(run))
        code, output = driver.finish(within_s=120)
    assert re.search(rf"no progress for \d+ s; waiting for \d+ replies from {re.escape(silent.base_url)}", lines)
    assert code == 1, output
    said = output.strip().splitlines()
    assert re.search(r"generate has stalled with \d shards left", said[-1])
    assert f"replies from {silent.base_url}" in said[-1]
    assert any(re.match(r"generate +no progress for \d+ s; waiting for \d+ replies from", line) for line in said)
    assert "Traceback" not in output
    code, output = Driver(configure(tmp_path, pdf_dir, base_url), run).finish()
    assert code == 0, output
    assert_same(run, undisturbed)


def kill_raylet(pid: int) -> None:
    os.kill(pid, signal.SIGKILL)
    with contextlib.suppress(ChildProcessError):
        os.waitpid(pid, 0)  # its workers watch for it, and a zombie would still be there


def test_a_node_that_is_lost_for_good_leaves_its_work_to_the_others_and_with_the_last_one_the_build_stops(
    nodes: Nodes, pdf_dir: Path, base_url: str, undisturbed: Path, tmp_path: Path
) -> None:
    run = tmp_path / "run"
    resources = {"address": nodes.address, "workers": 2, "generate_workers": 2}
    limits = {"stall_s": 8, "no_progress_s": 60}
    config = configure(tmp_path, pdf_dir, base_url, resources=resources, limits=limits)
    driver = Driver(config, run)
    first, second = nodes.list_raylets()
    wait_until(lambda: bool(nodes.find_workers("extract")), driver)
    kill_raylet(first)
    wait_until(lambda: bool(nodes.find_workers("curate")), driver)
    kill_raylet(second)
    code, output = driver.finish()
    assert code == 1, output
    said = output.strip().splitlines()
    assert any(
        "waiting for a worker to take a shard: Ray has 0 of 0 CPUs free on 1 nodes, 2 lost" in line for line in said
    )
    assert "curate has stalled" in said[-1]
    assert "2 lost" in said[-1]
    assert "Traceback" not in output
    for raylet in (first, second):
        nodes.replace(raylet)
    code, output = Driver(config, run).finish()
    assert code == 0, output
    assert_same(run, undisturbed)
