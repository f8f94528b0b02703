"""generate with prompts that say where they belong, counted by a scripted server that sees pictures."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from docmatix.check.proof import find_problems
from docmatix.config.loading import dump_config
from docmatix.core.documents import Document, Page, Refusal
from docmatix.core.profiles import Profile
from docmatix.models.client import ChatClient
from docmatix.pdf.ocr.none import NoOcr
from docmatix.pdf.reading import make_doc_id
from docmatix.report.report import make_report
from docmatix.review.dropped_items import DroppedItems
from docmatix.review.status import describe_status, read_status
from docmatix.stages.dedup import dedup_documents
from docmatix.stages.extract import extract_document
from docmatix.stages.finish import finish_dataset
from docmatix.stages.generate import generate_shard
from docmatix.stages.support.concurrency import RequestPool
from docmatix.stages.support.cpu_slots import CpuSlots
from docmatix.stages.support.job import Job, ShardProgress
from docmatix.stages.support.output_files import divide_run
from docmatix.stages.support.page_ocr import PageOcr
from tests.jobs import InlineSandbox, curate, extract, make_job, pack, plan, read_documents
from tests.pdfs import write_distinct_text, write_image_pdf, write_pdf, write_table_pdf
from tests.scripted_server import ScriptedServer, start_scripted_server

VISION = ["vision_charts", "vision_tables", "vision_layout", "vision_marks"]
ENGINE = {"kind": "openai", "model": "m", "base_url": "http://nowhere:1/v1", "vision": True}
CHARTS = "Your task is the figures on the pages"
"""By which the server knows a question about charts."""

Prepare = Callable[[Page], Page]


class ReadAs(InlineSandbox):
    """Reads documents, and makes of each page what `prepared` says by the name of its document and its number."""

    def __init__(self, prepared: Mapping[bytes, list[Prepare]]) -> None:
        self._prepared = prepared

    def run(self, function: Callable[..., Any], *args: Any, timeout_s: float, **options: Any) -> Any:
        outcome = super().run(function, *args, timeout_s=timeout_s, **options)
        prepare = self._prepared.get(args[0]) if function is extract_document else None
        if prepare is None:
            return outcome
        if not isinstance(outcome, Document):  # nothing on it could be read
            pages = tuple(
                Page(number, 612, 792, 0, 1.0, "", (), reason="no_text") for number in range(1, len(prepare) + 1)
            )
            outcome = Document(make_doc_id(args[0]), pages, None, None)
        return replace(outcome, pages=tuple(each(page) for each, page in zip(prepare, outcome.pages, strict=True)))


class Unread:
    """In place of a child in which a page's picture is read."""

    def run(self, function: Any, *args: Any, **options: Any) -> Refusal:
        return Refusal("ocr_failed", "nobody looks here")


def be(profile: Profile) -> Prepare:
    return lambda page: replace(page, profile=profile)


def scan(page: Page) -> Page:
    return replace(
        page, words=(), tables=(), facts=(), text="", reason="no_text", text_from="none", profile=Profile(pictures=1.0)
    )


def blank(page: Page) -> Page:
    return replace(scan(page), reason="blank", profile=Profile(blank=1.0))


PROSE = Profile(text=0.7)
TABLE = Profile(text=0.7, tables=1)
CHART = Profile(text=0.3, drawing=0.4, chart=0.9)


def make(folder: Path, documents: Mapping[str, list[Prepare]], **generate: Any) -> Job:
    """A job over read documents of which every page is as it is prepared."""
    texts = iter(range(100))
    pdfs = {name: write_pdf(*(write_distinct_text(next(texts)) for _ in pages)) for name, pages in documents.items()}
    job = make_job(
        folder, pdfs=pdfs, generate={"engine": ENGINE, "prompts": VISION, "pictures": {"dpi": 36}, **generate}
    )
    plan(job)
    for shard in job.run.shards("plan"):
        with PageOcr(NoOcr(kind="none"), slots=CpuSlots(1), make_child=Unread) as ocr:
            extract(job, shard, sandbox=ReadAs({pdfs[name]: pages for name, pages in documents.items()}), ocr=ocr)
    dedup_documents(job)
    return job


