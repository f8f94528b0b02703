"""The figures of a stage as it goes: what workers have counted, and how far the shards in hand are."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from docmatix.core.ledger import Ledger
from docmatix.driver.heartbeat import WorkerState
from docmatix.pipeline import GENERATE, PIPELINE


class Tally:
    """The counters of several workers together: they only grow, so the largest of each counts. A worker that takes the
    place of a dead one counts from zero, as another one."""

    def __init__(self) -> None:
        self._workers: dict[str, dict[str, float]] = {}

    def take(self, worker: str, figures: Mapping[str, float]) -> None:
        """What a worker has counted by now."""
        known = self._workers.setdefault(worker, {})
        known.update({name: max(known.get(name, 0), value) for name, value in figures.items()})

    @property
    def workers(self) -> set[str]:
        """Those that have counted something."""
        return set(self._workers)

    @property
    def total(self) -> dict[str, float]:
        """Added up over workers."""
        return _add_up(self._workers.values())


class ShardsInHand:
    """How far the shards in hand are, as their workers tell: each counts until its commit is known to the driver, since
    between its worker's last beat and the commit it would count for nothing, and afterwards twice."""

    def __init__(self) -> None:
        self._shards: dict[int, dict[str, float]] = {}
        self._finished: set[int] = set()

    def hear(self, states: Iterable[WorkerState]) -> None:
        """Take in what workers tell now."""
        for state in states:
            self._shards |= {shard: told for shard, told in state.shards.items() if shard not in self._finished}

    def finish(self, shard: int) -> None:
        """A shard is committed: its counts are in the ledger now."""
        self._finished.add(shard)
        self._shards.pop(shard, None)

    @property
    def total(self) -> dict[str, float]:
        """The sum over shards; empty if no worker has reported one."""
        return _add_up(self._shards.values())


def count_working(in_hand: ShardsInHand, states: Iterable[WorkerState]) -> dict[str, float]:
    """The figures of the shards in hand, with what their workers have counted."""
    return _add_up(state.counted for state in states if state.shards) | in_hand.total


def _add_up(each: Iterable[Mapping[str, float]]) -> dict[str, float]:
    total = dict[str, float]()
    for figures in each:
        for name, count in figures.items():
            total[name] = total.get(name, 0) + count
    return total


def count_progress(
    stage: str, ledger: Ledger, *, at_work: Mapping[str, float], counted: Mapping[str, float]
) -> dict[str, float]:
    """The figures of a stage so far: those of its committed shards, from their `ledger`, and of the shards in hand; and
    what the workers of both have `counted`, which only grows, except `in_flight`, which is that of now."""

    def read(unit: str, side: str) -> int:
        return int(getattr(ledger.accounts[unit], side)) if unit in ledger.accounts else 0

    row = PIPELINE[stage]
    committed = {"done": read(row.done_in, "entered")} if row.done_in is not None else {}
    if row.shows_pairs_as is not None:
        committed[row.shows_pairs_as] = read("pairs", "kept")
    if stage == GENERATE:  # a window that nothing is asked about is a row too
        committed["done"] += ledger.accounts["windows"].dropped.total() if "windows" in ledger.accounts else 0
    own = {name: count + at_work.get(name, 0) for name, count in committed.items()}
    return {**counted, "in_flight": at_work.get("in_flight", 0), **own}
