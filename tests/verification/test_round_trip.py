"""The round trip: which replies are allowed, and when one is the answer."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from docmatix.core.pairs import Evidence, Pair
from docmatix.models.llamacpp import LlamacppEngine
from docmatix.models.sampling import Sampling
from docmatix.prompting.prompt_files import load_prompts
from docmatix.verification.round_trip import RoundTrip, list_choices, score_round_trip
from tests.jobs import SHIPPED

LLAMACPP = LlamacppEngine(kind="llamacpp")
CONTEXT = "The Riverside Library was founded on 12 March 1974 by Eleanor Hughes."


def test_the_reply_is_held_to_phrases_of_the_context() -> None:
    choices = list_choices(CONTEXT, question="When was the Riverside Library founded?", answer="12 March 1974")
    assert "12 March 1974" in choices
    assert all(choice in CONTEXT for choice in choices)


def test_a_pair_made_from_facts_is_not_asked_again() -> None:
    prompt = load_prompts(["round_trip"], [SHIPPED])["round_trip"]
    check = RoundTrip(kind="round_trip")
    pair = Pair("p", "r", "extractive", "m", "extractive", "Who founded it?", "Eleanor Hughes", context=CONTEXT)
    assert check.build_request(pair, prompt, engine=LLAMACPP, seed=0) is not None
    made = replace(pair, evidence=(Evidence(1, "Eleanor Hughes", ()),))
    assert check.build_request(made, prompt, engine=LLAMACPP, seed=0) is None


def test_a_model_that_thinks_first_is_given_the_tokens_that_its_check_says() -> None:
    prompt = load_prompts(["round_trip"], [SHIPPED])["round_trip"]
    pair = Pair("p", "r", "extractive", "m", "extractive", "Who founded it?", "Eleanor Hughes", context=CONTEXT)
    for sampling, most in ((Sampling(), 64), (Sampling(max_tokens=900), 900)):
        check = RoundTrip(kind="round_trip", sampling=sampling)
        request = check.build_request(pair, check.tune(prompt, LLAMACPP), engine=LLAMACPP, seed=0)
        assert request is not None
        assert request.sampling["max_tokens"] == most


def test_phrases_of_the_question_are_no_choice_where_there_are_enough_others() -> None:
    question = "When was the Riverside Library founded?"
    context = CONTEXT.removesuffix(".") + " at a cost of $45,000."
    choices = list_choices(context, question=question, answer="12 March 1974")
    assert {"12 March 1974", "Eleanor Hughes", "$45,000"} <= {*choices}
    assert not any("Library" in choice for choice in choices)


def test_phrases_of_the_question_come_back_where_too_few_are_left() -> None:
    choices = list_choices("The pump weighs 31 kg.", question="What does the pump weigh?", answer="31 kg")
    assert any("pump" in choice for choice in choices)
    assert "31 kg" in choices


def test_the_answer_is_always_a_choice() -> None:
    assert "founded on 12 March" in list_choices(CONTEXT, question="", answer="founded on 12 March")


@given(st.text(max_size=200), st.text(max_size=50), st.text(min_size=1, max_size=20))
def test_any_context_gives_a_grammar_of_quoted_choices(context: str, question: str, answer: str) -> None:
    choices = list_choices(context, question=question, answer=answer)
    assert answer in choices
    assert len(set(choices)) == len(choices)
    start, _, written = LLAMACPP.constrain_choices(choices)["grammar"].partition("\nstart: ")
    assert start == "%llguidance {}"
    assert written == " | ".join(json.dumps(choice, ensure_ascii=False) for choice in choices)


@pytest.mark.parametrize(
    ("answer", "reply"),
    [
        ("$4,200", "4200"),
        ("the Riverside Library", "Riverside library."),
        ("12 March 1974", "12 March, 1974\nbecause the text says so"),
        ("45%", "45 %"),
    ],
)
def test_spelling_makes_no_difference(answer: str, reply: str) -> None:
    assert score_round_trip(answer, reply) == 1.0


def test_a_reply_that_holds_more_scores_by_its_shared_words() -> None:
    assert score_round_trip("Eleanor Hughes", "by Eleanor Hughes") == pytest.approx(0.8)


@pytest.mark.parametrize(("answer", "reply"), [("12 March 1974", "12 March 1975"), ("3.5", "35"), ("12", "12 of 40")])
def test_numbers_have_to_match(answer: str, reply: str) -> None:
    assert score_round_trip(answer, reply) == 0.0


@given(st.text(max_size=80), st.text(max_size=80))
def test_a_score_is_a_share_and_an_answer_scores_full_against_itself(answer: str, reply: str) -> None:
    assert 0.0 <= score_round_trip(answer, reply) <= 1.0
    if any(map(str.isalpha, answer.strip().split("\n")[0])) and "\n" not in answer.strip():
        assert score_round_trip(answer, answer) in {0.0, 1.0}
