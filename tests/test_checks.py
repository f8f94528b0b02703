"""Checks: a sound run has no problems, and each kind of damage is found and named."""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from PIL import Image

from docmatix.checks import check_row, find_problems
from docmatix.errors import SetupError
from docmatix.run_directory import RunDirectory, ShardWriter
from docmatix.schemas import DATASETS
from docmatix.status import read_status

DATA = "dataset/data/train-00000-of-00001.parquet"


def check(run: RunDirectory) -> str:
    return "\n".join(find_problems(run))


def flip(run: RunDirectory, name: str, *, at: int = 100) -> None:
    """Change one bit of a file."""
    path = Path(run.path(name))
    content = bytearray(path.read_bytes())
    content[at] ^= 1
    path.write_bytes(content)


def rewrite(run: RunDirectory, change: Callable[[list[dict[str, Any]]], list[dict[str, Any]]]) -> None:
    """Change the rows of the dataset, with file and record in agreement: only the rows themselves can tell."""
    rows = change(list(run.iterate_file(DATA)))
    with run.writing("dataset/data") as pending:
        writer = ShardWriter(pending, DATASETS["annotated"], for_images=True)
        for row in rows:
            writer.add(row)
        writer.close()
        pending.publish(DATA)
    record = run.read_record("pack", 0)
    assert record is not None
    content = run.read(DATA)
    sha256 = hashlib.sha256(content).hexdigest()
    run.write_record("pack", 0, replace(record, rows=len(rows), size=len(content), sha256=sha256))


def test_a_finished_run_is_sound(finished_run):
    run = RunDirectory(finished_run)
    assert check(run) == ""
    status = read_status(run)
    assert status["complete"]
    assert status["balanced"]


def test_checking_changes_nothing(own_run):
    before = {path: path.stat().st_mtime_ns for path in Path(own_run.root).rglob("*")}
    check(own_run)
    assert {path: path.stat().st_mtime_ns for path in Path(own_run.root).rglob("*")} == before


def test_a_directory_without_a_run_is_refused(tmp_path):
    with pytest.raises(SetupError, match="There is no run in"):
        check(RunDirectory(tmp_path))


@pytest.mark.parametrize("stage", ["plan", "extract", "dedup", "generate", "curate"])
def test_a_flipped_bit_in_any_stage_is_found(own_run, stage):
    name = own_run.part_name(stage, own_run.read_record(stage, 1))
    flip(own_run, name)
    assert f"{name} is damaged" in check(own_run)


def test_a_flipped_bit_in_the_dataset_is_found(own_run):
    flip(own_run, DATA, at=len(own_run.read(DATA)) // 2)
    assert f"{DATA} is damaged" in check(own_run)


def test_a_truncated_part_is_found(own_run):
    name = own_run.part_name("extract", own_run.read_record("extract", 0))
    own_run.write(name, own_run.read(name)[:-1])
    assert f"{name} is damaged" in check(own_run)


def test_a_removed_part_is_found(own_run):
    name = own_run.part_name("extract", own_run.read_record("extract", 0))
    own_run.remove(name)
    assert f"{name} is missing, though shard 0 of extract is committed." in check(own_run)


@pytest.mark.parametrize("stage", ["extract", "dedup", "generate", "curate"])
def test_a_removed_shard_is_found(own_run, stage):
    own_run.remove(f"{stage}/part-00001.json")
    assert f"{stage} lacks 1 of 3 shards, the first is 1." in check(own_run)


def test_removed_replies_are_found(own_run):
    (name,) = own_run.read_record("generate", 0).extra["replies"]
    own_run.remove(f"generate/replies/{name}")
    assert f"generate/replies/{name} is missing: stored replies are lost." in check(own_run)


def test_a_removed_file_of_the_dataset_is_found(own_run):
    own_run.remove(DATA)
    assert f"{DATA} is missing." in check(own_run)


@pytest.mark.parametrize("name", ["train-00001-of-00002.parquet", "other.parquet", ".aside.tmp"])
def test_a_stray_file_in_the_dataset_is_found(own_run, name):
    own_run.write(f"dataset/data/{name}", b"x")
    assert f"dataset/data/{name} belongs to no shard." in check(own_run)


@pytest.mark.parametrize("name", ["README.md", "stats.json"])
def test_a_build_that_did_not_finish_is_found(own_run, name):
    own_run.remove(f"dataset/{name}")
    assert f"dataset/{name} is missing: the build did not finish." in check(own_run)


def test_a_row_that_is_there_twice_is_found(own_run):
    rewrite(own_run, lambda rows: [*rows, rows[0]])
    problems = check(own_run)
    assert "The dataset holds a sample or a pair twice." in problems
    assert "dataset/stats.json counts other rows than the dataset has." in problems


def test_a_lost_row_is_found(own_run):
    rewrite(own_run, lambda rows: rows[1:])
    assert "dataset/stats.json counts other rows than the dataset has." in check(own_run)


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"{}"])
def test_statistics_that_cannot_be_read_are_a_problem_like_others(own_run, content):
    own_run.write("dataset/stats.json", content)
    assert "dataset/stats.json cannot be read" in check(own_run)


