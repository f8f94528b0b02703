"""Refusals of a field, in the words of the servers that there are, and what is sent instead."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from docmatix.models.parameters import adapt, describe_lacking, find_unsupported

JSON_FORMAT = {"type": "json_schema", "json_schema": {"name": "pairs", "schema": {}, "strict": True}}
BODY: dict[str, Any] = {
    "model": "m",
    "messages": [{"role": "user", "content": "hello"}],
    "max_tokens": 64,
    "min_p": 0.1,
    "presence_penalty": 0.5,
    "repetition_penalty": 1.1,
    "response_format": JSON_FORMAT,
    "seed": 7,
    "stop": ["\n"],
    "temperature": 0.2,
    "top_k": 20,
    "top_p": 0.9,
}


def find(said: Any, body: dict[str, Any] = BODY) -> tuple[str, ...]:
    raw = said if isinstance(said, bytes) else json.dumps(said).encode()
    return find_unsupported(raw, sent=json.dumps(body).encode())


def say(message: str, **more: Any) -> dict[str, Any]:
    return {"error": {"message": message, "type": "invalid_request_error", "param": None, "code": None, **more}}


def forbid(name: str) -> dict[str, Any]:
    return {"type": "extra_forbidden", "loc": ["body", name], "msg": "Extra inputs are not permitted", "input": 7}


MAX_TOKENS = (
    "Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead."
)
TEMPERATURE = (
    "Unsupported value: 'temperature' does not support 0.2 with this model. Only the default (1) value is supported."
)
UNKNOWN_NAME = 'Invalid JSON payload received. Unknown name "{}": Cannot find field.'
SERDE = (
    "Failed to deserialize the JSON body into the target type: unknown field `min_p`, expected one of `messages`,"
    " `model`, `temperature`, `seed`, `top_p` at line 1 column 90"
)


@pytest.mark.parametrize(
    ("said", "fields"),
    [
        # OpenAI, Azure
        (say(MAX_TOKENS, param="max_tokens", code="unsupported_parameter"), ["max_tokens"]),
        (say(TEMPERATURE, param="temperature", code="unsupported_value"), ["temperature"]),
        (say("Unknown parameter: 'top_k'.", param="top_k", code="unknown_parameter"), ["top_k"]),
        (say("Unrecognized request argument supplied: top_k"), ["top_k"]),
        (say("Unrecognized request arguments supplied: min_p, top_k"), ["min_p", "top_k"]),
        (say("Unsupported parameter: 'stop' is not supported with this model.", param="stop"), ["stop"]),
        (
            say("Invalid parameter: 'response_format' of type 'json_schema' is not supported with this model."),
            ["response_format"],
        ),
        ({"detail": "Extra parameters ['seed', 'min_p'] are not allowed when extra-parameters is not set."},
         ["min_p", "seed"]),
        # Mistral, NIM, FastAPI of both of pydantic's versions, vLLM and Fireworks, which print its errors
        ({"object": "error", "message": {"detail": [forbid("seed"), forbid("top_k")]}}, ["seed", "top_k"]),
        ({"detail": [forbid("min_p")]}, ["min_p"]),
        (
            {"detail": [{"loc": ["body", "seed"], "msg": "extra fields not permitted", "type": "value_error.extra"}]},
            ["seed"],
        ),
        ({"object": "error", "message": str([forbid("min_p") | {"loc": ("body", "min_p")}])}, ["min_p"]),
        ({"error": {"message": json.dumps({"detail": [forbid("seed")]})}}, ["seed"]),
        (
            {"detail": [{"type": "literal_error", "loc": ["body", "response_format", "type"], "msg": "Input should"}]},
            ["response_format"],
        ),
        (say("Extra inputs are not permitted, field: 'repetition_penalty', value: 1.1"), ["repetition_penalty"]),
        (say("temperature: Extra inputs are not permitted"), ["temperature"]),
        # Groq, Cerebras
        (say("property 'top_k' is unsupported, did you mean 'top_p'?"), ["top_k"]),
        (say("body.min_p: property 'body.min_p' is unsupported"), ["min_p"]),
        (say("This model does not support response format `json_schema`. See supported models"), ["response_format"]),
        # Gemini, whose error is a list
        ([{"error": {"code": 400, "message": UNKNOWN_NAME.format("seed"), "status": "INVALID_ARGUMENT"}}], ["seed"]),
        (
            [{"error": {"message": "\n".join(map(UNKNOWN_NAME.format, ("seed", "top_k"))), "details": []}}],
            ["seed", "top_k"],
        ),
        # TGI and others that use serde; Go's json
        ({"error": SERDE, "error_type": "validation"}, ["min_p"]),
        (SERDE.encode(), ["min_p"]),
        ({"message": 'json: unknown field "seed"'}, ["seed"]),
        # Bedrock, Anthropic
        ({"message": "Malformed input request: #: extraneous key [seed] is not permitted, please reformat"}, ["seed"]),
        (say("`temperature` and `top_p` cannot both be specified for this model. Please use only one."), ["top_p"]),
        (say("`temperature` is deprecated for this model."), ["temperature"]),
        (say("gpt-5 models don't support temperature=0.2. Only temperature=1 is supported."), ["temperature"]),
        # xAI, DeepSeek, LiteLLM, Together
        ({"error": "Model grok-3-mini does not support parameter presencePenalty."}, ["presence_penalty"]),
        ({"error": "Argument not supported on this model: stop"}, ["stop"]),
        (say("This response_format type is unavailable now"), ["response_format"]),
        (
            say("litellm.UnsupportedParamsError: groq does not support parameters: ['top_k', 'seed'], for model=m."),
            ["seed", "top_k"],
        ),
        (say("Unsupported parameter seed"), ["seed"]),
        # Zod, Jackson, Moonshot, and others in their own words
        (say("Unrecognized key(s) in object: 'seed'"), ["seed"]),
        (say("Parameter(s) not supported: seed, top_k"), ["seed", "top_k"]),
        (say('Unrecognized field "seed" (class Request), not ignorable (known properties: "stop")'), ["seed"]),
        (say("invalid temperature: only 1 is allowed for this model"), ["temperature"]),
        (say("This model only supports temperature=1"), ["temperature"]),
        (say("'seed' is not a valid parameter"), ["seed"]),
        (say("Invalid parameter: seed"), ["seed"]),
        (say("Parameter 'max_tokens' is no longer supported. Please use 'max_completion_tokens'."), ["max_tokens"]),
        (say("parameter `temperature` cannot be used with reasoning models"), ["temperature"]),
        (say("1 validation error for Request\nmin_p\n  Extra inputs are not permitted [type=extra"), ["min_p"]),
        # OpenRouter repeats what the model's own server said; a server that passes fields on as they are
        (say("Provider returned error", metadata={"raw": json.dumps(say(UNKNOWN_NAME.format("seed")))}), ["seed"]),
        (b"TypeError: create_completion() got an unexpected keyword argument 'min_p'", ["min_p"]),
        (say("Additional properties are not allowed ('seed' was unexpected)"), ["seed"]),
    ],
)  # fmt: skip
def test_a_field_that_a_server_does_not_take_is_found_in_its_words(said: Any, fields: list[str]) -> None:
    assert find(said) == tuple(fields)


@pytest.mark.parametrize(
    "said",
    [
        say("This request cannot be served"),
        say("Invalid value for 'temperature': must be at most 2"),
        say("temperature must be less than or equal to 1", param="temperature"),
        say("max_tokens is too large: 4096. This model supports at most 2048 completion tokens", param="max_tokens"),
        say("max_tokens is not allowed to exceed 2048"),
        say("Unsupported value: 'messages[0].role' does not support 'system' with this model.", param="messages"),
        say("The model `m` does not support image input"),
        say("Invalid content type. image_url is only supported by certain models.", param="messages[0].content"),
        say("unknown variant `image_url`, expected `text`"),
        say("Invalid schema for response_format 'pairs': 'additionalProperties' is required", param="response_format"),
        say("Invalid parameter: temperature must be at most 2"),
        say("The value of max_tokens is not valid"),
        say("max_tokens: 9000 > 8192, which is the maximum allowed number of output tokens"),
        say("Requests with seed and images are not supported"),
        say("stop sending unsupported requests"),
        {"detail": [{"type": "less_than_equal", "loc": ["body", "temperature"], "msg": "Input should be at most 1"}]},
        {"detail": [{"type": "string_type", "loc": ["body", "messages", 0], "input": "unknown field `seed`"}]},
        {"detail": [{"type": "extra_forbidden", "loc": ["body", "messages", 0, "seed"], "msg": "Extra inputs"}]},
        b"", b"<html>stop</html>", b"[" * 5000, b"\xff\xfe",
    ],
)  # fmt: skip
def test_a_refusal_for_anything_else_names_no_field(said: Any) -> None:
    assert find(said) == ()


def test_what_was_not_sent_and_what_a_reply_is_held_to_is_never_left_out() -> None:
    assert find(say("Unknown parameter: 'logprobs'.")) == ()
    for name in ("model", "messages", "max_completion_tokens", "grammar", "guided_choice"):
        assert find(say(f"Unknown parameter: '{name}'.", param=name), BODY | {name: "x"}) == ()
    refusal, constrained = say("Unknown parameter: 'structured_outputs'."), {"model": "m", "structured_outputs": {}}
    assert find(refusal, constrained | {"structured_outputs": {"grammar": "root ::= x"}}) == ()
    assert find(refusal, constrained | {"structured_outputs": {"json": {}}}) == ("structured_outputs",)


@given(
    st.recursive(
        st.none() | st.integers() | st.text() | st.sampled_from([MAX_TOKENS, SERDE, "extra_forbidden", "body"]),
        lambda inner: st.lists(inner) | st.dictionaries(st.sampled_from(["error", "loc", "type", "param"]), inner),
    ).map(lambda value: json.dumps(value).encode())
    | st.binary()
)
def test_whatever_a_server_says_only_fields_that_were_sent_are_found(raw: bytes) -> None:
    assert set(find(raw)) <= set(BODY) - {"model", "messages"}


def test_a_body_is_sent_without_a_field_or_with_its_other_name() -> None:
    sent = adapt(BODY, {"seed", "max_tokens", "logprobs"})
    assert "seed" not in sent
    assert (sent.pop("max_completion_tokens"), "max_tokens" in sent) == (64, False)
    assert sent == {name: value for name, value in BODY.items() if name not in ("seed", "max_tokens")}
    assert adapt(BODY | {"max_completion_tokens": 9}, {"max_tokens"})["max_completion_tokens"] == 9
    assert adapt(BODY, ()) == BODY


@pytest.mark.parametrize("name", BODY)
def test_what_is_said_of_a_field_names_it_and_the_model(name: str) -> None:
    said = describe_lacking(name, model="o1")
    assert said.startswith(f"the server of o1 does not take `{name}`: ")
    assert "\n" not in said


@pytest.mark.parametrize("name", ["logprobs", "top_logprobs", "prompt_logprobs", "continue_final_message"])
def test_what_is_said_of_a_field_that_measures_a_text_names_the_score_that_is_missing(name: str) -> None:
    assert "`fluency`" in describe_lacking(name, model="o1")


@pytest.mark.parametrize("words", ["a.b.", "a ", "is ", "only the default ", "x and ", "\\", "unknown field ", "not "])
def test_a_refusal_that_goes_on_and_on_is_searched_in_no_time(words: str) -> None:
    body = [say(words * (1500 // len(words)))] * 9
    began = time.process_time()
    assert find(body) == ()
    assert time.process_time() - began < 2  # 0.1 s; it was 20 with a quadratic search
