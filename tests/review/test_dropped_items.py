"""What was dropped before there was a pair is read in one way, and agrees with the ledgers."""

from __future__ import annotations

from collections import Counter

import pytest

from docmatix.review.dropped_items import find_losing_shards, iterate_dropped
from docmatix.stages.support.job import Job
from tests.jobs import FakeClient, build, make_job
from tests.pdfs import write_distinct_pdf, write_distinct_text, write_pdf


@pytest.fixture(scope="module")
def job(tmp_path_factory: pytest.TempPathFactory) -> Job:
    """Three shards: one document is no PDF, one is there twice, one has an empty page, and no reply can be read."""
    pdfs = {f"{number}.pdf": write_distinct_pdf(number) for number in range(3)}
    pdfs |= {"copy.pdf": pdfs["1.pdf"], "text.pdf": b"This is no PDF."}
    pdfs["long.pdf"] = write_pdf(write_distinct_text(10), "", write_distinct_text(11))
    made = make_job(tmp_path_factory.mktemp("dropped"), pdfs=pdfs, plan={"documents_per_shard": 2}, pack={"dpi": 36})
    build(made, client=FakeClient(lambda _: "I would rather not."))
    return made


def test_each_item_is_counted_by_the_ledger(job: Job) -> None:
    found = Counter((item.stage, unit, item.reason) for item in iterate_dropped(job) for unit in item.units)
    counted = {
        (stage, unit, reason): count
        for stage in ("extract", "dedup", "generate")
        for unit, account in job.run.ledger(stage).accounts.items()
        for reason, count in account.dropped.items()
    }
    assert {key: count for key, count in counted.items() if key in found} == found
    assert {("extract", "documents", "not_pdf"), ("dedup", "documents", "duplicate")} <= found.keys()


def test_one_reason_is_read_alone_and_only_from_shards_that_have_it(job: Job) -> None:
    items = list(iterate_dropped(job, "not_pdf"))
    assert [(item.stage, item.row["source_uri"]) for item in items] == [("extract", "docs/text.pdf")]
    assert list(find_losing_shards(job, "extract", "not_pdf")) == [items[0].shard]
    assert list(iterate_dropped(job, "no_such_reason")) == []


def test_a_page_is_told_from_its_document(job: Job) -> None:
    pages = [item for item in iterate_dropped(job) if item.units == ("pages",)]
    assert [(item.row["source_uri"], item.page) for item in pages] == [("docs/long.pdf", 2)]


def test_a_request_that_failed_has_its_window(job: Job) -> None:
    items = [item for item in iterate_dropped(job) if item.stage == "generate"]
    assert items
    assert all(item.row["page_numbers"] for item in items)
