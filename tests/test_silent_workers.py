"""Workers that give no sign of life: how they are heard on an object store, and who is killed and who is not."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from docmatix.core.errors import StorageFailed
from docmatix.driver.signs import Sign, read_signs
from docmatix.driver.watchdog import LEAST_LOOKS, StageWatch, Watchdog
from docmatix.driver.workers import end_workers
from docmatix.stages.support.job import Job
from docmatix.storage.run import RunDirectory
from tests.jobs import count_files_asked, make_job

SIGN = Sign(stage="extract", host="here", node="n1", pid=7, started=70, beats=1, shards={"3": 4})


class Clock:
    """Time that passes when a test says so."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def give_sign(run: RunDirectory, sign: Sign) -> None:
    name = f"telemetry/live/test/worker-{sign.stage}-{sign.node}-{sign.pid}.json"
    run.write(name, json.dumps(asdict(sign)).encode())


def test_the_signs_of_all_workers_are_asked_of_an_object_store_at_once(
    memory_run: RunDirectory, monkeypatch: pytest.MonkeyPatch
) -> None:
    for pid in range(50):
        give_sign(memory_run, replace(SIGN, pid=pid))
    give_sign(memory_run, replace(SIGN, stage="pack"))
    asked = count_files_asked(memory_run, monkeypatch)
    signs = read_signs(memory_run, "test", "extract")
    assert sorted(sign.pid for sign in signs.values()) == list(range(50))
    assert asked == [50]
    assert signs["worker-extract-n1-7.json"] == SIGN
    assert read_signs(memory_run, "test", "verify") == {}


@pytest.mark.parametrize("place", ["disk", "store"])
def test_a_sign_that_is_gone_or_broken_is_left_out_and_the_others_are_read(
    place: str, tmp_path: Path, memory_run: RunDirectory
) -> None:
    run = RunDirectory(tmp_path / "run") if place == "disk" else memory_run
    give_sign(run, SIGN)
    run.write("telemetry/live/test/worker-extract-n1-8.json", b'{"stage": "ext')
    names = ["worker-extract-n1-7.json", "worker-extract-n1-9.json"]
    found = run.read_several([f"telemetry/live/test/{name}" for name in names])
    assert list(found) == [f"telemetry/live/test/{names[0]}"]
    assert read_signs(run, "test", "extract") == {names[0]: SIGN}
    assert run.read_several([]) == {}


def count_looks(*, look_s: float) -> tuple[int, float]:
    """How many looks, and how much time, until a worker is named that has given one sign, where a look takes so long
    and the next one comes after five seconds."""
    clock = Clock()
    watchdog = Watchdog(stall_s=120, patience_s=1800, clock=clock)
    watchdog.hear({"a": SIGN})
    for looks in range(1, 1000):
        clock.now += 5 + look_s
        if watchdog.hear({"a": SIGN}, took_s=look_s):
            return looks, clock.now - 1000
    raise AssertionError("it was never named")


def test_silence_counts_while_the_driver_looks_however_many_workers_make_that_slow() -> None:
    assert count_looks(look_s=0) == (24, 120)
    assert count_looks(look_s=25) == (4, 120)


def test_one_look_that_hangs_makes_nobody_silent() -> None:
    assert count_looks(look_s=3600)[0] == LEAST_LOOKS


class Stage:
    """A stage under watch, on a clock of its own, whose workers are ended by a list."""

    def __init__(self, folder: Path, *, name: str = "extract") -> None:
        self.clock = Clock()
        self.ended: list[list[int]] = []
        self.said: list[str] = []
        self.events: list[dict[str, Any]] = []
        self.job: Job = make_job(folder)
        self.watch = StageWatch(
            self.job, name, say=self.said.append, events=self.events, end=self._end, clock=self.clock
        )

    def _end(self, signs: Sequence[Sign]) -> list[str | None]:
        self.ended.append([sign.pid for sign in signs])
        return ["killed", "gone", None][: len(signs)]

    def look(self, times: int) -> None:
        for _ in range(times):
            self.clock.now += 5
            self.watch.look(left=1)


@pytest.fixture
def stage(tmp_path: Path) -> Stage:
    return Stage(tmp_path)


