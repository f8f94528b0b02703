"""Questions that the document already has."""

from __future__ import annotations

from docmatix.curation.filters.duplicate import Duplicate
from docmatix.curation.filters.filter import FilterContext, KeptPairs
from tests.curation.judging import judge, make_pair


def test_the_same_question_again_is_a_duplicate_whatever_its_answer():
    context = FilterContext(earlier=KeptPairs([make_pair("What is the total?", "$5")]))
    assert judge(Duplicate(), "what is the  total", "$6", context) == "duplicate"
    assert judge(Duplicate(), "What is the sum?", "$5", context) is None


def test_a_similar_question_is_a_duplicate_only_with_the_same_answer():
    context = FilterContext(earlier=KeptPairs([make_pair("What is the total amount of the invoice?", "$1,200")]))
    similar = "What is the total amount on the invoice?"
    assert judge(Duplicate(), similar, "$1200", context) == "duplicate"
    assert judge(Duplicate(), similar, "$1300", context) is None
    assert judge(Duplicate(min_overlap=0.9), similar, "$1200", context) is None


def test_questions_about_other_numbers_or_with_a_yes_are_not_similar():
    context = FilterContext(earlier=KeptPairs([make_pair("What was the total loss in 2018?", "none at all")]))
    assert judge(Duplicate(), "What was the total loss in 2019?", "none at all", context) is None
    context = FilterContext(earlier=KeptPairs([make_pair("Is the monthly rent of the flat due in advance?", "Yes")]))
    assert judge(Duplicate(), "Is the weekly rent of the flat due in advance?", "Yes", context) is None


def test_kept_pairs_are_in_order_and_found_by_their_answer():
    pairs = [make_pair("Who?", "a"), make_pair("What?", "a"), make_pair("When?", "b")]
    kept = KeptPairs(pairs)
    assert list(kept) == pairs
    assert list(kept.with_answer("A.")) == [pairs[1], pairs[0]]
