"""Object stores and other remote filesystems: what their errors mean, and how long one tries to reach them.

An error is about one file (it is not there, it may not be read), about the way to all of them (credentials, bucket,
region: a person must act), or it passes (throttling, a server that is away, a connection that breaks). Only the first
may become a reason to drop a document, and only the last is tried again.
"""

from __future__ import annotations

import os
from typing import Any

from docmatix.errors import SetupError
from docmatix.secrets import hide_in_text, hide_in_url

PATIENCE_S = 300.0
"""After this long nobody pauses to try again, however few the attempts were: one against a server that says nothing
takes minutes alone."""
WAITS_S = (0.5, 2.0, 8.0, *[30.0] * 9, 19.5)
"""Pauses between the attempts to reach a file. They add up to `PATIENCE_S`, since not every way fails slowly:
clients of S3 retry for 50 s before we see an error (measured with their defaults), an HTTP server fails at once."""
S3_TIMEOUTS = {"connect_timeout": 10, "read_timeout": 30}
"""Seconds; botocore waits 60 for an answer, for each of the requests that an attempt consists of."""

_EXPIRED = frozenset({"ExpiredToken", "ExpiredTokenException", "TokenRefreshRequired"})
_REFUSED = "the store refuses these credentials: give it others"
_REGION = "the bucket lies in another region: name it in AWS_DEFAULT_REGION"
_SETUP = {
    "NoSuchBucket": "there is no such bucket: make it, or mend its name",
    "InvalidBucketName": "no bucket can have this name: mend it",
    "ParamValidationError": "no bucket can have this name: mend it",
    **dict.fromkeys(
        ("InvalidAccessKeyId", "SignatureDoesNotMatch", "InvalidSecurity", "InvalidToken", "InvalidClientTokenId"),
        _REFUSED,
    ),
    **dict.fromkeys(("AccountProblem", "AllAccessDisabled", "NotSignedUp"), _REFUSED),
    "RequestTimeTooSkewed": "the clock of this machine is wrong: set it",
    **dict.fromkeys(("AuthorizationHeaderMalformed", "PermanentRedirect", "301", "NoRegionError"), _REGION),
    "ProfileNotFound": "AWS_PROFILE names a profile that is not there: mend it",
}


def connect(address: str) -> tuple[Any, str]:
    """The filesystem of an address, and the path on it. Raises `SetupError` if the protocol cannot be spoken."""
    import fsspec

    protocol = address.partition("://")[0] if "://" in address else "file"
    try:
        kind = fsspec.get_filesystem_class(protocol)
    except ImportError as error:
        extra = "pip install 'docmatix[s3]'" if protocol in {"s3", "s3a"} else str(error)
        raise SetupError(f"{protocol}:// needs a package that is not installed: {extra}.") from error
    except ValueError as error:
        raise SetupError(f"Nothing is known to read {protocol}:// ({hide_in_url(address)}); see fsspec.") from error
    filesystem = kind(**kind._get_kwargs_from_urls(address), **choose_options(protocol))
    return filesystem, address if protocol == "file" and "://" not in address else kind._strip_protocol(address)


def choose_options(protocol: str) -> dict[str, Any]:
    """How filesystems of a protocol are opened, as far as the user's own settings of fsspec do not say."""
    import fsspec

    # Without the cache of listings, which would keep every name in memory and what others write from being seen.
    options: dict[str, Any] = {"use_listings_cache": False}
    settings = fsspec.config.conf
    if protocol in {"s3", "s3a"} and not any("config_kwargs" in settings.get(name, {}) for name in ("s3", "s3a")):
        options["config_kwargs"] = dict(S3_TIMEOUTS)
    return options


def is_local(filesystem: Any) -> bool:
    """Whether paths of the filesystem are paths of this machine."""
    from fsspec.implementations.local import LocalFileSystem

    return isinstance(filesystem, LocalFileSystem)


def describe(error: BaseException) -> str:
    """An exception in one line, without the directories of this machine."""
    words = os.strerror(error.errno) if isinstance(error, OSError) and error.errno else " ".join(str(error).split())
    code = read_code(error)
    return f"{type(error).__name__}: {hide_in_text(words)[:200]}" + (f" [{code}]" if code else "")


def read_code(error: BaseException | None) -> str | None:
    """What S3 calls the error (`SlowDown`, `NoSuchKey`; of a HEAD its HTTP status), which s3fs hides in the cause."""
    while error is not None:
        response = getattr(error, "response", None)
        if isinstance(response, dict):
            code = response.get("Error", {}).get("Code")
            return str(code) if code else None
        error = error.__cause__
    return None


def read_http_status(error: BaseException | None) -> int | None:
    """What an HTTP server answered, where aiohttp or fsspec, which hides it in the cause, say so."""
    while error is not None:
        if type(error).__name__ == "ClientResponseError":
            return int(error.status)  # type: ignore[attr-defined]
        error = error.__cause__
    return None


def hides_outage(error: FileNotFoundError | NotADirectoryError) -> bool:
    """Whether "not found" only means that an HTTP server is away: so fsspec says of every failure to ask for a size."""
    status = read_http_status(error)
    if status is not None:
        return status in (408, 425, 429) or status >= 500
    kinds = {kind.__name__ for kind in type(error.__cause__).__mro__}
    return bool(kinds & {"ClientConnectionError", "ClientPayloadError", "TimeoutError"})


def explain_setup(error: BaseException) -> str | None:
    """What a person must do if the error is about the way to every file of the store; None if it is not."""
    name = type(error).__name__
    if name in ("NoCredentialsError", "PartialCredentialsError"):
        return (
            "not without credentials: give them in the environment, or ask for a public store with FSSPEC_S3_ANON=true"
            " or its like"
        )
    return _SETUP.get(read_code(error) or name)


def has_expired(error: BaseException) -> bool:
    """Whether the credentials were good once."""
    return read_code(error) in _EXPIRED


def is_overtaken(error: BaseException) -> bool:
    """Whether a conditional write found that another one had come before it."""
    return isinstance(error, FileExistsError) or read_code(error) in ("PreconditionFailed", "412")
