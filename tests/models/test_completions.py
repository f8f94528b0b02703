"""Chat completions: the text is found wherever a server puts it, and thoughts stay apart from it."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from docmatix.core.pairs import is_cut, is_failed
from docmatix.models.completions import find_error, read_completion


def read(message: Any, **choice: Any) -> tuple[str, str | None]:
    reply = read_completion({"choices": [{"message": message, **choice}]}, "r")
    return reply.content, reply.reasoning


SAID = '{"pairs": []}'
PLAIN = {"type": "text", "text": SAID}


@pytest.mark.parametrize(
    ("message", "reasoning"),
    [
        ({"content": SAID}, None),
        ({"content": [PLAIN]}, None),
        ({"content": [{"type": "text", "text": SAID[:5]}, {"type": "text", "text": SAID[5:]}]}, None),
        ({"content": [SAID]}, None),
        ({"content": PLAIN}, None),
        ({"content": [{"type": "output_text", "text": SAID, "annotations": []}]}, None),
        ({"content": {"pairs": []}}, None),  # a gateway that decodes
        # thoughts in fields of their own: DeepSeek and vLLM, OpenRouter, Ollama
        ({"content": SAID, "reasoning_content": "hm"}, "hm"),
        ({"content": SAID, "reasoning": "hm", "reasoning_content": None}, "hm"),
        ({"content": SAID, "reasoning_content": "", "thinking": "hm"}, "hm"),
        ({"content": SAID, "reasoning_content": "hm", "reasoning": "hm"}, "hm"),
        ({"content": SAID, "reasoning_details": [{"type": "reasoning.text", "text": "hm"}]}, "hm"),
        ({"content": SAID, "reasoning_details": [{"type": "reasoning.summary", "summary": "hm"}]}, "hm"),
        # thoughts among the parts: Mistral, Anthropic, Gemini
        ({"content": [{"type": "thinking", "thinking": [{"type": "text", "text": "hm"}]}, PLAIN]}, "hm"),
        ({"content": [{"type": "thinking", "thinking": "hm", "signature": "x"}, PLAIN]}, "hm"),
        ({"content": [{"text": "hm", "thought": True}, {"text": SAID}]}, "hm"),
        ({"content": [{"type": "reasoning", "summary": [{"type": "summary_text", "text": "hm"}]}, PLAIN]}, "hm"),
        # what a model writes as the arguments of a function
        ({"content": None, "tool_calls": [{"function": {"name": "save", "arguments": SAID}}]}, None),
        ({"content": "", "tool_calls": [{"function": {"name": "save", "arguments": {"pairs": []}}}]}, None),
        ({"content": None, "function_call": {"name": "save", "arguments": SAID}}, None),
    ],
)
def test_the_text_is_found_and_the_thoughts_are_kept_apart(message: Any, reasoning: str | None) -> None:
    assert read(message) == (SAID, reasoning)


def test_words_before_a_tool_call_stay() -> None:
    calls = [{"function": {"name": "save", "arguments": SAID}}]
    assert read({"content": "I save them.", "tool_calls": calls}) == (f"I save them.\n{SAID}", None)


def test_calls_of_one_function_are_read_together_and_those_of_several_are_not() -> None:
    calls = [{"function": {"name": name, "arguments": "{}"}} for name in ("save", "save", "look")]
    assert read({"content": None, "tool_calls": calls[:2]}) == ("{}\n{}", None)
    assert read({"content": None, "tool_calls": calls}) == ("", None)


@pytest.mark.parametrize(
    "message",
    [
        {"content": None, "refusal": "I cannot help with that."},
        {"content": "", "refusal": "I cannot help with that."},
        {"content": [{"type": "refusal", "refusal": "I cannot help with that."}]},
        {"reasoning_content": "I cannot help with that."},
    ],
)
def test_a_refusal_and_thoughts_alone_leave_the_content_empty(message: Any) -> None:
    assert read(message) == ("", "I cannot help with that.")


ANYTHING: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["type", "text", "thinking", "content", "arguments", "function", "name", "summary"]),
            inner,
            max_size=3,
        )
    ),
)


@given(st.dictionaries(st.sampled_from(["content", "reasoning", "tool_calls", "refusal", "thinking"]), ANYTHING))
def test_whatever_a_message_holds_it_is_read_or_refused_by_the_known_errors(message: Any) -> None:
    answer = {"choices": [{"message": message}]}
    assert not find_error(answer)
    try:
        reply = read_completion(answer, "r")
    except (TypeError, AttributeError, LookupError):
        return
    assert reply.reasoning != ""
    (reply.content + (reply.reasoning or "")).encode()


@pytest.mark.parametrize(
    "finish_reason",
    [
        *("length", "LENGTH", "max_tokens", "MAX_TOKENS", "max_output_tokens", "model_length", "content_filter"),
        *("SAFETY", "RECITATION", "model_context_window_exceeded", "guardrail_intervened", "max_length", "token_limit"),
        *(
            "FINISH_REASON_MAX_TOKENS",
            "REASON_MAX_LEN",
            "ERROR_TOXIC",
            "repetition",
            "refusal",
            "incomplete",
            "time_limit",
        ),
    ],
)
def test_a_cut_has_many_names_and_those_unknown_count_as_one(finish_reason: str) -> None:
    assert is_cut(finish_reason)
    assert not is_failed(finish_reason)


@pytest.mark.parametrize(
    "finish_reason",
    [
        *("stop", "STOP", "", "eos", "eos_token", "end_turn", "stop_sequence", "COMPLETE", "completed", "tool_calls"),
        *(
            "TOOL_CALL",
            "tool_use",
            "function_call",
            "FINISH_REASON_STOP",
            "REASON_STOP",
            "end_id",
            "stop_words",
            "null",
        ),
    ],
)
def test_an_end_has_many_names_too(finish_reason: str) -> None:
    assert not is_cut(finish_reason)
    assert not is_failed(finish_reason)
