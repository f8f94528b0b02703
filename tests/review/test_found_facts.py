"""What was found on the pages of a run, as it is listed, drawn and counted."""

from __future__ import annotations

import json
from html import escape
from pathlib import Path

import pytest

from docmatix.cli import main
from docmatix.config.loading import dump_config
from docmatix.core.errors import SetupError
from docmatix.review.collection import Collection
from docmatix.review.found_facts import SHOWN, FoundFacts, describe_fact, draw_facts, find_facts
from docmatix.review.status import read_status
from docmatix.stages.support.job import Job
from tests.jobs import extract, make_job, plan
from tests.pdfs import write_table_pdf

ROWS = (("Fruit", "2023", "2024"), ("Pears from Kent", "25", "46"), ("Plums", "32", "42"))


@pytest.fixture(scope="module")
def job(tmp_path_factory: pytest.TempPathFactory) -> Job:
    """A run that has read one page with a table."""
    made = make_job(tmp_path_factory.mktemp("facts"), pdfs={"table.pdf": write_table_pdf(ROWS)})
    plan(made)
    extract(made)
    made.run.write("run.yaml", dump_config(made.config).encode())
    made.run.write("fingerprints.json", json.dumps(made.fingerprints).encode())
    return made


@pytest.fixture
def found(job: Job) -> FoundFacts:
    return draw_facts(job, 3, seed=0)[0]


def test_the_facts_of_a_drawn_page_are_those_of_its_document(job: Job, found: FoundFacts):
    assert find_facts(job, found.place.doc_id, [1]).by_page == find_facts(job, found.place.doc_id).by_page
    assert find_facts(job, found.place.doc_id)[:] == found[:]
    assert {"25", "46", "32", "42"} <= {fact.value for fact in found}


def test_facts_are_numbered_in_the_text_as_on_the_page(found: FoundFacts):
    (page,) = found.read_pages()
    number = next(at for at, fact in enumerate(found, 1) if fact.value == "46")
    assert {mark.box for mark in page.marks if mark.number == number} == {tuple(found[number - 1].boxes[0])}
    (line,) = (line for line in found.describe() if line.split()[0] == str(number))
    assert line.split()[1] == "cell"
    assert line.endswith("46")
    (picture,) = found.draw(max_width_px=300)
    assert picture.width == 300


def test_of_a_page_with_very_many_facts_some_are_shown(found: FoundFacts):
    many = FoundFacts(found.job, found.place, found.source_uri, {1: found[:1] * (SHOWN + 5)})
    assert len(many.describe()) == SHOWN + 1
    assert many.describe()[-1].endswith("and 5 more")


def test_a_notebook_shows_facts_beside_their_page(found: FoundFacts):
    html = found._repr_html_()
    assert "<img" in html
    assert escape(describe_fact(found[0])) in html


def test_inspect_prints_what_was_found_and_draws_it(job: Job, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    assert main(["inspect", job.run.root, "--facts", "--pictures", str(tmp_path / "drawn")]) == 0
    printed = capsys.readouterr().out
    assert "table.pdf, page 1" in printed
    assert [path.name for path in (tmp_path / "drawn").iterdir()] == ["facts-1-1.png"]


def test_status_counts_facts_by_kind(job: Job):
    facts = read_status(job.run)["facts"]
    assert facts["table"] == 1
    assert facts["cell"] >= 4


def test_a_document_that_was_not_read_is_named(job: Job):
    with pytest.raises(SetupError, match="has read no document nothing-of-that-name"):
        find_facts(job, "nothing-of-that-name")


def test_the_facts_of_a_sample_are_those_of_its_pages(finished_run: Path, published: Collection):
    sample = Collection(str(finished_run))[0]
    assert sample.facts.place.page_numbers == tuple(sample["page_numbers"])
    assert sample.facts.source_uri == sample["source_uri"]
    with pytest.raises(SetupError, match="give the run directory"):
        _ = published[0].facts
