"""What the tests of evaluations share: a finished run over the sample documents."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.jobs import build, make_job

SAMPLES = Path(__file__).parents[2] / "samples"
NAMES = ("invoice", "letter", "price_list", "form", "report", "datasheet")


@pytest.fixture(scope="session")
def sample_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished run over samples, whose pairs are made from facts: for reading only."""
    folder = tmp_path_factory.mktemp("samples")
    pdfs = {f"{name}.pdf": (SAMPLES / f"{name}.pdf").read_bytes() for name in NAMES}
    generate = {"engine": {"kind": "none"}, "prompts": [], "pairs_per_page": 6}
    job = make_job(folder, pdfs=pdfs, generate=generate, plan={"documents_per_shard": 2}, pack={"dpi": 50})
    build(job)
    return folder / "run"
