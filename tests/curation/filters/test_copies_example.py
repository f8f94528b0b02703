"""Pairs copied from the prompt."""

from __future__ import annotations

from dataclasses import replace

from docmatix.core.pairs import Scores
from docmatix.curation.filters.copies_example import CopiesExample
from docmatix.curation.filters.filter import FilterContext
from tests.curation.judging import judge

EXAMPLES = ("What is the main topic of the document?", "The main topic of the document is...", "$1,250.00", "Yes")


def test_a_question_copied_from_the_prompt_is_dropped():
    context = FilterContext(examples=EXAMPLES)
    assert judge(CopiesExample(), "what is the main topic of the document", "Cats", context) == "copies_example"
    assert judge(CopiesExample(), "What is the main topic of the second letter?", "Cats", context) is None


def test_an_answer_copied_from_the_prompt_is_dropped_unless_it_is_printed():
    context = FilterContext(examples=EXAMPLES)
    printed = replace(context, scores=Scores(grounding=1.0))
    for answer in ("The main topic of the document is", "$1250.00"):
        assert judge(CopiesExample(), "What is it about?", answer, context) == "copies_example"
        assert judge(CopiesExample(), "What is it about?", answer, printed) is None
    assert judge(CopiesExample(), "Is it signed?", "Yes", context) is None


def test_nearly_an_example_is_a_copy_only_if_it_is_long_enough_to_tell():
    context = FilterContext(
        examples=("Who wrote it?", "Which of the three proposed methods had the lowest error rate?")
    )
    near = "Which of the three proposed methods had the lowest error rate, then?"
    assert judge(CopiesExample(), near, context=context) == "copies_example"
    assert judge(CopiesExample(min_overlap=0.95), near, context=context) is None
    assert judge(CopiesExample(), "Who signed it?", context=context) is None
