"""A build without a model: all pairs are made from facts, on real Ray."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import docmatix
from docmatix.check.proof import find_problems
from docmatix.config.loading import parse_config
from docmatix.core.errors import SetupError
from docmatix.driver.progress import Progress
from docmatix.report.report import write_report
from docmatix.review.ablation import ablate
from docmatix.review.result import BuildResult
from docmatix.review.status import read_status
from docmatix.storage.run import Run
from tests.builds import running_ray

SAMPLES = Path(__file__).parents[1] / "samples"
CONTENT: dict[str, Any] = {
    "name": "facts",
    "source": {"kind": "files", "paths": [str(SAMPLES / "form.pdf"), str(SAMPLES / "invoice.pdf")]},
    "plan": {"documents_per_shard": 1},
    "generate": {"engine": {"kind": "none"}},
    "pack": {"dpi": 36},
}


@pytest.fixture(scope="module")
def said() -> list[str]:
    return []


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory, said: list[str]) -> Iterator[BuildResult]:
    stream = io.StringIO()
    with running_ray():
        done = docmatix.build(CONTENT, run=tmp_path_factory.mktemp("facts") / "run", progress=Progress(stream))
        said += stream.getvalue().splitlines()
        yield done


def test_it_is_complete_balanced_and_sound_and_nothing_was_asked(built: BuildResult, said: list[str]) -> None:
    run = Run(built.run)
    status = read_status(run)
    assert status["complete"]
    assert status["balanced"]
    (generated,) = (stage for stage in status["stages"] if stage["stage"] == "generate")
    ledger = {line["unit"]: line for line in generated["ledger"]}
    assert ledger["requests"]["in"] == 0
    assert ledger["pairs"]["out"] > 5
    assert not status["tokens"]
    assert not any("serving" in line for line in said)
    assert list(find_problems(run)) == []


def test_its_pairs_say_what_they_were_made_from(built: BuildResult) -> None:
    pairs = [note for row in built.open().rows(images=False) for note in row["annotations"]]
    assert pairs
    assert {(note["prompt"], note["model"], note["style"]) for note in pairs} == {("facts", "none", "extractive")}
    assert all(note["scores"]["grounding"] == 1.0 and note["evidence"] and note["kind"] != "free" for note in pairs)
    stats = json.loads(Run(built.run).read("dataset/stats.json"))
    assert sum(stats["pairs_by_kind"].values()) == len(pairs)
    assert {note["kind"] for note in pairs} == set(stats["by_kind"])


def test_its_card_and_report_speak_of_no_model(built: BuildResult) -> None:
    card = Run(built.run).read("dataset/README.md").decode()
    assert "without a language model" in card
    assert "A language model wrote" not in card
    assert "| `facts` | extractive | 100.0% |" in card
    report = Path(write_report(Run(built.run))).read_text()
    assert "From facts" in report


def test_prompts_cannot_be_compared_without_a_model(tmp_path: Path) -> None:
    with pytest.raises(SetupError, match="answers no prompt"):
        ablate(parse_config(CONTENT), ["extractive"], config_dir=tmp_path, run=tmp_path / "ablation")
