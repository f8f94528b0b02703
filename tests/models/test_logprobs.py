"""The log-probability of a text: found in what llama.cpp and vLLM tell, and only of exactly this text."""

from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from docmatix.models.completions import read_completion
from docmatix.models.logprobs import measure_logprob

TOKENS = [("When", -2.0), (" was", -1.0), (" it", -3.0), ("?", -0.5)]
TEXT = "When was it?"
MEAN = -1.625


def as_reply(tokens: list[tuple[str, float]], **message: Any) -> dict[str, Any]:
    """As llama.cpp answers `logprobs`."""
    content = [{"token": token, "bytes": list(token.encode()), "logprob": value} for token, value in tokens]
    return {"choices": [{"message": message, "logprobs": {"content": content}}]}


def as_prompt(tokens: list[tuple[str, float]], **answer: Any) -> dict[str, Any]:
    """As vLLM answers `prompt_logprobs: 0`."""
    told = [{str(place): {"decoded_token": token, "logprob": value}} for place, (token, value) in enumerate(tokens)]
    return {"prompt_logprobs": [None, *told], "choices": [{"message": {"content": " It"}}], **answer}


@pytest.mark.parametrize(
    "answer",
    [
        as_reply(TOKENS),
        as_reply([*TOKENS, ("", -14.0)]),  # the end of the reply
        as_reply([*TOKENS, ("<|im_end|>", -14.0)]),
        as_prompt([("<|user|>", -9.0), ("Ask.", -8.0), ("<|assistant|>", -1.0), ("\n", -0.1), *TOKENS]),
        as_prompt([("\n", -0.1), *TOKENS, ("<|im_end|>", -14.0), ("\n", -0.1)]),
        as_prompt([("When", -2.0), ("was", -1.0), ("it", -3.0), ("?", -0.5)]),  # decoded one by one, by SentencePiece
    ],
)
def test_it_is_the_mean_over_the_tokens_of_the_text_alone(answer):
    assert measure_logprob(answer, TEXT) == pytest.approx(MEAN, abs=0.001)


def test_tokens_may_end_within_a_character():
    halves = [
        {"token": "\ufffd", "bytes": [0xC3], "logprob": -1.0},
        {"token": "\ufffd", "bytes": [0xA9], "logprob": -2.0},
    ]
    assert measure_logprob({"choices": [{"logprobs": {"content": halves}}]}, "é") == -1.5
    assert measure_logprob(as_prompt([("Caf", -1.0), ("", -2.0), ("é", -3.0)]), "Café") == -2.0


@pytest.mark.parametrize(
    "answer",
    [
        {},
        {"choices": []},
        {"choices": [{"message": {"content": TEXT}}]},
        {"choices": [{"logprobs": None}]},
        {"choices": [{"logprobs": {"content": None}}]},
        {"choices": [{"logprobs": {"content": [{"token": TEXT}]}}]},
        {"choices": [{"logprobs": {"content": [{"token": TEXT, "bytes": [999], "logprob": -1}]}}]},
        {"choices": [{"logprobs": {"content": [3]}}]},
        {"prompt_logprobs": [None, {"1": {"decoded_token": TEXT}}]},
        {"prompt_logprobs": [None, {"1": {}, "2": {}}]},
        {"prompt_logprobs": 3},
        as_reply([("When is it?", -1.0)]),
        as_reply(TOKENS[1:]),
        as_reply(TOKENS[:-1]),
        as_reply([(TEXT, math.nan)]),
        as_reply([(TEXT, -math.inf)]),
        as_prompt([("Ask.", -8.0)]),
    ],
)
def test_what_does_not_tell_it_of_this_text_tells_nothing(answer):
    assert measure_logprob(answer, TEXT) is None


@given(st.lists(st.tuples(st.text(min_size=1), st.floats(-50, 0)), min_size=1), st.booleans())
def test_however_a_text_is_cut_into_tokens_it_is_found(tokens, as_reply_or_prompt):
    text = "".join(token for token, _ in tokens)
    if not text.strip() or "\ud800" <= max(text) <= "\udfff":
        return
    answer = as_reply(tokens) if as_reply_or_prompt else as_prompt(tokens)
    measured = measure_logprob(answer, text)
    assert measured is not None
    assert -50.001 <= measured <= 0


def test_a_reply_has_it_only_if_it_was_asked_for():
    answer = as_reply(TOKENS, content=TEXT)
    assert read_completion(answer, "r").logprob is None
    assert read_completion(answer, "r", measured=TEXT).logprob == pytest.approx(MEAN, abs=0.001)
