"""Statistics: what is counted of a row, and that files add up to the dataset."""

from __future__ import annotations

import json
from collections import Counter
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from docmatix.config import Pack
from docmatix.pdf.rendering import PageImage
from docmatix.statistics import Statistics, classify_length, summarise

Row = tuple[list[dict[str, Any]], list[PageImage]]


def make_pair(question: str = "What is it?", answer: str = "A thing", **fields: Any) -> dict[str, Any]:
    return {
        "doc_id": "d",
        "language": "en",
        "prompt": "extractive",
        "style": "extractive",
        "model": "m",
        "question": question,
        "answer": answer,
        "evidence": [{"page": 1}],
        "scores": {"grounding": 0.5},
        **fields,
    }


def count(rows: list[Row]) -> Statistics:
    statistics = Statistics()
    for pairs, images in rows:
        statistics.add_row(pairs, images)
    return statistics


IMAGES = st.lists(st.sampled_from([PageImage(b"12345", 10, 20, "L"), PageImage(b"1", 3, 3, "RGB")]), max_size=3)
SCORES = st.sampled_from([{"grounding": None}, {"grounding": 0.25}])
QUESTIONS = st.sampled_from(["Who is it?", "Name it.", ""])
PAIRS = st.lists(st.builds(make_pair, QUESTIONS, scores=SCORES), min_size=1, max_size=3)
DOCUMENTS = st.lists(st.lists(st.tuples(PAIRS, IMAGES), min_size=1, max_size=3), max_size=4)


def number_documents(documents: list[list[Row]]) -> list[Row]:
    return [
        ([{**pair, "doc_id": f"d{number}"} for pair in pairs], images)
        for number, rows in enumerate(documents)
        for pairs, images in rows
    ]


@settings(max_examples=40)
@given(DOCUMENTS, st.data())
def test_files_add_up_to_what_one_file_would_count_wherever_they_are_cut(documents, data):
    rows = number_documents(documents)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(rows)), max_size=3)))
    total = Statistics()
    for start, end in zip([0, *cuts], [*cuts, len(rows)], strict=True):
        total.add(json.loads(json.dumps(count(rows[start:end]).to_json())))
    assert total.to_json() == count(rows).to_json()
    assert total.totals["documents"] == len(documents)


def test_a_row_is_counted_by_everything_that_is_known_of_it():
    unlike: dict[str, Any] = {"prompt": "broad", "style": "abstractive", "evidence": [], "scores": {"grounding": None}}
    pairs = [make_pair("What is the amount to be paid?", "500"), make_pair("Name the buyer", "x " * 100, **unlike)]
    statistics = count([(pairs, [PageImage(b"12345", 10, 20, "L"), PageImage(b"1", 3, 3, "RGB")])]).to_json()
    assert statistics["totals"] == {
        "rows": 1,
        "documents": 1,
        "pages": 2,
        "pairs": 2,
        "image_bytes": 6,
        "pixels": 209,
        "pairs_with_evidence": 1,
        "pairs_scored": 1,
        "grounding_sum": 0.5,
        "file_bytes": 0,
    }
    assert statistics["counters"] == {
        "pairs_by_prompt": {"broad": 1, "extractive": 1},
        "pairs_by_style": {"abstractive": 1, "extractive": 1},
        "pairs_by_model": {"m": 2},
        "rows_by_language": {"en": 1},
        "rows_by_pages": {"2": 1},
        "question_words": {"3": 1, "6-8": 1},
        "answer_words": {"1": 1, "90+": 1},
        "question_openings": {"other": 1, "what": 1},
        "images_by_mode": {"L": 1, "RGB": 1},
    }


def test_a_document_without_a_language_is_unknown():
    assert count([([make_pair(language=None)], [])]).counters["rows_by_language"] == Counter(unknown=1)


@pytest.mark.parametrize(
    ("words", "name"),
    [(0, "1"), (1, "1"), (2, "2"), (3, "3"), (4, "4-5"), (5, "4-5"), (6, "6-8"), (89, "56-89"), (90, "90+")],
)
def test_lengths_are_classed_by_words(words, name):
    assert classify_length("word " * words) == name


def test_a_summary_has_totals_shares_and_the_ledger():
    statistics = count([([make_pair(), make_pair(evidence=[])], [PageImage(b"1234", 1000, 2000, "L")] * 4)])
    summary = summarise(statistics, ledgers={"pack": []}, pack=Pack(image_format="png"))
    assert summary["pairs_per_page"] == 0.5
    assert summary["image_bytes_per_page"] == 4
    assert summary["megapixels_per_page"] == 2
    assert summary["grounding_mean"] == 0.5
    assert summary["evidence_share"] == 0.5
    assert summary["image_format"] == "png"
    assert summary["ledger"] == {"pack": []}


def test_the_summary_of_an_empty_dataset_has_no_shares():
    summary = summarise(Statistics(), ledgers={}, pack=Pack())
    assert summary["rows"] == summary["pairs"] == 0
    shares = ("pairs_per_page", "image_bytes_per_page", "megapixels_per_page", "grounding_mean", "evidence_share")
    assert [summary[name] for name in shares] == [None] * 5
