"""Whether the model servers can be asked, checked before any work starts, and the messages if they cannot."""

from __future__ import annotations

import asyncio
import functools
import os
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

from docmatix.core.connections import find_tls_error
from docmatix.core.errors import SetupError
from docmatix.core.proxies import find_ignored_proxy
from docmatix.models.load_balancer import Address, read_address
from docmatix.models.responses import hide

if TYPE_CHECKING:
    import aiohttp

FIRST_WAIT_S = 0.5


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
    """Make sure that the model can be asked; returns the addresses that do not respond, as long as one does. Raises
    `SetupError` if none responds within `timeout_s`, or a server fails, refuses the key or lacks the model; one that is
    still loading (429, 5xx) is retried for `patience_s`."""
    from docmatix.models.transport import open_session

    known = [read_address(address) for address in addresses]
    async with open_session(api_key, timeout_s=timeout_s) as session:
        check = functools.partial(_check_address, session, model=model, api_key=api_key, api_key_env=api_key_env)
        findings = await asyncio.gather(*(check(one, timeout_s=timeout_s, patience_s=patience_s) for one in known))
    silent = {address.name: finding for address, finding in zip(known, findings, strict=True) if finding}
    if len(silent) == len(known):
        where = "; ".join(f"{name} ({finding.detail})" for name, finding in silent.items())
        if any(finding.insecure for finding in silent.values()):
            raise SetupError(f"There is no secure connection to the model server at {where}.")
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
    insecure: bool = False
    """Whether TLS failed, so that it is there, and is not to be started."""


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

    from docmatix.models.transport import explain, list_models

    deadline = time.monotonic() + patience_s
    while True:
        try:
            status, names, detail = await list_models(session, address, secret=api_key)
        except TimeoutError:
            return _Finding(f"no reply within {timeout_s:g} s{describe_ignored_proxy(address.name)}")
        except aiohttp.ClientError as error:
            words = explain(error, api_key) + describe_ignored_proxy(address.name)
            return _Finding(words, insecure=find_tls_error(error) is not None)
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


def describe_ignored_proxy(url: str) -> str:
    """That a proxy is set and not used for an address, as the end of a sentence; empty if there is none."""
    variable = find_ignored_proxy(url)
    return f"; the proxy in {variable} is not used, model servers are asked directly" if variable else ""


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
