"""What workers report about themselves, and how the driver receives it."""

from __future__ import annotations

import os
import queue
import threading
from collections.abc import Callable
from dataclasses import replace

import pytest

from docmatix.driver.heartbeat import MOST_LATE_ANSWERS, Heartbeat, Heartbeats, Mailbox, WorkerState, choose_interval
from tests.driver.test_watchdog import STATE


class Told:
    """Collects what is told, and fails as often as it should."""

    def __init__(self, *, failures: int = 0) -> None:
        self.states = queue.Queue[WorkerState]()
        self.failures = failures

    def __call__(self, state: WorkerState) -> None:
        if self.failures:
            self.failures -= 1
            raise ConnectionError("the mailbox has died")
        self.states.put(state)

    def find(self, wanted: Callable[[WorkerState], bool]) -> WorkerState:
        while True:
            if wanted(state := self.states.get(timeout=60)):
                return state


def test_a_worker_tells_what_it_has_in_hand_and_how_far_each_shard_is() -> None:
    told = Told()
    heartbeat = Heartbeat("extract", told, node="n1", count=lambda: {"replies": 3, "failures": 1, "in_flight": 2})
    progress = heartbeat.begin(5)
    for done in range(1, 8):
        progress.update(done=done)
    state = told.find(lambda state: state.shards == {5: {"done": 7}})
    assert (state.stage, state.node, state.pid, state.replies, state.in_flight) == ("extract", "n1", os.getpid(), 4, 2)
    assert state.key == told.states.get(timeout=60).key
    heartbeat.finish(5)
    told.find(lambda state: state.shards == {})
    heartbeat.close()


def test_a_worker_is_known_before_it_takes_up_its_first_shard() -> None:
    told = Told()
    heartbeat = Heartbeat("extract", told)
    assert told.states.get_nowait().shards == {}
    heartbeat.close()


def test_a_mailbox_that_hangs_is_started_again_and_one_that_has_died_is_left_to_ray() -> None:
    for error, restarts in ((TimeoutError("no answer"), 1), (ConnectionError("it has died"), 0)):
        errors = queue.SimpleQueue[Exception]()
        for _ in range(MOST_LATE_ANSWERS):
            errors.put(error)
        answered = threading.Event()
        restarted: list[None] = []

        def fetch(
            errors: queue.SimpleQueue[Exception] = errors, answered: threading.Event = answered
        ) -> list[WorkerState]:
            if not errors.empty():
                raise errors.get()
            answered.set()
            return [STATE]

        heartbeats = Heartbeats(fetch, every_s=0.01, restart=lambda restarted=restarted: restarted.append(None))  # type: ignore[misc]
        assert answered.wait(60)
        heartbeats.close()
        assert len(restarted) == restarts


def test_a_worker_goes_on_telling_after_the_mailbox_was_away() -> None:
    told = Told(failures=3)
    heartbeat = Heartbeat("extract", told, every_s=0.25)
    told.find(lambda state: state.stage == "extract")
    heartbeat.close()


def test_the_mailbox_gives_the_last_state_of_each_worker_once() -> None:
    mailbox = Mailbox()
    later, other = replace(STATE, shards={}), replace(STATE, pid=8)
    for state in (STATE, other, later):
        mailbox.put(state)
    assert mailbox.take() == [later, other]
    assert mailbox.take() == []


class Box:
    """A mailbox that answers as a test says: with states, with an error, or never."""

    def __init__(self, *answers: list[WorkerState] | Exception) -> None:
        self.answers = list(answers)
        self.all_asked = threading.Event()

    def __call__(self) -> list[WorkerState]:
        if not self.answers:
            self.all_asked.set()
            raise TimeoutError
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer


def test_the_driver_hears_all_that_was_told_since_it_looked_and_nothing_while_the_mailbox_is_away() -> None:
    other, later = replace(STATE, pid=8), replace(STATE, shards={})
    box = Box([STATE], ConnectionError(), [other], [later])
    heartbeats = Heartbeats(box, every_s=0.001)
    assert box.all_asked.wait(60)
    assert heartbeats.take() == {STATE.key: later, other.key: other}
    assert heartbeats.take() is None
    heartbeats.close()


def test_a_mailbox_without_news_has_answered_all_the_same() -> None:
    box = Box([])
    heartbeats = Heartbeats(box, every_s=0.001)
    assert box.all_asked.wait(60)
    assert heartbeats.take() == {}
    heartbeats.close()


@pytest.mark.parametrize(("stall_s", "every_s"), [(0.5, 0.25), (12, 0.5), (120, 1), (3600, 1)])
def test_workers_tell_their_state_about_once_a_second_and_oftener_where_little_patience_is_left(
    stall_s: float, every_s: float
) -> None:
    assert choose_interval(stall_s) == every_s
