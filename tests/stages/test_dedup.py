"""dedup: who is left out, and in favour of whom."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest

from docmatix.stages.dedup import dedup_documents
from docmatix.stages.support.job import Job
from docmatix.storage.schemas import EXTRACT
from docmatix.text.minhash import sign_text
from tests.check.runs import change_part
from tests.jobs import extract, make_job, plan, read_documents
from tests.pdfs import write_distinct_pdf, write_distinct_text, write_pdf


def dedup(folder: Path, pdfs: dict[str, bytes], **sections: Any) -> Job:
    job = make_job(folder, pdfs=pdfs, plan={"documents_per_shard": 2}, **sections)
    read_documents(job)
    return job


def read_duplicates(job: Job) -> list[tuple[str, str, str]]:
    rows = [row for shard in job.run.shards("dedup") for row in job.run.iterate_rows("dedup", shard)]
    return [(row["source_uri"][5:], row["reason"], row["favoured_source_uri"][5:]) for row in rows]


LONG = "\n".join(write_distinct_text(i) for i in range(4))
NEARLY = LONG.replace("Reference", "Ref.", 1) + "\nOne more line at the end."
FIVE = {
    "a.pdf": write_pdf(LONG, fontsize=7),
    "b.pdf": write_distinct_pdf(7),
    "c.pdf": write_pdf(LONG, fontsize=7),
    "d.pdf": write_pdf(NEARLY, fontsize=7),
    "e.pdf": write_distinct_pdf(8),
}


@pytest.fixture(scope="module")
def five(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The five documents, extracted."""
    folder = tmp_path_factory.mktemp("five")
    job = make_job(folder, pdfs=FIVE, plan={"documents_per_shard": 2})
    plan(job)
    for shard in job.run.shards("plan"):
        extract(job, shard)
    return folder


def dedup_five(five: Path, folder: Path, **settings: Any) -> Job:
    shutil.copytree(five / "run", folder / "run")
    job = make_job(folder, dedup=settings)
    dedup_documents(job)
    return job


def test_progress_of_reading_and_committing_is_reported(five, tmp_path):
    shutil.copytree(five / "run", tmp_path / "run")
    told: list[tuple[int, dict[str, float]]] = []
    dedup_documents(make_job(tmp_path), show=lambda shards, figures: told.append((shards, dict(figures))))
    reading, committing = told[:3], told[3:]
    assert reading == [(0, {"done": 2}), (0, {"done": 4}), (0, {"done": 5})]
    assert committing == [(1, {"done": 2}), (2, {"done": 4}), (3, {"done": 5})]


def test_copies_and_near_copies_are_left_out_in_favour_of_the_first_across_shards(five, tmp_path):
    job = dedup_five(five, tmp_path)
    assert read_duplicates(job) == [("c.pdf", "duplicate", "a.pdf"), ("d.pdf", "near_duplicate", "a.pdf")]
    (exact,) = (row for row in job.run.iterate_rows("dedup", 1) if row["reason"] == "duplicate")
    assert (exact["index"], exact["similarity"]) == (0, 1.0)
    assert exact["favoured_doc_id"] == exact["doc_id"]
    (near,) = (row for row in job.run.iterate_rows("dedup", 1) if row["reason"] == "near_duplicate")
    assert 0.85 <= near["similarity"] < 1
    assert near["favoured_doc_id"] == exact["doc_id"]


def test_documents_and_usable_pages_are_counted(tmp_path):
    job = dedup(tmp_path, FIVE | {"f.pdf": b"broken", "g.pdf": write_pdf("Five words are on it.", "")})
    documents, pages = job.run.ledger("dedup").to_json()
    assert documents == {"unit": "documents", "in": 6, "out": 4, "dropped": {"duplicate": 1, "near_duplicate": 1}}
    assert pages == {"unit": "pages", "in": 6, "out": 4, "dropped": {"duplicate": 1, "near_duplicate": 1}}


@pytest.mark.parametrize(
    ("settings", "left_out"),
    [
        ({"near": False}, ["c.pdf"]),
        ({"exact": False}, ["c.pdf", "d.pdf"]),
        ({"exact": False, "near": False}, []),
        ({"threshold": 1.0}, ["c.pdf"]),
    ],
)
def test_what_is_searched_for_can_be_chosen(five, tmp_path, settings, left_out):
    assert [name for name, *_ in read_duplicates(dedup_five(five, tmp_path, **settings))] == left_out


def test_documents_too_short_to_compare_are_only_compared_by_their_bytes(tmp_path):
    one, other = (write_pdf(f"This form was signed by hand on day {day}.") for day in (1, 2))
    job = dedup(tmp_path, {"a.pdf": one, "b.pdf": other, "c.pdf": one})
    assert read_duplicates(job) == [("c.pdf", "duplicate", "a.pdf")]


def test_every_shard_has_its_record_even_if_nothing_is_left_out(tmp_path):
    job = dedup(tmp_path, {f"{i}.pdf": write_distinct_pdf(i) for i in range(3)})
    assert job.run.shards("dedup") == [0, 1]
    assert read_duplicates(job) == []
    assert all(job.is_current("dedup", shard) for shard in (0, 1))


def test_an_added_document_never_drives_out_an_earlier_one(tmp_path):
    dedup(tmp_path, {"m.pdf": FIVE["a.pdf"]})
    job = dedup(tmp_path, {"a.pdf": FIVE["a.pdf"]})
    assert read_duplicates(job) == [("a.pdf", "duplicate", "m.pdf")]


def test_deciding_again_gives_the_same_bytes(five, tmp_path):
    job = dedup_five(five, tmp_path)
    before = list(job.run.records("dedup"))
    dedup_documents(job)
    assert list(job.run.records("dedup")) == before


def as_read_by_ocr(row: dict[str, Any]) -> dict[str, Any]:
    """The document as a scan of it would be: its words in another order, and some misread, of which OCR is unsure."""
    read = []
    for page in row["pages"]:
        words = [f"{word}x" if place % 12 == 5 else word for place, word in enumerate(page["word_texts"][::-1])]
        sure = [0.6 if place % 12 == 5 else 0.97 for place in range(len(words))]
        read.append(page | {"word_texts": words, "word_confidences": sure, "text_from": "ocr"})
    return row | {"pages": read, "signature": sign_text(" ".join(word for page in read for word in page["word_texts"]))}


@pytest.mark.parametrize("scan", ["a.pdf", "b.pdf"])
def test_a_scan_and_its_born_digital_twin_are_near_duplicates(tmp_path, scan):
    job = make_job(tmp_path, pdfs={name: write_pdf(LONG, fontsize=size) for name, size in (("a.pdf", 7), ("b.pdf", 8))})
    plan(job)
    extract(job)

    def change(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
        return [as_read_by_ocr(row) if row["source_uri"].endswith(scan) else row for row in rows]

    change_part(job.run, "extract", 0, EXTRACT, change)
    dedup_documents(job)
    assert read_duplicates(job) == [("b.pdf", "near_duplicate", "a.pdf")]


def test_two_scans_are_compared_as_any_two_documents(tmp_path):
    job = make_job(tmp_path, pdfs={name: write_pdf(LONG, fontsize=size) for name, size in (("a.pdf", 7), ("b.pdf", 8))})
    plan(job)
    extract(job)
    change_part(job.run, "extract", 0, EXTRACT, lambda rows: [as_read_by_ocr(rows[0]), as_read_by_ocr(rows[1])])
    dedup_documents(job)
    assert read_duplicates(job) == [("b.pdf", "near_duplicate", "a.pdf")]  # misread in the same places
