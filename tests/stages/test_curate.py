"""curate: every pair gets its verdict, and the record counts what will be packed."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest

from docmatix.core.pairs import Request
from docmatix.stages.support.job import Job
from tests.jobs import FakeClient, curate, generate, make_job, read_documents, verify, write_reply
from tests.pdfs import write_distinct_pdf, write_distinct_text, write_pdf


def write_good_and_bad(request: Request) -> str:
    """The pairs that stand on the page, and one that does not."""
    return write_reply(request).replace(
        ']}', ', {"question": "Who else was there?", "answer": "Napoleon"}, {"question": "", "answer": ""}]}'
    )  # fmt: skip


@pytest.fixture(scope="module")
def asked(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three documents (one broken), and pairs about two of them."""
    folder = tmp_path_factory.mktemp("asked")
    pdfs = {
        "a.pdf": write_distinct_pdf(1),
        "b.pdf": b"broken",
        "c.pdf": write_pdf(*map(write_distinct_text, range(20, 26))),
    }
    job = make_job(folder, pdfs=pdfs)
    read_documents(job)
    generate(job, client=FakeClient(write_good_and_bad))
    return folder


def make(asked: Path, folder: Path, **sections: Any) -> Job:
    if not (folder / "run").exists():
        shutil.copytree(asked / "run", folder / "run")
    return make_job(folder, **sections)


def read_rows(job: Job) -> list[dict[str, Any]]:
    return list(job.run.iterate_rows("curate", 0))


def test_every_pair_has_its_verdict_with_scores_and_evidence(asked, tmp_path):
    job = make(asked, tmp_path)
    curate(job)
    pairs = [pair for row in job.run.iterate_rows("generate", 0) for pair in row["pairs"]]
    rows = read_rows(job)
    assert [row["pair_id"] for row in rows] == [pair["pair_id"] for pair in pairs]
    kept, dropped = [row for row in rows if not row["reason"]], [row for row in rows if row["reason"]]
    assert len(kept) == 7
    assert {(row["answer"], row["reason"]) for row in dropped} == {("Napoleon", "ungrounded")}
    for row in kept:
        assert row["scores"]["grounding"] == 1.0
        assert row["scores"]["round_trip"] is None
        (evidence, *_) = row["evidence"]
        assert evidence["quote"] == row["answer"]
        assert evidence["page"] in row["page_numbers"]
        assert all(0 <= side <= 1 for box in evidence["boxes"] for side in box)


def test_the_ledger_counts_pairs_and_the_record_what_will_be_packed(asked, tmp_path):
    job = make(asked, tmp_path)
    curate(job)
    (line,) = job.run.ledger("curate").to_json()
    assert (line["in"], line["out"], line["dropped"]) == (10, 7, {"ungrounded": 3})
    extra = job.record("curate", 0).extra
    assert (extra["samples"], extra["pages"]) == (3, 7)
    assert extra["square_inches"] == pytest.approx(7 * 8.5 * 11)


def test_the_record_counts_for_everything_pairs_are_grouped_by_what_was_dropped_or_could_not_be_read(asked, tmp_path):
    job = make(asked, tmp_path)
    curate(job)
    (line,) = [line for line in job.run.ledger("generate").to_json() if line["unit"] == "pairs"]
    reasons = {**line["dropped"], "ungrounded": 3}  # what could not be read has no source of text
    assert line["dropped"]
    dropped = job.record("curate", 0).extra["dropped"]
    assert dropped == {
        "prompt": {"broad_whole": reasons},
        "style": {"abstractive": reasons},
        "model": {"m": reasons},
        "kind": {"free": reasons},
        "text_from": {"layer": {"ungrounded": 3}},
    }


def test_a_document_without_a_kept_pair_counts_for_nothing(asked, tmp_path):
    job = make(asked, tmp_path, curate={"filters": [{"kind": "length", "min_answer_chars": 1000}]})
    curate(job)
    extra = job.record("curate", 0).extra
    assert (extra["samples"], extra["pages"], extra["square_inches"]) == (0, 0, 0.0)
    assert {row["reason"] for row in read_rows(job)} == {"too_short"}


def test_without_filters_everything_is_kept(asked, tmp_path):
    job = make(asked, tmp_path, curate={"filters": []})
    curate(job)
    assert {row["reason"] for row in read_rows(job)} == {None}


def test_other_filters_judge_again_without_asking_the_model(asked, tmp_path):
    first = make(asked, tmp_path)
    curate(first)
    other = make(asked, tmp_path, curate={"filters": [{"kind": "length"}]})
    assert other.is_current("generate", 0)
    assert not other.is_current("curate", 0)
    curate(other)
    assert other.is_current("curate", 0)
    assert len(read_rows(other)) == len(read_rows(first))


def test_judging_again_gives_the_same_bytes(asked, tmp_path):
    job = make(asked, tmp_path)
    curate(job)
    before = job.record("curate", 0)
    curate(job)
    assert job.record("curate", 0) == before


def test_a_round_trip_that_failed_drops_the_pair(tmp_path):
    sections: dict[str, Any] = {
        "verify": {"kind": "round_trip"},
        "generate": {"prompts": ["extractive"]},
        "curate": {"filters": [{"kind": "round_trip"}]},
    }
    job = make_job(tmp_path, pdfs={"a.pdf": write_distinct_pdf(1)}, **sections)
    read_documents(job)
    generate(job, client=FakeClient())
    verify(job, client=FakeClient(lambda _: "nonsense"))
    curate(job)
    rows = read_rows(job)
    assert {row["reason"] for row in rows} == {"round_trip_failed"}
    assert {row["scores"]["round_trip"] for row in rows} == {0.0}
    assert all(row["scores"]["clarity"] is not None for row in rows)
