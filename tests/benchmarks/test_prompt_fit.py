"""What the comparison of draws counts."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from benchmarks import prompt_fit
from tests.pdfs import write_distinct_text, write_image_pdf, write_pdf, write_table_pdf


def test_a_table_goes_to_prompts_about_tables_and_a_scan_to_those_that_see(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = [["Item", "Fee"], ["Cellar", "12"], ["Attic", "7"], ["Yard", "3"]]
    (tmp_path / "table.pdf").write_bytes(write_table_pdf(rows))
    (tmp_path / "mixed.pdf").write_bytes(write_pdf(write_distinct_text(1)))
    (tmp_path / "scan.pdf").write_bytes(write_image_pdf())
    monkeypatch.setattr(sys, "argv", ["prompt_fit", str(tmp_path), "--show"])
    prompt_fit.main()
    said = capsys.readouterr().out.splitlines()
    assert "table.pdf [1]: vision_tables, vision_layout" in said
    assert not any("vision_charts" in line for line in said if ".pdf" in line)
    assert any(line.startswith("2 documents, 2 windows, 2 pages") for line in said), "a document of a scan is refused"
    (charts,) = (line for line in said if line.startswith("| `vision_charts`"))
    assert charts.endswith("| 0 | 0 |")
