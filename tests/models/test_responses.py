"""What an HTTP answer to a chat request means, whatever it holds."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from docmatix.core.pairs import Failure, Reply
from docmatix.models.responses import ConfigurationError, Retryable, read_answer


@pytest.mark.parametrize(
    ("status", "said"),
    [
        (400, {"error": {"message": "request (3031 tokens) exceeds the available context size (2048 tokens)"}}),
        (400, {"message": "This model's maximum context length is 4096 tokens. However, you requested 5000 tokens"}),
        (400, {"error": {"message": "Your input is too big", "code": "context_length_exceeded"}}),
        (400, {"error": {"message": "The input (5000 tokens) is longer than the model's context length"}}),
        (422, {"error": "Input validation error: `inputs` tokens + `max_new_tokens` must be <= 4096"}),
        (429, {"error": {"message": "Request too large for gpt-4o on tokens per min (TPM): Limit 30000"}}),
    ],
)
def test_a_prompt_beyond_the_context_is_too_long(status: int, said: dict[str, Any]) -> None:
    outcome = read_answer(status, {}, json.dumps(said).encode(), request_id="r")
    assert isinstance(outcome, Failure)
    assert outcome.reason == "too_long"


@pytest.mark.parametrize(
    ("headers", "wait_s"),
    [
        ({"Retry-After": "3.5"}, 3.5),
        ({"Retry-After": "99999"}, 120.0),
        ({"Retry-After": "-1"}, 0.0),
        ({"Retry-After": "nan"}, None),
        ({"Retry-After": "soon"}, None),
        ({"Retry-After": "Wed, 21 Oct 2026 07:28:30 GMT", "Date": "Wed, 21 Oct 2026 07:28:00 GMT"}, 30.0),
        ({"Retry-After": "Wed, 21 Oct 2015 07:28:30 GMT"}, 0.0),
        ({}, None),
    ],
)
def test_retry_after_is_seconds_or_a_date_by_the_servers_clock(headers: dict[str, str], wait_s: float | None) -> None:
    outcome = read_answer(429, headers, b"", request_id="r")
    assert isinstance(outcome, Retryable)
    assert outcome.wait_s == wait_s


@given(
    st.integers(100, 599),
    st.dictionaries(st.sampled_from(["Retry-After", "Date", "Location"]), st.text()),
    st.one_of(
        st.binary(),
        st.recursive(
            st.none() | st.integers() | st.text(),
            lambda inner: st.lists(inner) | st.dictionaries(st.sampled_from(["choices", "message", "error"]), inner),
        ).map(lambda value: json.dumps(value).encode()),
    ),
)
def test_no_answer_whatever_it_holds_raises(status: int, headers: dict[str, str], raw: bytes) -> None:
    assert isinstance(
        read_answer(status, headers, raw, request_id="r"), Reply | Failure | Retryable | ConfigurationError
    )


@pytest.mark.parametrize("count", ["1e999", "1" + "0" * 30, "-5", '"12"', "null", "[]", "{}", "NaN"])
def test_a_count_that_is_none_costs_no_reply(count: str) -> None:
    raw = f'{{"choices": [{{"message": {{"content": "a"}}}}], "usage": {{"prompt_tokens": {count}}}}}'
    assert read_answer(200, {}, raw.encode(), request_id="r") == Reply("r", "a", "", "stop", 0, 0)


def test_a_reply_holds_nothing_that_no_file_can_hold() -> None:
    choice = {"message": {"content": "a \ud800 b"}, "finish_reason": "\udfff"}
    outcome = read_answer(200, {}, json.dumps({"choices": [choice], "model": "\ud900"}).encode(), request_id="r")
    assert outcome == Reply("r", "a \ufffd b", "\ufffd", "\ufffd", 0, 0)


@pytest.mark.parametrize(
    ("status", "kind"), [(200, Retryable), (400, Failure), (500, Retryable), (302, ConfigurationError)]
)
@pytest.mark.parametrize("raw", [b"[" * 100_000, b'{"error":' * 100_000, b"[" * 1000 + b"]" * 1000])
def test_an_answer_nested_without_end_is_read_as_any_other(status: int, kind: type, raw: bytes) -> None:
    assert isinstance(read_answer(status, {}, raw, request_id="r"), kind)


@pytest.mark.parametrize("status", [200, 400, 401, 403, 404, 413, 429, 500, 503])
@pytest.mark.parametrize("chars", [0, 290, 1190])
def test_no_answer_that_repeats_the_key_gives_it_away(status: int, chars: int) -> None:
    key = "sk-with/slash+and-more"
    text = f"{'x' * chars} Bearer {key}"
    for raw in (text, json.dumps({"error": {"message": text}}), json.dumps(text).replace("/", "\\/")):
        outcome = read_answer(status, {"Location": text}, raw.encode(), request_id="r", secret=key)
        assert not isinstance(outcome, Reply)
        assert "sk-" not in outcome.detail


def test_what_servers_without_keys_are_sent_is_no_secret() -> None:
    outcome = read_answer(400, {}, b"The list is EMPTY", request_id="r", secret="EMPTY")
    assert outcome == Failure("refused", "400 The list is EMPTY")
