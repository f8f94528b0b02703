"""Statistics: what is counted of a row, and that files add up to the dataset."""

from __future__ import annotations

import json
from collections import Counter
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from docmatix.config import Pack
from docmatix.dataset.stats import Statistics, summarise
from docmatix.pdf.rendering import PageImage

Row = tuple[list[dict[str, Any]], list[PageImage]]


def make_pair(question: str = "What is it?", answer: str = "A thing", **fields: Any) -> dict[str, Any]:
    return {
        "doc_id": "d",
        "language": "en",
        "prompt": "extractive",
        "style": "extractive",
        "kind": "sentence",
        "model": "m",
        "question": question,
        "answer": answer,
        "evidence": [{"page": 1}],
        "page_numbers": [1, 2],
        "page_text_from": ["layer", "none"],
        "text_from": "layer",
        **fields,
        "scores": {"grounding": 0.5, "ocr_confidence": None} | fields.get("scores", {}),
    }


def count(rows: list[Row]) -> Statistics:
    statistics = Statistics()
    for pairs, images in rows:
        statistics.add_row(pairs, images)
    return statistics


IMAGES = st.lists(st.sampled_from([PageImage(b"12345", 10, 20, "L"), PageImage(b"1", 3, 3, "RGB")]), max_size=3)
SCORES = st.sampled_from([{"grounding": None}, {"grounding": 0.25}, {"agreement": 1.0, "judged": 0.0}])
QUESTIONS = st.sampled_from(["Who is it?", "Name it.", "name IT", ""])
PROMPTS = st.sampled_from(["extractive", "broad"])
PAIRS = st.lists(st.builds(make_pair, QUESTIONS, scores=SCORES, prompt=PROMPTS), min_size=1, max_size=3)
PAGES = st.lists(st.integers(1, 9), min_size=1, max_size=9)
ROWS = st.builds(
    lambda pairs, images, pages: ([{**pair, "page_numbers": pages} for pair in pairs], images), PAIRS, IMAGES, PAGES
)
DOCUMENTS = st.lists(st.lists(ROWS, min_size=1, max_size=3), max_size=4)


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
    assert total.counters["documents_by_pages"].total() == len(documents)


def test_a_row_is_counted_by_everything_that_is_known_of_it():
    unlike: dict[str, Any] = {"prompt": "broad", "style": "abstractive", "kind": "free", "evidence": []}
    unlike |= {"scores": {"grounding": None, "ocr_confidence": 0.75}, "text_from": "ocr"}
    pairs = [make_pair("What is the amount to be paid?", "500"), make_pair("Name the buyer", "x " * 100, **unlike)]
    statistics = count([(pairs, [PageImage(b"12345", 10, 20, "L"), PageImage(b"1", 3, 3, "RGB")])]).to_json()
    assert statistics["totals"] == {
        "rows": 1,
        "documents": 1,
        "pages": 2,
        "pairs": 2,
        "image_bytes": 6,
        "text_bytes": 247,
        "pixels": 209,
        "pairs_with_evidence": 1,
        "file_bytes": 0,
    }
    assert statistics["scores"] == {
        "grounding": {"pairs": 1, "sum": 5000, "by_tenth": {"0.5": 1}},
        "ocr_confidence": {"pairs": 1, "sum": 7500, "by_tenth": {"0.7": 1}},
    }
    assert statistics["counters"] == {
        "pairs_by_prompt": {"broad": 1, "extractive": 1},
        "pairs_by_style": {"abstractive": 1, "extractive": 1},
        "pairs_by_model": {"m": 2},
        "pairs_by_kind": {"free": 1, "sentence": 1},
        "pairs_by_text_from": {"layer": 1, "ocr": 1},
        "pages_by_text_from": {"layer": 1, "none": 1},
        "rows_by_language": {"en": 1},
        "rows_by_pages": {"2": 1},
        "documents_by_pages": {"2": 1},
        "question_words": {"3": 1, "6-8": 1},
        "answer_words": {"1": 1, "90+": 1},
        "question_openings": {"other": 1, "what": 1},
        "question_starts": {"name the": 1, "what is": 1},
        "images_by_mode": {"L": 1, "RGB": 1},
        "images_by_megapixels": {"0-0.25": 2},
        "images_by_kilobytes": {"0-25": 2},
    }


def test_files_of_an_earlier_version_count_the_scores_that_they_know():
    pairs = [make_pair(scores={"ocr_confidence": 0.75, "agreement": 0.5}), make_pair(scores={"grounding": None})]
    now = count([(pairs, [])]).to_json()
    earlier = json.loads(json.dumps(now))
    del earlier["scores"]
    earlier["totals"] |= {"pairs_scored": 1, "grounding_sum": 0.5, "pairs_read_by_ocr": 1, "ocr_confidence_sum": 0.75}
    for group in (group for groups in earlier["groups"].values() for group in groups.values()):
        del group["scores"]
        group["sums"] |= {"scored": 1, "grounding": 5000}
    total = Statistics()
    for each in (now, earlier):
        total.add(each)
    summary = summarise(total, ledgers={}, pack=Pack())
    assert summary["scores"]["grounding"] == {"pairs": 2, "mean": 0.5, "by_tenth": {"0.5": 1}}
    assert summary["scores"]["ocr_confidence"]["mean"] == summary["ocr_confidence_mean"] == 0.75
    assert summary["scores"]["agreement"] == {"pairs": 1, "mean": 0.5, "by_tenth": {"0.5": 1}}
    assert summary["by_prompt"]["extractive"]["grounding_mean"] == 0.5


