"""The files of a dataset: what is missing, moved, changed or there twice is found."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.check.runs import DATA, check, first_sample, flip, read_packed, rewrite


def test_a_flipped_bit_in_the_dataset_is_found(own_run):
    flip(own_run, DATA, at=len(own_run.read(DATA)) // 2)
    assert f"{DATA} is damaged" in check(own_run)


def test_a_removed_file_of_the_dataset_is_found(own_run):
    own_run.remove(DATA)
    assert f"{DATA} is missing." in check(own_run)


@pytest.mark.parametrize("name", ["train-00001-of-00002.parquet", "other.parquet", ".aside.tmp"])
def test_a_stray_file_in_the_dataset_is_found(own_run, name):
    own_run.write(f"dataset/data/{name}", b"x")
    assert f"dataset/data/{name} belongs to no shard." in check(own_run)


def test_a_row_that_is_there_twice_is_found(own_run):
    rewrite(own_run, lambda rows: [*rows, rows[0]])
    problems = check(own_run)
    assert "The dataset holds a sample or a pair twice." in problems
    assert "dataset/stats.json counts other rows than the dataset has." in problems


def test_a_row_that_is_there_twice_is_named(own_run):
    rewrite(own_run, lambda rows: [rows[0], *rows])
    problems = check(own_run)
    assert f"row 1 ({first_sample(own_run)}) is there twice or out of order." in problems
    assert f"{first_sample(own_run)} in train-00000-of-00001.parquet, train-00000-of-00001.parquet" in problems


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


def test_a_packed_file_of_other_settings_is_found(own_run):
    record = own_run.read_record("pack", 0)
    own_run.write_record("pack", 0, replace(record, fingerprint="0" * 32))
    assert f"{DATA} was made from other settings or inputs. Rerun the build to repack it." in check(own_run)


def test_a_changed_answer_is_found_though_every_sum_agrees(own_run):
    def change(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
        rows[0]["texts"][0]["assistant"] = "Another One"
        return rows

    rewrite(own_run, change)
    assert f"{DATA}: row 0 ({first_sample(own_run)}) is not what curate kept for this file." in check(own_run)


def test_rows_out_of_order_are_found(own_run):
    rewrite(own_run, lambda rows: rows[::-1])
    assert "is there twice or out of order." in check(own_run)


def test_a_lost_row_is_told_from_one_that_pack_dropped(own_run):
    rewrite(own_run, lambda rows: rows[:-1])
    assert f"{DATA} lacks 1 rows that curate kept, but its ledger drops 0." in check(own_run)


def test_two_packed_files_that_were_swapped_with_their_records_are_found(own_wide_run):
    records = [read_packed(own_wide_run, number) for number in (0, 1)]
    contents = [own_wide_run.read(record.file) for record in records]
    for number in (0, 1):
        mine, other = records[number], records[1 - number]
        own_wide_run.write(mine.file, contents[1 - number])
        changed = replace(other, file=mine.file, inputs=mine.inputs)
        own_wide_run.write_record("pack", number, changed)
    problems = check(own_wide_run)
    assert problems.count("is not what curate kept for this file.") == 2


def test_a_row_that_moved_to_another_file_is_found_in_both(own_wide_run):
    tables = [pq.read_table(own_wide_run.path(read_packed(own_wide_run, number).file)) for number in (0, 1)]
    moved = [tables[0].slice(0, 0), pa.concat_tables(tables[::-1])]
    for number, table in enumerate(moved):
        record = read_packed(own_wide_run, number)
        pq.write_table(table, own_wide_run.path(record.file))
        content = own_wide_run.read(record.file)
        sha256 = hashlib.sha256(content).hexdigest()
        own_wide_run.write_record(
            "pack", number, replace(record, rows=table.num_rows, size=len(content), sha256=sha256)
        )
    problems = check(own_wide_run)
    assert f"{read_packed(own_wide_run, 0).file} lacks 1 rows that curate kept" in problems
    assert f"{read_packed(own_wide_run, 1).file}: row 1" in problems


def test_a_lost_record_of_a_packed_file_is_found(own_wide_run):
    own_wide_run.remove("pack/part-00001.json")
    assert "train-00001-of-00003.parquet is not committed (there is no pack/part-00001.json)." in check(own_wide_run)


def test_an_image_larger_than_pack_makes_them_is_found(own_wide_run):
    text = own_wide_run.read("run.yaml").decode()
    own_wide_run.write("run.yaml", text.replace("max_side_px: 2940", "max_side_px: 64").encode())
    assert "is 100 px long, more than pack.max_side_px = 64." in check(own_wide_run)
    own_wide_run.write("run.yaml", text.replace("image_format: jpeg", "image_format: png").encode())
    assert "is jpeg, not pack.image_format = png." in check(own_wide_run)


def test_a_damaged_record_of_another_division_is_a_problem_like_others(own_wide_run):
    own_wide_run.write("pack/part-00003.json", b"{")
    assert "The commit record pack/part-00003.json is damaged" in check(own_wide_run)
