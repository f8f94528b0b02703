"""What errors of the Hub mean: whether trying again may help, after how long, and how to say it in one line."""

from __future__ import annotations

import json
import random
import re
from collections.abc import Iterator, Mapping

_QUOTA_WAIT_S = 600.0  # for an exhausted quota, if nothing says how long
_BUSY = {408, 409, 412, 423, 425, 429, 500, 502, 503, 504}
_RETRY_IN = re.compile(r"retry this action in (?:about )?(\d+|an?) (second|minute|hour)", re.IGNORECASE)


def judge_error(error: Exception) -> tuple[bool, float | None]:
    """Whether to retry, and after how many seconds (None: the Hub does not say)."""
    from huggingface_hub.errors import HfHubHTTPError, OfflineModeIsEnabled

    each: BaseException = error
    for each in walk_causes(error):
        if isinstance(each, OfflineModeIsEnabled):
            return False, None
        if isinstance(each, HfHubHTTPError):
            status = each.response.status_code
            return status in _BUSY, _read_wait(each.response.headers) if status in (429, 503) else None
        # by name: releases of huggingface_hub differ in their HTTP client and may lack Xet, whose tokens expire
        if any(kind.__name__ in ("TransportError", "XetAuthenticationError") for kind in type(each).__mro__):
            return True, None
        if isinstance(each, (ConnectionError, TimeoutError, json.JSONDecodeError)):
            return True, None
    # Xet reports most trouble as a bare RuntimeError; one with a cause is the client's, about a file
    return type(each) is RuntimeError, None


def read_quota_wait(error: Exception) -> float | None:
    """After how many seconds an exhausted quota may be back; None for any other error.

    The quota of commits is in the message alone: the `ratelimit` header is that of another limit, not yet reached.
    """
    from huggingface_hub.errors import HfHubHTTPError

    for each in walk_causes(error):
        if isinstance(each, HfHubHTTPError):
            if each.response.status_code != 429 or _read_wait(each.response.headers) is not None:
                return None
            found = _RETRY_IN.search(each.server_message or "")
            if found is None:
                return _QUOTA_WAIT_S
            count = 1 if found[1].lower() in ("a", "an") else int(found[1])
            return count * {"second": 1.0, "minute": 60.0, "hour": 3600.0}[found[2].lower()] + random.uniform(1, 10)
    return None


def describe_error(error: Exception) -> str:
    """One short line, without addresses and request ids."""
    from huggingface_hub.errors import HfHubHTTPError

    for each in walk_causes(error):
        if isinstance(each, HfHubHTTPError):
            said = " ".join((each.server_message or "").split())[:200]
            return f"{each.response.status_code}{f' {said}' if said else ''}"
    innermost = list(walk_causes(error))[-1]
    lines = str(innermost).strip().splitlines()
    return f"{type(innermost).__name__}{f': {lines[0][:200]}' if lines else ''}"


def walk_causes(error: BaseException) -> Iterator[BaseException]:
    at: BaseException | None = error
    while at is not None:
        yield at
        at = at.__cause__


def _read_wait(headers: Mapping[str, str]) -> float | None:
    from huggingface_hub.utils._http import parse_ratelimit_headers

    limit = parse_ratelimit_headers(headers)
    if limit is not None and limit.remaining == 0:
        return limit.reset_in_seconds + random.uniform(0, 2)
    after = headers.get("retry-after", "").strip()
    return float(after) + random.uniform(0, 0.5) if after.isdigit() else None
