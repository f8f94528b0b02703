"""The estimate: a few documents really built, and scaled up."""

from __future__ import annotations

from pathlib import Path

import pytest

from docmatix.config import load_config
from docmatix.estimate import estimate_build
from tests.builds import write_config
from tests.pdfs import write_distinct_pdf
from tests.scripted_server import start_scripted_server

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]


def test_what_two_documents_cost_is_scaled_to_all_eight(tmp_path: Path) -> None:
    folder = tmp_path / "pdfs"
    folder.mkdir()
    for number in range(8):
        (folder / f"{number}.pdf").write_bytes(write_distinct_pdf(number))
    with start_scripted_server() as server:
        config = load_config(write_config(tmp_path, folder, server.base_url))
        estimate = estimate_build(config, config_dir=tmp_path, sample=2)
        assert server.request_count == 2
    assert (estimate.documents, estimate.sampled) == (8, 2)
    assert (estimate.kept_documents, estimate.pages, estimate.requests) == (8, 8, 8)
    assert estimate.prompt_tokens > 0
    assert estimate.extract_cpu_hours > 0
    assert "Measured on 2 of 8 documents" in estimate.describe()
