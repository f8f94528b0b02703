"""When a stage is said to have stalled, who is taken for dead, and what a build says that it waits for."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from docmatix.driver.heartbeat import LOOKS_PER_STALL, WorkerState
from docmatix.driver.waiting import describe_wait
from docmatix.driver.watchdog import Watchdog

STATE = WorkerState(stage="extract", host="here", node="n1", pid=7, started=70, shards={3: {"done": 4}})
ASKING = replace(STATE, stage="generate", counted={"replies": 10, "in_flight": 64})


class Clock:
    """Time that passes when a test says so."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def look(watchdog: Watchdog, clock: Clock, *told: WorkerState, after_s: float) -> list[WorkerState]:
    clock.now += after_s
    return watchdog.look({state.key: state for state in told})


def make_watchdog(*, stall_s: float = 120, patience_s: float = 1800) -> tuple[Watchdog, Clock]:
    clock = Clock()
    return Watchdog(stall_s=stall_s, patience_s=patience_s, clock=clock), clock


def test_a_worker_that_lives_is_never_taken_for_dead_however_long_its_document_takes():
    watchdog, clock = make_watchdog()
    for _ in range(400):
        assert look(watchdog, clock, STATE, after_s=5) == []
    assert watchdog.waited_s > 1800


def test_a_worker_that_tells_nothing_for_the_stated_time_is_named_once_for_each_such_silence():
    watchdog, clock = make_watchdog()
    look(watchdog, clock, STATE, after_s=5)
    silences = [look(watchdog, clock, after_s=5) for _ in range(60)]
    assert [number for number, named in enumerate(silences, 1) if named == [STATE]] == [24, 48]


def test_a_worker_on_the_way_to_be_taken_for_dead_is_what_a_stall_is_laid_to():
    watchdog, clock = make_watchdog()
    dead, alive = replace(ASKING, pid=8), ASKING
    look(watchdog, clock, dead, alive, after_s=5)
    for _ in range(20):
        look(watchdog, clock, alive, after_s=5)
    assert watchdog.silent == [dead]
    said = describe_wait(
        watchdog.states, asks="http://there/v1", find_document=lambda *_: None, resources="", silent=watchdog.silent
    )
    assert said == "a sign of life from process 8 on here (shard 3)"


def test_while_the_mailbox_does_not_answer_no_worker_is_silent_and_what_is_told_again_is_no_movement():
    watchdog, clock = make_watchdog()
    look(watchdog, clock, STATE, after_s=5)
    for _ in range(60):
        clock.now += 5
        assert watchdog.look(None) == []
    assert look(watchdog, clock, STATE, after_s=5) == []
    assert watchdog.waited_s > 290
    assert watchdog.states == [STATE]


def test_a_worker_that_died_with_the_mailbox_is_still_named():
    watchdog, clock = make_watchdog()
    look(watchdog, clock, STATE, after_s=5)
    clock.now += 5
    watchdog.look(None)  # the mailbox that comes next has never heard of the worker
    assert [state for _ in range(24) for state in look(watchdog, clock, after_s=5)] == [STATE]


def test_one_look_is_not_enough_to_blame_a_worker_however_short_the_stated_time():
    watchdog, clock = make_watchdog(stall_s=0.3)
    look(watchdog, clock, STATE, after_s=1)
    assert [look(watchdog, clock, after_s=1) for _ in range(3)] == [[], [], [STATE]]


def test_looks_are_close_enough_for_the_shorter_of_both_limits():
    watchdog, clock = make_watchdog(stall_s=86_400, patience_s=60)
    clock.now += 3
    assert watchdog.is_due
    watchdog, clock = make_watchdog(stall_s=float("inf"), patience_s=float("inf"))
    clock.now += 61
    assert watchdog.is_due


def test_workers_that_die_as_they_start_are_no_movement():
    watchdog, clock = make_watchdog(patience_s=100)
    for pid in range(30):
        look(watchdog, clock, replace(STATE, pid=pid, shards={}), after_s=5)
    assert watchdog.is_over


def test_how_long_the_mailbox_has_not_answered_is_known_until_it_does():
    watchdog, clock = make_watchdog()
    for _ in range(3):
        clock.now += 5
        watchdog.look(None)
    assert watchdog.unheard_s == 15
    look(watchdog, clock, STATE, after_s=5)
    assert watchdog.unheard_s == 0


def test_a_driver_that_slept_blames_no_worker_for_what_it_missed():
    watchdog, clock = make_watchdog()
    look(watchdog, clock, STATE, after_s=5)
    assert look(watchdog, clock, after_s=5000) == []
    assert watchdog.waited_s <= 2 * 120 / LOOKS_PER_STALL


def test_a_worker_that_is_forgotten_is_named_no_more():
    watchdog, clock = make_watchdog()
    look(watchdog, clock, STATE, after_s=5)
    watchdog.forget(STATE)
    assert not any(look(watchdog, clock, after_s=5) for _ in range(30))
    assert watchdog.states == []


@pytest.mark.parametrize(
    "moved",
    [
        pytest.param(replace(ASKING, shards={3: {"done": 5}}), id="a row is written"),
        pytest.param(replace(ASKING, counted={"replies": 11}), id="a reply came, out of its turn"),
        pytest.param(replace(ASKING, shards={3: {"done": 4}, 9: {}}), id="a shard is taken up"),
        pytest.param(replace(ASKING, pid=8), id="a worker is there"),
    ],
)
def test_whatever_moves_starts_the_clock_again(moved: WorkerState):
    watchdog, clock = make_watchdog()
    for _ in range(30):
        look(watchdog, clock, ASKING, after_s=5)
    assert watchdog.waited_s > 120
    look(watchdog, clock, moved, after_s=5)
    assert watchdog.waited_s == 0


def test_retries_that_lead_to_nothing_are_no_movement():
    watchdog, clock = make_watchdog(patience_s=600)
    for number in range(130):
        look(watchdog, clock, replace(ASKING, counted={"replies": 10, "in_flight": number % 64}), after_s=5)
    assert watchdog.is_over


def test_a_stall_is_said_after_the_stated_time_and_then_after_twice_as_long():
    watchdog, clock = make_watchdog()
    said = []
    for _ in range(400):
        look(watchdog, clock, STATE, after_s=5)
        if watchdog.has_news():
            said.append(watchdog.waited_s)
    assert said == [120, 240, 480, 960, 1920]


@given(st.lists(st.tuples(st.floats(0.25, 100), st.booleans(), st.booleans()), max_size=60))
def test_no_stage_is_given_up_before_its_time_and_none_that_moved_since(looks: list[tuple[float, bool, bool]]):
    watchdog, clock = make_watchdog(patience_s=300)
    passed_s, done = 0.0, 5
    look(watchdog, clock, replace(STATE, shards={3: {"done": done}}), after_s=1)
    for after_s, tells, moves in looks:
        done += tells and moves
        passed_s = 0.0 if tells and moves else passed_s + after_s
        told = [replace(STATE, shards={3: {"done": done}})] if tells else []
        look(watchdog, clock, *told, after_s=after_s)
        assert watchdog.waited_s <= passed_s + 1e-6
        assert watchdog.is_over == (watchdog.waited_s > 300)
