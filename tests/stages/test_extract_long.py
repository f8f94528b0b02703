"""extract: a document of more pages than are read at once has several rows, and nothing else tells it from others."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from copy import copy
from dataclasses import replace
from functools import partial
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from docmatix.core.documents import Document, Refusal
from docmatix.core.pairs import Request
from docmatix.evaluation.page_texts import PageTexts
from docmatix.pdf.reading import AFTER, BEFORE, describe_texts
from docmatix.review.dropped_items import iterate_dropped
from docmatix.review.filter_trial import judge_again, parse_filters, read_judged
from docmatix.review.found_facts import draw_facts, find_facts
from docmatix.stages.support.cpu_slots import CpuSlots
from docmatix.stages.support.job import Job
from docmatix.stages.support.page_ocr import PageOcr
from tests.check.runs import check
from tests.jobs import FakeClient, InlineSandbox, build, extract, generate, make_job, plan, read_documents, write_reply
from tests.pdf.ocr.pictures import FakeEngine
from tests.pdfs import write_distinct_pdf, write_image_pdf, write_pdf
from tests.stages.test_extract_scans import Reader

PAGES = 75
AT_ONCE = 16


def write_report(pages: int = PAGES) -> bytes:
    """A drawn report: a running head, a heading, a field, a paragraph, a number, and from each page with an even number
    a table that goes on at the head of the next."""
    import pymupdf

    document = pymupdf.open()
    for number in range(1, pages + 1):
        page = document.new_page()
        page.insert_text((72, 40), "Annual report of the harbour", fontsize=9)
        goes_on = number % 2 == 1
        top = 490 if goes_on else 60
        page.insert_text((72, top + 20), f"District {number} and its quays", fontsize=15)
        page.insert_text((72, top + 50), f"Contact: Ann Brook{number}", fontsize=10)
        text = f"In district {number} the ships carried {number * 31} tonnes of timber and grain to the new quay. " * 5
        page.insert_textbox(pymupdf.Rect(72, top + 65, 540, top + 240), text, fontsize=10)
        for row in range(20):
            y = (62 if goes_on else 370) + 20 * row
            page.draw_line((72, y), (540, y), width=0.5)
            cells = ("Quay", "Tonnes", "Ships")
            if row or goes_on:
                cells = (f"Quay {number}-{row}", f"{number * 30 + row}", f"{row * 2 + 1}")
            for column, cell in enumerate(cells):
                page.insert_text((76 + 150 * column, y + 13), cell, fontsize=9)
        page.draw_line((72, y + 20), (540, y + 20), width=0.5)
        page.insert_text((300, 815), str(number), fontsize=9)
    pdf: bytes = document.tobytes(deflate=True)
    return pdf


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> tuple[Job, Job]:
    """The same documents built with the long one read at once, and some pages at a time."""
    pdfs = {"a.pdf": write_distinct_pdf(1), "b.pdf": write_report(), "c.pdf": write_distinct_pdf(2)}
    jobs = []
    for name, at_once in (("whole", 1000), ("parts", AT_ONCE)):
        generate = {"prompts": ["broad_whole", "extractive"], "pairs_per_page": 4}
        verify = {"kind": "answer_again"}
        jobs.append(
            make_job(tmp_path_factory.mktemp(name), pdfs=pdfs, generate=generate, verify=verify, pack={"dpi": 36})
        )
        build(jobs[-1], client=FakeClient(), pages_at_once=at_once)
    return jobs[0], jobs[1]


def read_rows(job: Job, stage: str) -> list[dict[str, Any]]:
    return list(job.run.iterate_rows(stage, 0))


def test_a_long_document_has_a_row_for_each_part_and_its_signature_in_the_first_alone(both):
    whole, parts = (read_rows(job, "extract") for job in both)
    assert [row["index"] for row in parts] == [0, 1, 1, 1, 1, 1, 2]
    assert [len(row["pages"]) for row in parts] == [1, 16, 16, 16, 16, 11, 1]
    assert [row["signature"] for row in parts[1:-1]] == [whole[1]["signature"], None, None, None, None]
    for row in parts[1:-1]:
        same = {name for name in row if name not in ("pages", "signature")}
        assert {name: row[name] for name in same} == {name: whole[1][name] for name in same}
    assert (parts[0], parts[-1]) == (whole[0], whole[-1])


def test_its_pages_are_those_that_are_found_when_it_is_read_at_once(both):
    whole, parts = (read_rows(job, "extract") for job in both)
    assert [page for row in parts[1:-1] for page in row["pages"]] == whole[1]["pages"]


def test_ledger_and_counts_are_the_same(both):
    whole, parts = (job.record("extract", 0) for job in both)
    assert parts.ledger == whole.ledger
    assert parts.extra == whole.extra
    assert (whole.rows, parts.rows) == (3, 7)


@pytest.mark.parametrize("stage", ["dedup", "generate", "verify", "curate"])
def test_every_later_stage_writes_the_same_file(both, stage):
    whole, parts = (job.record(stage, 0) for job in both)
    assert parts.sha256 == whole.sha256
    assert (parts.ledger, parts.extra) == (whole.ledger, whole.extra)
    assert stage == "dedup" or whole.rows > PAGES / 2


def test_the_data_set_is_the_same_and_the_check_proves_it(both):
    whole, parts = both
    (one,), (other,) = ([record for _, record in job.run.records("pack")] for job in both)
    assert one.sha256 == other.sha256
    assert "no problems" in check(parts.run) or check(parts.run) == check(whole.run)


def test_what_looks_at_a_run_finds_the_same(both):
    looked = []
    for job in both:
        doc_id = read_rows(job, "extract")[1]["doc_id"]
        drawn = [(found.place.page_numbers, found.by_page) for found in draw_facts(job, 5, seed=1)]
        texts = PageTexts(job.run).find(doc_id, [1, 20, PAGES, PAGES + 1])
        judged = judge_again(read_judged(job, documents=3, seed=0), parse_filters(job.config, None))
        counts = (judged.counts, [change.after for change in judged.pairs])
        pages = [find_facts(job, doc_id, numbers).by_page for numbers in (None, [2, 40])]
        looked.append((drawn, texts, counts, pages, [item.row["source_uri"] for item in iterate_dropped(job)]))
    assert looked[0] == looked[1]
    assert len(looked[0][3][0]) == PAGES
    assert None not in looked[0][1][1][:3]


class TellingSandbox(InlineSandbox):
    """Tells what is asked of it, and refuses the part that begins with page `fails_at`."""

    def __init__(self, fails_at: int | None = None, *, reason: str = "crashed", change: Any = None) -> None:
        self.asked: list[int] = []
        self._fails_at, self._reason, self._change = fails_at, reason, change

    def run(self, function: Callable[..., Any], *args: Any, timeout_s: float, **options: Any) -> Any:
        if function is not describe_texts:
            first = options["wanted"].first
            self.asked.append(first)
            if first == self._fails_at and options["settings"].tables:
                return Refusal(self._reason, "as told")
        outcome = super().run(function, *args, timeout_s=timeout_s, **options)
        return self._change(outcome) if self._change and isinstance(outcome, Document) else outcome


def read(
    folder: Path, pdf: bytes, *, sandbox: Any = None, ocr: PageOcr | None = None, **sections: Any
) -> tuple[Job, list[dict[str, Any]]]:
    job = make_job(folder, pdfs={"a.pdf": pdf, "b.pdf": write_distinct_pdf(1)}, **sections)
    plan(job)
    extract(job, sandbox=sandbox, ocr=ocr, pages_at_once=4)
    return job, read_rows(job, "extract")


def test_a_part_that_ends_its_child_refuses_the_whole_document(tmp_path):
    sandbox = TellingSandbox(fails_at=9, reason="internal_error")
    job, rows = read(tmp_path, write_report(14), sandbox=sandbox)
    assert [(row["index"], row["reason"], row["pages"]) for row in rows[:1]] == [(0, "internal_error", [])]
    assert [row["index"] for row in rows] == [0, 1]
    assert sandbox.asked == [1, 5, 9, 1]
    assert job.run.ledger("extract").accounts["documents"].dropped == {"internal_error": 1}


def test_a_part_that_takes_too_long_is_read_without_tables_and_the_others_with_them(tmp_path):
    _, rows = read(tmp_path, write_report(14), sandbox=TellingSandbox(fails_at=9, reason="timeout"))
    tables = [[len(page["tables"]) for page in row["pages"]] for row in rows[:-1]]
    assert tables == [[1] * 4, [1] * 4, [0] * 4, [1] * 2]


@pytest.mark.parametrize("shift", ["page_count", "pages"])
def test_a_child_that_gives_other_pages_than_were_asked_for_refuses_the_document(tmp_path, shift):
    def change(document: Document) -> Document:
        if document.part is None or document.pages[0].number == 1:
            return document
        if shift == "pages":
            return replace(document, pages=document.pages[1:])
        return replace(document, part=document.part._replace(page_count=10**9))

    _, rows = read(tmp_path, write_report(14), sandbox=TellingSandbox(change=change))
    assert [row["reason"] for row in rows] == ["crashed", None]


def test_words_are_counted_over_all_parts(tmp_path):
    _, rows = read(tmp_path, write_report(14), extract={"max_words": 1200})
    assert [row["reason"] for row in rows] == ["too_large", None]
    assert "more than 1200 words by page" in rows[0]["detail"]


def test_a_long_document_without_a_usable_page_is_refused_with_the_reasons_of_all(tmp_path):
    _, rows = read(tmp_path, write_pdf(*["Two words"] * 11))
    assert (rows[0]["reason"], rows[0]["detail"]) == ("no_text", "no usable page: 11 no_text")
    assert [row["index"] for row in rows] == [0, 1]


def test_a_long_scan_is_read_part_by_part_as_at_once(tmp_path):
    found = []
    for name, at_once in (("whole", 100), ("parts", 4)):
        folder = tmp_path / name
        job = make_job(folder, pdfs={"a.pdf": write_image_pdf(pages=11), "b.pdf": write_distinct_pdf(1)})
        plan(job)
        (folder / "slots").mkdir()
        reader = Reader({6: "internal_error"})
        with PageOcr(FakeEngine(), slots=CpuSlots(2, folder=folder / "slots"), make_child=partial(copy, reader)) as ocr:
            extract(job, ocr=ocr, pages_at_once=at_once)
        assert sorted(reader.asked) == list(range(1, 12))
        rows = read_rows(job, "extract")
        found.append(([page for row in rows for page in row["pages"]], rows[0]["signature"], job.record("extract", 0)))
    (whole, signature, record), (parts, same, recorded) = found
    assert [page["reason"] for page in parts[:11]] == [None] * 5 + ["internal_error"] + [None] * 5
    assert parts == whole
    assert same == signature
    assert (recorded.ledger, recorded.extra) == (record.ledger, record.extra)


def test_parts_are_read_with_the_pages_around_them(tmp_path):
    assert BEFORE > 0
    assert AFTER > 0
    _, rows = read(tmp_path, write_report(14))
    continued = [[table["continues"] for table in page["tables"]] for row in rows[:-1] for page in row["pages"]]
    titles = [
        page["number"] for row in rows for page in row["pages"] if any(f["kind"] == "title" for f in page["facts"])
    ]
    assert continued == [[False], *[[False], [True]] * 6, [False]]
    assert set(titles) <= {1}


class DyingSandbox(InlineSandbox):
    """Ends its worker at the part that begins with page 9."""

    def run(self, function: Callable[..., Any], *args: Any, timeout_s: float, **options: Any) -> Any:
        if function is not describe_texts and options["wanted"].first == 9:
            raise SystemExit
        return super().run(function, *args, timeout_s=timeout_s, **options)


def test_a_worker_that_dies_within_a_long_document_leaves_nothing_and_the_next_writes_the_same(tmp_path):
    records = []
    pdfs = {"a.pdf": write_report(14), "b.pdf": write_distinct_pdf(1)}
    for name in ("undisturbed", "disturbed"):
        job = make_job(tmp_path / name, pdfs=pdfs)
        plan(job)
        if name == "disturbed":
            with pytest.raises(SystemExit):
                extract(job, sandbox=DyingSandbox(), pages_at_once=4)
            assert job.run.shards("extract") == []
        extract(job, pages_at_once=4)
        records.append(job.record("extract", 0))
    assert records[0].sha256 == records[1].sha256
    assert records[0].ledger == records[1].ledger


def die_after(asked: Iterator[int], replies: int, request: Request) -> str | Exception:
    return write_reply(request) if next(asked) < replies else KeyError()


def test_a_worker_that_dies_while_it_asks_about_a_long_document_has_its_replies_used(tmp_path):
    asked, records = [], []
    pdfs = {"a.pdf": write_report(30)}
    for name in ("undisturbed", "disturbed"):
        job = make_job(tmp_path / name, pdfs=pdfs)
        read_documents(job, pages_at_once=4)
        if name == "disturbed":
            with pytest.raises(KeyError):
                generate(job, client=FakeClient(partial(die_after, count(), 4)))
        client = FakeClient()
        generate(job, client=client)
        asked.append(len(client.asked))
        records.append(job.record("generate", 0))
    assert records[0].sha256 == records[1].sha256
    assert asked[1] < asked[0]
