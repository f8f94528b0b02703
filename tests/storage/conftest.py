"""A run and a store on a disk and in an object store."""

from __future__ import annotations

from pathlib import Path

import pytest

from docmatix.storage.run import Run
from docmatix.storage.store import Store


@pytest.fixture(params=["local", "memory"])
def run(request: pytest.FixtureRequest, tmp_path: Path) -> Run:
    """A run directory on a disk, and one in an object store."""
    if request.param == "local":
        return Run(tmp_path / "run")
    directory: Run = request.getfixturevalue("memory_run")
    return directory


@pytest.fixture
def store(run: Run) -> Store:
    return run.store
