"""Who counts as at work: plain values. Real workers are in `test_local_workers.py` and `tests/test_kills.py`."""

from __future__ import annotations

from docmatix.driver.heartbeat import WorkerState
from docmatix.driver.watchdog import Watchdog
from docmatix.driver.workforce import count_idle


def make_state(pid: int, stage: str, *shards: int) -> WorkerState:
    return WorkerState(stage, "host", "", pid, 1, {shard: {} for shard in shards}, {"child_seconds": 2.0})


def test_a_worker_that_never_gets_a_shard_of_the_stage_is_not_taken_for_silent():
    now = 0.0
    watchdog = Watchdog(stall_s=8, patience_s=60, clock=lambda: now)
    idle, ending, busy = make_state(1, "extract"), make_state(2, "extract", 7), make_state(3, "pack", 0)
    told = {state.key: state for state in (idle, ending, busy)}
    for _ in range(100):
        now += 1
        counted = count_idle(told, "pack")
        assert set(counted) == {idle.key}
        assert (counted[idle.key].stage, counted[idle.key].counted) == ("pack", {})
        assert watchdog.look(counted | {busy.key: busy}) == []
    fallen = []
    for _ in range(13):  # unheard, it would be
        now += 1
        fallen += watchdog.look({busy.key: busy})
    assert [state.pid for state in fallen] == [1]
