"""Kinds of another package: installed beside docmatix, they are found, built with, recorded and missed."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import zipfile
from dataclasses import dataclass
from pathlib import Path

import pyarrow.parquet as pq
import pytest
import yaml

FIXTURE = Path(__file__).parent / "fixtures" / "acme_docmatix"
SAMPLES = Path(__file__).parents[1] / "samples"


@dataclass(frozen=True)
class Place:
    """A folder with a configuration, documents, and the packages that are installed beside docmatix."""

    folder: Path
    packages: Path

    def call(self, *words: str, installed: bool = True) -> subprocess.CompletedProcess[str]:
        """Run `docmatix` with or without the package."""
        environment = os.environ | ({"PYTHONPATH": str(self.packages)} if installed else {})
        return subprocess.run(
            [sys.executable, "-m", "docmatix", *words],
            cwd=self.folder,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=240,
        )


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Place:
    folder = tmp_path_factory.mktemp("team")
    source = shutil.copytree(FIXTURE, folder / "acme")
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-index", "--no-deps"]
    subprocess.run([*pip, "--no-build-isolation", "--target", str(folder / "packages"), str(source)], check=True)
    with zipfile.ZipFile(folder / "papers.zip", "w") as archive:
        for path in (SAMPLES / f"{name}.pdf" for name in ("datasheet", "form", "invoice")):
            archive.write(path, path.name)
    configuration = {
        "name": "team",
        "source": {"kind": "zip", "paths": ["papers.zip"]},
        "generate": {"engine": {"kind": "canned"}, "prompts": ["broad_general"], "pairs_per_page": 0},
        "verify": {"kind": "always"},
        "curate": {"filters": [{"kind": "no_digits"}, {"kind": "round_trip"}]},
    }
    (folder / "team.yaml").write_text(yaml.safe_dump(configuration))
    return Place(folder, folder / "packages")


@pytest.fixture(scope="module")
def built(place: Place) -> Place:
    done = place.call("build", "team.yaml", "--run", "run")
    assert done.returncode == 0, done.stdout + done.stderr
    return place


@pytest.mark.slow
def test_a_build_uses_a_source_an_engine_a_check_and_a_filter_of_another_package(built: Place) -> None:
    status = json.loads(built.call("status", "run", "--json").stdout)
    assert status["complete"]
    ledgers = {stage["stage"]: {entry["unit"]: entry for entry in stage["ledger"]} for stage in status["stages"]}
    assert ledgers["extract"]["documents"]["in"] == 3
    assert ledgers["verify"]["requests"]["out"] > 0
    assert set(ledgers["curate"]["pairs"]["dropped"]) == {"has_digits"}
    rows = pq.read_table(next((built.folder / "run" / "dataset" / "data").glob("*.parquet"))).to_pylist()
    assert {text["user"] for row in rows for text in row["texts"]} == {"How does the document begin?"}
    assert {note["scores"]["round_trip"] for row in rows for note in row["annotations"]} == {1.0}
    assert all("/papers.zip!" in row["source_uri"] for row in rows)
    assert "ZIP files of PDFs" in (built.folder / "run" / "dataset" / "README.md").read_text()


@pytest.mark.slow
def test_a_second_build_does_nothing_again(built: Place) -> None:
    records = sorted((built.folder / "run").glob("*/part-*.json"))
    before = [record.stat().st_mtime_ns for record in records]
    assert built.call("build", "team.yaml", "--run", "run").returncode == 0
    assert [record.stat().st_mtime_ns for record in records] == before


def test_fingerprints_name_the_package_and_its_version(place: Place) -> None:
    code = (
        "from docmatix.config.loading import load_config; import json;"
        " settings = load_config('team.yaml').to_fingerprint();"
        " print(json.dumps([settings['source'], settings['generate']['engine'], *settings['verify'],"
        " *settings['curate']['filters']]))"
    )
    environment = os.environ | {"PYTHONPATH": str(place.packages)}
    told = subprocess.run(
        [sys.executable, "-c", code], cwd=place.folder, env=environment, capture_output=True, text=True, check=True
    )
    packages = [kind.get("package") for kind in json.loads(told.stdout)]
    assert packages == ["acme-docmatix 1.2"] * 4 + [None]


@pytest.mark.slow
def test_the_dataset_is_exported_by_a_format_of_the_package(built: Place) -> None:
    assert "questions" in built.call("export", "--help").stdout
    done = built.call("export", "run", "--format", "questions", "-o", "questions")
    assert done.returncode == 0, done.stderr
    assert set((built.folder / "questions" / "train.txt").read_text().splitlines()) == {"How does the document begin?"}


@pytest.mark.slow
def test_the_report_has_a_part_of_the_package_whose_text_is_escaped(built: Place) -> None:
    done = built.call("report", "run", "-o", "report.html")
    assert done.returncode == 0, done.stderr
    page = (built.folder / "report.html").read_text()
    assert "The longest answer" in page
    assert re.search(r"&lt;\w[^<>]*&gt;", page.partition("The longest answer</h2>")[2])


@pytest.mark.slow
@pytest.mark.parametrize("words", [["build", "team.yaml", "--run", "run"], ["status", "run"]])
def test_a_missing_package_is_one_sentence_that_names_the_kind(built: Place, words: list[str]) -> None:
    told = built.call(*words, installed=False)
    assert told.returncode == 2
    assert "which docmatix does not know" in told.stderr
    assert "docmatix.kinds" in told.stderr
    assert "Traceback" not in told.stderr
