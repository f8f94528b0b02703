"""Whether the model servers can be asked, checked before any work starts, and the messages if they cannot."""

from __future__ import annotations

import asyncio
import functools
import json
import os
import re
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

from docmatix.core.errors import SetupError
from docmatix.models.load_balancer import Address, read_address
from docmatix.models.responses import hide, read_error, shorten

if TYPE_CHECKING:
    import aiohttp

FIRST_WAIT_S = 0.5
CONNECT_TIMEOUT_S = 10.0
KEEP_ALIVE_S = 4.0
"""uvicorn (vLLM) and llama.cpp close idle connections after 5 s; a request sent on a closing one is lost."""
# 128,000 tokens are 0.5 MB, and 3 MB with every character escaped; an endless body would take 1 GB of memory a second
MOST_REPLY_BYTES = 4 << 20
READ_BYTES = 1 << 16
_QUERY = re.compile(r"(https?://[^\s?'\"]*)\?[^\s'\"]*")


def read_api_key(api_key_env: str | None) -> str | None:
    """The key from the environment variable of that name. Raises `SetupError` if it is not set."""
    if api_key_env is None:
        return None
    # a key read from a file ends in a newline, which no HTTP header may hold
    key = os.environ.get(api_key_env, "").strip()
    if not key:
        raise SetupError(f"The environment variable {api_key_env} is not set: set it to the model server's key.")
    if not key.isprintable():
        raise SetupError(
            f"The environment variable {api_key_env} holds a line break or another character that no key has: set it to"
            " the model server's key alone."
        )
    return key


async def check_server(
    addresses: Sequence[str],
    *,
    model: str,
    api_key: str | None = None,
    api_key_env: str | None = None,
    timeout_s: float = 10.0,
    patience_s: float = 10.0,
) -> list[str]:
    """Make sure that the model can be asked; returns the addresses that do not respond, as long as one does.

    Raises `SetupError` if none responds within `timeout_s`, or a server fails, refuses the key or lacks the model. One
    that is still loading (429, 5xx) is asked again for `patience_s`.
    """
    known = [read_address(address) for address in addresses]
    async with open_session(api_key, timeout_s=timeout_s) as session:
        check = functools.partial(_check_address, session, model=model, api_key=api_key, api_key_env=api_key_env)
        findings = await asyncio.gather(*(check(one, timeout_s=timeout_s, patience_s=patience_s) for one in known))
    silent = {address.name: finding for address, finding in zip(known, findings, strict=True) if finding}
    if len(silent) == len(known):
        where = "; ".join(f"{name} ({finding.detail})" for name, finding in silent.items())
        statuses = [finding.status for finding in silent.values()]
        if all(status == 429 for status in statuses):
            raise SetupError(
                f"The model server is too busy at {where}: rerun the command when it has room, or when your quota is"
                " renewed."
            )
        if all(statuses):
            raise SetupError(f"The model server fails at {where}: find the cause in its log, fix it and restart it.")
        raise SetupError(f"No model server answers at {where}: start it, or correct generate.engine.base_url.")
    return list(silent)


class _Finding(NamedTuple):
    """Why a server cannot be asked, with the HTTP status if it responded."""

    detail: str
    status: int | None = None


async def _check_address(
    session: aiohttp.ClientSession,
    address: Address,
    *,
    model: str,
    api_key: str | None,
    api_key_env: str | None,
    timeout_s: float,
    patience_s: float,
) -> _Finding | None:
    """None if the model can be asked, else why this server cannot. Raises `SetupError` for wrong settings."""
    import aiohttp

    deadline = time.monotonic() + patience_s
    while True:
        try:
            status, names, detail = await list_models(session, address, secret=api_key)
        except TimeoutError:
            return _Finding(f"no reply within {timeout_s:g} s")
        except aiohttp.ClientError as error:
            return _Finding(explain(error, api_key))
        if status == 429 or status >= 500:
            if time.monotonic() >= deadline:
                return _Finding(f"{status} {detail}", status)
            await asyncio.sleep(FIRST_WAIT_S)
            continue
        if status in (401, 402, 403):
            raise refuse_key(address, f"{status} {detail}", api_key, api_key_env)
        if status != 200:
            # 400 may mean a wrong address too: "plain HTTP request was sent to HTTPS port"
            advice = "" if status in (404, 405) or status < 400 else "follow its advice, or "
            raise SetupError(
                f"There is no list of models at {address.name}/models ({status} {detail}): "
                f"{advice}correct generate.engine.base_url, which usually ends in /v1."
            )
        # Ollama lists `name:latest` and accepts `name`
        if model not in names and f"{model}:latest" not in names:
            raise refuse_model(address, model, names)
        return None


# --- shared with the client ---


def open_session(api_key: str | None, *, timeout_s: float) -> aiohttp.ClientSession:
    import aiohttp

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
    # name resolution has negative numbers of its own, which `strerror` does not know
    text = os.strerror(number) if number and number > 0 else str(error) or type(error).__name__
    return shorten(_QUERY.sub(r"\1", text).encode("utf-8", "replace"), secret)


def refuse_key(address: Address, detail: str, api_key: str | None, api_key_env: str | None) -> SetupError:
    detail = hide(detail, api_key)
    if not api_key:
        return SetupError(
            f"The server at {address.name} requires a key ({detail}): "
            "name the environment variable that holds it in generate.engine.api_key_env."
        )
    return SetupError(
        f"The server at {address.name} refused the key ({detail}): "
        f"set the environment variable {api_key_env or 'named in generate.engine.api_key_env'} to a valid one."
    )


def refuse_model(address: Address, model: str, names: Sequence[str]) -> SetupError:
    has = ", ".join(dict.fromkeys(names)) or "none"
    return SetupError(
        f"The server at {address.name} has no model {model!r} (it has: {has}): correct generate.engine.model."
    )
