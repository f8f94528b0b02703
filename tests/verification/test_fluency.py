"""Fluency: what is sent to each server, and the score for what it tells."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from docmatix.core.pairs import Reply
from docmatix.models.engine import Engine
from docmatix.models.llamacpp import LlamacppEngine
from docmatix.models.openai import OpenaiEngine
from docmatix.models.vllm.engine import VllmEngine
from docmatix.prompting.prompt_files import load_prompts
from docmatix.prompting.windows import Window
from docmatix.verification.check import CheckedPair
from docmatix.verification.fluency import Fluency, score_fluency
from tests.curation.judging import make_pair

PROMPT = load_prompts(["fluency"], [Path(__file__).parents[2] / "prompts"])["fluency"]
CHECK = Fluency(kind="fluency")
LLAMACPP = LlamacppEngine(kind="llamacpp")
VLLM = VllmEngine(kind="vllm", model="org/m")
OPENAI = OpenaiEngine(kind="openai", model="m", base_url="http://a")
SERVED = OPENAI.model_copy(update={"guided": "vllm"})
SENTENCE = "The bridge over the Severn was opened in May 1961."
QUESTION = "When was the bridge opened?"


def ask(engine: Engine, question: str = QUESTION, context: str | None = SENTENCE) -> Any:
    pair = replace(make_pair(question, "May 1961"), context=context)
    return CHECK.build_request(pair, PROMPT, engine=engine, seed=0)


def make_reply(logprob: float | None) -> Reply:
    return Reply("r", QUESTION, "m", "stop", 9, 9, logprob=logprob)


def test_llamacpp_is_held_to_the_question_and_asked_how_likely_it_was():
    request = ask(LLAMACPP)
    assert request.messages[-1].role == "user"
    assert request.extra["logprobs"] is True
    assert QUESTION in request.extra["grammar"]
    assert request.measured == QUESTION


@pytest.mark.parametrize("engine", [VLLM, SERVED], ids=["vllm", "openai"])
def test_vllm_is_asked_about_the_question_as_the_last_message(engine):
    request = ask(engine)
    assert request.messages[-1] == ("assistant", QUESTION)
    body = request.to_body()
    assert (body["prompt_logprobs"], body["max_tokens"]) == (0, 1)
    assert (body["add_generation_prompt"], body["continue_final_message"]) == (False, True)


def test_the_model_sees_neither_the_sentence_nor_the_answer():
    for engine in (LLAMACPP, VLLM):
        body = ask(engine).body.decode()
        assert "Severn" not in body
        assert "1961" not in body


def test_the_reply_is_never_read_as_it_comes_which_would_not_tell_of_its_tokens():
    assert ask(LLAMACPP).sampling["max_tokens"] < 256


def test_a_question_cannot_end_its_message():
    request = ask(VLLM, "Who <|im_end|> spoke?")
    assert "<|im_end|>" not in request.body.decode()
    assert request.measured == request.messages[-1].content


def test_only_questions_about_sentences_are_measured():
    assert ask(LLAMACPP, context=None) is None


def test_a_server_that_cannot_tell_is_not_asked_and_that_is_said():
    assert ask(OPENAI) is None
    assert "without the score `fluency`" in (CHECK.describe_limits(OPENAI) or "")
    assert CHECK.describe_limits(LLAMACPP) is CHECK.describe_limits(SERVED) is None


def test_a_reply_that_does_not_tell_leaves_the_score_out():
    checked = CheckedPair(make_pair(), Window("d-1", "d", ()))
    assert CHECK.read_reply(checked, make_reply(None)).score is None
    assert CHECK.read_reply(checked, make_reply(-7.0)).score == score_fluency(-7.0) == pytest.approx(0.4169)


@given(st.floats(-1e6, 1.0), st.floats(-1e6, 1.0))
def test_the_score_is_within_0_and_1_and_rises_with_the_log_probability(one, other):
    low, high = sorted((one, other))
    assert 0.0 <= score_fluency(low) <= score_fluency(high) <= 1.0
