"""Whether the servers can be asked, before any work starts; and the sentences for what is wrong with them."""

from __future__ import annotations

import asyncio
import json
import os
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING

from docmatix.errors import SetupError
from docmatix.serving.answers import read_error, shorten
from docmatix.serving.places import Address, read_address

if TYPE_CHECKING:
    import aiohttp

FIRST_WAIT_S = 0.5
CONNECT_TIMEOUT_S = 10.0
KEEP_ALIVE_S = 4.0
"""uvicorn (vLLM) and llama.cpp close idle connections after 5 s; a request sent into the closing one is lost."""


def read_api_key(api_key_env: str | None) -> str | None:
    """The key from the environment variable of that name. Raises `SetupError` where it is not set."""
    if api_key_env is None:
        return None
    # A key read from a file ends in a newline, which no HTTP header may hold
    key = os.environ.get(api_key_env, "").strip()
    if not key:
        raise SetupError(f"The environment variable {api_key_env} is not set: put the model server's key into it.")
    return key


async def check_server(
    addresses: Sequence[str],
    *,
    model: str,
    api_key: str | None = None,
    api_key_env: str | None = None,
    timeout_s: float = 10.0,
) -> list[str]:
    """Make sure that the model can be asked; returns the addresses that do not answer, as long as one does.

    Raises `SetupError`, in one sentence: nobody answers, a key is refused, the model is missing. A server that is
    still loading (429, 5xx) is waited for until `timeout_s`.
    """
    known = [read_address(address) for address in addresses]
    async with open_session(api_key, timeout_s=timeout_s) as session:
        findings = await asyncio.gather(
            *(
                _check_address(
                    session, address, model=model, api_key=api_key, api_key_env=api_key_env, timeout_s=timeout_s
                )
                for address in known
            )
        )
    silent = {address.name: finding for address, finding in zip(known, findings, strict=True) if finding}
    if len(silent) == len(known):
        said = "; ".join(f"{name} ({mask(finding, api_key)})" for name, finding in silent.items())
        raise SetupError(f"No model server answers at {said}: start it, or correct generate.engine.base_url.")
    return list(silent)


async def _check_address(
    session: aiohttp.ClientSession,
    address: Address,
    *,
    model: str,
    api_key: str | None,
    api_key_env: str | None,
    timeout_s: float,
) -> str | None:
    """None where the model can be asked, else why the server is silent. Raises `SetupError` for everything else."""
    import aiohttp

    deadline = time.monotonic() + timeout_s
    while True:
        try:
            status, names, said = await list_models(session, address)
        except TimeoutError:
            return f"no reply within {timeout_s:g} s"
        except aiohttp.ClientError as error:
            return explain(error)
        if status == 429 or status >= 500:
            if time.monotonic() > deadline:
                return f"{status} {said}"
            await asyncio.sleep(FIRST_WAIT_S)
            continue
        if status in (401, 402, 403):
            raise refuse_key(address, f"{status} {said}", api_key, api_key_env)
        if status != 200:
            raise SetupError(
                f"No model list at {address.name}/models ({status} {mask(said, api_key)}): "
                "correct generate.engine.base_url, which usually ends in /v1."
            )
        # Ollama lists `name:latest` and answers to `name`
        if model not in names and f"{model}:latest" not in names:
            raise refuse_model(address, model, names)
        return None


# --- what the client asks as well ---


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


async def list_models(session: aiohttp.ClientSession, address: Address) -> tuple[int, list[str], str]:
    """Status, names and aliases of the models, and what the server said instead of them."""
    async with session.get(address.models_url, allow_redirects=False) as response:
        raw = await response.read()
    if response.status != 200:
        return response.status, [], read_error(raw)
    try:
        models = json.loads(raw)["data"]
        return 200, [name for model in models for name in (model["id"], *(model.get("aliases") or ()))], ""
    except (ValueError, LookupError, TypeError, AttributeError):
        return 404, [], f"no list of models: {shorten(raw)}"


def explain(error: Exception) -> str:
    number = getattr(error, "errno", None)
    # Failures to find a host carry negative numbers of their own, which `strerror` does not know
    return os.strerror(number) if number and number > 0 else str(error) or type(error).__name__


def mask(text: str, secret: str | None) -> str:
    return text.replace(secret, "***") if secret else text


def refuse_key(address: Address, detail: str, api_key: str | None, api_key_env: str | None) -> SetupError:
    said = mask(detail, api_key)
    if not api_key:
        return SetupError(
            f"The server at {address.name} wants a key ({said}): "
            "name the environment variable that holds it in generate.engine.api_key_env."
        )
    return SetupError(
        f"The server at {address.name} refused the key ({said}): "
        f"set the environment variable {api_key_env or 'named in generate.engine.api_key_env'} to a valid one."
    )


def refuse_model(address: Address, model: str, names: Sequence[str]) -> SetupError:
    has = ", ".join(dict.fromkeys(names)) or "none"
    return SetupError(
        f"The server at {address.name} has no model {model!r} (it has: {has}): correct generate.engine.model."
    )


# --- before any work starts -------------------------------------------------------------------------------------------
