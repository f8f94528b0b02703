"""The HTTP side of asking a model server: the session, one chat request, the list of models, the metrics.

aiohttp and not httpx: with hundreds of requests in flight httpx spends more time in its connection pool than a server
does on small replies.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import re
from collections.abc import Callable

import aiohttp

from docmatix.core.connections import explain_connection
from docmatix.core.pairs import Failure, Reply, Request
from docmatix.models.event_stream import EventStream, is_stream
from docmatix.models.load_balancer import Address
from docmatix.models.loops import LoopWatch, cut_off
from docmatix.models.metrics import ServerMetrics, parse_metrics
from docmatix.models.parameters import Unsupported, find_unsupported
from docmatix.models.responses import ConfigurationError, Retryable, read_answer, read_error, shorten

CONNECT_TIMEOUT_S = 10.0
KEEP_ALIVE_S = 4.0
"""uvicorn (vLLM) and llama.cpp close idle connections after 5 s; a request sent on a closing one is lost."""
# 128,000 tokens are 0.5 MB, and 3 MB with every character escaped; an endless body would take 1 GB of memory a second
MOST_REPLY_BYTES = 4 << 20
READ_BYTES = 1 << 16
LEAST_TELLING_BYTES = 16
"""Whatever events begin with is within these."""
LAST_BYTES_S = 1.0
"""How long a connection may take to end after the last event before another one is opened."""
METRICS_TIMEOUT_S = 5.0
_QUERY = re.compile(r"(https?://[^\s?'\"]*)\?[^\s'\"]*")


def open_session(api_key: str | None, *, timeout_s: float) -> aiohttp.ClientSession:
    headers = {"Content-Type": "application/json"}
    if api_key:
        headers["Authorization"] = f"Bearer {api_key}"
    return aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit=0, keepalive_timeout=KEEP_ALIVE_S),
        cookie_jar=aiohttp.DummyCookieJar(),
        headers=headers,
        timeout=aiohttp.ClientTimeout(total=timeout_s, sock_connect=min(timeout_s, CONNECT_TIMEOUT_S)),
    )


async def read_body(response: aiohttp.ClientResponse, *, most_bytes: int = MOST_REPLY_BYTES) -> bytes | None:
    """The body of an answer, decompressed; None if it is longer than `most_bytes`."""
    parts: list[bytes] = []
    left = most_bytes
    # not `response.read()`, which has no bound and decompresses a body in one go
    while part := await response.content.read(READ_BYTES):
        left -= len(part)
        if left < 0:
            response.close()
            return None
        parts.append(part)
    return b"".join(parts)


async def _read_reply(response: aiohttp.ClientResponse, watch: LoopWatch | None) -> bytes | EventStream | None:
    """The body of a success, or its events as they come; None if it is too long. Events are read no further than to
    where the reply repeats itself: the connection is closed, upon which servers stop generating."""
    begun = b""
    while len(begun.lstrip()) < LEAST_TELLING_BYTES and (part := await response.content.read(READ_BYTES)):
        begun += part
        if len(begun) > MOST_REPLY_BYTES:
            response.close()
            return None
    if not is_stream(begun):
        rest = await read_body(response, most_bytes=MOST_REPLY_BYTES - len(begun))
        return None if rest is None else begun + rest
    events = EventStream(watch)
    events.feed(begun)
    while True:
        # the memory counts, not the bytes that came: an event of 300 bytes holds one token
        if events.is_looping or events.size > MOST_REPLY_BYTES:
            response.close()
            return events if events.is_looping else None
        if events.is_done:
            break
        part = await response.content.read(READ_BYTES)
        if not part:
            return events
        events.feed(part)
    with contextlib.suppress(TimeoutError, aiohttp.ClientError):
        async with asyncio.timeout(LAST_BYTES_S):
            await read_body(response)
    return events


async def list_models(
    session: aiohttp.ClientSession, address: Address, *, secret: str | None
) -> tuple[int, list[str], str]:
    """Status, names and aliases of the models, and the server's message if there are none, without the key."""
    async with session.get(address.models_url, allow_redirects=False) as response:
        raw = await read_body(response)
    if raw is None:
        return 404, [], f"not a list of models: more than {MOST_REPLY_BYTES >> 20} MB"
    if response.status != 200:
        return response.status, [], read_error(raw, secret)
    try:
        models = json.loads(raw)["data"]
        return 200, [str(name) for model in models for name in (model["id"], *(model.get("aliases") or ()))], ""
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError):
        return 404, [], f"not a list of models: {shorten(raw, secret)}"


def explain(error: Exception, secret: str | None = None) -> str:
    """What went wrong with a connection, without the key and the queries of URLs, which may hold one."""
    number = getattr(error, "errno", None)
    text = explain_connection(error) or (os.strerror(number) if number and number > 0 else str(error))
    text = text or type(error).__name__
    return shorten(_QUERY.sub(r"\1", text).encode("utf-8", "replace"), secret)


async def send_chat(
    session: aiohttp.ClientSession,
    address: Address,
    body: bytes,
    request: Request,
    *,
    api_key: str | None,
    repeats: Callable[[str], bool] | None = None,
) -> Reply | Failure | Retryable | ConfigurationError | Unsupported:
    """Send one chat request as `body` and read what comes of it, of a reply that `repeats` itself only the
    beginning."""
    try:
        # a followed redirect would turn the POST into a GET
        async with session.post(address.chat_url, data=body, allow_redirects=False) as response:
            success = response.status == 200
            raw = await (_read_reply(response, repeats and LoopWatch(repeats)) if success else read_body(response))
            if raw is None:
                return Retryable("garbage", f"more than {MOST_REPLY_BYTES >> 20} MB in one reply")
            answer = read_answer(
                response.status,
                response.headers,
                raw,
                request_id=request.request_id,
                secret=api_key,
                measured=request.measured,
            )
            # some answer 500, or 200 with an error in it, to what they should refuse
            refused = isinstance(answer, Failure) and answer.reason == "refused"
            if refused or (isinstance(answer, Retryable) and answer.cause == "server_error"):
                fields = find_unsupported(raw if isinstance(raw, bytes) else raw.head, sent=body)
                return Unsupported(fields) if fields else answer
            return cut_off(answer, repeats) if repeats and isinstance(answer, Reply) else answer
    except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError) as error:
        return Retryable("unreachable", explain(error, api_key))
    except TimeoutError:
        return Retryable("timeout", f"no reply within {session.timeout.total:g} s")
    except aiohttp.ClientResponseError as error:  # not HTTP
        return Retryable("garbage", explain(error, api_key))
    except aiohttp.ClientError as error:
        return Retryable("cut", explain(error, api_key))


async def fetch_metrics(session: aiohttp.ClientSession, address: Address) -> ServerMetrics | None:
    """The server's metrics; None if it publishes none of vLLM's. Raises `ClientError` or `TimeoutError`."""
    timeout = aiohttp.ClientTimeout(total=METRICS_TIMEOUT_S)
    async with session.get(address.metrics_url, timeout=timeout, allow_redirects=False) as response:
        raw = await read_body(response) if response.status == 200 else None
    return parse_metrics((raw or b"").decode("utf-8", "replace"))
