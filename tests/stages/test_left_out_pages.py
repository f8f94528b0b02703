"""Pages that say the same as an earlier one, through all stages: nothing is asked about them."""

from __future__ import annotations

import re
import shutil
from pathlib import Path
from typing import Any

import pytest

from docmatix.core.documents import DUPLICATE_PAGE
from docmatix.core.pairs import Request
from docmatix.pipeline import CURATE, DEDUP, GENERATE
from docmatix.report.losses import gather_losses
from docmatix.review.dropped_items import DroppedItems
from docmatix.stages.support.job import Job
from docmatix.stages.support.left_out_pages import read_left_out
from docmatix.storage.schemas import GENERATE as GENERATE_SCHEMA
from tests.check.runs import change_part, check
from tests.jobs import FakeClient, build, make_job, write_reply
from tests.pdfs import write_distinct_text, write_pdf
from tests.text.test_page_signatures import TERMS

REWORDED = TERMS.replace("alone have", "solely have")
FOR_OTHERS = TERMS.replace("Leeds", "York")
CONTRACTS = {
    "a.pdf": write_pdf(write_distinct_text(1), TERMS, write_distinct_text(2)),
    "b.pdf": write_pdf(write_distinct_text(3), REWORDED, write_distinct_text(4)),
    "c.pdf": write_pdf(write_distinct_text(5), FOR_OTHERS, write_distinct_text(6), FOR_OTHERS),
    "d.pdf": write_pdf(FOR_OTHERS, TERMS),
}
SETTINGS: dict[str, Any] = {
    "plan": {"documents_per_shard": 2},
    "pack": {"dpi": 36},
    "generate": {"prompts": ["broad_whole"], "pairs_per_page": 2},
    "verify": [{"kind": "answer_again"}],
}


def write(request: Request) -> str:
    """The pairs of a good model; asked again, the name that it is asked for."""
    said = write_reply(request)
    return said if said.startswith("{") else '{"answer": "unanswerable"}'


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> tuple[Job, FakeClient]:
    job, client = make_job(tmp_path_factory.mktemp("contracts"), pdfs=CONTRACTS, **SETTINGS), FakeClient(write)
    build(job, client=client)
    return job, client


def list_left_out(job: Job) -> list[tuple[str, int, str, int]]:
    return [
        (row["source_uri"][5:], row["page_number"], row["favoured_source_uri"][5:], row["favoured_page_number"])
        for shard in job.run.shards(DEDUP)
        for row in job.run.iterate_rows(DEDUP, shard)
        if row["reason"] == DUPLICATE_PAGE
    ]


def test_pages_are_left_out_in_favour_of_the_first_of_any_document_that_stays(built):
    job, _ = built
    expected = [("b.pdf", 2, "a.pdf", 2), ("c.pdf", 4, "c.pdf", 2), ("d.pdf", 1, "c.pdf", 2), ("d.pdf", 2, "a.pdf", 2)]
    assert list_left_out(job) == expected


def test_every_page_is_counted(built):
    job, _ = built
    documents, pages = job.run.ledger(DEDUP).to_json()
    assert documents == {"unit": "documents", "in": 4, "out": 4, "dropped": {}}
    assert pages == {"unit": "pages", "in": 12, "out": 8, "dropped": {DUPLICATE_PAGE: 4}}
    assert job.run.ledger(GENERATE).accounts["documents"].entered == 4


def test_no_window_has_them_and_nothing_is_asked_about_them(built):
    job, client = built
    windows = [
        (shard, row["index"], row["page_numbers"])
        for shard in job.run.shards(GENERATE)
        for row in job.run.iterate_rows(GENERATE, shard)
        if row["request_id"]
    ]
    assert list(dict.fromkeys((*where, *numbers) for *where, numbers in windows)) == [
        (0, 0, 1, 2, 3),
        (0, 1, 1),
        (0, 1, 3),
        (1, 0, 1, 2, 3),
    ]
    shown = ["".join(message.content for message in request.messages) for request in client.asked]
    assert any("Liability for slight" in text for text in shown)
    about_b = [text for text in shown if re.search(re.escape(write_distinct_text(3).split("\n")[0][:40]), text)]
    assert about_b
    assert not any("Liability for slight" in text for text in about_b)  # by `generate` as by `verify`


def test_no_row_of_any_stage_has_them(built):
    job, _ = built
    left_out = {shard: read_left_out(job, shard).pages for shard in job.run.shards(DEDUP)}
    for shard in job.run.shards(GENERATE):
        for row in job.run.iterate_rows(GENERATE, shard):
            assert not left_out[shard].get(row["index"], set()).intersection(row["page_numbers"])
        for row in job.run.iterate_rows(CURATE, shard):
            gone = left_out[shard].get(row["index"], set())
            assert not gone.intersection(row["page_numbers"])
            assert not gone.intersection(each["page"] for each in row["evidence"])


def test_the_run_is_sound_and_tells_of_them(built):
    job, _ = built
    assert check(job.run) == ""
    items = list(DroppedItems(job, DUPLICATE_PAGE))
    assert [(item.what, item.place.page_numbers) for item in items if item.place is not None][:2] == [
        ("docs/b.pdf, page 2", (2,)),
        ("docs/c.pdf, page 4", (4,)),
    ]
    assert items[1].detail == "in favour of docs/c.pdf, page 2 (similarity 1.00)"
    (lost,) = (lost for lost in gather_losses(job, seed=0) if lost.reason == DUPLICATE_PAGE)
    assert (lost.unit, lost.count) == ("page", 4)


@pytest.mark.parametrize("numbers", [[2, 3], [1, 2, 3]])
def test_a_window_that_has_one_is_found_by_check(built, tmp_path, numbers):
    shutil.copytree(Path(built[0].run.root), tmp_path / "run")
    job = make_job(tmp_path, **SETTINGS)

    def change(rows: list[dict[str, Any]]) -> None:
        for row in rows:
            if row["index"] == 1:
                row["page_numbers"] = numbers

    change_part(job.run, GENERATE, 0, GENERATE_SCHEMA, change)
    assert "are of documents or pages that were left out" in check(job.run)


@pytest.mark.parametrize(
    ("settings", "left_out"),
    [
        ({"pages": False}, 0),
        ({"near": False}, 3),
        ({"exact": False, "near": False}, 0),
        ({"exact": False}, 4),
        ({"threshold": 1.0}, 3),
    ],
)
def test_what_is_searched_for_can_be_chosen(built, tmp_path, settings, left_out):
    from docmatix.stages.dedup import dedup_documents

    shutil.copytree(Path(built[0].run.root), tmp_path / "run")
    job = make_job(tmp_path, **SETTINGS, dedup=settings)
    dedup_documents(job)
    assert len(list_left_out(job)) == left_out
