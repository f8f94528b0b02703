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

from docmatix.pairs import Failure, Reply

LONGEST_RETRY_AFTER_S = 120.0
"""A server that says "come back in an hour" is asked again after two minutes: many say so and recover at once."""
DETAIL_CHARS = 300

TOO_LONG = re.compile(
    r"context.{0,30}(length|size|window|limit|exceed)|(exceed|maximum|longer).{0,60}context|max_model_len"
    r"|(prompt|input|request|message)s? (is |are )?too (long|large)|max_new_tokens`? must be",
    re.IGNORECASE | re.DOTALL,
)


class Trouble(NamedTuple):
    """A try that brought nothing and may be repeated."""

    cause: str
    """`busy`, `unreachable`, `timeout`, `cut`, `garbage`, `server_error`, or `moved` to another address."""
    detail: str
    wait_s: float | None = None
    """How long the server asked to be left alone."""
    crowded: bool = False
    """Whether it said that it has too many requests."""


class Misfit(NamedTuple):
    """An answer that shows the set-up to be wrong, not the request."""

    status: int
    detail: str


def read_answer(
    status: int, headers: Mapping[str, str], raw: bytes, *, request_id: str
) -> Reply | Failure | Trouble | Misfit:
    """What an HTTP answer to a chat request means."""
    if status == 200:
        try:
            return _read_completion(_decode(raw), request_id)
        except (ValueError, LookupError, TypeError, AttributeError):
            return Trouble("garbage", f"no chat completion: {shorten(raw)}")
    detail = f"{status} {read_error(raw)}".strip()
    if status == 429:
        # "Request too large for model on tokens per min": this one request asks for more than a minute's allowance
        if re.search(r"request too large", detail, re.IGNORECASE):
            return Failure("too_long", detail)
        return Trouble("busy", detail, _read_retry_after(headers), crowded=True)
    if status >= 500 or status in (408, 409, 425):
        return Trouble("server_error", detail, _read_retry_after(headers), crowded=status == 503)
    if status < 400 or status in (401, 402, 403, 404, 405):
        return Misfit(status, f"{detail} {headers.get('Location', '')}".strip())
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
    usage = answer.get("usage") or {}
    content = choice["message"].get("content")
    if not isinstance(content, str | None):
        raise TypeError
    return Reply(
        request_id=request_id,
        content=content or "",
        model=str(answer.get("model") or ""),
        finish_reason=str(choice.get("finish_reason") or "stop"),
        prompt_tokens=int(usage.get("prompt_tokens") or 0),
        completion_tokens=int(usage.get("completion_tokens") or 0),
    )


def shorten(raw: bytes) -> str:
    return " ".join(raw[: 4 * DETAIL_CHARS].decode("utf-8", "replace").split())[:DETAIL_CHARS]


def read_error(raw: bytes) -> str:
    """The server's own words, from whichever of the usual places they are in, with the error's type and code."""
    try:
        error = json.loads(raw)
        error = error.get("error") or error.get("detail") or error
        if isinstance(error, dict):
            error = " ".join(str(error[key]) for key in ("message", "type", "code") if error.get(key)) or error
        return shorten(str(error).encode())
    except (ValueError, AttributeError):
        return shorten(raw)


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
        except ValueError:
            return None
    return min(max(0.0, wait_s), LONGEST_RETRY_AFTER_S) if isfinite(wait_s) else None
