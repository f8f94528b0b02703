"""The figures of an evaluation: what is averaged, over which questions, and how sure it is."""

from __future__ import annotations

import json
import random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from docmatix.dataset.scores import find_interval
from docmatix.evaluation.groups import DIMENSIONS, describe_summary, summarise
from tests.evaluation.rows import make_row


def make_wrong(number: int, **values: Any) -> dict[str, Any]:
    wrong = {"anls": 0.0, "exact": False, "numeric": 0.0, "token_f1": 0.0, "agreement": 0.0, "prediction": "x"}
    return make_row(number, **{**wrong, **values})


def test_each_metric_is_averaged_over_the_questions_that_have_it():
    rows = [make_row(0), make_wrong(1, anls=0.6), make_wrong(2, numeric=None, token_f1=0.5)]
    overall = summarise(rows)["overall"]
    assert (overall["n"], overall["answered"]) == (3, 3)
    assert overall["anls"]["mean"] == pytest.approx(1.6 / 3, abs=1e-4)
    assert overall["exact"]["mean"] == pytest.approx(1 / 3, abs=1e-4)
    assert (overall["numeric"]["n"], overall["numeric"]["mean"]) == (2, 0.5)
    assert overall["token_f1"]["mean"] == 0.5
    assert overall["judge_verdict"] is None
    assert overall["blind_anls"] is None


def test_questions_are_grouped_by_everything_that_is_known_of_them():
    rows = [
        make_row(0, prompt="facts", style="extractive", kind="cell", text_from="layer"),
        make_row(1, prompt="facts", style="extractive", kind="cell", text_from="ocr"),
        make_wrong(2, prompt="broad", style="abstractive", kind="free", text_from="ocr", answer_type="long_text"),
    ]
    summary = summarise(rows)
    means = {
        dimension: {name: group["agreement"]["mean"] for name, group in summary[dimension].items()}
        for dimension in DIMENSIONS
    }
    assert means == {
        "by_prompt": {"facts": 1.0, "broad": 0.0},
        "by_style": {"extractive": 1.0, "abstractive": 0.0},
        "by_kind": {"cell": 1.0, "free": 0.0},
        "by_pages": {"1": pytest.approx(2 / 3, abs=1e-4)},
        "by_text_from": {"ocr": 0.5, "layer": 1.0},
        "by_answer_type": {"number": 1.0, "long_text": 0.0},
    }
    assert list(summary["by_prompt"]) == ["facts", "broad"]


def test_page_counts_are_classes_in_their_order():
    rows = [make_row(pages, pages=pages) for pages in (40, 3, 1, 2, 4, 1)]
    assert list(summarise(rows)["by_pages"]) == ["1", "2", "3-4", "33+"]


def test_what_a_data_set_does_not_say_has_no_groups():
    summary = summarise([make_row(0, pages=0)])
    assert summary["by_prompt"] == summary["by_pages"] == {}


def test_a_question_without_a_prediction_counts_as_wrong_and_its_reason_is_counted():
    lost = make_wrong(1, prediction=None, reason="too_long", judge_model="j")
    judged = make_row(0, judge_verdict=1.0, judge_model="j")
    overall = summarise([judged, lost, {**lost, "reason": None}])["overall"]
    assert (overall["n"], overall["answered"]) == (3, 1)
    assert overall["unanswered"] == {"too_long": 1, "unknown": 1}
    assert overall["judge_verdict"]["mean"] == pytest.approx(1 / 3, abs=1e-4)


def test_a_reply_of_the_judge_that_cannot_be_read_is_left_out():
    rows = [make_row(0, judge_verdict=0.5, judge_model="j"), make_row(1, judge_model="j")]
    assert summarise(rows)["overall"]["judge_verdict"] | {"low": 0, "high": 1} == {
        "n": 1,
        "mean": 0.5,
        "low": 0,
        "high": 1,
    }


def test_the_blind_baseline_tells_what_the_pages_are_worth():
    rows = [
        make_row(0, blind_agreement=1.0, blind_anls=1.0, blind_prediction="0"),
        make_row(1, blind_agreement=0.0, blind_anls=0.0, blind_prediction="x"),
        make_wrong(2, blind_agreement=0.4, blind_anls=0.0, blind_prediction="y"),
        make_row(3),
    ]
    overall = summarise(rows)["overall"]
    assert overall["blind_agreement"]["n"] == 3
    assert overall["answerable_blind"]["mean"] == pytest.approx(1 / 3, abs=1e-4)
    assert (overall["agreement_where_blind_fails"]["n"], overall["agreement_where_blind_fails"]["mean"]) == (2, 0.5)


