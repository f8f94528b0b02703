"""extract: every planned document gets its row, with what it says or why not."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

from docmatix.core.documents import Refusal
from docmatix.pdf.sandbox import Sandbox
from docmatix.stages.support.job import Job
from docmatix.storage.page_rows import page_from_row
from docmatix.text.minhash import SIGNATURE_LENGTH
from tests.jobs import extract, make_job, plan
from tests.pdfs import write_distinct_pdf, write_encrypted_pdf, write_image_pdf, write_pdf


def read(folder: Path, pdfs: dict[str, bytes], *, sandbox: Any = None, **sections: Any) -> tuple[Job, dict[str, Any]]:
    """The job, and the rows by name."""
    job = make_job(folder, pdfs=pdfs, **sections)
    plan(job)
    extract(job, sandbox=sandbox)
    rows = list(job.run.iterate_rows("extract", 0))
    assert [row["index"] for row in rows] == list(range(len(pdfs)))
    return job, {row["source_uri"].removeprefix("docs/"): row for row in rows}


def test_a_document_is_known_by_its_content_and_read_to_the_word(tmp_path):
    pdf = write_distinct_pdf(3)
    _, rows = read(tmp_path, {"a.pdf": pdf})
    row = rows["a.pdf"]
    assert row["sha256"] == hashlib.sha256(pdf).hexdigest()
    assert row["doc_id"] == row["sha256"][:32]
    assert row["bytes"] == len(pdf)
    assert (row["reason"], row["language"]) == (None, "en")
    assert len(row["signature"]) == SIGNATURE_LENGTH
    page = page_from_row(row["pages"][0])
    assert page.number == 1
    assert "Amount" in page.text or "Total" in page.text or "Balance" in page.text or "Price" in page.text
    assert [word.text for word in page.words] == page.text.split()


def test_each_bad_document_has_its_reason_and_stops_none_of_the_others(tmp_path):
    job, rows = read(
        tmp_path,
        {
            "a.pdf": write_distinct_pdf(1),
            "b.pdf": b"no pdf at all",
            "c.pdf": b"",
            "d.pdf": write_encrypted_pdf("A secret text of several words."),
            "e.pdf": write_distinct_pdf(2),
        },
    )
    reasons = [row["reason"] for row in rows.values()]
    assert reasons == [None, "not_pdf", "empty", "encrypted", None]
    (documents, pages) = job.run.ledger("extract").to_json()
    assert documents == {
        "unit": "documents",
        "in": 5,
        "out": 2,
        "dropped": {"empty": 1, "encrypted": 1, "not_pdf": 1},
    }
    assert pages == {"unit": "pages", "in": 2, "out": 2, "dropped": {}}


def test_pages_are_counted_each_with_its_reason(tmp_path):
    words = "Seven words stand on this one page."
    job, _ = read(tmp_path, {"a.pdf": write_pdf(words, "", words), "b.pdf": write_pdf("Three words only.", words)})
    pages = job.run.ledger("extract").accounts["pages"]
    assert (pages.entered, pages.kept) == (5, 3)
    assert dict(pages.dropped) == {"blank": 1, "no_text": 1}


def test_a_document_without_a_usable_page_is_dropped_whole(tmp_path):
    _, rows = read(tmp_path, {"a.pdf": write_image_pdf(), "b.pdf": write_pdf("", "")})
    assert [row["reason"] for row in rows.values()] == ["no_text", "no_text"]


def test_a_document_that_vanished_after_planning_is_missing(tmp_path):
    job = make_job(tmp_path, pdfs={"a.pdf": write_distinct_pdf(1), "b.pdf": write_distinct_pdf(2)})
    plan(job)
    (tmp_path / "docs" / "a.pdf").unlink()
    extract(job)
    assert [row["reason"] for row in job.run.iterate_rows("extract", 0)] == ["missing", None]


def test_a_document_over_the_limit_is_not_even_read(tmp_path):
    big = write_pdf("x") + b"%" * (1 << 20)
    _, rows = read(tmp_path, {"a.pdf": big}, extract={"max_file_mb": 1})
    assert rows["a.pdf"]["reason"] == "too_large"
    assert rows["a.pdf"]["doc_id"] is None


class RefusingSandbox:
    def run(self, *arguments: Any, **options: Any) -> Refusal:
        return Refusal("crashed", "ended by SIGSEGV")


def test_a_document_that_kills_its_reader_is_recorded_with_its_hash_and_the_cause(tmp_path):
    _, rows = read(tmp_path, {"a.pdf": write_distinct_pdf(1)}, sandbox=RefusingSandbox())
    row = rows["a.pdf"]
    assert (row["reason"], row["detail"]) == ("crashed", "ended by SIGSEGV")
    assert row["doc_id"] == hashlib.sha256(write_distinct_pdf(1)).hexdigest()[:32]
    assert row["pages"] == []


def test_a_real_sandbox_reads_the_same_as_this_process(tmp_path):
    pdfs = {"a.pdf": write_distinct_pdf(1), "b.pdf": b"%PDF-1.7 broken"}
    here, _ = read(tmp_path / "here", pdfs)
    with Sandbox(memory_mb=2048) as sandbox:
        there, _ = read(tmp_path / "there", pdfs, sandbox=sandbox)
    assert here.record("extract", 0).sha256 == there.record("extract", 0).sha256


def test_extracting_again_gives_the_same_bytes(tmp_path):
    job, _ = read(tmp_path, {"a.pdf": write_distinct_pdf(1)})
    before = job.record("extract", 0)
    assert job.is_current("extract", 0)
    extract(job)
    assert job.record("extract", 0) == before