def ask(job: Job, server: ScriptedServer) -> None:
    async def work() -> None:
        async with ChatClient([server.base_url], give_up_after_s=5) as client:
            await generate_shard(job, 0, pool=RequestPool(client, in_flight=8), progress=ShardProgress())

    asyncio.run(work())


def count_shown(job: Job) -> Counter[tuple[str, int]]:
    """How often each page of each document was shown."""
    names = {row["doc_id"]: Path(row["source_uri"]).name for row in job.run.iterate_rows("extract", 0)}
    shown: Counter[tuple[str, int]] = Counter()
    for row in job.run.iterate_rows("generate", 0):
        for message in json.loads(row["body"])["messages"] if row["body"] else ():
            for part in message["content"] if isinstance(message["content"], list) else ():
                if "picture" in part:
                    shown[names[row["doc_id"]], part["picture"]["page"]] += 1
    return shown


def list_prompts(job: Job) -> dict[str, set[str]]:
    names = {row["doc_id"]: Path(row["source_uri"]).name for row in job.run.iterate_rows("extract", 0)}
    drawn: dict[str, set[str]] = {}
    for row in job.run.iterate_rows("generate", 0):
        drawn.setdefault(names[row["doc_id"]], set()).update({row["prompt"]} - {None})
    return drawn


def finish(job: Job) -> None:
    """What comes after generate, and the proof of the run."""
    curate(job)
    for output in divide_run(job):
        pack(job, output)
    job.run.write("run.yaml", dump_config(job.config).encode())
    job.run.write("fingerprints.json", json.dumps(job.fingerprints).encode())
    finish_dataset(job)
    assert list(find_problems(job.run)) == []


def count_windows(job: Job) -> tuple[int, int, dict[str, int]]:
    account = job.run.ledger("generate").accounts["windows"]
    assert account.balanced
    return account.entered, account.kept, dict(account.dropped)


def test_a_server_is_asked_about_charts_where_there_are_some_about_scans_and_about_nothing_blank(tmp_path):
    documents: dict[str, list[Prepare]] = {
        "chart.pdf": [be(CHART)],
        "prose.pdf": [be(PROSE)],
        "table.pdf": [be(TABLE)],
        "scan.pdf": [scan, scan, blank, scan],
        "mixed.pdf": [be(PROSE), scan, blank],
        "blank.pdf": [blank, be(TABLE), blank],
    }
    job = make(tmp_path, documents, prompts_per_window=4)
    with start_scripted_server(model=None) as server:
        ask(job, server)
        about_charts = [body for body in server.bodies if CHARTS in str(body["messages"])]
        assert len(about_charts) == 1
        assert len(server.bodies) == len(server.images) == job.record("generate", 0).extra["drawn"]["requests"]
    assert list_prompts(job) == {
        "chart.pdf": {"vision_charts", "vision_layout"},
        "prose.pdf": set(),
        "table.pdf": {"vision_tables", "vision_layout"},
        "scan.pdf": {"vision_tables", "vision_layout", "vision_marks"},
        "mixed.pdf": {"vision_tables", "vision_layout", "vision_marks"},
        "blank.pdf": {"vision_tables", "vision_layout"},
    }
    assert count_shown(job) == {
        **{("scan.pdf", number): 3 for number in (1, 2, 4)},
        **{("mixed.pdf", number): 3 for number in (1, 2)},
        **{(name, 1): 2 for name in ("chart.pdf", "table.pdf")},
        ("blank.pdf", 2): 2,
    }
    assert count_windows(job) == (6, 5, {"no_prompt_fits": 1})
    drawn = job.record("generate", 0).extra["drawn"]
    assert drawn["profiles"] == {"image_only": 2, "tables": 2, "chart": 1}
    assert drawn["prompts"] == {"vision_layout": 5, "vision_tables": 4, "vision_marks": 2, "vision_charts": 1}
    assert drawn["blind_requests"] == 24
    assert drawn["requests"] == 12
    before = job.record("generate", 0)
    with start_scripted_server(model=None) as server:
        ask(job, server)
        assert server.bodies == []
    assert job.record("generate", 0) == before


