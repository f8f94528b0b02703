"""extract: pages without a readable text layer are read from their pictures, each costing itself alone."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import pytest

from docmatix.core.documents import Page, Refusal
from docmatix.pdf.ocr.none import NoOcr
from docmatix.pdf.ocr.results import OcrReading, OcrWord, pack_reading
from docmatix.pdf.ocr.straightening import Straightening
from docmatix.stages.support.cpu_slots import CpuSlots
from docmatix.stages.support.job import Job, ShardProgress
from docmatix.stages.support.page_ocr import PageOcr
from docmatix.storage.page_rows import page_from_row
from tests.jobs import extract, make_job, plan
from tests.pdf.ocr.pictures import PROSE, FakeEngine
from tests.pdf.test_scanned_words import read_words
from tests.pdfs import write_distinct_pdf, write_image_pdf

READ = tuple[OcrWord, ...]


class Reader:
    """Reads PROSE from each page, except that it fails as told for the pages of `failing`; counts what it is asked."""

    def __init__(self, failing: dict[int, str] | None = None, *, blank: bool = False) -> None:
        self.failing, self.blank = failing or {}, blank
        self.asked: list[int] = []

    def run(self, function: Any, pdf: bytes, number: int, **options: Any) -> str | Refusal:
        self.asked.append(number)
        if number in self.failing:
            return Refusal(self.failing[number], "as told")
        words = () if self.blank else read_words(PROSE)
        return pack_reading(OcrReading(words, Straightening(1275, 1650), 150, 0.9, self.blank))


def read(
    folder: Path, pdfs: dict[str, bytes], reader: Reader, *, engine: Any = None, **sections: Any
) -> tuple[Job, dict[str, dict[str, Any]]]:
    """The job, and the rows by name."""
    job = make_job(folder, pdfs=pdfs, **sections)
    plan(job)
    folder = folder / "slots"
    folder.mkdir()
    with PageOcr(engine or FakeEngine(), slots=CpuSlots(2, folder=folder), make_child=lambda: reader) as ocr:
        extract(job, ocr=ocr)
    return job, {row["source_uri"].removeprefix("docs/"): row for row in job.run.iterate_rows("extract", 0)}


def list_pages(row: dict[str, Any]) -> list[Page]:
    return [page_from_row(page) for page in row["pages"]]


def test_a_scan_is_a_document_with_text_a_language_and_a_signature(tmp_path: Path) -> None:
    job, rows = read(tmp_path, {"a.pdf": write_image_pdf(pages=3), "b.pdf": write_distinct_pdf(1)}, Reader())
    row = rows["a.pdf"]
    assert (row["reason"], row["language"]) == (None, "en")
    assert [(page.text_from, page.route_reason, page.text) for page in list_pages(row)] == [
        ("ocr", "no_layer", PROSE)
    ] * 3
    assert {page.text_from for page in list_pages(rows["b.pdf"])} == {"layer"}
    assert job.record("extract", 0).extra["text_from"] == {"layer": 1, "ocr": 3}
    assert job.run.ledger("extract").accounts["pages"].kept == 4


def test_a_page_that_hangs_costs_that_page_only(tmp_path: Path) -> None:
    job, rows = read(tmp_path, {"a.pdf": write_image_pdf(pages=3)}, Reader({2: "timeout"}))
    assert [page.reason for page in list_pages(rows["a.pdf"])] == [None, "ocr_failed", None]
    assert list_pages(rows["a.pdf"])[1].route_reason == "ocr_timeout"
    assert job.run.ledger("extract").accounts["pages"].dropped == {"ocr_failed": 1}


def test_a_document_that_only_a_bug_left_without_text_counts_as_one(tmp_path: Path) -> None:
    _, rows = read(tmp_path, {"a.pdf": write_image_pdf(pages=2)}, Reader({1: "internal_error", 2: "timeout"}))
    assert rows["a.pdf"]["reason"] == "internal_error"


def test_a_document_is_still_refused_if_its_pictures_have_no_text(tmp_path: Path) -> None:
    _, rows = read(tmp_path, {"a.pdf": write_image_pdf(pages=2)}, Reader(blank=True))
    assert (rows["a.pdf"]["reason"], rows["a.pdf"]["pages"]) == ("no_text", [])


def test_the_words_that_ocr_has_read_count_into_those_of_a_document(tmp_path: Path) -> None:
    most = 2 * len(PROSE.split())
    pdfs = {"a.pdf": write_image_pdf(pages=2), "b.pdf": write_image_pdf(pages=3)}
    _, rows = read(tmp_path, pdfs, Reader(), extract={"max_words": most})
    assert [row["reason"] for row in rows.values()] == [None, "too_large"]


def test_documents_keep_their_order_while_a_long_scan_is_read(tmp_path: Path) -> None:
    pdfs = {"a.pdf": write_image_pdf(pages=6)} | {f"b{n}.pdf": write_distinct_pdf(n) for n in range(40)}
    _, rows = read(tmp_path, pdfs, Reader())
    assert list(rows) == sorted(pdfs)
    assert [row["index"] for row in rows.values()] == list(range(41))


def test_the_same_scans_give_the_same_bytes_however_many_are_read_at_once(tmp_path: Path) -> None:
    pdfs = {"a.pdf": write_image_pdf(pages=5), "b.pdf": write_distinct_pdf(1), "c.pdf": write_image_pdf(pages=1)}
    first, _ = read(tmp_path / "first", pdfs, Reader())
    again, _ = read(tmp_path / "again", pdfs, Reader())
    assert first.record("extract", 0).sha256 == again.record("extract", 0).sha256


def test_the_pages_of_a_shard_that_failed_are_given_up(tmp_path: Path) -> None:
    go_on = threading.Event()

    class Failing(Reader):
        def run(self, function: Any, pdf: bytes, number: int, **options: Any) -> str | Refusal:
            if number == 1:
                raise RuntimeError("out of files")
            go_on.wait(60)
            return super().run(function, pdf, number, **options)

    reader = Failing()
    job = make_job(tmp_path, pdfs={"a.pdf": write_image_pdf(pages=5)})
    plan(job)
    with PageOcr(FakeEngine(), slots=CpuSlots(1, folder=tmp_path), make_child=lambda: reader) as ocr:
        with pytest.raises(RuntimeError, match="out of files"):
            extract(job, ocr=ocr)
        go_on.set()
        ocr.read(b"", Page(9, 612.0, 792.0, 0, 1.0, "", ())).result(60)
    assert reader.asked in ([9], [2, 9])


def test_progress_counts_the_pages_that_are_read(tmp_path: Path) -> None:
    job = make_job(tmp_path, pdfs={"a.pdf": write_image_pdf(pages=3)})
    plan(job)
    progress = ShardProgress()
    with PageOcr(FakeEngine(), slots=CpuSlots(1, folder=tmp_path), make_child=Reader) as ocr:
        extract(job, ocr=ocr, progress=progress)
    assert progress.figures == {"done": 1, "ocr_pages": 3}


def test_without_ocr_no_picture_is_looked_at(tmp_path: Path) -> None:
    reader = Reader()
    _, rows = read(tmp_path, {"a.pdf": write_image_pdf(pages=2)}, reader, engine=NoOcr())
    assert rows["a.pdf"]["reason"] == "no_text"
    assert reader.asked == []


VISION = {
    "engine": {"kind": "openai", "model": "m", "base_url": "http://nowhere:1/v1", "vision": True},
    "prompts": ["vision_layout"],
}


@pytest.mark.parametrize("blank", [False, True])
def test_a_model_that_sees_is_given_documents_of_pictures_except_blank_ones(tmp_path: Path, blank: bool) -> None:
    class Look(Reader):
        def run(self, function: Any, pdf: bytes, number: int, **options: Any) -> str:
            self.asked.append(number)
            return pack_reading(OcrReading((), Straightening(1275, 1650), 150, 0.0, blank))

    look = Look()
    _, rows = read(tmp_path, {"a.pdf": write_image_pdf(pages=2)}, look, engine=NoOcr(), generate=VISION)
    assert look.asked == [1, 2]
    assert rows["a.pdf"]["reason"] == ("no_text" if blank else None)
    assert [(page.reason, page.text_from) for page in list_pages(rows["a.pdf"])] == (
        [] if blank else [("no_text", "none")] * 2
    )


def test_documents_of_pictures_are_signed_by_how_they_look(tmp_path: Path) -> None:
    class Look(Reader):
        def run(self, function: Any, pdf: bytes, number: int, **options: Any) -> str:
            return pack_reading(OcrReading((), Straightening(1275, 1650), 150, 0.0, picture_hash=len(pdf)))

    pdfs = {"a.pdf": write_image_pdf(pages=2), "b.pdf": write_image_pdf(pages=3), "c.pdf": write_distinct_pdf(1)}
    _, rows = read(tmp_path, pdfs, Look(), engine=NoOcr(), generate=VISION)
    signatures = [row["signature"] for row in rows.values()]
    assert [len(signature) for signature in signatures] == [192] * 3
    assert signatures[0] != signatures[1]


def test_an_attempt_that_died_in_the_middle_of_ocr_leaves_nothing_and_the_next_gives_the_same_bytes(
    tmp_path: Path,
) -> None:
    pdfs = {"a.pdf": write_distinct_pdf(1), "b.pdf": write_image_pdf(pages=4), "c.pdf": write_image_pdf(pages=2)}
    undisturbed, _ = read(tmp_path / "undisturbed", pdfs, Reader())

    class Dying(Reader):
        def run(self, function: Any, pdf: bytes, number: int, **options: Any) -> str | Refusal:
            if number == 3:
                raise RuntimeError("killed")
            return super().run(function, pdf, number, **options)

    with pytest.raises(RuntimeError, match="killed"):
        read(tmp_path / "killed", pdfs, Dying())
    job = make_job(tmp_path / "killed")
    assert job.run.read_record("extract", 0) is None
    with PageOcr(FakeEngine(), slots=CpuSlots(1, folder=tmp_path), make_child=Reader) as ocr:
        extract(job, ocr=ocr)
    assert job.record("extract", 0).sha256 == undisturbed.record("extract", 0).sha256
