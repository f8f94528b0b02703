"""A fabricated run is one that a build finds finished, and reads each record of once."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

import pytest

from benchmarks.fabricated_runs import fabricate
from docmatix.config import Config
from docmatix.config.loading import load_config
from docmatix.driver.build import build
from docmatix.pipeline import STAGES
from docmatix.review.status import read_status
from docmatix.storage.run import Run
from docmatix.storage.store import Store

SHARDS = 120  # enough for an index


@pytest.fixture(scope="module")
def config(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return fabricate(tmp_path_factory.mktemp("fabricated") / "runs", SHARDS)


@pytest.fixture
def reads(monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """How often each commit record has been read."""
    counted: Counter[str] = Counter()
    read = Store.read

    def count(store: Store, name: str, *, patient: bool = True) -> bytes:
        counted[name] += re.fullmatch(r"\w+/part-\d+\.json", name) is not None
        return read(store, name, patient=patient)

    monkeypatch.setattr(Store, "read", count)
    return counted


def build_again(config: Path) -> tuple[Config, Run]:
    loaded, run = load_config(config), config.parent / "run"
    build(loaded, run=run, config_dir=config.parent)
    return loaded, Run(run)


def test_a_build_with_nothing_to_do_reads_each_record_once_and_a_later_one_none(config, reads):
    _, run = build_again(config)
    assert set(reads.values()) <= {0, 1}
    stages = Counter(name.partition("/")[0] for name in reads.elements())
    assert {stage: stages[stage] for stage in STAGES[:-1]} == dict.fromkeys(STAGES[:-1], SHARDS)
    reads.clear()
    build_again(config)
    status = read_status(run)
    assert status["complete"]
    assert [stage["outdated"] for stage in status["stages"]] == [0] * len(STAGES)
    # of pack there are too few for an index: a driver and a reader read them
    assert {name.partition("/")[0] for name in reads.elements()} == {"pack"}
    assert max(reads.values()) == 2


def test_status_says_the_same_whether_it_is_told_by_an_index_or_by_the_records(config):
    _, run = build_again(config)
    told = read_status(run) | {"driver": None}  # how long ago it was there
    for stage in STAGES:
        run.remove(f"{stage}/records.index")
    assert read_status(run) | {"driver": None} == told
