"""Who gets which task, and what becomes of tasks whose worker dies, with workers that are none."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from docmatix.core.errors import BuildError
from docmatix.driver.dispatch import Lost, dispatch
from docmatix.driver.tasks import Report, Task


class FakePool:
    """Workers with room for so many tasks; `judge` says what becomes of one. It ends the oldest first."""

    def __init__(self, room: int, judge: Callable[[Task], bool] = lambda task: True) -> None:
        self.room, self._judge = room, judge
        self.in_hand: deque[Task] = deque()
        self.taken: list[Task] = []

    def give(self, task: Task) -> bool:
        if len(self.in_hand) >= self.room:
            return False
        self.in_hand.append(task)
        self.taken.append(task)
        return True

    def poll(self, timeout_s: float) -> list[Report | Lost]:
        if not self.in_hand:
            return []
        task = self.in_hand.popleft()
        return [Report(task, "worker", 0, 0) if self._judge(task) else Lost(task)]


def run(tasks: list[Task], *pools: FakePool, attempts: int = 4) -> list[Task]:
    reports = dispatch("extract", tasks, lambda: pools, attempts=attempts)
    return [report.task for report in reports if report is not None]


def test_tasks_are_handed_out_in_their_order():
    pool = FakePool(room=2)
    tasks = [Task(shard) for shard in range(7)]
    assert run(tasks, pool) == tasks == pool.taken


def test_a_task_whose_worker_died_is_next_and_knows_how_often_it_was_tried():
    pool = FakePool(room=1, judge=lambda task: task.shard != 1 or task.attempt == 2)
    assert run([Task(0), Task(1), Task(2)], pool) == [Task(0), Task(1, attempt=2), Task(2)]
    assert pool.taken == [Task(0), Task(1), Task(1, attempt=1), Task(1, attempt=2), Task(2)]


def test_a_task_that_ends_its_worker_again_and_again_stops_the_stage():
    pool = FakePool(room=1, judge=lambda task: task.shard != 3)
    with pytest.raises(BuildError, match=r"^Shard 3 of extract ended its worker 4 times \(limits\.shard_attempts\)"):
        run([Task(2), Task(3)], pool)
    assert [task.attempt for task in pool.taken if task.shard == 3] == [0, 1, 2, 3]


def test_workers_that_come_later_take_what_is_left():
    early, late = FakePool(room=1), FakePool(room=4)
    present = [early]

    def pools() -> list[FakePool]:
        if len(early.taken) == 2:
            present[:] = [early, late]
        return present

    reports = dispatch("extract", [Task(shard) for shard in range(9)], pools, attempts=4)
    assert sorted(report.task.shard for report in reports if report is not None) == list(range(9))
    assert late.taken


@given(st.lists(st.integers(0, 3), max_size=30), st.lists(st.integers(1, 5), min_size=1, max_size=4), st.integers(1, 4))
def test_every_task_is_reported_once_whoever_dies(deaths: list[int], rooms: list[int], attempts: int):
    """`deaths` has how often each task ends its worker before it is done."""
    tasks = [Task(shard) for shard in range(len(deaths))]
    pools = [FakePool(room, judge=lambda task: task.attempt >= deaths[task.shard]) for room in rooms]
    if any(count >= attempts for count in deaths):
        with pytest.raises(BuildError, match=r"limits\.shard_attempts"):
            run(tasks, *pools, attempts=attempts)
    else:
        done = run(tasks, *pools, attempts=attempts)
        assert sorted(task.shard for task in done) == list(range(len(deaths)))
        assert all(task.attempt == deaths[task.shard] for task in done)