def test_pages_without_text_are_no_windows_for_a_model_that_is_sent_text_alone(tmp_path):
    documents: dict[str, list[Prepare]] = {"scan.pdf": [scan], "mixed.pdf": [scan, be(PROSE), scan]}
    job = make(tmp_path, documents, prompts=["broad_whole"])
    with start_scripted_server(model=None) as server:
        ask(job, server)
        assert len(server.bodies) == 1
    row, other = sorted(job.run.iterate_rows("generate", 0), key=lambda row: row["reason"] or "")
    assert row["page_numbers"] == [2]
    assert row["sample_id"].endswith("-2")
    assert (other["page_numbers"], other["reason"]) == ([], "no_prompt_fits")
    assert count_windows(job) == (2, 1, {"no_prompt_fits": 1})
    finish(job)
    assert DroppedItems(job, "no_prompt_fits").count() == {("generate", "no_prompt_fits"): 1}
    assert "generate: no_prompt_fits" in repr(DroppedItems(job, "no_prompt_fits"))


def test_pages_without_text_are_shown_beside_others_and_written_prompts_get_the_rest(tmp_path):
    job = make(
        tmp_path, {"mixed.pdf": [scan, be(TABLE)]}, prompts=["broad_whole", "vision_tables"], prompts_per_window=2
    )
    with start_scripted_server(model=None) as server:
        ask(job, server)
        assert sorted(len(images) for images in server.images) == [0, 2]
        (written,) = (body for body in server.bodies if "image_url" not in str(body))
        assert '<page number="2">' in str(written)
        assert '<page number="1">' not in str(written)
    assert {tuple(row["page_numbers"]) for row in job.run.iterate_rows("generate", 0)} == {(1, 2)}


def test_a_window_that_no_prompt_fits_is_kept_for_its_facts(tmp_path):
    documents: dict[str, list[Prepare]] = {"prose.pdf": [be(PROSE)], "scan.pdf": [scan]}
    job = make(tmp_path, documents, prompts=["vision_charts"], pairs_per_page=2)
    with start_scripted_server(model=None) as server:
        ask(job, server)
        assert server.bodies == []
    made, dropped = job.run.iterate_rows("generate", 0)
    assert (made["prompt"], made["reason"], bool(made["pairs"])) == ("facts", None, True)
    assert (dropped["prompt"], dropped["reason"], dropped["page_numbers"]) == (None, "no_prompt_fits", [1])
    assert count_windows(job) == (2, 1, {"no_prompt_fits": 1})


@pytest.mark.parametrize("prompt", ["vision_marks", "vision_tables"])
def test_questions_about_a_scan_are_curated_and_packed_with_its_page(tmp_path, prompt):
    job = make(tmp_path, {"scan.pdf": [scan, scan]}, prompts=[prompt])

    def reply(body: dict[str, Any]) -> str:
        return json.dumps({"pairs": [{"question": "What shape is the seal beside the signature?", "answer": "round"}]})

    with start_scripted_server(model=None, reply=reply) as server:
        ask(job, server)
    finish(job)
    (judged,) = job.run.iterate_rows("curate", 0)
    assert judged["reason"] is None
    (record,) = [job.run.read_record("pack", shard) for shard in job.run.shards("pack")]
    assert record is not None
    assert Counter({each["unit"]: each["out"] for each in record.ledger})["pages"] == 2


def test_what_was_seen_on_a_page_without_text_is_published_as_resting_on_no_text(tmp_path):
    job = make(tmp_path, {"mixed.pdf": [be(TABLE), scan]}, prompts=["vision_tables"], pairs_per_page=1)
    printed = write_distinct_text(0).split()[3:6]

    def reply(body: dict[str, Any]) -> str:
        answers = {"What shape is the seal beside the signature?": "round", "What is said first?": " ".join(printed)}
        return json.dumps({"pairs": [{"question": asked, "answer": answer} for asked, answer in answers.items()]})

    with start_scripted_server(model=None, reply=reply) as server:
        ask(job, server)
    finish(job)
    found = {row["answer"]: row for row in job.run.iterate_rows("curate", 0) if row["prompt"] == "vision_tables"}
    seen, read = found["round"], found[" ".join(printed)]
    assert (seen["reason"], seen["text_from"], seen["scores"]["grounding"], seen["evidence"]) == (
        None,
        "none",
        None,
        [],
    )
    assert (read["reason"], read["text_from"], read["scores"]["grounding"]) == (None, "layer", 1.0)
    assert seen["page_text_from"] == ["layer", "none"]
    summary = json.loads(job.run.read("dataset/stats.json"))
    assert summary["pages_by_text_from"] == {"layer": 1, "none": 1}
    assert summary["pairs_by_text_from"]["none"] == 1
    assert summary["by_text_from"]["none"]["kept_share"] == 1.0
    assert "| pages without text | 50.0% |" in job.run.read("dataset/README.md").decode()


