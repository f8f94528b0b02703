"""Which mistakes are shown."""

from __future__ import annotations

from typing import Any

from docmatix.evaluation.mistakes import choose_mistakes
from tests.evaluation.rows import make_row


def make_wrong(number: int, **values: Any) -> dict[str, Any]:
    return make_row(number, **{"prediction": "x", "agreement": 0.0, "anls": 0.0, **values})


def list_ids(rows: list[dict[str, Any]], count: int = 10, **choices: Any) -> list[str]:
    found = choose_mistakes(rows, count=count, guessed=5, **choices)
    return [row["example_id"] for sheaf in found.sheaves for row in sheaf]


def test_right_answers_and_questions_without_a_prediction_are_no_mistakes():
    rows = [make_row(0), make_wrong(1), make_wrong(2, prediction=None, reason="truncated"), make_row(3, agreement=0.5)]
    found = choose_mistakes(rows, count=10, guessed=5)
    assert [[row["example_id"] for row in sheaf] for sheaf in found.sheaves] == [["q1"]]
    assert found.total == 1


def test_the_verdict_of_a_judge_goes_before_agreement():
    rows = [make_wrong(0, judge_verdict=1.0), make_row(1, judge_verdict=0.0), make_wrong(2)]
    assert sorted(list_ids(rows)) == ["q1", "q2"]


def test_an_incomplete_answer_is_a_mistake_behind_the_wrong_ones():
    rows = [make_row(0, judge_verdict=0.5), make_wrong(1, judge_verdict=0.5), make_row(2, judge_verdict=0.0)]
    assert list_ids(rows) == ["q2", "q1", "q0"]


def test_the_worst_come_first():
    rows = [make_wrong(n, agreement=n / 100) for n in (30, 10, 20, 40)]
    assert list_ids(rows) == ["q10", "q20", "q30", "q40"]
    assert list_ids(rows, 2) == ["q10", "q20"]


def test_rare_groups_are_there_beside_common_ones():
    rows = [make_wrong(n, kind="cell") for n in range(500)]
    rows += [make_wrong(1000 + n, kind=kind, agreement=0.4) for n, kind in enumerate(("chart", "title", "list"))]
    shown = list_ids(rows, 6)
    assert len(shown) == 6
    assert {"q1000", "q1001", "q1002"} < set(shown)


def test_as_many_are_shown_as_there_is_place_for():
    rows = [make_wrong(n, kind=f"k{n % 2}") for n in range(300)]
    assert len(list_ids(rows, 60)) == 60
    assert len(set(list_ids(rows, 60))) == 60
    assert choose_mistakes(rows, count=60, guessed=5).total == 300


def test_the_seed_alone_decides_among_equals():
    rows = [make_wrong(n) for n in range(100)]
    assert sorted(list_ids(rows)) == sorted(list_ids(rows[::-1]))
    assert list_ids(rows) != list_ids(rows, seed=1)


def test_mistakes_about_the_same_pages_are_shown_together():
    rows = [make_wrong(n, doc_id="d", page_numbers=[1 + n % 2]) for n in range(4)]
    rows += [make_wrong(n, doc_id=None, page_numbers=[]) for n in (8, 9)]
    found = choose_mistakes(rows, count=10, guessed=5)
    assert sorted(sorted(row["example_id"] for row in sheaf) for sheaf in found.sheaves) == [
        ["q0", "q2"],
        ["q1", "q3"],
        ["q8"],
        ["q9"],
    ]


def test_what_is_right_without_pages_is_shown_but_for_what_chance_hits():
    rows = [
        make_row(0, blind_agreement=1.0, blind_prediction="0"),
        make_row(1, blind_agreement=1.0, blind_prediction="yes", answer_type="yes_no"),
        make_row(2, blind_agreement=0.2, blind_prediction="x"),
        make_row(3, blind_agreement=None),
    ]
    found = choose_mistakes(rows, count=10, guessed=5)
    assert [row["example_id"] for row in found.guessed] == ["q0"]
    assert found.total_guessed == 1


def test_long_texts_and_many_answers_are_cut():
    row = make_wrong(0, prediction="la " * 10_000, answers=["12"] * 50)
    shown = choose_mistakes([row], count=10, guessed=5).sheaves[0][0]
    assert len(shown["prediction"]) < 1300
    assert (len(shown["answers"]), shown["more_answers"]) == (6, 44)


def test_memory_holds_no_more_than_can_be_shown():
    seen = 0

    def make_rows() -> Any:
        nonlocal seen
        for seen in range(20_000):
            yield make_wrong(seen, prompt=f"p{seen}", kind=f"k{seen}")

    found = choose_mistakes(make_rows(), count=60, guessed=5)
    assert seen == 19_999
    assert sum(map(len, found.sheaves)) == 60
