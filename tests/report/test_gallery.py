"""Which windows are shown: the draw, its bounds, and the pairs as they are handed to the page."""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from docmatix.report.gallery import (
    BOXES,
    LONGEST,
    PAIRS_FOR_ONE_REASON,
    Place,
    Window,
    draw_windows,
    fit_facts,
    fit_pairs,
    iterate_marks,
    read_windows,
    to_shown_pair,
)
from docmatix.stages.support.job import Job
from tests.jobs import FakeClient, build, make_job
from tests.pdfs import write_distinct_pdf

Mark = tuple[Place, str, str | None]


def make_marks(windows: int, *, rare: int | None = None) -> Iterator[Mark]:
    """Ten pairs for each window, one of them dropped as `common`; window `rare` has one dropped as `rare`, too."""
    for number in range(windows):
        place = (number // 10, f"sample{number}")
        for pair in range(9):
            yield place, "one" if pair < 8 else "two", None
        yield place, "one", "common"
        if number == rare:
            yield place, "one", "rare"


# --- drawing ----------------------------------------------------------------------------------------------------------


def test_a_reason_that_came_once_in_a_thousand_windows_is_shown():
    drawn = draw_windows(make_marks(1000, rare=777), 5, seed=0)
    assert len(drawn) == 5
    assert (77, "sample777") in drawn


def test_every_prompt_and_reason_is_among_few_windows():
    marks = [
        ((0, f"{prompt}{n}"), prompt, reason) for prompt in "abc" for n in range(50) for reason in ("x", "y", None)
    ]
    marks += [((1, f"only{n}"), "d", "z") for n in range(2)]
    drawn = draw_windows(marks, 8, seed=1)
    shown = Counter((prompt, reason) for place, prompt, reason in marks if place in drawn)
    assert {prompt for prompt, _ in shown} == set("abcd")
    assert {reason for _, reason in shown} == {"x", "y", "z", None}


def test_a_draw_repeats_by_its_seed_and_is_in_the_order_of_shards():
    first, again, other = (draw_windows(make_marks(200), 10, seed=seed) for seed in (3, 3, 4))
    assert first == again == sorted(first)
    assert first != other


def test_fewer_windows_than_asked_for_are_all_drawn():
    assert draw_windows(make_marks(3), 60, seed=0) == [(0, "sample0"), (0, "sample1"), (0, "sample2")]
    assert draw_windows([], 60, seed=0) == []


# --- reading ----------------------------------------------------------------------------------------------------------


def test_drawn_windows_come_with_their_pairs_and_how_many_there_are(mixed_job: Job):
    places = draw_windows(iterate_marks(mixed_job.run), 60, seed=0)
    windows = read_windows(mixed_job.run, places)
    assert sorted((window.shard, window.sample_id) for window in windows) == places
    assert [(window.shard, window.index) for window in windows] == sorted((w.shard, w.index) for w in windows)
    ledger = mixed_job.run.ledger("curate").accounts["pairs"]
    assert sum(window.total[""] for window in windows) == ledger.kept
    assert sum(window.total["ungrounded"] for window in windows) == ledger.dropped["ungrounded"] > 0
    for window in windows:
        assert len(window.pairs) == window.total.total()
        assert set(window.evidence_pages) <= set(window.page_numbers)


def test_a_window_with_hundreds_of_pairs_shows_some_of_each_reason(tmp_path: Path):
    filters = [{"kind": "length", "max_answer_chars": 99}]
    job = make_job(tmp_path, pdfs={"a.pdf": write_distinct_pdf(1)}, curate={"filters": filters}, pack={"dpi": 36})
    pairs = [{"question": f"Why is it {number} of them?", "answer": f"so {number} " * 30} for number in range(40)]
    build(job, client=FakeClient(lambda _: json.dumps({"pairs": pairs})))
    (window,) = read_windows(job.run, draw_windows(iterate_marks(job.run), 5, seed=0))
    assert window.total == {"too_long": 40}
    assert len(window.pairs) == PAIRS_FOR_ONE_REASON


# --- pairs as they are shown ------------------------------------------------------------------------------------------


def make_row(**changes: Any) -> dict[str, Any]:
    row = {name: name for name in ("pair_id", "prompt", "model", "style", "question", "answer")}
    return {**row, "reason": None, "scores": {}, "evidence": [], **changes}


def test_texts_of_any_length_are_cut():
    pair = to_shown_pair(make_row(question="q" * 10_000, answer="a" * LONGEST))
    assert len(pair["question"]) == LONGEST
    assert pair["question"].endswith("…")
    assert pair["answer"] == "a" * LONGEST


@pytest.mark.parametrize(("row", "shown"), [({"kind": "cell"}, "cell"), ({"kind": "free"}, ""), ({}, "")])
def test_the_kind_of_a_question_is_shown_where_it_tells_something(row, shown):
    assert to_shown_pair(make_row(**row))["kind"] == shown


def test_scores_that_are_not_finite_are_left_out():
    pair = to_shown_pair(make_row(scores={"grounding": math.nan, "clarity": None, "round_trip": 0.66666}))
    assert pair["scores"] == {"round_trip": 0.667}


@pytest.mark.parametrize(
    ("box", "shown"),
    [
        ([0.1, 0.2, 0.3, 0.4], [0.1, 0.2, 0.3, 0.4]),
        ([-1, 0, 2, 0.5], [0, 0, 1, 0.5]),
        ([0.3, 0, 0.3, 1], None),
        ([0.5, 0.5, 0.1, 0.1], None),
        ([0, 0, math.inf, 1], None),
        ([0, 0, 1], None),
    ],
)
def test_boxes_lie_on_the_page_or_are_left_out(box: list[float], shown: list[float] | None):
    pair = to_shown_pair(make_row(evidence=[{"page": 3, "quote": "x", "boxes": [box]}]))
    assert pair["evidence"] == [{"page": 3, "quote": "x", "boxes": [shown] if shown else []}]


def test_an_evidence_of_a_thousand_boxes_shows_some():
    pair = to_shown_pair(make_row(evidence=[{"page": 1, "quote": None, "boxes": [[0, 0, 1, 1]] * 1000}]))
    assert len(pair["evidence"][0]["boxes"]) == BOXES


# --- fitting ----------------------------------------------------------------------------------------------------------


def make_window(*reasons: str) -> Window:
    pairs = [{"reason": reason, "number": number} for number, reason in enumerate(reasons)]
    return Window(0, 0, "doc", "doc-1", "a.pdf", "en", [1], pairs)


def test_pairs_that_fit_all_stay():
    window = make_window("", "x", "")
    fit_pairs([window], 30, measure=lambda _: 10)
    assert [pair["number"] for pair in window.pairs] == [0, 1, 2]


def test_where_not_all_fit_each_reason_keeps_one_before_any_keeps_two():
    window = make_window("", "", "", "x", "x", "y")
    fit_pairs([window], 40, measure=lambda _: 10)
    assert [(pair["number"], pair["reason"]) for pair in window.pairs] == [(0, ""), (1, ""), (3, "x"), (5, "y")]


def test_what_a_window_does_not_use_is_there_for_the_next():
    small, large = make_window(""), make_window(*[""] * 9)
    fit_pairs([small, large], 80, measure=lambda _: 10)
    assert (len(small.pairs), len(large.pairs)) == (1, 7)


def test_facts_that_do_not_fit_are_left_out_and_what_is_left_over_goes_to_later_windows():
    windows = [make_window_of_facts(10), make_window_of_facts(1), make_window_of_facts(10)]
    fit_facts(windows, 60, measure=lambda fact: 5)
    assert [len(window.facts) for window in windows] == [4, 1, 7]


def make_window_of_facts(count: int) -> Window:
    return Window(0, 0, "d", "d-1", "d.pdf", "en", [1], facts=[{"answer": "x"}] * count)