# --- intervals --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("hits", "trials", "low", "high"),
    # Wilson's interval as in Newcombe, "Two-sided confidence intervals for the single proportion", 1998, table I
    [(81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0.0, 0.1611), (1, 29, 0.0061, 0.1718)],
)
def test_intervals_are_those_of_wilson(hits: int, trials: int, low: float, high: float):
    assert find_interval(hits / trials, trials) == pytest.approx((low, high), abs=1e-4)


def test_many_questions_about_few_documents_tell_less_than_as_many_about_many():
    many = [make_row(n, doc_id=f"d{n}", exact=n % 2 == 0) for n in range(200)]
    few = [make_row(n, doc_id=f"d{n // 20}", exact=n // 20 % 2 == 0) for n in range(200)]
    alike = [make_row(n, doc_id=f"d{n // 20}", exact=n % 2 == 0) for n in range(200)]
    width = [
        figure["high"] - figure["low"]
        for figure in (summarise(rows)["overall"]["exact"] for rows in (many, few, alike))
    ]
    assert width[1] > 3 * width[0]
    assert width[2] == pytest.approx(width[0], abs=1e-3)


def test_intervals_hold_the_truth_of_documents_that_differ():
    draw = random.Random(5)
    held = 0
    for _ in range(200):
        rows = []
        for document in range(30):
            skill = draw.choice((0.1, 0.9))  # 0.5 on average
            rows += [make_row(0, doc_id=str(document), exact=draw.random() < skill) for _ in range(10)]
        figure = summarise(rows)["overall"]["exact"]
        held += figure["low"] <= 0.5 <= figure["high"]
    assert 180 <= held <= 198


@given(st.lists(st.tuples(st.floats(0, 1), st.integers(0, 3)), min_size=1, max_size=40))
def test_an_interval_holds_its_mean_within_0_and_1(scores: list[tuple[float, int]]):
    rows = [make_row(n, anls=score, doc_id=f"d{document}") for n, (score, document) in enumerate(scores)]
    figure = summarise(rows)["overall"]["anls"]
    assert 0 <= figure["low"] <= figure["mean"] <= figure["high"] <= 1


@given(st.permutations([make_row(n, anls=n / 10, doc_id=None, prompt=f"p{n % 3}") for n in range(10)]))
def test_the_order_of_rows_changes_nothing(rows: list[dict[str, Any]]):
    assert json.dumps(summarise(rows)) == json.dumps(summarise(sorted(rows, key=lambda row: str(row["example_id"]))))


def test_the_groups_of_a_dimension_are_bounded():
    summary = summarise(make_row(n, prompt=f"{n} " + "long" * 100) for n in range(300))
    assert len(summary["by_prompt"]) == 51
    assert summary["by_prompt"]["(others)"]["n"] == 250
    assert max(map(len, summary["by_prompt"])) == 60


# --- for the terminal -------------------------------------------------------------------------------------------------


def test_the_terminal_has_each_metric_and_a_table_for_each_dimension_with_several_groups():
    rows = [
        make_row(n, prompt=f"p{n % 2}", blind_agreement=0.0, blind_anls=0.0, blind_prediction="x") for n in range(10)
    ]
    lines = describe_summary(summarise(rows))
    assert lines[0] == "10 questions, 10 answered"
    assert any(line.split() == ["ANLS", "1.000", "0.722", "-", "1.000", "10", "0.000"] for line in lines)
    heading = next(line for line in lines if line.startswith("by prompt"))
    assert "judge" not in heading
    assert "blind right" in heading
    assert any(line.split()[:2] == ["p0", "5"] for line in lines)
    assert lines[-1] == "All have pages: 1; type of answer: number"


def test_a_name_of_a_group_cannot_steer_the_terminal():
    summary = summarise([make_row(0, prompt="\x1b[2J"), make_row(1, prompt="p"), make_row(2, kind="a\nb")])
    assert all(line.isprintable() for line in describe_summary(summary))


def test_an_evaluation_of_nothing_can_be_described():
    assert describe_summary(summarise([])) == ["0 questions, 0 answered"]
