"""What a driver records of its run while it is at work, when it ends, and when it is killed."""

from __future__ import annotations

import json
import os
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar

import fsspec
import pytest
from fsspec.implementations.memory import MemoryFileSystem

from docmatix.core.errors import SetupError, SourceGone, StorageFailed
from docmatix.driver.build import build
from docmatix.driver.recording import Recording, adopt_records
from docmatix.sources.locators import Locator
from docmatix.stages.support.job import Job
from docmatix.stages.support.live_state import read_live_states
from docmatix.storage.run import Run
from tests.jobs import make_config, make_job


def wait_for_state(job: Job, wanted: dict[str, Any]) -> dict[str, Any]:
    """The live state of the job's driver, once it says so."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        state = read_live_states(job.run).get(job.driver_id, {})
        if wanted.items() <= state.items():
            return state
        time.sleep(0.01)
    raise AssertionError("it was never written")


def test_what_a_killed_driver_counted_becomes_a_record_when_the_next_one_takes_the_run(tmp_path: Path) -> None:
    job = make_job(tmp_path)
    with Recording(job, every_s=0.01) as killed:
        killed.stages["generate"] = {"requests": 12}
        killed.show({"stage": "generate", "workers": []})
        state = wait_for_state(job, {"stages": {"generate": {"requests": 12}}})
        assert state["live"] == {"stage": "generate", "workers": []}
        adopt_records(job.run)
        record = json.loads(job.run.read("telemetry/test.json"))
    assert record["stages"] == {"generate": {"requests": 12}}
    assert record["killed"]
    assert not {"live", "at"} & record.keys()


def test_a_driver_that_ends_leaves_its_record_and_nothing_live_to_adopt(tmp_path: Path) -> None:
    job = make_job(tmp_path)
    with Recording(job) as recording:
        recording.watchdog.append({"event": "stalled"})
    assert job.run.names("telemetry/live") == []
    adopt_records(job.run)
    content = json.loads(job.run.read("telemetry/test.json"))
    assert content["watchdog"] == [{"event": "stalled"}]
    assert "killed" not in content


def test_the_record_of_a_driver_that_has_ended_counts_whatever_it_left_behind(tmp_path: Path) -> None:
    job = make_job(tmp_path)
    with Recording(job, every_s=0.01) as recording:
        wait_for_state(job, {"host": recording._describe()["host"]})
        recording.stages["generate"] = {"requests": 100}
        recording.close()  # and is killed before it has tidied up
        assert read_live_states(job.run) == {}
        adopt_records(job.run)
        content = json.loads(job.run.read("telemetry/test.json"))
    assert content["stages"] == {"generate": {"requests": 100}}
    assert "killed" not in content


def test_what_the_main_thread_changes_later_is_not_half_in_the_live_state(tmp_path: Path) -> None:
    recording = Recording(make_job(tmp_path))
    serving = {"model": "m", "replicas": []}
    recording.serving.append(serving)
    recording.show({})
    serving.clear()  # as `ServingWatch` does before it fills in the new figures
    assert recording._shown["serving"] == [{"model": "m", "replicas": []}]


@pytest.mark.parametrize("place", ["disk", "store"])
def test_what_cannot_be_read_is_passed_over_and_of_earlier_versions_the_record_is_kept(
    place: str, tmp_path: Path, memory_run: Run
) -> None:
    job = make_job(tmp_path)
    job = job if place == "disk" else replace(job, run=memory_run)
    assert read_live_states(job.run) == {}
    for name, content in {
        "a.json": b'{"stages": {}, "at": 5.0}',
        "b.json": b'{"stages": {}, "at"',
        "c.json": b"3",
        "d.json": b'{"at": 3}',
        "e/driver.json": b'{"host": "h", "process": 1, "at": 9.0}',
        "e/record.json": b'{"stages": {"generate": {"requests": 7}}}',
        "e/worker-extract-n1-7.json": b"{}",
        "e/extract-00000.json": b'{"done": 1}',
    }.items():
        job.run.write(f"telemetry/live/{name}", content)
    assert read_live_states(job.run) == {"a": {"stages": {}, "at": 5.0}}
    adopt_records(job.run)
    # of a driver of 0.1.0 that was killed; what it has cost is not lost
    assert json.loads(job.run.read("telemetry/e.json")) == {"stages": {"generate": {"requests": 7}}}


class CountingRun(Run):
    """A run directory that refuses its first writes, and tells once it has taken two."""

    def __init__(self, url: Path, *, refused: int) -> None:
        super().__init__(url)
        self.writes, self.refused = 0, refused
        self.took_two = threading.Event()

    def write(self, name: str, content: bytes, *, durable: bool = True) -> None:
        self.writes += 1
        if self.writes <= self.refused:
            raise StorageFailed("the disk is full")
        super().write(name, content, durable=durable)
        if self.writes == self.refused + 2:
            self.took_two.set()


@pytest.mark.parametrize("refused", [0, 2])
def test_a_driver_gives_signs_again_and_again_though_some_cannot_be_written(tmp_path: Path, refused: int) -> None:
    run = CountingRun(tmp_path, refused=refused)
    job = replace(make_job(tmp_path / "job"), run=run)
    with Recording(job, every_s=0.01):
        assert run.took_two.wait(60)
        (state,) = read_live_states(run).values()
    assert state["process"] == os.getpid()
    assert not gives_signs()


def test_a_disk_that_is_full_to_the_end_stops_no_driver(tmp_path: Path) -> None:
    job = replace(make_job(tmp_path / "job"), run=CountingRun(tmp_path, refused=10**9))
    with Recording(job, every_s=0.01) as recording:
        recording.show({})
    assert read_live_states(job.run) == {}


class WatchedFiles(MemoryFileSystem):  # type: ignore[misc]
    """Memory that notes, whenever a run is tidied away, whether its driver still gives signs of life."""

    protocol = "watched"
    alive_at: ClassVar[list[bool]]

    @classmethod
    def _strip_protocol(cls, path: Any) -> Any:
        return super()._strip_protocol(path.removeprefix("watched:/") if isinstance(path, str) else path)

    def rm(self, path: Any, *args: Any, **options: Any) -> Any:
        if any(name.endswith("/run.yaml") for name in path):
            self.alive_at.append(gives_signs())
        super().rm(path, *args, **options)


fsspec.register_implementation("watched", WatchedFiles)


def gives_signs() -> bool:
    return any(thread.name == "live-state" for thread in threading.enumerate())


@pytest.mark.parametrize("place", ["disk", "store"])
def test_a_driver_that_plans_nothing_leaves_no_sign_no_record_and_no_folder_behind(
    place: str, tmp_path: Path, memory_run: Run
) -> None:
    WatchedFiles.alive_at = []
    run = Run(tmp_path / "run" if place == "disk" else "watched://runs/one")
    with pytest.raises(SetupError, match="lists no document"):
        build(make_config(), run=run.url, stages=["plan"], listing=[])
    assert not run.store.fs.exists(run.root)
    # a sign given after it would put a folder back
    assert WatchedFiles.alive_at == ([False] if place == "store" else [])


def test_a_driver_gives_signs_while_it_plans_and_leaves_none_when_it_ends(tmp_path: Path) -> None:
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "a.pdf").write_bytes(b"%PDF-")
    run, seen = Run(tmp_path / "run"), list[dict[str, Any]]()

    def plan(listing: Iterator[Locator] | None = None) -> None:
        build(make_config(), run=run.root, stages=["plan"], listing=listing, config_dir=tmp_path)

    def list_nothing() -> Iterator[Locator]:
        while not seen:
            seen.extend(read_live_states(run).values())
        raise SourceGone("it is gone")
        yield

    plan()
    assert read_live_states(run) == {}
    with pytest.raises(SourceGone):
        plan(list_nothing())
    assert seen[0]["process"] == os.getpid()
    assert read_live_states(run) == {}
    assert run.shards("plan") == [0]
