"""A run and a store on a disk and in an object store."""

from __future__ import annotations

from pathlib import Path

import pytest

from docmatix.storage.run import RunDirectory
from docmatix.storage.store import Store


@pytest.fixture(params=["local", "memory"])
def run(request: pytest.FixtureRequest, tmp_path: Path) -> RunDirectory:
    """A run directory on a disk, and one in an object store."""
    if request.param == "local":
        return RunDirectory(tmp_path / "run")
    directory: RunDirectory = request.getfixturevalue("memory_run")
    return directory


@pytest.fixture
def store(run: RunDirectory) -> Store:
    return run.store
