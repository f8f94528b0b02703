"""What was left out before there was a pair: counted by the ledger, and shown by a few examples."""

from __future__ import annotations

from docmatix.report.losses import EXAMPLES, gather_losses
from docmatix.stages.support.job import Job
from tests.jobs import FakeClient, build, make_job
from tests.pdfs import write_distinct_pdf


def test_every_reason_has_its_count_and_examples(mixed_job: Job):
    lost = {(each.stage, each.unit, each.reason): each for each in gather_losses(mixed_job, seed=0)}
    assert lost["extract", "document", "not_pdf"].count == 1
    assert lost["extract", "document", "not_pdf"].examples[0].what == "docs/text.pdf"
    (copy,) = lost["dedup", "document", "duplicate"].examples
    assert copy.what == "docs/copy.pdf"
    assert copy.detail.startswith("in favour of docs/1.pdf")


def test_pairs_dropped_by_filters_are_not_among_them(mixed_job: Job):
    assert "curate" not in {each.stage for each in gather_losses(mixed_job, seed=0)}


def test_replies_that_cannot_be_read_are_named_with_their_document_and_pages(tmp_path):
    job = make_job(tmp_path, pdfs={"a.pdf": write_distinct_pdf(1)}, pack={"dpi": 36})
    build(job, client=FakeClient(lambda _: "I would rather not."))
    (lost,) = gather_losses(job, seed=0)
    assert (lost.stage, lost.count) == ("generate", 1)
    assert lost.examples[0].what == "docs/a.pdf, page 1"


def test_of_many_a_few_are_drawn_by_seed(tmp_path):
    job = make_job(tmp_path, pdfs={f"{n}.pdf": b"no PDF %d" % n for n in range(30)}, pack={"dpi": 36})
    build(job)
    (first,), (again,), (other,) = (gather_losses(job, seed=seed) for seed in (0, 0, 1))
    assert first == again
    assert first.count == 30
    assert len(first.examples) == EXAMPLES
    assert first.examples != other.examples
