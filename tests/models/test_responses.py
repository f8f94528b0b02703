"""What an HTTP answer to a chat request means, whatever it holds."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from docmatix.core.pairs import Failure, Reply
from docmatix.models.responses import ConfigurationError, Retryable, read_answer

_RAW = {"type": "error", "error": {"message": "prompt is too long: 210000 tokens > 200000 maximum"}}
TOO_LONG_IN_400: list[Any] = [
    # Gemini
    [{"error": {"code": 400, "message": "The input token count (1200000) exceeds the maximum number of tokens"}}],
    {"error": {"message": "Unable to submit: the input token count is 1200000 but model only supports up to 1048576"}},
    # Anthropic, Bedrock
    {"type": "error", "message": "prompt is too long: 210000 tokens > 200000 maximum"},
    {"message": "Input is too long for requested model."},
    {"message": "input length and `max_tokens` exceed context limit: 199000 + 8192 > 200000"},
    {"Message": "Too many input tokens. Max input tokens: 8000, request input token count: 10000"},
    {"message": "Malformed input request: expected maxLength: 50000, actual: 60000, please reformat your input"},
    # Mistral
    {"object": "error", "message": "Prompt contains 40000 tokens and 0 draft tokens, too large for model with 32768"
     " maximum context length"},
    # TGI
    {"error": "Input validation error: `inputs` must have less than 4095 tokens. Given: 5000", "type": "validation"},
    {"error": "Input validation error: `inputs` tokens + `max_new_tokens` must be <= 4096. Given: 4000 and 1000"},
    # llama.cpp, LM Studio, Ollama
    {"error": {"code": 400, "message": "the request exceeds the available context size", "n_ctx": 4096}},
    {"error": "Trying to keep the first 5000 tokens when context the overflows. However, the model is loaded with"
     " context length of only 4096 tokens"},
    {"error": "Cannot truncate prompt with n_keep (5000) >= n_ctx (4096)"},
    {"error": "input length exceeds maximum context length"},
    # SGLang
    {"message": "Input length (5000 tokens) exceeds the maximum allowed length (4090 tokens). Use a shorter input"},
    {"message": "Requested token count exceeds the model's maximum context length of 4096 tokens."},
    # vLLM
    {"error": {"message": "The decoder prompt (length 5000) is longer than the maximum model length of 4096."}},
    {"error": {"message": "max_tokens must be at least 1, got -904."}},
    # TensorRT-LLM, TabbyAPI
    {"message": "Prompt length (5000) exceeds maximum input length (4096). Set log level to info"},
    {"message": "The sum of prompt length (5000.0) and max_tokens (100) should not exceed max_num_tokens (4096)"},
    {"message": "default_max_tokens (-904) must be greater than 0, default_max_tokens = max_seq_len - prompt_len"},
    {"detail": "Prompt length 5000 is greater than max_seq_len 4096"},
    # Cohere
    {"message": "too many tokens: total number of tokens in the prompt cannot exceed 4081 - received 5000."},
    {"message": "too many tokens: size limit exceeded by 500 tokens. Try using shorter or fewer inputs"},
    {"error": {"code": "1261", "message": "Prompt \u8d85\u957f"}},  # Zhipu
    # xAI, Moonshot, DashScope, GitHub, OpenRouter
    {"error": "This model's maximum prompt length is 131072 but the request contains 150000 tokens."},
    {"error": {"message": "Invalid request: Your request exceeded model token limit: 131072"}},
    {"error": {"message": "Range of input length should be [1, 30720]", "code": "invalid_parameter_error"}},
    {"error": {"code": "tokens_limit_reached", "message": "Request body too large for gpt-4o model. Max size: 8000"}},
    {"error": {"message": "Provider returned error", "code": 400, "metadata": {"raw": json.dumps(_RAW)}}},
]  # fmt: skip
TOO_LONG_IN_500: list[Any] = [
    {"error": {"code": 500, "message": "context shift is disabled", "type": "server_error"}},
    {"error": {"code": 500, "message": "input is too large to process. increase the physical batch size"}},
    {"error": "prompt too long; exceeded max context length by 5 tokens"},
    {"error": "Prompt length (5000) exceeds maximum input length (4096)."},
]


@pytest.mark.parametrize(
    ("status", "said"),
    [
        (400, {"error": {"message": "request (3031 tokens) exceeds the available context size (2048 tokens)"}}),
        (400, {"message": "This model's maximum context length is 4096 tokens. However, you requested 5000 tokens"}),
        (400, {"error": {"message": "Your input is too big", "code": "context_length_exceeded"}}),
        (400, {"error": {"message": "The input (5000 tokens) is longer than the model's context length"}}),
        (422, {"error": "Input validation error: `inputs` tokens + `max_new_tokens` must be <= 4096"}),
        (429, {"error": {"message": "Request too large for gpt-4o on tokens per min (TPM): Limit 30000"}}),
        *((400, said) for said in TOO_LONG_IN_400),
        *((500, said) for said in TOO_LONG_IN_500),
        *((200, said) for said in (TOO_LONG_IN_400[0], TOO_LONG_IN_400[1], {"error": TOO_LONG_IN_400[2]})),
    ],
)
def test_a_prompt_beyond_the_context_is_too_long(status: int, said: dict[str, Any]) -> None:
    outcome = read_answer(status, {}, json.dumps(said).encode(), request_id="r")
    assert isinstance(outcome, Failure)
    assert outcome.reason == "too_long"


@pytest.mark.parametrize(
    "message",
    [
        "max_tokens is too large: 5000. This model supports at most 4096 completion tokens",
        "Invalid input: max_tokens exceeds the maximum of 4096",
        "The maximum tokens you requested exceeds the model limit of 4096",
        "Too many tokens per minute",
        "Input should be a valid string",
        "Invalid value for temperature: must be at most 2",
        "Your prompt was flagged by a content filter",
    ],
)
def test_a_refusal_that_no_shorter_prompt_helps_is_not_too_long(message: str) -> None:
    outcome = read_answer(400, {}, json.dumps({"error": {"message": message}}).encode(), request_id="r")
    assert isinstance(outcome, Failure)
    assert outcome.reason == "refused"


CHOICE = {"message": {"content": "a"}, "finish_reason": "stop"}


@pytest.mark.parametrize(
    "said",
    [
        {"choices": [CHOICE | {"finish_reason": "abort"}]},
        {"choices": [CHOICE | {"finish_reason": "ABORTED"}]},
        {"choices": [CHOICE | {"finish_reason": "error"}]},
        {"choices": [CHOICE | {"finish_reason": "FINISH_REASON_ERROR"}]},
        {"choices": [CHOICE | {"finish_reason": "cancelled"}]},
        {"choices": [CHOICE | {"finish_reason": "insufficient_system_resource"}]},
        {"choices": [CHOICE | {"error": {"code": 502, "message": "Upstream error"}}]},
        {"choices": [CHOICE], "error": {"message": "the engine fell over"}},
        {"error": {"message": "Provider returned error", "code": 502}},
        {"error": "the engine fell over"},
        [{"error": {"code": 500, "message": "Internal error", "status": "INTERNAL"}}],
        {"object": "error", "message": "the engine fell over", "code": 500},
        {"detail": "the engine fell over"},
        {"choices": []},
        {"choices": None},
        {"choices": [{"message": None, "finish_reason": "stop"}]},
        {"choices": [{"finish_reason": "stop"}]},
        {"choices": [{"text": "a"}]},
        [],
        None,
    ],
)
def test_a_success_that_holds_a_failure_is_asked_again(said: Any) -> None:
    assert isinstance(read_answer(200, {}, json.dumps(said).encode(), request_id="r"), Retryable)


def test_a_success_that_says_too_many_requests_is_one_that_is_busy() -> None:
    outcome = read_answer(200, {}, b'{"error": {"code": 429, "message": "Rate limited"}}', request_id="r")
    assert outcome == Retryable("busy", "200 Rate limited 429", crowded=True)


def write_events(*sent: Any, end: str = "data: [DONE]\n\n") -> bytes:
    return ("".join(f"data: {json.dumps(each)}\n\n" for each in sent) + end).encode()


def delta(finish_reason: Any = None, **said: Any) -> dict[str, Any]:
    return {"model": "m", "choices": [{"delta": said, "finish_reason": finish_reason}]}


PIECES = (delta(role="assistant"), delta(reasoning_content="h"), delta(reasoning_content="m"), delta(content="$"))


@pytest.mark.parametrize("before", [b"", b": OPENROUTER PROCESSING\n\n", b"event: message\n", b"\n"])
def test_an_answer_in_events_that_nobody_asked_for_is_read_whole(before: bytes) -> None:
    usage = {"choices": [], "usage": {"prompt_tokens": 3, "completion_tokens": 2}}
    raw = before + write_events(*PIECES, delta("length", content="5"), usage).replace(b"\n", b"\r\n")
    assert read_answer(200, {}, raw, request_id="r") == Reply("r", "$5", "m", "length", 3, 2, reasoning="hm")
    whole = before + json.dumps({"choices": [CHOICE]}).encode()
    assert read_answer(200, {}, whole, request_id="r") == Reply("r", "a", "", "stop", 0, 0)


def test_a_tools_arguments_in_events_are_joined() -> None:
    calls = [
        {"tool_calls": [{"index": 0, "function": each}]}
        for each in ({"name": "f"}, {"arguments": "{"}, {"arguments": "}"})
    ]
    raw = write_events(*(delta(None, **call) for call in calls), delta("tool_calls"))
    assert read_answer(200, {}, raw, request_id="r") == Reply("r", "{}", "m", "tool_calls", 0, 0)


@pytest.mark.parametrize(
    "raw",
    [
        write_events(*PIECES, end=""),
        write_events(*PIECES),
        write_events(*PIECES, end='data: {"choices": [{"del'),
        write_events(*PIECES, {"error": {"message": "the engine fell over"}}),
        write_events(*PIECES, delta("error")),
        write_events(*PIECES, None),
        b"data: [DONE]",
        b": waiting",
    ],
)
def test_events_without_an_end_are_no_reply(raw: bytes) -> None:
    assert isinstance(read_answer(200, {}, raw, request_id="r"), Retryable)


def test_an_answer_that_a_filter_held_back_is_empty_and_cut() -> None:
    raw = json.dumps({"choices": [{"finish_reason": "content_filter", "content_filter_results": {}}]}).encode()
    assert read_answer(200, {}, raw, request_id="r") == Reply("r", "", "", "content_filter", 0, 0)


@pytest.mark.parametrize("finish_reason", ["length", "MAX_TOKENS", "content_filter", "tool_calls", "eos_token", None])
def test_a_reply_that_ended_or_was_cut_is_a_reply_with_the_servers_own_word(finish_reason: str | None) -> None:
    raw = json.dumps({"choices": [CHOICE | {"finish_reason": finish_reason}], "error": None}).encode()
    assert read_answer(200, {}, raw, request_id="r") == Reply("r", "a", "", finish_reason or "stop", 0, 0)


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
