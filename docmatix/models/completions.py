"""What a chat completion holds: the reply, wherever its server puts the text, and the error that some put in its place.

Nothing is interpreted here but the envelope: the content is the text as it was sent.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from docmatix.core.pairs import Reply, make_storable
from docmatix.models.logprobs import measure_logprob

MOST_TOKENS = (1 << 31) - 1
"""Counts are stored in 32 bits."""
NAME_CHARS = 300
"""Of a model or a finish reason."""

# llama.cpp, SGLang, DeepSeek; vLLM and OpenRouter; Ollama
REASONING_FIELDS = ("reasoning_content", "reasoning", "thinking", "reasoning_details")
_THOUGHT_PARTS = ("thinking", "reasoning", "reasoning_content", "redacted_thinking", "summary")
_DEEPEST = 5
"""Lists within parts; Mistral's have two."""


def find_error(answer: Any) -> Any:
    """The error in an answer that a server sent as a success; None if there is none."""
    if isinstance(answer, list):  # Gemini
        answer = answer[0] if answer else {}
    if not isinstance(answer, dict):
        return None
    if answer.get("error") or answer.get("object") == "error":
        return answer.get("error") or answer
    choices = answer.get("choices")
    first = choices[0] if isinstance(choices, list) and choices else None
    if isinstance(first, dict):
        return first.get("error") or None  # OpenRouter: the model's own server failed in the middle of a reply
    return answer if answer.get("message") or answer.get("detail") else None


def read_completion(answer: Any, request_id: str, *, measured: str | None = None) -> Reply:
    """The reply in a completion, with the log-probability of the text `measured`. Raises LookupError, TypeError or
    AttributeError for anything else."""
    choice = answer["choices"][0]
    usage = answer.get("usage")
    counts = usage if isinstance(usage, dict) else {}
    # Azure leaves out the message of what its filter held back
    filtered = str(choice.get("finish_reason")).lower() == "content_filter"
    content, reasoning = _read_message((choice.get("message") or {}) if filtered else choice["message"])
    return Reply(
        request_id=request_id,
        content=make_storable(content),
        model=make_storable(str(answer.get("model") or ""))[:NAME_CHARS],
        finish_reason=make_storable(str(choice.get("finish_reason") or "stop"))[:NAME_CHARS],
        prompt_tokens=_count_tokens(counts.get("prompt_tokens")),
        completion_tokens=_count_tokens(counts.get("completion_tokens")),
        reasoning=make_storable(reasoning) if reasoning else None,
        logprob=None if measured is None else measure_logprob(answer, measured),
    )


def _read_message(message: Mapping[str, Any]) -> tuple[str, str]:
    """The content and what was sent apart from it: thoughts, words of refusal. The arguments of a tool call, which the
    model writes in the place of content, count as content."""
    parts = list(read_parts(message.get("content")))
    said = "".join(part.text for part in parts if not part.thought)
    thought = [part.text for part in parts if part.thought]
    for name in REASONING_FIELDS:
        # OpenRouter and some gateways send the same thoughts under two names
        if not thought and message.get(name):
            thought = [part.text for part in read_parts(message[name])]
    calls = _read_calls(message)
    if calls:
        said = "\n".join([said, *calls] if said.strip() else calls)
    refusal = message.get("refusal")
    if isinstance(refusal, str) and refusal:
        thought.append(refusal)
    return said, "\n".join(text for text in thought if text)


class _Part(NamedTuple):
    text: str
    thought: bool = False


def read_parts(content: Any, *, depth: int = 0) -> Iterator[_Part]:
    """The texts of a content: a string, a list of parts, a part. Raises TypeError for one that is neither."""
    if content is None:
        return
    if isinstance(content, str):
        yield _Part(content)
    elif isinstance(content, list) and depth < _DEEPEST:
        if content and all(isinstance(item, dict) and not _is_part(item) for item in content):
            yield _Part(json.dumps(content, ensure_ascii=False))  # the reply itself, decoded by a helpful gateway
        else:
            for item in content:
                yield from read_parts(item, depth=depth + 1)
    elif isinstance(content, dict) and depth < _DEEPEST:
        yield from (
            _read_part(content, depth=depth) if _is_part(content) else [_Part(json.dumps(content, ensure_ascii=False))]
        )
    else:
        raise TypeError


def _is_part(item: Mapping[str, Any]) -> bool:
    return isinstance(item.get("type"), str) or isinstance(item.get("text"), str)


def _read_part(part: Mapping[str, Any], *, depth: int) -> Iterator[_Part]:
    kind = str(part.get("type") or "text")
    apart = part.get("thought") is True or kind == "refusal" or kind.split(".", maxsplit=1)[0] in _THOUGHT_PARTS
    for name in ("text", "content", "summary", "refusal", *_THOUGHT_PARTS):
        if part.get(name):
            for inner in read_parts(part[name], depth=depth + 1):
                yield _Part(inner.text, apart or inner.thought)
            return


def _read_calls(message: Mapping[str, Any]) -> list[str]:
    """The arguments of the function that was called; none if several different ones were."""
    calls = message.get("tool_calls")
    functions = [call.get("function") for call in calls if isinstance(call, dict)] if isinstance(calls, list) else []
    called = [function for function in functions or [message.get("function_call")] if isinstance(function, dict)]
    if len({str(function.get("name")) for function in called}) != 1:
        return []
    found = [function.get("arguments") for function in called]
    return [each if isinstance(each, str) else json.dumps(each, ensure_ascii=False) for each in found if each]


def _count_tokens(count: object) -> int:
    """A server's count, or 0 for an invalid one: a reply is worth more than its statistics."""
    # infinity (1e999) and NaN fail the comparison
    return int(count) if isinstance(count, int | float) and 0 <= count <= MOST_TOKENS else 0
