"""What the driver makes of the reports of its replicas."""

from __future__ import annotations

from typing import Any

import pytest

from docmatix.core.errors import BuildError
from docmatix.models.metrics import ServerMetrics
from docmatix.models.vllm.engine import VllmEngine
from docmatix.models.vllm.fleet import Fleet, ReplicaReport
from docmatix.models.vllm.replica import ServerState


class Reports:
    """Reports that a test sets, and a clock that it moves."""

    def __init__(self, *latest: ReplicaReport | str | None) -> None:
        self.latest: list[ReplicaReport | str | None] = list(latest)
        self.now = 0.0
        self.lines: list[str] = []
        self.given_up: list[int] = []

    def look(self) -> list[ReplicaReport | str | None]:
        return list(self.latest)

    def make_fleet(self, **settings: Any) -> Fleet:
        engine = VllmEngine(kind="vllm", model="m", start_timeout_s=100, **settings)
        return Fleet(
            engine,
            self.latest,
            say=self.lines.append,
            give_up=self.given_up.append,
            pool=self,
            clock=lambda: self.now,
        )


def tell(state: str = "ready", *, life: str = "first", **values: Any) -> ReplicaReport:
    return ReplicaReport(life, ServerState(state=state, host="node", **values))  # type: ignore[arg-type]


def count(tokens: int, **values: int) -> ServerMetrics:
    return ServerMetrics(generation_tokens=tokens, finished=1, **values)


def test_a_replica_whose_node_is_lost_waits_again_and_keeps_its_figures():
    reports = Reports(tell(metrics=count(100, running=7), busy_s=5.0, idle_s=1.0))
    fleet = reports.make_fleet()
    fleet.look()
    reports.latest = [None]
    (lost,) = fleet.look()
    assert (lost["state"], lost["metrics"]["generation_tokens"], lost["metrics"]["running"]) == ("waiting", 100, 0)
    reports.latest = [tell(life="second", metrics=count(30), busy_s=2.0)]
    (back,) = fleet.look()
    assert (back["state"], back["metrics"]["generation_tokens"], back["ready_s"]) == ("ready", 130, 8.0)
    assert [restart["reason"] for restart in back["restarts"]] == ["lost"]


def test_the_place_of_a_replica_that_is_given_up_becomes_free_while_the_others_go_on():
    reports = Reports(tell("failed", detail="no memory"), tell())
    fleet = reports.make_fleet()
    fleet.look()
    fleet.look()
    assert reports.given_up == [0]
    assert reports.lines == [
        "serving   replica 1 was given up: no memory",
        "serving   replica 2 is ready on node (0 s to start)",
    ]


def test_a_build_ends_when_all_replicas_are_given_up_with_the_first_reason():
    reports = Reports(tell("failed", detail="no memory"), "its actor cannot be made")
    with pytest.raises(BuildError, match="could be started or kept running \\(no memory\\)"):
        reports.make_fleet().look()


def test_a_fleet_without_a_ready_replica_is_given_up_once_nothing_changes():
    reports = Reports(tell("failed", detail="no memory"), None)
    fleet = reports.make_fleet()
    fleet.look()
    reports.now = 150.0
    fleet.look()
    reports.latest = [reports.latest[0], tell("starting")]  # the other one has found room: it has its own time to load
    fleet.look()
    reports.now = 300.0
    fleet.look()
    reports.now = 320.0
    with pytest.raises(BuildError, match="1 failed, 1 starting; no memory"):
        fleet.look()


def test_a_fleet_with_a_ready_replica_is_never_given_up():
    reports = Reports(tell(), None)
    fleet = reports.make_fleet()
    for reports.now in (0.0, 1000.0, 5000.0):
        fleet.look()