def test_all_workers_that_fell_silent_together_are_ended_together_and_what_became_of_them_is_kept(stage: Stage) -> None:
    for pid in (1, 2, 3):
        give_sign(stage.job.run, replace(SIGN, pid=pid))
    stage.look(24)
    assert stage.ended == []
    stage.look(1)
    assert stage.ended == [[1, 2, 3]]
    assert [(event["event"], event["process"]) for event in stage.events if event["event"] != "stalled"] == [
        ("worker_killed", 1)
    ]
    assert any("process 1 on here gave no sign of life for 120 s and was killed" in line for line in stage.said)
    # the third one's node did not answer: it is looked after again
    assert list(read_signs(stage.job.run, "test", "extract")) == ["worker-extract-n1-3.json"]


def test_a_stall_is_laid_to_a_stopped_worker_before_the_model_server_even_as_the_worker_is_killed(
    tmp_path: Path,
) -> None:
    stage = Stage(tmp_path, name="generate")
    asking = replace(SIGN, stage="generate", in_flight=64)
    for beats in range(26):
        give_sign(stage.job.run, asking)
        give_sign(stage.job.run, replace(asking, pid=8, beats=beats))
        stage.look(1)
    assert stage.ended == [[7]]
    (stalled,) = (event for event in stage.events if event["event"] == "stalled")
    assert stalled["waits_for"] == "a sign of life of process 7 on here (shard 3)"
    assert not any("replies" in line for line in stage.said)


def test_nobody_is_blamed_while_no_sign_can_be_written_and_all_have_time_for_one_afterwards(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    give_sign(stage.job.run, SIGN)
    write: Callable[..., None] = RunDirectory.write

    def refuse(run: RunDirectory, name: str, content: bytes, *, durable: bool = True) -> None:
        raise StorageFailed("the disk is full")

    stage.look(1)
    monkeypatch.setattr(RunDirectory, "write", refuse)
    stage.look(100)
    assert stage.ended == []
    monkeypatch.setattr(RunDirectory, "write", write)
    stage.look(12)  # half of `limits.stall_s`
    assert stage.ended == []
    stage.look(12)
    assert stage.ended == [[7]]


class Lost(Exception):
    pass


class Trouble(Exception):
    pass


class FakeRay(ModuleType):
    """Stands for Ray where nodes are lost, answer or do not: `outcomes` by process."""

    def __init__(self, outcomes: dict[int, str | Exception | None]) -> None:
        super().__init__("ray")
        self.outcomes = outcomes
        self.did: list[str] = []
        self.exceptions = SimpleNamespace(TaskUnschedulableError=Lost, RayError=Trouble)
        self.util = ModuleType("ray.util")
        self.scheduling = ModuleType("ray.util.scheduling_strategies")
        self.scheduling.NodeAffinitySchedulingStrategy = lambda node, soft: node  # type: ignore[attr-defined]

    def remote(self, function: object) -> Any:
        def ask(pid: int, started: int) -> int:
            self.did.append("ask")
            return pid

        return SimpleNamespace(options=lambda **options: SimpleNamespace(remote=ask))

    def wait(self, asked: list[int], *, num_returns: int, timeout: float) -> tuple[list[int], list[int]]:
        assert num_returns == len(asked)
        self.did.append("wait")
        answered = [pid for pid in asked if self.outcomes[pid] is not None]
        return answered, [pid for pid in asked if pid not in answered]

    def get(self, pid: int) -> str:
        outcome = self.outcomes[pid]
        if isinstance(outcome, Exception):
            raise outcome
        assert outcome is not None, "one that has not answered would be waited for"
        return outcome


def test_the_workers_of_a_lost_node_are_waited_for_once_for_all(monkeypatch: pytest.MonkeyPatch) -> None:
    ray = FakeRay({1: "killed", 2: Lost(), 3: None, 4: Trouble(), 5: None, 6: "gone"})
    for name, module in {"ray": ray, "ray.util": ray.util, "ray.util.scheduling_strategies": ray.scheduling}.items():
        monkeypatch.setitem(sys.modules, name, module)
    signs = [replace(SIGN, pid=pid) for pid in range(1, 7)]
    assert end_workers(signs) == ["killed", "gone", None, None, None, "gone"]
    assert ray.did == ["ask"] * 6 + ["wait"]
    assert end_workers([]) == []
