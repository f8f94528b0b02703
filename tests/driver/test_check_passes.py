"""Checks on two servers, with a real Ray: what each pass has asked is counted once."""

from __future__ import annotations

from pathlib import Path

import pytest

import docmatix
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
