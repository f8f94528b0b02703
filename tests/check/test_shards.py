"""Records, files and ledgers of the stages before `pack`: each kind of damage is found and named."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from docmatix.review.status import read_status
from docmatix.storage.schemas import EXTRACT
from tests.check.runs import change_part, check, flip
from tests.jobs import FakeClient, build, make_job
from tests.pdfs import write_distinct_pdf


@pytest.mark.parametrize("stage", ["plan", "extract", "dedup", "generate", "curate"])
def test_a_flipped_bit_in_any_stage_is_found(own_run, stage):
    name = own_run.part_name(stage, own_run.read_record(stage, 1))
    flip(own_run, name)
    assert f"{name} is damaged" in check(own_run)


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
    assert f"{stage} lacks 1 of 3 shards (first: 1)." in check(own_run)


def test_a_stage_of_which_nothing_is_left_is_found(own_run):
    own_run.remove(*(f"generate/part-{shard:05d}.json" for shard in own_run.shards("generate")))
    problems = check(own_run)
    assert "generate lacks 3 of 3 shards (first: 0)." in problems
    assert "This is a bug in docmatix" not in problems


def test_a_document_that_is_there_twice_is_no_fault_before_dedup_has_decided_by_these_settings(own_run):
    own_run.remove(*(f"dedup/part-{shard:05d}.json" for shard in own_run.shards("dedup")[1:]))
    assert "let in" not in check(own_run)


def test_removed_replies_are_found(own_run):
    (name,) = own_run.read_record("generate", 0).extra["replies"]
    own_run.remove(f"generate/replies/{name}")
    assert f"generate/replies/{name} is missing: stored replies are lost." in check(own_run)


def test_a_record_that_counts_other_rows_is_found(own_run):
    record = own_run.read_record("curate", 0)
    own_run.write_record("curate", 0, replace(record, rows=record.rows + 1))
    assert f"has {record.rows} rows, not the {record.rows + 1} that were committed." in check(own_run)


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


def test_a_damaged_record_is_a_problem_like_others(own_run):
    own_run.write("extract/part-00001.json", own_run.read("extract/part-00001.json")[:-20])
    flip(own_run, own_run.part_name("extract", own_run.read_record("extract", 0)))
    problems = check(own_run)
    assert "The commit record extract/part-00001.json is damaged: remove it" in problems
    assert "part-00000" in problems


def test_a_count_that_was_changed_in_a_record_is_found_by_its_seal(own_run):
    content = json.loads(own_run.read("curate/part-00000.json"))
    content["extra"]["square_inches"] += 1
    own_run.write("curate/part-00000.json", json.dumps(content).encode())
    assert "The commit record curate/part-00000.json is damaged" in check(own_run)


@pytest.mark.parametrize("stage", ["extract", "dedup", "generate", "curate"])
def test_a_record_of_other_settings_is_found(own_run, stage):
    record = own_run.read_record(stage, 1)
    own_run.write_record(stage, 1, replace(record, fingerprint="0" * 32))
    assert f"{stage} has 1 shards made from other settings or inputs (first: 1)." in check(own_run)


def test_two_parts_that_were_swapped_are_found(own_run):
    records = [own_run.read_record("extract", shard) for shard in (0, 1)]
    paths = [Path(own_run.path(own_run.part_name("extract", record))) for record in records]
    contents = [path.read_bytes() for path in paths]
    for path, content in zip(paths, reversed(contents), strict=True):
        path.write_bytes(content)
    assert check(own_run).count("is damaged: its content is not what was committed") == 2


def test_two_records_that_were_swapped_are_found(own_run):
    records = [own_run.read_record("extract", shard) for shard in (0, 1)]
    for shard, record in zip((1, 0), records, strict=True):
        own_run.write_record("extract", shard, record)
    problems = check(own_run)
    assert f"The commit record extract/part-00000.json names {records[1].file}, which is not its own." in problems
    assert "extract has 2 shards made from other settings or inputs" in problems


def test_pages_lost_between_two_stages_in_one_shard_and_found_in_another_do_not_even_out(own_run):
    for shard, by in ((0, -1), (1, 1)):
        record = own_run.read_record("dedup", shard)
        documents = {**record.ledger[0], "in": record.ledger[0]["in"] + by, "out": record.ledger[0]["out"] + by}
        own_run.write_record("dedup", shard, replace(record, ledger=[documents, *record.ledger[1:]]))
    problems = check(own_run)
    assert "entered dedup in shard 0" in problems
    assert "entered dedup in shard 1" in problems


def test_a_document_that_was_let_in_twice_is_found(own_run):
    places = [
        (shard, row["index"], row["doc_id"])
        for shard in own_run.shards("extract")
        for row in own_run.iterate_rows("extract", shard)
        if row["reason"] is None
    ]
    (_, _, doc_id), (shard, index, _) = places[0], places[-1]

    def change(rows: list[dict[str, Any]]) -> None:
        rows[index]["doc_id"], rows[index]["sha256"] = doc_id, doc_id * 2

    change_part(own_run, "extract", shard, EXTRACT, change)
    assert f"The document {doc_id} was let in 2 times." in check(own_run)


def test_the_same_document_twice_is_no_problem_where_it_was_asked_for(tmp_path):
    pdf = write_distinct_pdf(1)
    job = make_job(tmp_path, pdfs={"a.pdf": pdf, "b.pdf": pdf}, dedup={"exact": False, "near": False}, pack={"dpi": 36})
    build(job, client=FakeClient())
    assert check(job.run) == ""
