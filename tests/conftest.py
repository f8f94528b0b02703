"""What all tests share: hypothesis without deadlines, an empty memory filesystem, one small build that is finished."""

from __future__ import annotations

import shutil
from pathlib import Path

import fsspec
import pytest
from hypothesis import settings

from docmatix.storage.run import Run

# The first example pays for imports, and a busy machine for everything.
settings.register_profile("without_deadline", deadline=None)
settings.load_profile("without_deadline")


@pytest.fixture
def memory_run() -> Run:
    """A run directory that is not on a disk, and empty."""
    memory = fsspec.filesystem("memory")
    memory.store.clear()
    memory.pseudo_dirs[:] = [""]
    return Run("memory://runs/one")


@pytest.fixture(scope="session")
def finished_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished run over six documents in three shards: for reading only."""
    from tests.jobs import build, make_job
    from tests.pdfs import write_distinct_pdf, write_distinct_text, write_pdf

    folder = tmp_path_factory.mktemp("finished")
    pdfs = {f"{i}.pdf": write_distinct_pdf(i) for i in range(3)}
    pdfs["copy.pdf"] = pdfs["1.pdf"]
    pdfs["long.pdf"] = write_pdf(*(write_distinct_text(i) if i != 12 else "" for i in range(10, 16)))
    pdfs["text.pdf"] = b"This is no PDF."
    job = make_job(folder, pdfs=pdfs, plan={"documents_per_shard": 2}, pack={"dpi": 36, "license": "cc0-1.0"})
    build(job)
    return folder / "run"


@pytest.fixture
def own_run(finished_run: Path, tmp_path: Path) -> Run:
    """A copy of the finished run, to do to it what a test likes."""
    shutil.copytree(finished_run, tmp_path / "run")
    return Run(tmp_path / "run")