def test_a_document_without_a_language_is_unknown():
    assert count([([make_pair(language=None)], [])]).counters["rows_by_language"] == Counter(unknown=1)


def test_a_summary_has_totals_shares_and_the_ledger():
    pages = [1, 2, 3, 4]
    pairs = [make_pair(page_numbers=pages), make_pair(evidence=[], page_numbers=pages)]
    statistics = count([(pairs, [PageImage(b"1234", 1000, 2000, "L")] * 4)])
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
    assert summary["by_prompt"] == {}
    shares = ("pairs_per_page", "image_bytes_per_page", "megapixels_per_page", "grounding_mean", "evidence_share")
    assert [summary[name] for name in shares] == [None] * 5


def summarise_prompts(statistics: Statistics) -> dict[str, Any]:
    summary = summarise(statistics, ledgers={}, pack=Pack())
    return dict(summary["by_prompt"])


def test_a_prompt_is_described_by_its_pairs_lengths_and_unique_questions():
    pairs = [
        make_pair("What is the price?", "12"),
        make_pair("what is THE price", "one two three four", scores={"grounding": None}, evidence=[]),
        make_pair("Who signed it?", "Ada"),
    ]
    group = summarise_prompts(count([(pairs, [])]))["extractive"]
    assert (group["pairs"], group["rows"], group["pages"], group["pairs_per_page"]) == (3, 1, 2, 1.5)
    assert (group["question_words_mean"], group["question_words_median"]) == (3.6667, "4-5")
    assert (group["answer_words_mean"], group["answer_words_median"]) == (2, "1")
    assert group["answer_words"] == {"1": 2, "4-5": 1}
    assert (group["unique_questions"], group["unique_question_share"]) == (2, 0.6667)
    assert (group["grounding_mean"], group["evidence_share"]) == (0.5, 0.6667)


def test_diversity_is_how_unlike_a_question_is_to_the_nearest_one_before_it():
    def measure(*questions: str) -> Any:
        groups = summarise_prompts(count([([make_pair(question) for question in questions], [])]))
        return groups["extractive"]["diversity"]

    assert measure("What is it?") is None
    assert measure("What is it?", "what is it") == 0
    assert measure("What is it?", "Who signed here?") == 1
    assert measure("a b", "a c", "c a") == 0.3333  # two of three words differ, then none


def test_a_row_that_two_prompts_share_counts_its_pages_for_each():
    pairs = [make_pair(), make_pair(prompt="broad", style="abstractive")]
    statistics = count([(pairs, [])])
    assert {name: group["pages"] for name, group in summarise_prompts(statistics).items()} == {
        "broad": 2,
        "extractive": 2,
    }
    assert statistics.totals["pages"] == 2
    assert summarise(statistics, ledgers={}, pack=Pack())["by_model"]["m"]["pages"] == 2


def test_the_prompt_with_the_most_pairs_comes_first():
    pairs = [make_pair(prompt="a"), make_pair(prompt="b"), make_pair(prompt="b")]
    assert list(summarise_prompts(count([(pairs, [])]))) == ["b", "a"]


def test_dropped_pairs_make_the_kept_share_also_of_a_prompt_that_kept_none():
    statistics = count([([make_pair()], [])])
    statistics.add_dropped({"prompt": {"extractive": {"echo": 1, "ungrounded": 2}, "broad": {"no_json": 5}}})
    groups = summarise_prompts(statistics)
    assert groups["extractive"]["dropped"] == {"ungrounded": 2, "echo": 1}
    assert groups["extractive"]["kept_share"] == 0.25
    assert (groups["broad"]["pairs"], groups["broad"]["kept_share"]) == (0, 0)
    assert groups["broad"]["answer_words_median"] is None


def test_a_document_whose_rows_lie_in_two_files_is_one_document_of_all_its_pages():
    def row(document: str, pages: int) -> Row:
        return [make_pair(doc_id=document, page_numbers=list(range(pages)))], []

    total = Statistics()
    for rows in ([row("a", 1), row("b", 4)], [row("b", 4)], [row("b", 1), row("c", 2)]):
        total.add(json.loads(json.dumps(count(rows).to_json())))
    assert total.to_json()["counters"]["documents_by_pages"] == {"1": 1, "2": 1, "9-16": 1}


def test_many_beginnings_of_questions_take_bounded_room_and_the_common_ones_stay():
    statistics = Statistics()
    for number in range(5000):
        statistics.add_row([make_pair(f"rare{number} word"), make_pair("What is it?")], [])
    starts = statistics.to_json()["counters"]["question_starts"]
    assert len(starts) <= 1024
    assert 5000 - 10_000 / 1025 <= starts["what is"] <= 5000
    shown = summarise(statistics, ledgers={}, pack=Pack())["question_starts"]
    assert len(shown) <= 50
    assert next(iter(shown)) == "what is"
