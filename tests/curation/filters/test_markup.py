"""Leftovers of formats, and what a page prints."""

from __future__ import annotations

import pytest

from docmatix.curation.filters.filter import FilterContext
from docmatix.curation.filters.markup import Markup
from tests.curation.judging import judge, make_page


@pytest.mark.parametrize(
    ("question", "answer"),
    [
        ("Q1: What is the total?", "5"),
        ("Question 2: What is the total?", "5"),
        ("What is the total?", "A1: $5"),
        ("What is the total?", "Answer: $5"),
        ("What is the total?", "assistant: $5"),
        ("What is the total?", "$5\nQ2: What is the date?"),
        ("What is the total?", "$5\nQuestion: What is the date?"),
        ("What is the total?", "$5<|im_end|>"),
        ("What is the total?", "<|eot_id|"),
        ("What is the total?", "[/INST] $5"),
        ("What is the total?", "<s>$5</s>"),
        ("What is the total?", "<think>Let me see.</think> $5"),
        ("What is the total?", "### Response: $5"),
        ("What is the total?", '{"answer": "$5"}'),
        ("What is the total?", '$5"}'),
        ("What is the total?", '$5"}],'),
        ("What is the total?", '["$5", "$6"]'),
        ("What is the total?", "$5\\nThe rest is due."),
        ("What is the total?", "caf\\u00e9"),
        ("What is the total?", "```\n$5\n```"),
        ("What is {{ field }}?", "$5"),
        ("What is the total?", "{% if total %}$5"),
        ("What is the total?", "<b>$5</b>"),
        ("What is the total?", '<td class="sum">$5'),
        ("What is the total?", "$5<br/>"),
        ("What is the total?", "Smith &amp; Sons"),
    ],
)
def test_leftovers_of_a_format_are_markup(question: str, answer: str):
    assert judge(Markup(), question, answer) == "markup"


@pytest.mark.parametrize(
    "answer",
    [
        "$3.5 million",
        "U.S.",
        "the U.S. Department of Energy",
        "jane.doe@example.org",
        "<jane.doe@example.org>",
        "Smith et al. [12] and [3, 4]",
        "[sic]",
        "report_v1.2.pdf",
        "www.example.org/a?b=1&c=2",
        "192.168.0.1",
        "x < 5 and y > 3",
        "{1, 2, 3}",
        "a | b",
        "C:\\new\\files",
        "AT&T",
        "the “quoted” words",
        'the "quoted" words',
        "First paragraph.\n\nSecond paragraph.",
        "#5",
        "A: the first option"[3:],
        "Section 3.2.1",
        "e.g. water",
        "1,234.50",
        "p < 0.05",
        "C# and F#",
    ],
)
def test_what_the_published_build_dropped_as_code_is_kept(answer: str):
    assert judge(Markup(), "What is given?", answer) is None


def test_what_a_page_prints_is_no_leftover():
    context = FilterContext(pages=[make_page("Results: Q1: $5 m, Q2: $6 m. Use <b> for bold type.")])
    assert judge(Markup(), "What were the results?", "Q1: $5 m") == "markup"
    assert judge(Markup(), "What were the results?", "Q1: $5 m", context) is None
    assert judge(Markup(), "Which tag makes <b> type?", "<b>", context) is None
    assert judge(Markup(), "Which tag?", "<i>", context) == "markup"
