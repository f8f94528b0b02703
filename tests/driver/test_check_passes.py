"""Checks on two servers, with a real Ray: what each pass has asked is counted once, and a server that has nothing to do
need not be there."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import docmatix
from docmatix.storage.run import Run
from tests.builds import running_ray
from tests.pdfs import write_distinct_pdf
from tests.scripted_server import start_scripted_server

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]


def test_the_last_beats_of_a_pass_are_not_counted_again_in_the_next(tmp_path: Path) -> None:
    for number in range(4):
        (tmp_path / f"{number}.pdf").write_bytes(write_distinct_pdf(number))
    with start_scripted_server() as server, start_scripted_server(model="other") as second, running_ray():
        engine = {"kind": "openai", "model": "scripted", "base_url": server.base_url}
        other = {**engine, "model": "other", "base_url": second.base_url}
        config = {
            "name": "passes",
            "source": {"kind": "files", "paths": [str(tmp_path / "*.pdf")]},
            "generate": {"engine": engine, "prompts": ["broad_whole"], "pairs_per_page": 0},
            "verify": [{"kind": "answer_again"}, {"kind": "answer_blind", "engine": other}],
            "pack": {"dpi": 36},
        }
        built = docmatix.build(config, run=tmp_path / "run")
        asked = server.request_count - built.figures["generate"]["requests"]
        assert asked > 0
        assert second.request_count > 0
        assert built.figures["verify"]["requests"] == asked + second.request_count


def test_a_judge_that_is_added_to_a_finished_run_needs_no_server_of_the_writer(
    tmp_path: Path,
) -> None:
    (tmp_path / "a.pdf").write_bytes(write_distinct_pdf(1))

    def configure(engine: dict[str, Any], *checks: dict[str, Any]) -> dict[str, Any]:
        return {
            "name": "added",
            "source": {"kind": "files", "paths": [str(tmp_path / "*.pdf")]},
            "generate": {"engine": engine, "prompts": ["broad_whole"], "pairs_per_page": 0},
            "verify": [{"kind": "answer_again"}, *checks],
            "pack": {"dpi": 36},
        }

    with running_ray(), start_scripted_server(model="other") as second:
        with start_scripted_server() as server:
            engine = {"kind": "openai", "model": "scripted", "base_url": server.base_url}
            docmatix.build(configure(engine), run=tmp_path / "run")
        judge = {"kind": "judge", "engine": {"kind": "openai", "model": "other", "base_url": second.base_url}}
        built = docmatix.build(configure(engine, judge), run=tmp_path / "run")
        pairs = Run(tmp_path / "run").ledger("generate").accounts["pairs"].kept
        assert built.figures["verify"]["requests"] == second.request_count == pairs > 0
    scores = [row["scores"] for row in Run(tmp_path / "run").iterate_rows("curate", 0)]
    assert all(each["agreement"] is not None and each["judged"] is not None for each in scores)
