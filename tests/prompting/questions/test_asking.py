"""Questions from facts over a window: told apart, chosen, worded."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from docmatix.prompting.questions.asking import choose_language
from docmatix.text.pieces import split_pieces
from tests.prompting.questions.pages import ask, make_fact, make_grid, make_page, pair_up


def test_a_label_with_two_values_is_asked_about_with_its_section_or_not_at_all() -> None:
    buyer = make_fact("field", "Phone", "555-0100", path=["Buyer"], y=0.1)
    seller = make_fact("field", "Phone", "555-0199", path=["Seller"], y=0.2)
    asked = pair_up(ask(make_page([buyer, seller])), kind="field")
    assert sorted(asked.values()) == ["555-0100", "555-0199"]
    assert all('in the section "' in question for question in asked)
    nowhere = [one._replace(path=()) for one in (buyer, seller)]
    assert not ask(make_page(nowhere))


def test_two_pages_of_a_window_make_each_other_ambiguous() -> None:
    pages = [make_page([make_fact("field", "Weight", f"{n} kg")], number=n) for n in (1, 2)]
    assert ask(pages[0])
    assert not ask(*pages)


def test_the_same_answer_twice_is_asked_for_once() -> None:
    pages = [make_page([make_fact("field", "Contract number", "A-77")], number=n) for n in (1, 2)]
    assert [one.answer for one in ask(*pages)] == ["A-77"]


def test_a_fact_that_is_not_trusted_is_not_asked_about_and_makes_its_label_ambiguous() -> None:
    sure, doubtful = make_fact("field", "Weight", "3 kg"), make_fact("field", "Weight", "9 kg", y=0.3, confidence=0.3)
    assert not ask(make_page([doubtful]))
    assert not ask(make_page([sure, doubtful]))


def test_a_row_of_the_same_name_makes_a_field_ambiguous() -> None:
    total = make_fact("field", "Total weight", "12 kg", y=0.9)
    table = make_grid([["Item", "Mass"], ["Total weight", "14 kg"], ["Bolt", "2 kg"]])
    assert "12 kg" in pair_up(ask(make_page([total]))).values()
    assert "12 kg" not in pair_up(ask(make_page([total], [table]))).values()


def test_no_more_is_asked_than_the_limit_and_of_as_many_kinds_as_there_are() -> None:
    table = make_grid([["Item", "Price"], *([f"Part {n}", f"${n}.50"] for n in range(40))])
    facts = [make_fact("title", "", "Price list"), make_fact("field", "Valid until", "1 May 2024", y=0.12)]
    asked = ask(make_page(facts, [table]), limit=4)
    assert len(asked) == 4
    assert {"title", "field", "cell"} <= {one.kind for one in asked}
    assert not ask(make_page(facts, [table]), limit=0)


def test_questions_follow_from_the_seed_and_the_window_alone() -> None:
    table = make_grid([["Item", "Price"], *([f"Part {n}", f"${n}.50"] for n in range(40))])
    page = make_page([], [table])
    assert ask(page, limit=5) == ask(page, limit=5)
    assert ask(page, limit=5) != ask(page, limit=5, seed=1)


def test_no_wording_is_used_again_before_the_others_of_its_form() -> None:
    table = make_grid([["Item", "Price"], *([f"Part {n}", f"${n}.50"] for n in range(40))])
    used = Counter(one.wording for one in ask(make_page([], [table]), limit=14) if "/cell.noun/" in one.wording)
    assert max(used.values()) - min(used.values()) <= 1


def test_pages_that_are_left_out_are_not_asked_about() -> None:
    page = make_page([make_fact("field", "Weight", "3 kg")])
    assert ask(page)
    assert not ask(replace(page, reason="blank"))


@pytest.mark.parametrize(
    ("text", "language", "chosen"),
    [
        ("The parts of the unit have been made by the owner and are for that from which they were", "de", "en"),
        ("Nr. 12 34", "en", "en"),
        ("Nr. 12 34", None, "en"),
        ("Überschuß 12", None, None),
        ("lorem “ipsum”", "la", "en"),
        ("Nr. 12 34", "xx", None),
    ],
)
def test_a_page_is_asked_about_in_its_own_language(text: str, language: str | None, chosen: str | None) -> None:
    assert choose_language(make_page(text=text), language) == chosen


@given(
    label=st.text("abcdefgh XYZ()/-.:", min_size=2, max_size=30),
    value=st.text("abc 0123456789.,$%", min_size=1, max_size=20),
)
def test_no_question_has_its_answer_in_it(label: str, value: str) -> None:
    for one in ask(make_page([make_fact("field", label, value)])):
        if one.answer_type not in ("yes_no", "count"):
            said, answer = split_pieces(one.question), split_pieces(one.answer)
            assert not any(said[at : at + len(answer)] == answer for at in range(len(said)))
        assert one.question.endswith(("?", '?"'))


def test_korean_of_several_lines_is_left_out_since_lines_break_within_words() -> None:
    fact = make_fact("footnote", "3", "보험기간 중에 발생한 사고")
    page = make_page([fact], text="보험 약관 보험 기간 사고")
    assert ask(page, language="ko")
    assert not ask(make_page([fact._replace(boxes=fact.boxes * 2)], text="보험 약관"), language="ko")
