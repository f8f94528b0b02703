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

from docmatix.core.pairs import Failure, Reply

LONGEST_RETRY_AFTER_S = 120.0
"""A server that says "come back in an hour" is asked again after two minutes: many recover at once."""
DETAIL_CHARS = 300
MOST_TOKENS = (1 << 31) - 1
"""Counts are stored in 32 bits."""
LEAST_SECRET_CHARS = 6
"""Shorter keys are placeholders (`EMPTY`, `none`, `x`): hiding them would garble every message."""

SURROGATES = re.compile("[\ud800-\udfff]")
TOO_LONG = re.compile(
    r"context.{0,30}(length|size|window|limit|exceed)|(exceed|maximum|longer).{0,60}context|max_model_len"
    r"|(prompt|input|request|message)s? (is |are )?too (long|large)|max_new_tokens`? must be",
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
    status: int, headers: Mapping[str, str], raw: bytes, *, request_id: str, secret: str | None = None
) -> Reply | Failure | Retryable | ConfigurationError:
    """Read an answer. `secret` is the key that was sent: servers repeat headers in their errors, and no detail may
    hold it."""
    if status == 200:
        try:
            return _read_completion(_decode(raw), request_id)
        except (ValueError, LookupError, TypeError, AttributeError, RecursionError):
            return Retryable("garbage", f"not a chat completion: {shorten(raw, secret)}")
    detail = f"{status} {read_error(raw, secret)}".strip()
    if status == 429:
        # "Request too large for model on tokens per min": this request alone exceeds a minute's allowance
        if re.search(r"request too large", detail, re.IGNORECASE):
            return Failure("too_long", detail)
        return Retryable("busy", detail, _read_retry_after(headers), crowded=True)
    if status >= 500 or status in (408, 409, 425):
        return Retryable("server_error", detail, _read_retry_after(headers), crowded=status == 503)
    if status < 400 or status in (401, 402, 403, 404, 405):
        # header bytes that are not UTF-8 arrive as lone surrogates
        location = headers.get("Location", "").encode("utf-8", "replace")
        return ConfigurationError(status, f"{detail} {shorten(location, secret)}".strip())
    # 413: a proxy that limits the size of bodies (nginx: 1 MB), which pictures exceed; fewer of them may pass
    return Failure("too_long" if status == 413 or TOO_LONG.search(detail) else "refused", detail)


def _decode(raw: bytes) -> Any:
    try:
        return orjson.loads(raw)
    except ValueError:
        # orjson is strict: `json` also reads lone surrogates in escapes, and NaN
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
    """The text with U+FFFD for lone surrogates, which JSON can escape but no file can hold."""
    return text if text.isascii() else SURROGATES.sub("\ufffd", text)


def _count_tokens(count: object) -> int:
    """A server's count, or 0 for an invalid one: a reply is worth more than its statistics."""
    # infinity (1e999) and NaN fail the comparison
    return int(count) if isinstance(count, int | float) and 0 <= count <= MOST_TOKENS else 0


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
        error = json.loads(raw)
        error = error.get("error") or error.get("detail") or error
        if isinstance(error, dict):
            error = " ".join(str(error[key]) for key in ("message", "type", "code") if error.get(key)) or error
        return shorten(str(error).encode(), secret)
    except (ValueError, AttributeError, RecursionError):
        return shorten(raw, secret)


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
