"""Every byte is proved, and read once."""

from __future__ import annotations

import shutil
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from docmatix.check.proof import count_parts, find_problems
from docmatix.core.errors import SetupError
from docmatix.stages.support.reading import read_job
from docmatix.storage.run import Run
from docmatix.storage.store import Store
from tests.check.runs import check

UNPROVED = ("telemetry/", "report.html", ".lock", "plan/keys.index", "dedup/keys/")
"""Files that may differ from run to run, or are made from the others."""


def list_kinds(run: Run) -> dict[str, list[str]]:
    """The files of a run by what they are: `extract/part-.parquet`, `dataset/plots`, ..."""
    kinds: dict[str, list[str]] = {}
    for path in sorted(Path(run.root).rglob("*")):
        name = str(path.relative_to(run.root))
        if path.is_file() and not name.startswith(UNPROVED):
            kind = name if name.count("/") < 2 and "part-" not in name else name.rsplit("/", 1)[0]
            kinds.setdefault(f"{kind.split('/part-')[0]}{path.suffix}" if "part-" in name else kind, []).append(name)
    return kinds


@pytest.fixture(scope="module")
def bare_run(finished_run: Path, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A copy whose files are changed and put back."""
    folder = tmp_path_factory.mktemp("flipped") / "run"
    shutil.copytree(finished_run, folder)
    return Run(folder)


KINDS = (
    "SHA256SUMS",
    "run.yaml",
    "fingerprints.json",
    "dataset/README.md",
    "dataset/stats.json",
    "dataset/data",
    "dataset/plots",
    "dataset/samples",
    *(
        f"{stage}{suffix}"
        for stage in ("plan", "extract", "dedup", "generate", "curate")
        for suffix in (".json", ".parquet")
    ),
    "pack.json",
    "generate/replies.parquet",
)


def test_every_kind_of_file_is_among_those_that_are_flipped(bare_run):
    assert set(list_kinds(bare_run)) == set(KINDS)


@pytest.mark.parametrize("kind", KINDS)
def test_a_flipped_bit_anywhere_is_found(bare_run, kind):
    names = list_kinds(bare_run)[kind]

    @settings(max_examples=4, database=None, derandomize=True)
    @given(st.sampled_from(names), st.floats(0, 1, exclude_max=True), st.integers(0, 7))
    def flip_somewhere(name: str, place: float, bit: int) -> None:
        path = Path(bare_run.path(name))
        before = path.read_bytes()
        content = bytearray(before)
        content[int(place * len(content))] ^= 1 << bit
        try:
            path.write_bytes(content)
            assert check(bare_run) != ""
        finally:
            path.write_bytes(before)

    flip_somewhere()


@pytest.mark.parametrize("kind", KINDS)
def test_a_missing_file_of_any_kind_is_found(bare_run, kind):
    path = Path(bare_run.path(list_kinds(bare_run)[kind][-1]))
    before = path.read_bytes()
    path.unlink()
    try:
        if kind == "run.yaml":
            with pytest.raises(SetupError, match="There is no run in"):
                check(bare_run)
        else:
            assert path.name in check(bare_run) or "lacks" in check(bare_run)
    finally:
        path.write_bytes(before)


class CountingStore(Store):
    """A store on a disk that counts how often each small file is read."""

    def __init__(self, root: str) -> None:
        super().__init__(root)
        self.reads: Counter[str] = Counter()

    def read(self, name: str, *, patient: bool = True) -> bytes:
        self.reads[self.path(name)] += 1
        return super().read(name, patient=patient)


def test_a_file_of_a_remote_run_is_sent_once(wide_run, memory_run, monkeypatch):
    for path in Path(wide_run.root).rglob("*"):
        if path.is_file():
            memory_run.write(str(path.relative_to(wide_run.root)), path.read_bytes())
    opened, opening = Counter[str](), memory_run.store.fs.open

    def count_and_open(path: str, *rest: Any, **options: Any) -> Any:
        opened[path] += 1
        return opening(path, *rest, **options)

    monkeypatch.setattr(memory_run.store.fs, "open", count_and_open)
    assert check(memory_run) == ""
    parts = {path: times for path, times in opened.items() if path.endswith(".parquet")}
    assert len(parts) > count_parts(memory_run) - 3
    assert set(parts.values()) == {1}


def count_reads_of_records(run: Run) -> dict[str, int]:
    counted = Run(run.root)
    counted.store = store = CountingStore(run.root)
    list(find_problems(counted))
    return {path: times for path, times in store.reads.items() if "/part-" in path}


def test_each_commit_record_is_read_once(own_wide_run):
    there = {
        own_wide_run.path(f"{stage}/part-{shard:05d}.json")
        for stage in read_job(own_wide_run).stages
        for shard in own_wide_run.shards(stage)
    }
    assert len(there) >= 8
    assert count_reads_of_records(own_wide_run) == dict.fromkeys(there, 1)


def test_records_are_read_once_too_where_the_dataset_cannot_be_compared_or_was_divided_otherwise(own_wide_run):
    own_wide_run.write("pack/part-00003.json", own_wide_run.read("pack/part-00002.json"))
    assert "pack/part-00003.json is of another division into files." in check(own_wide_run)
    assert set(count_reads_of_records(own_wide_run).values()) == {1}
    own_wide_run.remove("curate/part-00000.json")
    reads = count_reads_of_records(own_wide_run)
    assert sum("pack/" in path for path in reads) == 4
    assert set(reads.values()) == {1}
