"""What was dropped: read in one way that agrees with the ledgers, and shown beside its pages."""

from __future__ import annotations

import shutil
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from docmatix.core.errors import SetupError
from docmatix.review.collection import Collection
from docmatix.review.dropped_items import find_losing_shards, iterate_dropped
from docmatix.stages.support.job import Job
from tests.jobs import FakeClient, build, make_job
from tests.pdfs import write_distinct_pdf, write_distinct_text, write_pdf


@pytest.fixture(scope="module")
def job(tmp_path_factory: pytest.TempPathFactory) -> Job:
    """Three shards: one document is not a PDF, one occurs twice, one has an empty page, and no reply can be read."""
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


# --- items to display -------------------------------------------------------------------------------------------------


def list_dropped(path: Path, reason: str | None = None) -> list[tuple[str, str, str]]:
    return [(item.stage, item.reason, item.what) for item in Collection(str(path)).dropped(reason)]


def test_what_was_left_out_is_listed_stage_by_stage(finished_run):
    assert list_dropped(finished_run) == [
        ("extract", "blank", "docs/long.pdf, page 3"),
        ("extract", "not_pdf", "docs/text.pdf"),
        ("dedup", "duplicate", "docs/copy.pdf"),
    ]
    (copy,) = Collection(str(finished_run)).dropped("duplicate")
    assert copy.detail == "in favour of docs/1.pdf (similarity 1.00)"


def test_what_was_left_out_can_be_asked_for_by_reason(finished_run):
    assert list_dropped(finished_run, "not_pdf") == [("extract", "not_pdf", "docs/text.pdf")]
    assert list_dropped(finished_run, "no_such_reason") == []


def test_for_each_reason_there_is_what_is_listed_for_any(tmp_path):
    sections: dict[str, Any] = {
        "plan": {"documents_per_shard": 1},
        "verify": {"kind": "round_trip"},
        "generate": {"prompts": ["extractive"]},
        "curate": {"filters": [{"kind": "length", "max_answer_chars": 12}, {"kind": "round_trip"}]},
        "pack": {"dpi": 36},
    }
    pdfs = {f"{number}.pdf": write_distinct_pdf(number) for number in range(4)}
    job = make_job(tmp_path, pdfs={**pdfs, "copy.pdf": pdfs["0.pdf"], "text.pdf": b"This is no PDF."}, **sections)
    build(job)
    dropped = Collection(job.run.url).dropped()
    reasons = {item.reason for item in dropped}
    assert {"duplicate", "not_pdf", "round_trip_failed", "too_long"} <= reasons
    for reason in reasons:
        assert list_dropped(tmp_path / "run", reason) == [
            item for item in list_dropped(tmp_path / "run") if item[1] == reason
        ]
    failed = [item for item in dropped if item.reason == "round_trip_failed"]
    assert all("asked again, the model said: What is written there?" in item.what for item in failed)


def test_what_was_left_out_is_counted_by_stage_and_reason(finished_run):
    dropped = Collection(str(finished_run)).dropped()
    assert dropped.count() == {("extract", "blank"): 1, ("extract", "not_pdf"): 1, ("dedup", "duplicate"): 1}
    assert repr(dropped) == "dedup: duplicate 1\nextract: blank 1\nextract: not_pdf 1"
    assert "<td>duplicate</td><td class=n>1</td>" in dropped._repr_html_()


@pytest.fixture(scope="module")
def strict_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run that dropped pairs for the length of their answers."""
    folder = tmp_path_factory.mktemp("strict")
    sections: dict[str, Any] = {"curate": {"filters": [{"kind": "length", "max_answer_chars": 2}]}, "pack": {"dpi": 36}}
    build(make_job(folder, pdfs={"a.pdf": write_distinct_pdf(1)}, **sections))
    return folder / "run"


def test_dropped_pairs_are_shown_with_their_scores(strict_run):
    (item, *_) = Collection(str(strict_run)).dropped("too_long")
    assert item.what.startswith("Q Who is named as")
    assert item.detail == "docs/a.pdf, page 1; grounding 1.00"
    assert item.pair is not None
    assert item.pair["prompt"] == "broad_whole"


def test_dropped_pairs_are_shown_beside_the_page_out_of_the_source(strict_run):
    dropped = Collection(str(strict_run)).dropped("too_long")
    html = dropped._repr_html_()
    assert html.count("<img ") == 1
    assert "dropped: too_long" in html
    assert 'class="dmx-box dmx-p1"' in html
    assert repr(dropped).startswith("curate: too_long\n   Q Who is named as")


def test_a_blank_page_and_a_duplicate_can_be_looked_at_too(finished_run):
    collection = Collection(str(finished_run))
    for reason in ("blank", "duplicate"):
        assert "<img " in collection.dropped(reason)._repr_html_()
    assert "<img " not in collection.dropped("not_pdf")._repr_html_()


def test_dropped_pairs_are_shown_without_pages_where_the_source_has_gone(strict_run, tmp_path):
    shutil.copytree(strict_run, tmp_path / "run")
    config = tmp_path / "run" / "run.yaml"
    moved = strict_run.parent / "docs"
    hidden = strict_run.parent / "elsewhere"
    moved.rename(hidden)
    try:
        html = Collection(str(config.parent)).dropped("too_long")._repr_html_()
    finally:
        hidden.rename(moved)
    assert "Who is named as" in html
    assert "no picture" in html


def test_only_a_run_knows_what_was_dropped(finished_run):
    with pytest.raises(SetupError, match="Only a run knows what was dropped"):
        Collection(str(finished_run / "dataset")).dropped()
