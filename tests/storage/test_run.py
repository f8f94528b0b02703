"""The run directory: its shards in order, whose it is, and what is swept from it."""

from __future__ import annotations

import os

import pytest

from docmatix.core.errors import BuildError, SetupError, StorageFailed
from docmatix.storage.records import Record
from docmatix.storage.run import Run
from tests.storage.shards import ASIDE, commit, list_files, read_names


def test_a_stage_that_is_not_there_has_no_shards(run):
    assert run.shards("extract") == []
    assert run.read_record("extract", 0) is None
    assert run.ledger("extract").accounts == {}


@pytest.mark.parametrize("below", ["", "run"])
def test_a_file_in_place_of_the_run_is_said_in_a_sentence(tmp_path, below):
    (tmp_path / "file").write_bytes(b"")
    run = Run(tmp_path / "file" / below)
    with pytest.raises(StorageFailed, match="cannot be written"):
        run.write("a.txt", b"")
    with pytest.raises(SetupError, match="cannot be created"), run.locked():
        pass


def test_shards_come_in_the_order_of_their_numbers_and_their_ledgers_add_up(run):
    for shard in (100_000, 2, 99_999):
        commit(run, "extract", shard, "a", "b")
    run.write("extract/notes.json", b"{}")
    assert run.shards("extract") == [2, 99_999, 100_000]
    assert [shard for shard, _ in run.records("extract")] == [2, 99_999, 100_000]
    assert run.ledger("extract").accounts["documents"].kept == 6


def test_columns_can_be_chosen(run):
    commit(run, "extract", 0, "a")
    assert list(run.iterate_rows("extract", 0, columns=["name"])) == [{"name": "a"}]


def test_a_shard_whose_file_is_gone_is_said_in_a_sentence(run):
    record = commit(run, "extract", 0, "a")
    run.remove(f"extract/{record.file}")
    with pytest.raises(BuildError, match=f"extract/{record.file} is missing .* remove the record"):
        read_names(run, "extract", 0)


def test_a_run_is_ours_where_the_file_system_gives_what_we_make_to_another_user(tmp_path):
    run = Run(tmp_path / "run")
    assert run.find_owner() is None  # it is not there yet
    run.write("extract/a", b"")
    assert run.find_owner() is None
    if os.geteuid() != 0:
        pytest.skip("only root can give a folder to another user")
    os.chown(run.root, 65534, 65534)
    assert "65534" in str(run.find_owner())
    # as on NFS that maps root to `nobody`
    assert run.find_owner(find_maker=lambda folder: 65534) is None
    os.chown(run.path("extract"), 65533, 65533)
    assert "65533" in str(run.find_owner(find_maker=lambda folder: 65534))
    assert sorted(run.names("")) == ["extract"]


def test_sweeping_removes_leftovers_and_nothing_that_is_committed(run):
    old = commit(run, "extract", 0, "old")
    run.write("generate/replies/part-00000/aa.parquet", b"named")
    commit(run, "extract", 0, "new")
    commit(run, "generate", 0, "a", extra={"replies": ["part-00000/aa.parquet"]})
    kept = set(list_files(run.store)) - {f"extract/{old.file}"}
    strays = [
        ASIDE,
        f"dataset/{ASIDE}",
        "dataset/data/train-00000-of-00001.parquet",
        f"extract/{ASIDE}",
        "extract/part-00001-aaaaaaaa.parquet",
        f"generate/replies/part-00000/{ASIDE}",
    ]
    run.write("generate/replies/part-00000/bb.parquet", b"paid for, though no record names it")
    kept.add("generate/replies/part-00000/bb.parquet")
    for stray in strays:
        run.write(stray, b"x")
    assert sorted(run.sweep()) == sorted([*strays, f"extract/{old.file}"])
    assert set(list_files(run.store)) == kept
    assert read_names(run, "extract", 0) == ["new"]
    assert run.sweep() == []


def test_sweeping_leaves_alone_what_is_not_docmatix_s(run):
    theirs = ["notes.txt", "mine/part-00000-aaaaaaaa.parquet", "dataset/LICENSE", "dataset/images/a.png", ".hidden"]
    for name in [*theirs, "run.yaml", "dataset/README.md", "telemetry/x.json"]:
        run.write(name, b"x")
    before = list_files(run.store)
    assert run.sweep() == []
    assert list_files(run.store) == before


def test_sweeping_keeps_the_files_of_the_dataset_that_are_committed(run):
    name = "dataset/data/train-00000-of-00001.parquet"
    run.write(name, b"x")
    run.write_record("pack", 0, Record(name, 1, 1, "s", [], "f"))
    assert run.sweep() == []
    assert run.exists(name)
