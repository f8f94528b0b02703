"""The signs of life of a driver; those of workers are in test_watchdog.py and test_silent_workers.py."""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar

import fsspec
import pytest
from fsspec.implementations.memory import MemoryFileSystem

from docmatix.core.errors import SetupError, SourceGone, StorageFailed
from docmatix.driver.build import build
from docmatix.driver.signs import DriverSign, driver_alive, read_driver_sign
from docmatix.sources.locators import Locator
from docmatix.storage.run import RunDirectory
from tests.jobs import make_config


class CountingRun(RunDirectory):
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
    with driver_alive(run, "now", every_s=0.01):
        assert run.took_two.wait(60)
        sign = read_driver_sign(run)
    assert sign is not None
    assert sign.process == os.getpid()
    assert not gives_signs()


@pytest.mark.parametrize("place", ["disk", "store"])
def test_of_several_drivers_the_one_that_gave_the_last_sign_is_told(
    place: str, tmp_path: Path, memory_run: RunDirectory
) -> None:
    run = RunDirectory(tmp_path / "run") if place == "disk" else memory_run
    assert read_driver_sign(run) is None
    signs: dict[str, Any] = {"a": {"host": "h", "process": 1, "at": 5.0}, "b": {"host": "h", "process": 2, "at": 9.0}}
    for driver_id, sign in (signs | {"c": {"at": 99.0}, "d": 3}).items():
        run.write(f"telemetry/live/{driver_id}/driver.json", json.dumps(sign).encode())
    sign = read_driver_sign(run)
    assert sign is not None
    assert sign.process == 2


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
    return any(thread.name == "driver-heart" for thread in threading.enumerate())


@pytest.mark.parametrize("place", ["disk", "store"])
def test_a_driver_that_plans_nothing_leaves_no_sign_no_record_and_no_folder_behind(
    place: str, tmp_path: Path, memory_run: RunDirectory
) -> None:
    WatchedFiles.alive_at = []
    run = RunDirectory(tmp_path / "run" if place == "disk" else "watched://runs/one")
    with pytest.raises(SetupError, match="lists no document"):
        build(make_config(), run=run.url, stages=["plan"], listing=[])
    assert not run.store.fs.exists(run.root)
    # a sign given after it would put a folder back
    assert WatchedFiles.alive_at == ([False] if place == "store" else [])


def test_a_driver_gives_signs_while_it_plans_and_leaves_none_when_it_ends(tmp_path: Path) -> None:
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "a.pdf").write_bytes(b"%PDF-")
    run, seen = RunDirectory(tmp_path / "run"), list[DriverSign]()

    def plan(listing: Iterator[Locator] | None = None) -> None:
        build(make_config(), run=run.root, stages=["plan"], listing=listing, config_dir=tmp_path)

    def list_nothing() -> Iterator[Locator]:
        while not seen:
            seen.extend(filter(None, [read_driver_sign(run)]))
        raise SourceGone("it is gone")
        yield

    plan()
    assert read_driver_sign(run) is None
    with pytest.raises(SourceGone):
        plan(list_nothing())
    assert seen[0].process == os.getpid()
    assert read_driver_sign(run) is None
    assert run.shards("plan") == [0]
