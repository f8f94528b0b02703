"""Object stores and other remote filesystems: what their errors mean, and how long one tries to reach them.

An error is about one file (it is not there, it may not be read), about the way to all of them (credentials, bucket,
region: a person must act), or it passes (throttling, a server that is away, a connection that breaks). Only the first
may become a reason to drop a document, and only the last is tried again.
"""

from __future__ import annotations

import logging
import os
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from dataclasses import dataclass, replace
from itertools import chain, repeat
from typing import Any, TypeVar

from docmatix.core.errors import DocmatixError, SetupError
from docmatix.core.redaction import hide_in_text, hide_in_url
from docmatix.core.terminal import sanitize_for_terminal

T = TypeVar("T")

PATIENCE_S = 300.0
"""After this long nobody pauses to try again, however few the attempts were: one against a server that says nothing
takes minutes alone. `limits.store_patience_s` sets another."""
FIRST_ANSWER_S = 10.0
"""A store that nobody reaches for so long, from the first question on, is more likely misnamed than away."""
FIRST_SILENCE_S = 60.0
"""One that takes the question and says nothing may be at work on it: the Hub's client lists a whole folder first."""
S3_TIMEOUTS = {"connect_timeout": 10, "read_timeout": 30}
"""Seconds; botocore waits 60 for an answer, for each of the requests that an attempt consists of."""

_FIRST_PAUSES_S = (0.5, 2.0, 8.0)
_LONGEST_PAUSE_S = 30.0
_SAID_AT = 3
"""The pause before which it is said that a store is away: what passes sooner is not worth a line."""
_LOG = logging.getLogger(__name__)

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


def choose_pauses(patience_s: float) -> Iterator[float]:
    """Seconds to pause between the attempts to reach a file, growing from half a second to half a minute.

    They add up to `patience_s`, since not every way fails slowly: clients of S3 retry for 50 s before we see an error
    (measured with their defaults), an HTTP server fails at once.
    """
    left_s = patience_s
    for pause_s in chain(_FIRST_PAUSES_S, repeat(_LONGEST_PAUSE_S)):
        if left_s <= 0:
            return
        yield min(pause_s, left_s)
        left_s -= pause_s


def log_outage(line: str) -> None:
    """Write a line to the log, as long as nobody nearer listens: of a worker it is a file of its own."""
    _LOG.warning("%s", sanitize_for_terminal(line))  # it may hold a server's own words


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """How long one tries to reach what is away (seconds), and who is told meanwhile.

    `say` gets one line for each action that is tried for more than a moment. `sleep` and `clock` are seams for tests.
    """

    limit_s: float = PATIENCE_S
    say: Callable[[str], object] = log_outage
    sleep: Callable[[float], object] = time.sleep
    clock: Callable[[], float] = time.monotonic


class Attempts:
    """The attempts at one action: `wait` is called after each that failed."""

    def __init__(self, name: str, patience: Patience) -> None:
        """`name` is what is reached for, as it may be shown."""
        self._name, self._patience = name, patience
        self._pauses = choose_pauses(patience.limit_s)
        self._began = patience.clock()
        self._failed = 0

    @property
    def tried_s(self) -> float:
        """Seconds since the first attempt began."""
        return self._patience.clock() - self._began

    def describe_outage(self, error: BaseException) -> str:
        """That patience has run out, as a sentence."""
        return (
            f"{self._name} stayed unreachable for {self.tried_s:.0f} s ({describe(error)}); the same command continues"
            " once it is back."
        )

    def wait(self, error: BaseException) -> bool:
        """Pause before the next attempt; False, without a pause, where patience has run out."""
        pause_s = next(self._pauses, None)
        limit_s = self._patience.limit_s
        if pause_s is None or self.tried_s > limit_s:
            return False
        self._failed += 1
        if self._failed == _SAID_AT:
            long = f"{limit_s / 60:g} minutes" if limit_s >= 120 else f"{limit_s:g} s"
            self._patience.say(f"{self._name} does not answer as it should ({describe(error)}); trying for {long}")
        self._patience.sleep(pause_s)
        return True


