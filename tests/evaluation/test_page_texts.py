"""The texts of a run's pages, found again for the rows of its dataset."""

from __future__ import annotations

import pytest

from docmatix.core.errors import SetupError
from docmatix.evaluation.page_texts import MOST_PASSES, PageTexts
from docmatix.pipeline import EXTRACT
from docmatix.storage.run import Run


@pytest.fixture
def run(sample_run) -> Run:
    return Run(sample_run)


def list_documents(run: Run) -> list[tuple[str, int]]:
    rows = (row for shard in run.shards(EXTRACT) for row in run.iterate_rows(EXTRACT, shard))
    return [(row["doc_id"], len(row["pages"])) for row in rows]


def test_documents_are_found_in_the_order_of_the_plan_in_one_pass(run, monkeypatch):
    read: list[int] = []
    iterate = Run.iterate_rows

    def count_and_iterate(self, stage, shard, **options):
        read.append(shard)
        return iterate(self, stage, shard, **options)

    monkeypatch.setattr(Run, "iterate_rows", count_and_iterate)
    documents = list_documents(run)
    read.clear()
    texts = PageTexts(run)
    for doc_id, pages in documents:
        for number in range(1, pages + 1):
            language, (text, missing) = texts.find(doc_id, (number, 999))
            assert (language, missing) == ("en", None)
            assert text
    assert read == run.shards(EXTRACT)


def test_documents_are_found_in_any_order(run):
    texts = PageTexts(run)
    for doc_id, _ in list_documents(run)[::-1]:
        assert texts.find(doc_id, (1,))[1] != (None,)


def test_a_document_that_the_run_has_not_read_has_no_text_and_several_are_another_run(run):
    texts = PageTexts(run)
    for number in range(MOST_PASSES - 1):
        assert texts.find(f"unknown {number}", (1,)) == (None, (None,))
    with pytest.raises(SetupError, match="has documents that its run has not read"):
        texts.find("unknown", (1,))
