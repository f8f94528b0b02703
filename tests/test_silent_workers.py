"""Workers that give no sign of life: who is killed and who is not, and what becomes of it."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from docmatix.driver.heartbeat import WorkerState
from docmatix.driver.ray_workers import end_workers
from docmatix.driver.watchdog import StageWatch
from docmatix.stages.support.job import Job
from tests.jobs import make_job

STATE = WorkerState(stage="extract", host="here", node="n1", pid=7, started=70, shards={3: {"done": 4}})


class Clock:
    """Time that passes when a test says so."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


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

    def _end(self, states: Sequence[WorkerState]) -> list[str | None]:
        self.ended.append([state.pid for state in states])
        return ["killed", "gone", None][: len(states)]

    def look(self, times: int, *told: WorkerState) -> None:
        for _ in range(times):
            self.clock.now += 5
            self.watch.hear({state.key: state for state in told})
            self.watch.look(left=1)


@pytest.fixture
def stage(tmp_path: Path) -> Stage:
    return Stage(tmp_path)


def test_all_workers_that_fell_silent_together_are_ended_together_and_what_became_of_them_is_kept(stage: Stage) -> None:
    stage.look(1, *(replace(STATE, pid=pid) for pid in (1, 2, 3)))
    stage.look(23)
    assert stage.ended == []
    stage.look(1)
    assert stage.ended == [[1, 2, 3]]
    assert [(event["event"], event["process"]) for event in stage.events if event["event"] != "stalled"] == [
        ("worker_killed", 1)
    ]
    assert any("process 1 on here gave no sign of life for 120 s and was killed" in line for line in stage.said)
    # the third one's node did not answer: it is looked after again
    assert [state.pid for state in stage.watch.states] == [3]


def test_a_stall_is_laid_to_a_stopped_worker_before_the_model_server_even_as_the_worker_is_killed(
    tmp_path: Path,
) -> None:
    stage = Stage(tmp_path, name="generate")
    asking = replace(STATE, stage="generate", counted={"in_flight": 64})
    stage.look(1, asking, replace(asking, pid=8))
    stage.look(25, replace(asking, pid=8))
    assert stage.ended == [[7]]
    (stalled,) = (event for event in stage.events if event["event"] == "stalled")
    assert stalled["waits_for"] == "a sign of life from process 7 on here (shard 3)"
    assert not any("replies" in line for line in stage.said)


def test_no_worker_is_blamed_while_the_mailbox_does_not_answer(stage: Stage) -> None:
    stage.look(1, STATE)
    for _ in range(100):
        stage.clock.now += 5
        stage.watch.look(left=1)
    assert stage.ended == []
    stage.look(23)
    assert stage.ended == []
    stage.look(1)
    assert stage.ended == [[7]]


def test_what_a_stalled_stage_waits_for_is_kept_until_something_moves(stage: Stage) -> None:
    for _ in range(25):
        stage.look(1, STATE)
    assert stage.watch.stalled is not None
    assert stage.watch.stalled["waits_for"] == "shard 3, 4 done (process 7 on here)"
    stage.look(1, replace(STATE, shards={3: {"done": 5}}))
    assert stage.watch.stalled is None


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
    states = [replace(STATE, pid=pid) for pid in range(1, 7)]
    assert end_workers(states) == ["killed", "gone", None, None, None, "gone"]
    assert ray.did == ["ask"] * 6 + ["wait"]
    assert end_workers([]) == []
