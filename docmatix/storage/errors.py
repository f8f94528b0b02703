"""What errors of object stores, disks and HTTP servers mean.

An error is about one file (missing, forbidden), about the way to all of them (credentials, bucket, region: a person
must act), or it passes (throttling, a broken connection). Only the first kind may drop a document; only the last is
retried.
"""

from __future__ import annotations

import contextlib
import errno
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

from docmatix.core.connections import explain_connection
from docmatix.core.errors import StorageFailed
from docmatix.core.redaction import hide_in_text

_EXPIRED = frozenset({"ExpiredToken", "ExpiredTokenException", "TokenRefreshRequired"})
_REFUSED = "the store refuses these credentials: use others"
_REGION = "the bucket is in another region: set AWS_DEFAULT_REGION"
_SETUP = {
    "NoSuchBucket": "there is no such bucket: create it, or correct its name",
    "InvalidBucketName": "this is not a valid bucket name: correct it",
    "ParamValidationError": "this is not a valid bucket name: correct it",
    **dict.fromkeys(
        ("InvalidAccessKeyId", "SignatureDoesNotMatch", "InvalidSecurity", "InvalidToken", "InvalidClientTokenId"),
        _REFUSED,
    ),
    **dict.fromkeys(("AccountProblem", "AllAccessDisabled", "NotSignedUp"), _REFUSED),
    "RequestTimeTooSkewed": "the clock of this machine is wrong: set it",
    **dict.fromkeys(("AuthorizationHeaderMalformed", "PermanentRedirect", "301", "NoRegionError"), _REGION),
    "ProfileNotFound": "AWS_PROFILE names a profile that does not exist: correct it",
}
_DISK_REFUSES = frozenset(
    {
        *(errno.EACCES, errno.EROFS, errno.EPERM, errno.EDQUOT, errno.EIO),
        *(errno.ENOTDIR, errno.EEXIST, errno.EFBIG, errno.ESTALE),
    }
)


def describe(error: BaseException) -> str:
    """An exception in one line, without the directories of this machine."""
    number = error.errno if isinstance(error, OSError) else None
    told = os.strerror(number) if number and number > 0 else " ".join(str(error).split())
    words = explain_connection(error) or told
    code = read_code(error)
    return f"{type(error).__name__}: {hide_in_text(words)[:200]}" + (f" [{code}]" if code else "")


def read_code(error: BaseException | None) -> str | None:
    """S3's code of the error (`SlowDown`, `NoSuchKey`; of a HEAD its HTTP status), which s3fs hides in the cause."""
    while error is not None:
        response = getattr(error, "response", None)
        if isinstance(response, dict):
            code = response.get("Error", {}).get("Code")
            return str(code) if code else None
        error = error.__cause__
    return None


def read_http_status(error: BaseException | None) -> int | None:
    """The status an HTTP server answered with, where aiohttp, or fsspec in the cause, says so."""
    while error is not None:
        if type(error).__name__ == "ClientResponseError":
            return int(error.status)  # type: ignore[attr-defined]
        error = error.__cause__
    return None


def hides_outage(error: FileNotFoundError | NotADirectoryError) -> bool:
    """Whether "not found" only means that an HTTP server is unavailable: fsspec reports every failed size like that."""
    status = read_http_status(error)
    if status is not None:
        return status in (408, 425, 429) or status >= 500
    kinds = {kind.__name__ for kind in type(error.__cause__).__mro__}
    return bool(kinds & {"ClientConnectionError", "ClientPayloadError", "TimeoutError"})


def has_answered(error: BaseException) -> bool:
    """Whether an error is the store's own answer, rather than a failure to reach it."""
    if read_code(error) is not None or read_http_status(error) is not None:
        return True
    # requests and httpx, by which the Hub is asked, and clients like theirs
    if isinstance(getattr(getattr(error, "response", None), "status_code", None), int):
        return True
    if isinstance(error, (FileNotFoundError, NotADirectoryError)):
        return not hides_outage(error)
    return isinstance(error, PermissionError) or explain_setup(error) is not None


def explain_setup(error: BaseException) -> str | None:
    """What a person must do if the error concerns every file of the store; None otherwise."""
    name = type(error).__name__
    if name in ("NoCredentialsError", "PartialCredentialsError"):
        return "not without credentials: set them in the environment, or for a public store set FSSPEC_S3_ANON=true"
    return _SETUP.get(read_code(error) or name)


def has_expired(error: BaseException) -> bool:
    """Whether the credentials were valid once."""
    return read_code(error) in _EXPIRED


def describe_expiry(name: str, error: BaseException) -> str:
    """That the credentials for what is called `name` have expired, as a sentence."""
    return f"The credentials for {name} have expired ({describe(error)}): renew them and rerun the command to resume."


def is_overtaken(error: BaseException) -> bool:
    """Whether a conditional write came second."""
    return isinstance(error, FileExistsError) or read_code(error) in ("PreconditionFailed", "412")


@contextlib.contextmanager
def storage_errors(url: str, *, folder: Path | None = None, wanted: int = 0) -> Iterator[None]:
    """Turn the operating system's refusal to write into StorageFailed. `wanted` are the bytes that a file in `folder`
    was to have."""
    try:
        yield
    except OSError as error:
        if error.errno == errno.ENOSPC or "No space left" in str(error):
            raise StorageFailed(describe_full(url, folder or url, wanted)) from error
        if error.errno in _DISK_REFUSES:
            raise StorageFailed(f"The run directory {url} cannot be written: {error.strerror}.") from error
        raise


def describe_full(url: str, folder: Path | str, wanted: int = 0) -> str:
    """That a disk is full, as a sentence."""
    figures = ""
    with contextlib.suppress(OSError):
        figures = f" ({shutil.disk_usage(folder).free:,} bytes are left in {folder}"
        figures += f", where a file of at least {wanted:,} was being written)" if wanted else ")"
    return (
        f"The disk that holds {url} is full: free some space and rerun the command to resume; nothing committed is"
        f" lost{figures}."
    )
