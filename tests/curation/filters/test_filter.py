"""What holds of every filter."""

from __future__ import annotations

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from docmatix.core.pairs import Scores
from docmatix.curation.filters import DEFAULT_FILTERS, FILTERS, AnyFilter
from docmatix.curation.filters.filter import Filter, FilterContext, KeptPairs, judge_pair
from docmatix.curation.filters.grounded import Grounded
from docmatix.curation.filters.length import Length
from docmatix.curation.grounding import ground
from docmatix.text.pieces import measure_overlap
from tests.curation.judging import judge, make_page, make_pair

ALL_FILTERS: tuple[Filter, ...] = tuple(kind() for kind in FILTERS)


def test_the_first_reason_wins():
    pair = make_pair("Q1: What is the total?", "As an AI, I cannot answer.")
    assert judge_pair(pair, FilterContext(), DEFAULT_FILTERS) == "markup"
    assert judge_pair(pair, FilterContext(), DEFAULT_FILTERS[2:]) == "refusal"
    assert judge_pair(pair, FilterContext(), ()) is None


def test_a_filter_can_be_for_some_styles_only():
    context = FilterContext(scores=Scores(grounding=0.8))
    strict = (Grounded(styles=("extractive",), min_score=0.9), Grounded(min_score=0.6))
    assert judge_pair(make_pair(), context, strict) == "ungrounded"
    assert judge_pair(make_pair(style="abstractive"), context, strict) is None


def test_every_filter_is_read_from_its_kind_and_unknown_keys_are_refused():
    adapter: TypeAdapter[Filter] = TypeAdapter(AnyFilter)
    for rule in ALL_FILTERS:
        assert adapter.validate_python(rule.model_dump()) == rule
        assert adapter.validate_python({"kind": rule.model_dump()["kind"]}) == rule
    with pytest.raises(ValidationError, match="min_scor"):
        adapter.validate_python({"kind": "grounded", "min_scor": 0.5})
    with pytest.raises(ValidationError):
        adapter.validate_python({"kind": "no_such_filter"})


@pytest.mark.parametrize(
    ("question", "answer"),
    [
        ("What was the net income?", "$3.5 million"),
        ("Which country's department funded the study?", "U.S."),
        ("Whom should applicants write to?", "jane.doe@example.org"),
        ("Which work is cited for the method?", "[12]"),
        ("Which file holds the results?", "report_v1.2.pdf"),
        ("Was the motion carried?", "Yes"),
        ("Why is the policy limited?", "Employees cannot carry over vacation days."),
    ],
)
def test_a_good_pair_passes_every_default_filter(question: str, answer: str):
    page = make_page(
        "Net income was $3.5 million. Funded by the U.S. Department of Energy. Write to jane.doe@example.org. "
        "As in [12], results are in report_v1.2.pdf. Employees cannot carry over vacation days."
    )
    found = ground(answer, [page])
    context = FilterContext(pages=[page], scores=Scores(found.score), evidence=found.evidence, language="en")
    assert judge_pair(make_pair(question, answer), context, ALL_FILTERS) is None


texts = st.text(max_size=120) | st.text(alphabet='aQq1: \n{}[]<>|"\\#`~?.!&;not ivd', max_size=120)


@settings(deadline=None)
@given(texts, texts, texts, st.sampled_from([None, "en", "xx"]))
def test_no_text_makes_a_filter_fail_and_the_verdict_is_always_the_same(
    question: str, answer: str, printed: str, language: str | None
):
    context = FilterContext(
        pages=[make_page(printed)],
        language=language,
        examples=(printed, ""),
        earlier=KeptPairs([make_pair(printed, answer), make_pair(answer, printed)]),
    )
    for rule in ALL_FILTERS:
        reason = judge(rule, question, answer, context)
        assert reason is None or reason.isidentifier()
        assert judge(rule, question, answer, context) == reason


@given(texts, texts)
def test_overlap_is_symmetric_and_whole_for_the_same_words(one: str, other: str):
    assert measure_overlap(one, other) == measure_overlap(other, one)
    assert measure_overlap(one, one) in (0.0, 1.0)


HOSTILE = (
    "not ",
    "not given ",
    " ",
    "!",
    "a",
    "a ",
    "<a ",
    "<|",
    "no information ",
    "no a a ",
    "is not ",
    "I cannot ",
    "the document ",
    "\n",
    "\n ",
    '"}',
    "{ ",
    "in a ",
    "cannot be ",
    "&#1",
    "#",
    "What ",
    "字",
    "the provided ",
)


@pytest.mark.parametrize("piece", HOSTILE)
def test_a_hostile_text_takes_linear_time(piece: str):
    pair = make_pair(piece * 4_000 + "x", piece * 4_000 + "x")
    start = time.process_time()
    for rule in ALL_FILTERS:
        rule.judge(pair, FilterContext(language=None))
    # measured: at most 0.1 s, growing tenfold with tenfold text; a quadratic expression would need over ten seconds
    assert time.process_time() - start < 5


def test_settings_are_described_by_their_names_and_empty_ones_left_out() -> None:
    assert Length(styles=("table", "number")).describe_settings() == {
        "styles": "table number",
        "min_question_chars": "8",
        "max_question_chars": "400",
        "min_answer_chars": "1",
        "max_answer_chars": "1200",
    }
