"""A run that an earlier version finished: this one opens it, finds it sound, and continues it.

`tests/fixtures/make_run.py` made it. It is not made again: its files are those of its version, without what came later.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import fsspec
import pytest

import docmatix
from docmatix.cli import main
from docmatix.pipeline import STAGES
from docmatix.publishing.shipment import Target, collect
from docmatix.review.status import read_status
from docmatix.storage.run import Run
from tests.fixtures.make_run import FIXTURE, finish_run, put_documents, take_config
from tests.scripted_server import ScriptedServer, start_scripted_server


@pytest.fixture
def earlier(tmp_path: Path) -> Iterator[Path]:
    """A copy of the folder with configuration, prompts, documents and run."""
    shutil.copytree(FIXTURE, tmp_path / "earlier")
    put_documents()
    yield tmp_path / "earlier"
    fsspec.filesystem("memory").rm("/run_of_0_1_0", recursive=True)


@pytest.fixture
def server() -> Iterator[ScriptedServer]:
    with start_scripted_server() as server:
        yield server


def is_kept_aside(path: Path) -> bool:
    """Whether a file only spares its readers what the others say: an index, or the keys of documents."""
    return path.suffix == ".index" or path.parent.name == "keys"


def hash_stages(run: Path) -> dict[str, str]:
    """What the stages left: their parts, replies and commit records, and the files of the dataset; not what only saves
    reading."""
    folders = [*(run / stage for stage in STAGES), run / "dataset" / "data"]
    files = sorted(
        path for folder in folders for path in folder.rglob("*") if path.is_file() and not is_kept_aside(path)
    )
    return {str(path.relative_to(run)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def test_status_says_that_it_is_complete(earlier: Path, capsys: pytest.CaptureFixture[str]) -> None:
    status = read_status(Run(earlier / "run"))
    assert status["complete"]
    assert status["balanced"]
    assert [stage["stage"] for stage in status["stages"]] == list(STAGES)
    assert main(["status", str(earlier / "run")]) == 0
    assert capsys.readouterr().out.startswith("run_of_0_1_0: complete")


def test_check_finds_it_sound(earlier: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", str(earlier / "run")]) == 0, capsys.readouterr().out


def test_inspect_shows_its_samples_and_what_was_dropped(earlier: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["inspect", str(earlier / "run"), "-n", "2"]) == 0
    assert "docs/0.pdf, page 1" in capsys.readouterr().out
    assert main(["inspect", str(earlier / "run"), "--dropped", "duplicate"]) == 0
    assert "docs/copy.pdf" in capsys.readouterr().out


def test_it_opens_with_its_rows_its_pairs_and_what_was_dropped(earlier: Path) -> None:
    collection = docmatix.open(earlier / "run")
    rows = list(collection.rows(images=False))
    assert [row["source_uri"].rsplit("/", 1)[1] for row in rows] == ["0.pdf", "1.pdf"]
    assert all(row["texts"] for row in rows)


def test_what_reads_otherwise_now_is_done_again_and_nothing_is_asked_twice(
    earlier: Path, server: ScriptedServer
) -> None:
    before = hash_stages(earlier / "run")
    finish_run(earlier, server.base_url)
    after = hash_stages(earlier / "run")
    assert server.request_count == 0, "replies that are stored were asked for again"
    plan = {name: content for name, content in before.items() if name.startswith("plan/")}
    assert plan == {name: content for name, content in after.items() if name.startswith("plan/")}
    stored = {name for name in before if "/replies/" in name}
    assert stored <= set(after)
    assert {name for name in before if name.startswith("extract/")} & {
        name for name in after if after[name] != before.get(name)
    }, "the pages were not read again"
    assert main(["check", str(earlier / "run")]) == 0
    assert read_status(Run(earlier / "run"))["complete"]


def test_once_continued_a_build_finds_every_shard_current(earlier: Path, server: ScriptedServer) -> None:
    finish_run(earlier, server.base_url)
    before = hash_stages(earlier / "run")
    built = docmatix.build(take_config(earlier, server.base_url), run=earlier / "run", config_dir=earlier)
    assert hash_stages(earlier / "run") == before
    assert not any("work_seconds" in figures for figures in built.figures.values()), "a shard was done again"


def test_it_can_be_published_as_it_is(earlier: Path) -> None:
    shipment, problems = collect(Run(earlier / "run"), Target(), dropped_in=earlier)
    assert problems == []
    assert "pair_id" in str(shipment.parts[0].features)
    assert "kind" not in str(shipment.parts[0].features), "a field that its rows do not have"


def test_its_plan_is_that_of_today(earlier: Path, server: ScriptedServer) -> None:
    held = json.loads((earlier / "run" / "fingerprints.json").read_text())
    docmatix.build(take_config(earlier, server.base_url), run=earlier / "run", config_dir=earlier, stages=["plan"])
    assert json.loads((earlier / "run" / "fingerprints.json").read_text())["plan"] == held["plan"]
