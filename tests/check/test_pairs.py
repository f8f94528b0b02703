"""The rows of a shard: documents, requests, pairs and evidence that do not belong are found."""

from __future__ import annotations

import hashlib
import io
import json
from dataclasses import replace
from typing import Any

import pyarrow.parquet as pq

from docmatix.config.loading import dump_config
from docmatix.storage.schemas import CURATE, EXTRACT, GENERATE, VERIFY
from tests.check.runs import DATA, change_part, check, first_pair
from tests.jobs import FakeClient, build, make_job
from tests.pdfs import write_distinct_pdf


def test_a_ledger_that_its_rows_do_not_bear_out_is_found(own_run):
    shard, record = next(
        (shard, record) for shard, record in own_run.records("extract") if record.ledger[0]["dropped"].get("not_pdf")
    )
    ledger = [{**record.ledger[0], "dropped": {"encrypted": 1}}, *record.ledger[1:]]
    own_run.write_record("extract", shard, replace(record, ledger=ledger))
    problems = check(own_run)
    assert "0 documents dropped as `not_pdf`, its rows 1" in problems
    assert "1 documents dropped as `encrypted`, its rows 0" in problems


def test_a_request_that_was_lost_is_found_by_its_ledger(own_run):
    change_part(own_run, "generate", 0, GENERATE, lambda rows: rows[1:])
    assert " requests in and " in check(own_run)


def test_a_pair_under_another_pairs_id_is_found(own_run):
    def change(rows: list[dict[str, Any]]) -> None:
        one, other = [row["pairs"][0] for row in rows if row["pairs"]][:2]
        one["pair_id"], other["pair_id"] = other["pair_id"], one["pair_id"]

    change_part(own_run, "generate", 0, GENERATE, change)
    problems = check(own_run)
    assert "has the id of another" in problems
    assert "The pairs of curate in shard 0 are not those of generate." in problems


def test_a_document_under_another_id_is_found(own_run):
    def change(rows: list[dict[str, Any]]) -> None:
        rows[0]["doc_id"] = "0" * 32

    change_part(own_run, "extract", 0, EXTRACT, change)
    assert "Document 0 of shard 0 has an id that does not match its content." in check(own_run)


def test_evidence_that_does_not_stand_on_its_page_is_found(own_run):
    def change(rows: list[dict[str, Any]]) -> None:
        first_pair(rows)["evidence"][0]["quote"] = "nothing of the kind"

    change_part(own_run, "curate", 0, CURATE, change)
    problems = check(own_run)
    assert "quotes text that is not on page" in problems
    assert "is not what curate kept for this file." in problems


def test_evidence_on_a_page_that_its_document_does_not_have_is_found(own_run):
    def change(rows: list[dict[str, Any]]) -> None:
        first_pair(rows)["evidence"][0]["page"] = 99

    change_part(own_run, "curate", 0, CURATE, change)
    problems = check(own_run)
    assert "is on page 99, outside its sample." in problems
    assert "is on page 99, which its document does not have." in problems


def test_a_verdict_that_was_turned_is_found_in_the_dataset(own_run):
    def change(rows: list[dict[str, Any]]) -> None:
        first_pair(rows)["reason"] = "too_long"

    change_part(own_run, "curate", 0, CURATE, change)
    problems = check(own_run)
    assert "The ledger of curate/part-00000" in problems
    assert f"{DATA}: row 0" in problems


def test_a_reply_that_a_shard_was_made_from_must_be_stored(own_run):
    (name,) = own_run.read_record("generate", 0).extra["replies"]
    table = pq.read_table(own_run.path(f"generate/replies/{name}"))
    buffer = io.BytesIO()
    pq.write_table(table.slice(1), buffer)
    other = f"{name.split('/')[0]}/{hashlib.sha256(buffer.getvalue()).hexdigest()[:16]}.parquet"
    own_run.write(f"generate/replies/{other}", buffer.getvalue())
    own_run.remove(f"generate/replies/{name}")
    record = own_run.read_record("generate", 0)
    own_run.write_record("generate", 0, replace(record, extra={**record.extra, "replies": [other]}))
    assert f"1 of {table.num_rows} replies that shard 0 of generate was made from are not stored." in check(own_run)


def test_scores_that_the_replies_of_checks_do_not_give_are_found(tmp_path):
    checks = [{"kind": "answer_again"}, {"kind": "answer_blind"}]
    job = make_job(tmp_path, pdfs={"a.pdf": write_distinct_pdf(1)}, verify=checks, pack={"dpi": 36})
    build(job, client=FakeClient())
    job.run.write("run.yaml", dump_config(job.config).encode())
    job.run.write("fingerprints.json", json.dumps(job.fingerprints).encode())
    assert "verify" not in check(job.run)

    def change(rows: list[dict[str, Any]]) -> None:
        rows[0]["agreement"] = 1.0 - rows[0]["agreement"]

    change_part(job.run, "verify", 0, VERIFY, change)
    assert "1 pairs in shard 0 of verify have other scores than their requests give." in check(job.run)
