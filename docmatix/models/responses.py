"""What an HTTP answer to a chat request means: a reply, a named failure, a trouble that may pass, or a wrong set-up."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Mapping
from email.utils import parsedate_to_datetime
from math import isfinite
from typing import Any, NamedTuple

import orjson

from docmatix.core.pairs import Failure, Reply

LONGEST_RETRY_AFTER_S = 120.0
"""A server that says "come back in an hour" is asked again after two minutes: many say so and recover at once."""
DETAIL_CHARS = 300
MOST_TOKENS = (1 << 31) - 1
"""Counts are kept in 32 bits."""
LEAST_SECRET_CHARS = 6
"""Shorter keys are none (`EMPTY`, `none`, `x`, for servers that want any): hiding them would garble every message."""

SURROGATES = re.compile("[\ud800-\udfff]")
TOO_LONG = re.compile(
    r"context.{0,30}(length|size|window|limit|exceed)|(exceed|maximum|longer).{0,60}context|max_model_len"
    r"|(prompt|input|request|message)s? (is |are )?too (long|large)|max_new_tokens`? must be",
    re.IGNORECASE | re.DOTALL,
)


class Retryable(NamedTuple):
    """A try that brought nothing and may be repeated."""

    cause: str
    """`busy`, `unreachable`, `timeout`, `cut`, `garbage`, `server_error`, or `moved` to another address."""
    detail: str
    wait_s: float | None = None
    """How long the server asked to be left alone."""
    crowded: bool = False
    """Whether it said that it has too many requests."""


class ConfigurationError(NamedTuple):
    """An answer that shows the set-up to be wrong, not the request."""

    status: int
    detail: str


def read_answer(
    status: int, headers: Mapping[str, str], raw: bytes, *, request_id: str, secret: str | None = None
) -> Reply | Failure | Retryable | ConfigurationError:
    """What an HTTP answer to a chat request means. `secret` is the key that was sent with it: servers repeat headers in
    what they say of errors, and no detail may hold it."""
    if status == 200:
        try:
            return _read_completion(_decode(raw), request_id)
        except (ValueError, LookupError, TypeError, AttributeError, RecursionError):
            return Retryable("garbage", f"no chat completion: {shorten(raw, secret)}")
    detail = f"{status} {read_error(raw, secret)}".strip()
    if status == 429:
        # "Request too large for model on tokens per min": this one request asks for more than a minute's allowance
        if re.search(r"request too large", detail, re.IGNORECASE):
            return Failure("too_long", detail)
        return Retryable("busy", detail, _read_retry_after(headers), crowded=True)
    if status >= 500 or status in (408, 409, 425):
        return Retryable("server_error", detail, _read_retry_after(headers), crowded=status == 503)
    if status < 400 or status in (401, 402, 403, 404, 405):
        # header bytes that are no UTF-8 come as lone surrogates
        place = headers.get("Location", "").encode("utf-8", "replace")
        return ConfigurationError(status, f"{detail} {shorten(place, secret)}".strip())
    # 413: a proxy that takes bodies up to a size (nginx: 1 MB), which pictures exceed; fewer of them will do
    return Failure("too_long" if status == 413 or TOO_LONG.search(detail) else "refused", detail)


def _decode(raw: bytes) -> Any:
    try:
        return orjson.loads(raw)
    except ValueError:
        # it is strict: what it refuses (lone surrogates in escapes, NaN) `json` may read
        return json.loads(raw)


def _read_completion(answer: dict[str, Any], request_id: str) -> Reply:
    choice = answer["choices"][0]
    usage = answer.get("usage")
    counts = usage if isinstance(usage, dict) else {}
    content = choice["message"].get("content")
    if not isinstance(content, str | None):
        raise TypeError
    return Reply(
        request_id=request_id,
        content=_make_storable(content or ""),
        model=_make_storable(str(answer.get("model") or ""))[:DETAIL_CHARS],
        finish_reason=_make_storable(str(choice.get("finish_reason") or "stop"))[:DETAIL_CHARS],
        prompt_tokens=_count_tokens(counts.get("prompt_tokens")),
        completion_tokens=_count_tokens(counts.get("completion_tokens")),
    )


def _make_storable(text: str) -> str:
    """With U+FFFD for lone surrogates, which JSON escapes can spell and no file can hold."""
    return text if text.isascii() else SURROGATES.sub("\ufffd", text)


def _count_tokens(said: object) -> int:
    """A server's count; what cannot be one is none, since a reply is worth more than its statistics."""
    # a number without end (1e999) and one that is none (NaN) fail the comparison
    return int(said) if isinstance(said, int | float) and 0 <= said <= MOST_TOKENS else 0


def hide(text: str, secret: str | None) -> str:
    """The text without the key, in which JSON may have put a backslash before each slash."""
    if not secret or len(secret) < LEAST_SECRET_CHARS:
        return text
    return text.replace(secret, "***").replace(secret.replace("/", "\\/"), "***")


def shorten(raw: bytes, secret: str | None = None) -> str:
    """The first words of an answer, in one line, without the key."""
    # hidden before anything is cut, which would leave the first half of a key
    text = hide(raw.decode("utf-8", "replace"), secret)
    return " ".join(text[: 4 * DETAIL_CHARS].split())[:DETAIL_CHARS]


def read_error(raw: bytes, secret: str | None = None) -> str:
    """The server's own words, from whichever of the usual places they are in, with the error's type and code."""
    try:
        error = json.loads(raw)
        error = error.get("error") or error.get("detail") or error
        if isinstance(error, dict):
            error = " ".join(str(error[key]) for key in ("message", "type", "code") if error.get(key)) or error
        return shorten(str(error).encode(), secret)
    except (ValueError, AttributeError, RecursionError):
        return shorten(raw, secret)


def _read_retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds from now, from a number or an HTTP date (held against the server's own clock, where it tells it)."""
    said = headers.get("Retry-After")
    if not said:
        return None
    try:
        wait_s = float(said)
    except ValueError:
        try:
            now = parsedate_to_datetime(headers["Date"]).timestamp() if "Date" in headers else time.time()
            wait_s = parsedate_to_datetime(said).timestamp() - now
        except (ValueError, OverflowError):
            return None
    return min(max(0.0, wait_s), LONGEST_RETRY_AFTER_S) if isfinite(wait_s) else None
