"""Children of several calls at once."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import pytest

from docmatix.stages.support.child_pool import ChildPool
from docmatix.stages.support.cpu_slots import CpuSlots


class FakeChild:
    def run(self, *_: Any, **__: Any) -> None:
        """Nothing is run."""


def test_calls_run_at_once_each_with_a_child_of_its_own(tmp_path: Path) -> None:
    gate = threading.Barrier(3)
    with ChildPool(FakeChild, slots=CpuSlots(3, folder=tmp_path), spare=3) as pool:

        def use(child: Any) -> Any:
            gate.wait(60)
            return child

        children = [future.result() for future in [pool.submit(use) for _ in range(3)]]
    assert len(set(map(id, children))) == 3


def test_a_child_is_kept_for_the_next_call_and_replaced_after_an_error(tmp_path: Path) -> None:
    with ChildPool(FakeChild, slots=CpuSlots(1, folder=tmp_path), spare=1) as pool:
        first, second = (pool.submit(lambda child: child).result() for _ in range(2))
        assert first is second

        def fail(child: Any) -> None:
            raise OSError("no more")

        with pytest.raises(OSError, match="no more"):
            pool.submit(fail).result()
        assert pool.submit(lambda child: child).result() is not first
