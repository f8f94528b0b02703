"""What an HTTP answer to a chat request means: a reply, a named failure, a reason to retry, or wrong settings."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Mapping
from email.utils import parsedate_to_datetime
from math import isfinite
from typing import Any, NamedTuple

import orjson

from docmatix.core.pairs import Failure, Reply, is_failed
from docmatix.models.completions import find_error, read_completion
from docmatix.models.event_stream import EventStream, is_stream

LONGEST_RETRY_AFTER_S = 120.0
"""A server that says "come back in an hour" is asked again after two minutes: many recover at once."""
DETAIL_CHARS = 300
LEAST_SECRET_CHARS = 6
"""Shorter keys are placeholders (`EMPTY`, `none`, `x`): hiding them would garble every message."""

# the words of vLLM, llama.cpp, SGLang, LM Studio, Ollama, TGI, TensorRT-LLM, TabbyAPI; of OpenAI, Anthropic, Bedrock,
# Cohere, DashScope, Gemini, GitHub, Mistral, Moonshot, xAI; not those about `max_tokens` alone, which is a setting
TOO_LONG = re.compile(
    r"context.{0,30}(length|size|window|limit|exceed|overflow)|(exceed|maximum|longer).{0,60}context"
    r"|\b(n_ctx|max_model_len|max_seq_len|max_input_len|max_num_tokens)"
    r"|(prompt|input|request|request body|message)s? (is |are )?too (long|large)|max_new_tokens`? must be"
    r"|tokens must be (at least|greater than) \d.{0,9} -\d|too many (input |prompt )?tokens(?!,? (per|please))"
    r"|\b(inputs?|prompt|total tokens)\b((?!max_tokens|max_completion_tokens).){0,80}?"
    r"((exceed|longer than|greater than|less than).{0,60}(tokens?\b|length|limit|max)|supports up to \d|too large for)"
    r"|request exceeds the maximum|exceed.{0,20} token limit|payload size exceeds|expected maxLength"
    r"|maximum (prompt|input|sequence|model) length|range of input length|context shift is disabled|\u8d85\u957f",
    re.IGNORECASE | re.DOTALL,
)


class Retryable(NamedTuple):
    """A try without an answer, which may be repeated."""

    cause: str
    """`busy`, `unreachable`, `timeout`, `cut`, `garbage`, `server_error`, or `moved` to another address."""
    detail: str
    wait_s: float | None = None
    """How long the server asked to wait."""
    crowded: bool = False
    """Whether it has too many requests."""


class ConfigurationError(NamedTuple):
    """An answer that shows that the settings are wrong, not the request."""

    status: int
    detail: str


def read_answer(
    status: int,
    headers: Mapping[str, str],
    raw: bytes | EventStream,
    *,
    request_id: str,
    secret: str | None = None,
    measured: str | None = None,
) -> Reply | Failure | Retryable | ConfigurationError:
    """Read an answer. `secret` is the key that was sent: servers repeat headers in their errors, and no detail may
    hold it. `measured` is the text whose log-probability was asked for."""
    if status == 200:
        return _read_success(raw, request_id=request_id, secret=secret, measured=measured)
    raw = raw if isinstance(raw, bytes) else raw.head
    detail = f"{status} {read_error(raw, secret)}".strip()
    if status == 429:
        # "Request too large for model on tokens per min": this request alone exceeds a minute's allowance
        if re.search(r"request too large", detail, re.IGNORECASE):
            return Failure("too_long", detail)
        return Retryable("busy", detail, _read_retry_after(headers), crowded=True)
    # llama.cpp, Ollama and Triton answer 500 to what is longer than their context
    if status == 500 and TOO_LONG.search(detail):
        return Failure("too_long", detail)
    if status >= 500 or status in (408, 409, 425, 498):  # 498: no capacity at Groq
        return Retryable("server_error", detail, _read_retry_after(headers), crowded=status == 503)
    if status < 400 or status in (401, 402, 403, 404, 405):
        # header bytes that are not UTF-8 arrive as lone surrogates
        location = headers.get("Location", "").encode("utf-8", "replace")
        return ConfigurationError(status, f"{detail} {shorten(location, secret)}".strip())
    # 413: a proxy that limits the size of bodies (nginx: 1 MB), which pictures exceed; fewer of them may pass
    return Failure("too_long" if status == 413 or TOO_LONG.search(detail) else "refused", detail)


def _read_success(
    raw: bytes | EventStream, *, request_id: str, secret: str | None, measured: str | None
) -> Reply | Failure | Retryable:
    """Read an answer with the status 200, which may hold a failure all the same."""
    try:
        answer = _decode(raw)
        error = find_error(answer)
        if not error:
            reply = read_completion(answer, request_id, measured=measured)
            # what was written before the server gave up is no reply
            if is_failed(reply.finish_reason):
                return Retryable("server_error", shorten(f"given up: {reply.finish_reason}".encode(), secret))
            return reply
        detail = f"200 {_describe_error(error, secret)}"
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError):
        begins = raw if isinstance(raw, bytes) else raw.head
        return Retryable("garbage", f"not a chat completion: {shorten(begins, secret)}")
    if TOO_LONG.search(detail):
        return Failure("too_long", detail)
    code = error.get("code") if isinstance(error, dict) else None
    if code in (429, "429"):
        return Retryable("busy", detail, crowded=True)
    return Retryable("server_error", detail, crowded=code in (503, "503"))


def _decode(raw: bytes | EventStream) -> Any:
    if isinstance(raw, EventStream):
        return raw.to_completion()
    if is_stream(raw):
        events = EventStream()
        events.feed(raw)
        return events.to_completion()
    try:
        return orjson.loads(raw)
    except ValueError:
        # orjson is strict: `json` also reads lone surrogates in escapes, and NaN
        return json.loads(raw)


def hide(text: str, secret: str | None) -> str:
    """The text without the key, also where JSON has put a backslash before each slash."""
    if not secret or len(secret) < LEAST_SECRET_CHARS:
        return text
    return text.replace(secret, "***").replace(secret.replace("/", "\\/"), "***")


def shorten(raw: bytes, secret: str | None = None) -> str:
    """The beginning of an answer, in one line, without the key."""
    # before anything is cut: half a key would not be recognised
    text = hide(raw.decode("utf-8", "replace"), secret)
    return " ".join(text[: 4 * DETAIL_CHARS].split())[:DETAIL_CHARS]


def read_error(raw: bytes, secret: str | None = None) -> str:
    """The server's error message, wherever it is in the answer, with the error's type and code."""
    try:
        answer = json.loads(raw)
        if isinstance(answer, list):
            answer = answer[0]  # Gemini
        return _describe_error(answer.get("error") or answer.get("detail") or answer, secret)
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError):
        return shorten(raw, secret)


def _describe_error(error: Any, secret: str | None) -> str:
    if isinstance(error, dict):
        said = [error.get(name) for name in ("message", "Message", "type", "code")]
        # OpenRouter: what the model's own server said
        metadata = error.get("metadata")
        said.append(metadata.get("raw") if isinstance(metadata, dict) else None)
        error = " ".join(str(each) for each in said if each) or error
    return shorten(str(error).encode("utf-8", "replace"), secret)


def _read_retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds from now, from a number or an HTTP date (compared with the server's own clock if it sends it)."""
    value = headers.get("Retry-After")
    if not value:
        return None
    try:
        wait_s = float(value)
    except ValueError:
        try:
            now = parsedate_to_datetime(headers["Date"]).timestamp() if "Date" in headers else time.time()
            wait_s = parsedate_to_datetime(value).timestamp() - now
        except (ValueError, OverflowError):
            return None
    return min(max(0.0, wait_s), LONGEST_RETRY_AFTER_S) if isfinite(wait_s) else None
