"""Patience with unavailable object stores: how long they are retried, what is reported meanwhile, and when one that has
never responded is reported as misnamed."""

from __future__ import annotations

import functools
import logging
import os
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from dataclasses import dataclass, replace
from itertools import chain, repeat
from typing import IO, Any, TypeVar

from docmatix.core.errors import DocmatixError, SetupError
from docmatix.core.redaction import hide_in_url
from docmatix.core.terminal import sanitize_for_terminal
from docmatix.storage.errors import describe, has_answered
from docmatix.storage.filesystems import is_local
from docmatix.storage.seekable_file import SeekableFile

T = TypeVar("T")

PATIENCE_S = 300.0  # the default of `limits.store_patience_s`
FIRST_ANSWER_S = 10.0
"""A store that cannot be reached for this long from the first request is more likely misnamed than unavailable."""
FIRST_SILENCE_S = 60.0
"""One that accepts a request without responding may be working on it: the Hub's client lists a whole folder first."""

_FIRST_PAUSES_S = (0.5, 2.0, 8.0)
_LONGEST_PAUSE_S = 30.0
_SAID_AT = 3  # failures: a shorter outage is not worth a message
_LOG = logging.getLogger(__name__)


def choose_pauses(patience_s: float) -> Iterator[float]:
    """Seconds to pause between attempts, from half a second to half a minute, which add up to `patience_s`."""
    # only their sum matters: S3 clients retry for 50 s before we see an error, an HTTP server fails at once
    left_s = patience_s
    for pause_s in chain(_FIRST_PAUSES_S, repeat(_LONGEST_PAUSE_S)):
        if left_s <= 0:
            return
        yield min(pause_s, left_s)
        left_s -= pause_s


def log_outage(line: str) -> None:
    """Write a line to the log, for callers without a better listener; each worker has a log file."""
    _LOG.warning("%s", sanitize_for_terminal(line))  # it may hold a server's own words


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """How many seconds an unavailable store is retried; `say` gets one line for each action that is retried for more
    than a moment. `sleep` and `clock` are seams for tests."""

    limit_s: float = PATIENCE_S
    say: Callable[[str], object] = log_outage
    sleep: Callable[[float], object] = time.sleep
    clock: Callable[[], float] = time.monotonic


class Attempts:
    """The attempts at one action: `wait` is called after each that failed."""

    def __init__(self, name: str, patience: Patience) -> None:
        """`name` is the store, as it may be shown."""
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
            f"{self._name} stayed unreachable for {self.tried_s:.0f} s ({describe(error)}); once it is back, rerun the"
            " command to resume."
        )

    def wait(self, error: BaseException) -> bool:
        """Pause before the next attempt; False, without a pause, once patience has run out."""
        pause_s = next(self._pauses, None)
        limit_s = self._patience.limit_s
        if pause_s is None or self.tried_s > limit_s:
            return False
        self._failed += 1
        if self._failed == _SAID_AT:
            long = f"{limit_s / 60:g} minutes" if limit_s >= 120 else f"{limit_s:g} s"
            self._patience.say(f"{self._name} is unavailable ({describe(error)}); retrying for up to {long}")
        self._patience.sleep(pause_s)
        return True


def keep_trying(
    action: Callable[[], T],
    attempts: Attempts,
    *,
    judge: Callable[[Exception], object],
    give_up: Callable[[Exception], Exception],
) -> T:
    """The result of `action`, retried while a store is unavailable. `judge` raises for an error that will not pass;
    `give_up` makes the exception for when patience runs out."""
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
    ask: Callable[[Any], object] | None = None,
) -> Exception | None:
    """Raise SetupError if a store cannot be reached for `within_s` seconds, or is silent for `silence_s`, as one with a
    wrong address. Call it once, before work starts; later the store has its `patience`. Any answer to what is asked of
    the filesystem (by default whether `path` is there) will do, even an error, which is returned."""
    if is_local(filesystem):
        return None
    # an attempt after the last pause needs time too
    attempts = Attempts(hide_in_url(url), replace(patience, limit_s=0.75 * within_s, say=lambda line: None))
    hasty = _make_hasty(filesystem)

    def ask_once() -> Exception | None:
        try:
            question = functools.partial(ask, hasty) if ask else functools.partial(hasty.info, path)
            _call_within(question, timeout_s=max(0.0, silence_s - attempts.tried_s))
        except Exception as error:
            if isinstance(error, DocmatixError) or not has_answered(error):
                raise
            return error
        return None

    def give_up(error: Exception) -> SetupError:
        where = ", AWS_ENDPOINT_URL, AWS_DEFAULT_REGION" if url.startswith(("s3:", "s3a:")) else ""
        return SetupError(
            f"{hide_in_url(url)} is not responding ({describe(error)}): check its address{where}, the network and the"
            " server, then rerun the command."
        )

    return keep_trying(ask_once, attempts, judge=lambda error: None, give_up=give_up)


def _make_hasty(filesystem: Any) -> Any:
    """The same store by a client that does not retry on its own: those of S3 do for up to 50 s."""
    if "s3" not in getattr(filesystem, "protocol", ()):
        return filesystem
    options = dict(filesystem.storage_options)
    options["config_kwargs"] = {**options.get("config_kwargs", {}), "retries": {"total_max_attempts": 1}}
    hasty = type(filesystem)(**options)
    hasty.retries = 1
    return hasty


def _call_within(action: Callable[[], T], *, timeout_s: float) -> T:
    """The result of `action`. Raises TimeoutError if it takes longer; it then goes on in a daemon thread."""
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
        raise TimeoutError("no answer") from None


class PatientFile(SeekableFile):
    """A file of an object store whose reads are retried."""

    def __init__(self, stream: IO[bytes], keep_trying: Callable[[Callable[[], bytes]], bytes]) -> None:
        super().__init__()
        self._stream, self._try = stream, keep_trying

    def find_end(self) -> int:
        return self._stream.seek(0, os.SEEK_END)

    def readinto(self, buffer: Any) -> int:
        def read() -> bytes:
            self._stream.seek(self._at)
            return self._stream.read(len(buffer))

        data = self._try(read)
        buffer[: len(data)] = data
        self._at += len(data)
        return len(data)

    def close(self) -> None:
        self._stream.close()
        super().close()
