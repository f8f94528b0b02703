"""Recounts: the ledger that rows bear out, and where a record says otherwise."""

from __future__ import annotations

from typing import Any

import pytest

from docmatix.check.recounts import RECOUNTS, find_miscounts
from docmatix.core.ledger import Ledger
from docmatix.storage.run import Run
from tests.jobs import LLAMACPP, FakeClient, build, make_job
from tests.pdfs import write_distinct_pdf


def count(stage: str, rows: list[dict[str, Any]]) -> Ledger:
    ledger = Ledger()
    assert list(RECOUNTS[stage].recount(iter(rows), ledger)) == rows
    return ledger


@pytest.mark.parametrize("stage", sorted(set(RECOUNTS) - {"verify"}))
def test_the_ledgers_of_a_finished_run_are_borne_out_by_its_rows(finished_run, stage):
    run = Run(finished_run)
    for shard, record in run.records(stage):
        rows = list(run.iterate_rows(stage, shard, columns=RECOUNTS[stage].columns))
        recorded = Ledger.from_json(record.ledger)
        assert list(find_miscounts(stage, recorded, count(stage, rows))) == []


def test_the_ledger_of_verify_is_borne_out_by_its_rows(tmp_path):
    job = make_job(
        tmp_path,
        pdfs={"a.pdf": write_distinct_pdf(1)},
        generate={"engine": LLAMACPP, "prompts": ["extractive"]},
        verify=[{"kind": "round_trip"}, {"kind": "answer_blind"}],
        pack={"dpi": 36},
    )
    build(job, client=FakeClient())
    rows = list(job.run.iterate_rows("verify", 0, columns=RECOUNTS["verify"].columns))
    recorded = Ledger.from_json(job.record("verify", 0).ledger)
    assert recorded.accounts["pairs"].entered
    assert list(find_miscounts("verify", recorded, count("verify", rows))) == []


def row(
    index: int, window: str, request: str | None, reason: str | None = None, pairs: int = 0, bad: int = 0
) -> dict[str, Any]:
    return {
        "index": index,
        "sample_id": window,
        "request_id": request,
        "reason": reason,
        "pairs": [{}] * pairs,
        "malformed": ["no_pairs"] * bad or None,
    }


def test_windows_and_documents_are_counted_where_they_begin():
    rows = [
        row(0, "a-1", "r1", pairs=2),
        row(0, "a-1", "r2", "timeout"),
        row(0, "a-5", None, "no_candidates"),
        row(1, "a-5", "r3", bad=1),
    ]
    assert count("generate", rows).to_json() == [
        {"unit": "documents", "in": 2, "out": 2, "dropped": {}},
        {"unit": "windows", "in": 3, "out": 2, "dropped": {"no_candidates": 1}},
        {"unit": "requests", "in": 3, "out": 2, "dropped": {"timeout": 1}},
        {"unit": "pairs", "in": 3, "out": 2, "dropped": {"no_pairs": 1}},
    ]


def test_pages_of_a_document_that_is_dropped_are_dropped_with_it():
    rows: list[dict[str, Any]] = [
        {"index": 0, "reason": "timeout", "pages": [{"reason": None}, {"reason": "blank"}]},
        {"index": 1, "reason": None, "pages": None},
    ]
    assert count("extract", rows).to_json() == [
        {"unit": "documents", "in": 2, "out": 1, "dropped": {"timeout": 1}},
        {"unit": "pages", "in": 2, "out": 0, "dropped": {"timeout": 2}},
    ]


def test_a_miscount_names_unit_and_reason():
    recorded, counted = Ledger(("pairs",)), Ledger()
    recorded.enter("pairs", 3)
    recorded.keep("pairs", 2)
    recorded.drop("pairs", "too_long")
    counted.enter("pairs", 2)
    counted.keep("pairs", 2)
    assert list(find_miscounts("curate", recorded, counted)) == [
        "3 pairs in and 2 out, its rows 2 and 2",
        "1 pairs dropped as `too_long`, its rows 0",
    ]


def test_a_unit_that_nothing_came_of_needs_no_row():
    assert list(find_miscounts("verify", Ledger(("requests", "pairs")), Ledger())) == []