def keep_trying(
    action: Callable[[], T],
    attempts: Attempts,
    *,
    judge: Callable[[Exception], object],
    give_up: Callable[[Exception], Exception],
) -> T:
    """The result of `action`, which is tried again while the way to a store fails. `judge` raises for an error that
    will not pass; `give_up` makes the exception that is raised where patience runs out."""
    while True:
        try:
            return action()
        except (DocmatixError, MemoryError):
            raise
        # every exception: clients of object stores have trees of their own (aiohttp, botocore) beside OSError
        except Exception as error:
            judge(error)
            if not attempts.wait(error):
                raise give_up(error) from error


def require_answer(
    filesystem: Any,
    path: str,
    *,
    url: str,
    patience: Patience,
    within_s: float = FIRST_ANSWER_S,
    silence_s: float = FIRST_SILENCE_S,
) -> None:
    """Raise SetupError if a store is not reached for `within_s` seconds, or says nothing for `silence_s`, as one does
    whose address is wrong.

    To be called before work starts, once for a store: later it has its `patience`. Any answer will do, be it that there
    is no such file, or that it has too much to do; what it means is for the question that follows.
    """
    if is_local(filesystem):
        return
    # an attempt after the last pause needs time too
    attempts = Attempts(hide_in_url(url), replace(patience, limit_s=0.75 * within_s, say=lambda line: None))
    hasty = _make_hasty(filesystem)

    def ask() -> None:
        try:
            _call_within(lambda: hasty.info(path), timeout_s=max(0.0, silence_s - attempts.tried_s))
        except Exception as error:
            if isinstance(error, DocmatixError) or not has_answered(error):
                raise

    def give_up(error: Exception) -> SetupError:
        where = ", AWS_ENDPOINT_URL and AWS_DEFAULT_REGION" if url.startswith(("s3:", "s3a:")) else ""
        return SetupError(
            f"{hide_in_url(url)} does not answer ({describe(error)}): mend its address{where}, or see to the"
            " network and to its server, and run the same command again."
        )

    keep_trying(ask, attempts, judge=lambda error: None, give_up=give_up)


def _make_hasty(filesystem: Any) -> Any:
    """The same store by a client that tells at once what is wrong: those of S3 keep it to themselves for up to 50 s."""
    if "s3" not in getattr(filesystem, "protocol", ()):
        return filesystem
    options = dict(filesystem.storage_options)
    options["config_kwargs"] = {**options.get("config_kwargs", {}), "retries": {"total_max_attempts": 1}}
    hasty = type(filesystem)(**options)
    hasty.retries = 1
    return hasty


def _call_within(action: Callable[[], T], *, timeout_s: float) -> T:
    """The result of `action`. Raises TimeoutError where it takes longer; it then goes on alone, holding up no exit."""
    outcome: Future[T] = Future()

    def call() -> None:
        try:
            outcome.set_result(action())
        except BaseException as error:  # handed to the thread that waits, whatever it is
            outcome.set_exception(error)

    threading.Thread(target=call, name="first-answer", daemon=True).start()
    try:
        return outcome.result(timeout_s)
    except TimeoutError:
        if outcome.done():
            raise
        raise TimeoutError("it said nothing") from None


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


def has_answered(error: BaseException) -> bool:
    """Whether an error is a store's own word, and not that nobody was reached."""
    if read_code(error) is not None or read_http_status(error) is not None:
        return True
    # requests and httpx, by which the Hub is asked, and clients like theirs
    if isinstance(getattr(getattr(error, "response", None), "status_code", None), int):
        return True
    if isinstance(error, (FileNotFoundError, NotADirectoryError)):
        return not hides_outage(error)
    return isinstance(error, PermissionError) or explain_setup(error) is not None


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


def describe_expiry(name: str, error: BaseException) -> str:
    """That credentials for what is called `name` were good once, as a sentence."""
    return f"The credentials for {name} have expired ({describe(error)}): with new ones, the same command continues."


def is_overtaken(error: BaseException) -> bool:
    """Whether a conditional write found that another one had come before it."""
    return isinstance(error, FileExistsError) or read_code(error) in ("PreconditionFailed", "412")
