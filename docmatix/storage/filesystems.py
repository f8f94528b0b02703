"""Opens fsspec's filesystems by address."""

from __future__ import annotations

from typing import Any

from docmatix.core.errors import SetupError
from docmatix.core.redaction import hide_in_url

S3_SETTINGS = {"connect_timeout": 10, "read_timeout": 30, "max_pool_connections": 64}
"""Seconds, of which botocore waits 60 for an answer, for each of the requests that an attempt consists of; and how many
requests are under way at once: of the ten that botocore allows, a thousand records take five seconds at 50 ms each."""


def connect(address: str) -> tuple[Any, str]:
    """The filesystem of an address, and the path on it. Raises SetupError for an unknown protocol."""
    import fsspec

    protocol = address.partition("://")[0] if "://" in address else "file"
    try:
        kind = fsspec.get_filesystem_class(protocol)
    except ImportError as error:
        extra = "pip install 'docmatix[s3]'" if protocol in {"s3", "s3a"} else str(error)
        raise SetupError(f"{protocol}:// needs a package that is not installed: {extra}.") from error
    except ValueError as error:
        raise SetupError(f"fsspec does not know the protocol {protocol}:// ({hide_in_url(address)}).") from error
    filesystem = kind(**kind._get_kwargs_from_urls(address), **choose_options(protocol))
    return filesystem, address if protocol == "file" and "://" not in address else kind._strip_protocol(address)


def choose_options(protocol: str) -> dict[str, Any]:
    """How filesystems of a protocol are opened, where the user's own fsspec settings do not decide."""
    import fsspec

    # a cache of listings would keep every name in memory, and hide what others write
    options: dict[str, Any] = {"use_listings_cache": False}
    settings = fsspec.config.conf
    if protocol in {"s3", "s3a"} and not any("config_kwargs" in settings.get(name, {}) for name in ("s3", "s3a")):
        options["config_kwargs"] = dict(S3_SETTINGS)
    return options


def uses_proxies() -> bool:
    """Whether the user's fsspec settings have web servers asked through the environment's proxies."""
    import fsspec

    settings = (fsspec.config.conf.get(name, {}) for name in ("http", "https"))
    return any(each.get("client_kwargs", {}).get("trust_env") for each in settings)


def is_local(filesystem: Any) -> bool:
    """Whether paths of the filesystem are paths of this machine."""
    from fsspec.implementations.local import LocalFileSystem

    return isinstance(filesystem, LocalFileSystem)
