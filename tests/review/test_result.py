"""What a build returns says what there is and what to do next, and opens it."""

from __future__ import annotations

import shutil
from pathlib import Path

from docmatix.review.result import BuildResult
from docmatix.storage.run import Run
from tests.jobs import build, make_job


def test_a_finished_build_tells_its_pairs_rows_and_place_and_what_was_dropped(finished_run: Path) -> None:
    built = BuildResult(str(finished_run), {})
    lines = repr(built).splitlines()
    pairs = sum(len(sample.pairs) for sample in built.open())
    assert lines[0] == f"{pairs} pairs in {len(built.open())} rows: {finished_run}/dataset"
    assert "  extract   documents: 1 not_pdf" in lines
    assert "  dedup     documents: 1 duplicate" in lines
    assert lines[-1].startswith("Next: .open() shows samples")
    assert f"docmatix push {finished_run} OWNER/NAME" in lines[-1]


def test_a_notebook_is_shown_the_same_as_html(finished_run: Path) -> None:
    html = BuildResult(str(finished_run), {})._repr_html_()
    assert f"rows: {finished_run}/dataset" in html
    assert "<td>not_pdf</td>" in html
    assert "Next: .open()" in html


def test_an_unfinished_build_tells_its_shards_and_how_to_continue(own_run: Run) -> None:
    shutil.rmtree(Path(own_run.root) / "curate")
    shutil.rmtree(Path(own_run.root) / "dataset")
    said = repr(BuildResult(own_run.root, {}))
    assert said.startswith(f"Not complete yet: {own_run.root}\nShards done: plan 3/3, extract 3/3, ")
    assert "curate 0/3" in said
    assert "call build again with the same arguments" in said
    assert "To continue" in BuildResult(own_run.root, {})._repr_html_()


def test_a_build_that_kept_no_pair_says_where_to_look(tmp_path: Path) -> None:
    build(make_job(tmp_path, pdfs={"text.pdf": b"This is no PDF."}))
    said = repr(BuildResult(str(tmp_path / "run"), {}))
    assert said.startswith("0 pairs in 0 rows")
    assert ".open().dropped()" in said


def test_a_run_that_was_moved_is_no_error_in_a_display(tmp_path: Path) -> None:
    built = BuildResult(str(tmp_path / "moved"), {"plan": {"seconds": 1.0}})
    assert "cannot be read at the moment" in repr(built)
    assert "There is no run in" in built._repr_html_()


def test_a_name_steers_neither_terminal_nor_notebook(tmp_path: Path) -> None:
    said = repr(BuildResult(f"{tmp_path}/\x1b[2J<b>", {}))
    assert "\x1b" not in said
    html = BuildResult(f"{tmp_path}/<b>", {})._repr_html_()
    assert "<b>" not in html