def join(*pdfs: bytes) -> bytes:
    import pymupdf

    with pymupdf.open() as document:
        for pdf in pdfs:
            with pymupdf.open(stream=pdf) as other:
                document.insert_pdf(other)
        return bytes(document.tobytes())


def draw_chart() -> bytes:
    """A page with a scale, bars with their names, and a line of text."""
    import pymupdf

    with pymupdf.open() as document:
        page = document.new_page(width=595, height=842)
        page.insert_text((60, 80), "The yield of four orchards in the last year, in tonnes", fontsize=11)
        for n in range(6):
            page.insert_text((60, 403 - 50 * n), str(20 * n), fontsize=9)
        page.draw_line((90, 140), (90, 400))
        page.draw_line((90, 400), (400, 400))
        for n, (name, tonnes) in enumerate({"Kent": 80, "York": 45, "Bath": 62, "Ely": 95}.items()):
            left = 120 + 65 * n
            page.draw_rect((left, 400 - 2.5 * tonnes, left + 30, 400), color=None, fill=(0.2, 0.3, 0.8))
            page.insert_text((left + 4, 415), name, fontsize=9)
        return bytes(document.tobytes())


def test_documents_as_they_come_are_asked_about_what_is_on_them(tmp_path):
    prose = "The committee met again in the old hall, and nobody had anything to say against it. " * 6
    table = [["Orchard", "Trees", "Yield"], ["Kent", "410", "80"], ["York", "220", "45"], ["Bath", "300", "62"]]
    blank_then_table = join(write_pdf(""), write_table_pdf(table, before="What was picked last year."))
    pdfs = {
        "chart.pdf": draw_chart(),
        "prose.pdf": write_pdf(prose),
        "table.pdf": blank_then_table,
        "scan.pdf": write_image_pdf(),
    }
    job = make_job(
        tmp_path,
        pdfs=pdfs,
        generate={"engine": ENGINE, "prompts": VISION, "prompts_per_window": 4, "pictures": {"dpi": 36}},
    )
    read_documents(job)
    with start_scripted_server(model=None) as server:
        ask(job, server)
        assert sum(CHARTS in str(body["messages"]) for body in server.bodies) == 1
    assert list_prompts(job) == {
        "chart.pdf": {"vision_charts", "vision_layout"},
        "prose.pdf": set(),
        "table.pdf": {"vision_tables", "vision_layout"},
        "scan.pdf": {"vision_tables", "vision_layout", "vision_marks"},
    }
    assert set(count_shown(job)) == {("chart.pdf", 1), ("table.pdf", 2), ("scan.pdf", 1)}


def test_what_was_drawn_for_which_windows_is_in_status_report_and_card(tmp_path):
    documents: dict[str, list[Prepare]] = {"a.pdf": [be(CHART)], "b.pdf": [be(PROSE)], "c.pdf": [scan]}
    job = make(tmp_path, documents, prompts=["vision_charts", "vision_marks"], prompts_per_window=2, pairs_per_page=1)
    with start_scripted_server(model=None) as server:
        ask(job, server)
    finish(job)
    prompts = "vision_charts 1, vision_marks 1; 2 requests, where a draw blind to the pages has 6"
    assert read_status(job.run)["windows"] == {
        "profiles": {"chart": 1, "image_only": 1},
        "prompts": {"vision_charts": 1, "vision_marks": 1},
        "requests": 2,
        "blind_requests": 6,
    }
    lines = describe_status(job.run).splitlines()
    assert "  windows   with chart 1, image_only 1" in lines
    assert f"  prompts   {prompts}" in lines
    report = make_report(job.run)
    assert '<p class="aside">With chart 1, image_only 1</p>' in report
    assert f"Prompts drawn: {prompts}" in report
    card = job.run.read("dataset/README.md").decode()
    assert "Windows of pages with chart 1, image\\_only 1; a window may have several of these." in card
    assert "drawn for: vision\\_charts 1, vision\\_marks 1; 2 requests," in card
