"""Bounds on the length of question and answer."""

from __future__ import annotations

import pytest

from docmatix.curation.filters.filter import FilterContext
from docmatix.curation.filters.length import Length
from tests.curation.judging import judge, make_page


@pytest.mark.parametrize(
    ("question", "answer", "reason"),
    [
        ("What is it?", "  ", "empty"),
        ("", "42", "empty"),
        ("What?", "42", "too_short"),
        ("What " * 100 + "?", "42", "too_long"),
        ("What is it?", "x" * 1201, "too_long"),
        ("What is it?", "x", None),
        ("签字人是谁？", "王芳", None),
        ("谁？", "王芳", "too_short"),
    ],
)
def test_length_has_bounds_on_both_sides(question: str, answer: str, reason: str | None):
    assert judge(Length(), question, answer) == reason


@pytest.mark.parametrize(
    ("answer", "reason"), [("###", "empty"), (",", "empty"), ("✓", "empty"), ("☒", None), ("是", None)]
)
def test_an_answer_without_letters_or_digits_is_empty_unless_it_is_a_sign_that_a_page_prints(
    answer: str, reason: str | None
):
    context = FilterContext(pages=[make_page("Paid in full ☒ Part payment ☐, see ### 4")])
    assert judge(Length(), "Which box is ticked?", answer, context) == reason