def test_a_record_that_counts_other_rows_is_found(own_run):
    record = own_run.read_record("curate", 0)
    own_run.write_record("curate", 0, replace(record, rows=record.rows + 1))
    assert f"has {record.rows} rows, {record.rows + 1} were committed." in check(own_run)


def test_a_ledger_that_does_not_balance_is_found(own_run):
    record = own_run.read_record("extract", 0)
    own_run.write_record("extract", 0, replace(record, ledger=[{**record.ledger[0], "in": 9}, record.ledger[1]]))
    assert "The ledger of extract does not balance" in check(own_run)
    assert not read_status(own_run)["balanced"]


def test_documents_lost_between_two_stages_are_found(own_run):
    record = own_run.read_record("dedup", 0)
    documents = {**record.ledger[0], "in": record.ledger[0]["in"] - 1, "out": record.ledger[0]["out"] - 1}
    own_run.write_record("dedup", 0, replace(record, ledger=[documents, record.ledger[1]]))
    assert "5 documents left extract but 4 entered dedup" in check(own_run)


def test_another_schema_is_found(own_run):
    table = pq.read_table(own_run.path(DATA)).drop(["annotations"])
    pq.write_table(table, own_run.path(DATA))
    assert f"{DATA} cannot be read: its schema is not the one that pack.schema names" in check(own_run)


def test_images_without_their_metadata_are_found(own_run):
    table = pq.read_table(own_run.path(DATA)).replace_schema_metadata(None)
    pq.write_table(table, own_run.path(DATA))
    assert "lacks the `huggingface` metadata" in check(own_run)


def test_a_file_that_is_no_parquet_is_found_and_the_check_goes_on(own_run):
    own_run.write(DATA, b"nothing of the kind")
    own_run.write("dataset/data/stray.parquet", b"x")
    problems = check(own_run)
    assert f"{DATA} is damaged" in problems
    assert f"{DATA} cannot be read" in problems
    assert "stray.parquet belongs to no shard." in problems


# --- one row ----------------------------------------------------------------------------------------------------------


def make_row(**fields: Any) -> dict[str, Any]:
    buffer = io.BytesIO()
    Image.new("L", (4, 4)).save(buffer, "PNG")
    return {
        "sample_id": "d-1",
        "images": [{"bytes": buffer.getvalue(), "path": "d-1.png"}],
        "texts": [{"user": "Who?", "assistant": "Ada", "source": "docs/a.pdf"}],
        "page_numbers": [1],
        "annotations": [{"pair_id": "p", "evidence": [{"page": 1, "quote": "Ada", "boxes": [[0, 0, 1, 1]]}]}],
        **fields,
    }


def annotate(page: int, *boxes: list[float]) -> list[dict[str, Any]]:
    return [{"pair_id": "p", "evidence": [{"page": page, "quote": "", "boxes": boxes}]}]


def test_a_good_row_has_no_problem_nor_has_one_of_the_docmatix_schema():
    row = make_row()
    assert list(check_row(row)) == []
    assert list(check_row({name: row[name] for name in ("images", "texts")})) == []


@pytest.mark.parametrize(
    ("fields", "problem"),
    [
        ({"images": [{"bytes": b"no image", "path": ""}]}, "an image of d-1 does not open"),
        ({"texts": [{"user": "Who?", "assistant": "", "source": "s"}]}, "d-1 has an empty pair."),
        ({"texts": [], "annotations": []}, "d-1 has an empty pair."),
        ({"annotations": []}, "d-1 has 1 pairs and 0 annotations."),
        ({"page_numbers": [1, 2]}, "d-1 has 1 images and 2 page numbers."),
        ({"annotations": annotate(2)}, "the evidence of p is on page 2, outside its sample."),
        ({"annotations": annotate(1, [0, 0, 1.1, 1])}, "an evidence box of p lies outside its page."),
        ({"annotations": annotate(1, [0.5, 0, 0.4, 1])}, "an evidence box of p lies outside its page."),
    ],
)
def test_what_is_wrong_with_a_row_is_named(fields, problem):
    (found,) = check_row(make_row(**fields))
    assert problem in found


def test_an_image_cut_short_is_found():
    row = make_row()
    row["images"][0]["bytes"] = row["images"][0]["bytes"][:45]
    (found,) = check_row(row)
    assert "does not open" in found


def test_what_status_reads_is_what_check_reads(own_run):
    own_run.remove("generate/part-00002.json")
    stages = {stage["stage"]: stage for stage in read_status(own_run)["stages"]}
    assert (stages["generate"]["shards_done"], stages["generate"]["shards"]) == (2, 3)
    assert stages["curate"]["shards_done"] == 2
    assert not read_status(own_run)["complete"]
    assert json.loads(json.dumps(read_status(own_run)))["name"] == "test"
