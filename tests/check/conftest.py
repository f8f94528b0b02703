"""A run of three files."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from docmatix.storage.run import Run
from tests.publishing.runs import build_wide_run


@pytest.fixture(scope="session")
def wide_run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """Three documents, each in a file of its own: for reading only."""
    return build_wide_run(tmp_path_factory.mktemp("wide"), documents=3, side_px=100)


@pytest.fixture
def own_wide_run(wide_run: Run, tmp_path: Path) -> Run:
    shutil.copytree(wide_run.root, tmp_path / "run")
    return Run(tmp_path / "run")
