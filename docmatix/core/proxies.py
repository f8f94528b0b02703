"""Proxies that the environment names and that are not used."""

from __future__ import annotations

import os
from ipaddress import ip_address
from urllib.parse import urlsplit
from urllib.request import proxy_bypass


def find_ignored_proxy(url: str) -> str | None:
    """The variable (`HTTPS_PROXY`) whose proxy other programs would use for an address; None if there is none, or
    `NO_PROXY` or this machine itself makes an exception. Its value, which may hold a password, is not returned."""
    # aiohttp would use it with `trust_env`, which also sends passwords of ~/.netrc
    try:
        parts = urlsplit(url)
        host = parts.hostname
    except ValueError:
        return None
    if parts.scheme not in ("http", "https") or not host or _is_this_machine(host) or proxy_bypass(host):
        return None
    names = (f"{parts.scheme}_proxy", f"{parts.scheme}_proxy".upper(), "all_proxy", "ALL_PROXY")
    return next((name for name in names if os.environ.get(name)), None)


def _is_this_machine(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")
