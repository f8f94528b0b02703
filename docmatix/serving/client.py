"""Asking a model over the OpenAI chat API: many requests in flight, over one address or several.

What becomes of a request follows from who is at fault:

    the request     400, 413, 422                   `Failure("refused")` or `Failure("too_long")`, at once
    the set-up      401, 403, 404                   `SetupError`, at once
    the load        429                             waited out, for as long as anybody is answered
    the network     refused, unknown host           waited out; another address takes the request over
    unclear         5xx, garbage, cut, time-out     tried again; given up (`server_error`, `timeout`) only if the
                                                    same address answered something else between the last two failures

The last rule tells a poisoned request from a dead engine, which may go on listing its models: a request that spoils
itself becomes a value and the build goes on; an outage never does. `ServerGone` ends the build once every address
has failed for `give_up_after_s`.

aiohttp and not httpx: at hundreds of requests in flight httpx spends more time in its connection pool than the
server does on small replies. Nothing here needs more than a session.
"""

from __future__ import annotations

import asyncio
import json
import os
import random
import re
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from email.utils import parsedate_to_datetime
from math import isfinite
from typing import TYPE_CHECKING, Any, NamedTuple, Self

from docmatix.errors import ServerGone, SetupError
from docmatix.pairs import Failure, Message, Reply, Request

if TYPE_CHECKING:
    import aiohttp
    from yarl import URL

FIRST_WAIT_S = 0.5
LONGEST_WAIT_S = 30.0
LONGEST_WAIT_UNREACHABLE_S = 5.0
"""To knock costs nothing, and a restarted server should not stand idle."""
LEAST_RETRY_AFTER_S = 0.1
LONGEST_RETRY_AFTER_S = 120.0
"""A server that says "come back in an hour" is asked again after two minutes: many say so and recover at once."""
CONNECT_TIMEOUT_S = 10.0
KEEP_ALIVE_S = 4.0
"""uvicorn (vLLM) and llama.cpp close idle connections after 5 s; a request sent into the closing one is lost."""
MAX_TIMEOUTS = 2
"""At 600 s each, more would outlast `limits.no_progress_s`."""
CANARY_TIMEOUT_S = 60.0
DETAIL_CHARS = 300

TOO_LONG = re.compile(
    r"context.{0,30}(length|size|window|limit|exceed)|(exceed|maximum|longer).{0,60}context|max_model_len"
    r"|(prompt|input|request|message)s? (is |are )?too (long|large)|max_new_tokens`? must be",
    re.IGNORECASE | re.DOTALL,
)


# --- one answer -------------------------------------------------------------------------------------------------------


class Trouble(NamedTuple):
    """A try that brought nothing and may be repeated."""

    cause: str
    """`busy`, `unreachable`, `timeout`, `cut`, `garbage` or `server_error`."""
    detail: str
    wait_s: float | None = None
    """How long the server asked to be left alone."""


class Misfit(NamedTuple):
    """An answer that shows the set-up to be wrong, not the request."""

    status: int
    detail: str


def read_answer(
    status: int, headers: Mapping[str, str], raw: bytes, *, request_id: str
) -> Reply | Failure | Trouble | Misfit:
    """What an HTTP answer to a chat request means."""
    if status == 200:
        try:
            return _read_completion(json.loads(raw), request_id)
        except (ValueError, LookupError, TypeError, AttributeError):
            return Trouble("garbage", f"no chat completion: {_shorten(raw)}")
    detail = f"{status} {_read_error(raw)}".strip()
    if status == 429:
        # "Request too large for model on tokens per min": this one request asks for more than a minute's allowance
        if re.search(r"request too large", detail, re.IGNORECASE):
            return Failure("too_long", detail)
        return Trouble("busy", detail, _read_retry_after(headers))
    if status >= 500 or status in (408, 409, 425):
        return Trouble("server_error", detail, _read_retry_after(headers))
    if status < 400 or status in (401, 402, 403, 404, 405):
        return Misfit(status, f"{detail} {headers.get('Location', '')}".strip())
    return Failure("too_long" if TOO_LONG.search(detail) else "refused", detail)


def _read_completion(answer: dict[str, Any], request_id: str) -> Reply:
    choice = answer["choices"][0]
    usage = answer.get("usage") or {}
    content = choice["message"].get("content")
    if not isinstance(content, str | None):
        raise TypeError
    return Reply(
        request_id=request_id,
        content=content or "",
        model=str(answer.get("model") or ""),
        finish_reason=str(choice.get("finish_reason") or "stop"),
        prompt_tokens=int(usage.get("prompt_tokens") or 0),
        completion_tokens=int(usage.get("completion_tokens") or 0),
    )


def _shorten(raw: bytes) -> str:
    return " ".join(raw[: 4 * DETAIL_CHARS].decode("utf-8", "replace").split())[:DETAIL_CHARS]


def _read_error(raw: bytes) -> str:
    """The server's own words, from whichever of the usual places they are in, with the error's type and code."""
    try:
        error = json.loads(raw)
        error = error.get("error") or error.get("detail") or error
        if isinstance(error, dict):
            error = " ".join(str(error[key]) for key in ("message", "type", "code") if error.get(key)) or error
        return _shorten(str(error).encode())
    except (ValueError, AttributeError):
        return _shorten(raw)


def _read_retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds from now, from a number or an HTTP date (held against the server's own clock, where it tells it)."""
    said = headers.get("Retry-After")
    if not said:
        return None
    try:
        wait_s = float(said)
    except ValueError:
        try:
            now = parsedate_to_datetime(headers["Date"]).timestamp() if "Date" in headers else time.time()
            wait_s = parsedate_to_datetime(said).timestamp() - now
        except ValueError:
            return None
    return min(max(0.0, wait_s), LONGEST_RETRY_AFTER_S) if isfinite(wait_s) else None


# --- the client -------------------------------------------------------------------------------------------------------


@dataclass(slots=True)
class Counters:
    """What a client did so far. `retries` counts tries that brought nothing, by cause."""

    requests: int = 0
    replies: int = 0
    failures: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0
    in_flight: int = 0
    most_in_flight: int = 0
    retries: Counter[str] = field(default_factory=Counter)


@dataclass(slots=True)
class _Address:
    """One server, and how it has been lately (times by the client's clock)."""

    name: str
    chat_url: URL
    models_url: URL
    in_flight: int = 0
    rests_until: float = 0.0
    failing_since: float | None = None
    replied_at: float = float("-inf")


class ChatClient:
    """Sends chat requests to the least busy of its addresses and sees each through to a reply or a named failure.

    Make one for each event loop; it opens its connections with the first request. Use it as an async context
    manager, or call `close`.
    """

    def __init__(
        self,
        addresses: Sequence[str],
        *,
        api_key: str | None = None,
        api_key_env: str | None = None,
        max_in_flight: int = 64,
        timeout_s: float = 600.0,
        max_attempts: int = 8,
        give_up_after_s: float = 600.0,
        sleep: Callable[[float], Awaitable[object]] = asyncio.sleep,
        draw: Callable[[], float] = random.random,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`addresses` are base URLs (`http://host:8000/v1`); `max_in_flight` bounds them all together.

        A request that waits for its next try keeps its place in flight, so a busy server sees fewer requests, not
        more. `api_key_env` only names the variable in messages. `sleep`, `draw` (0..1) and `clock` are seams for tests.
        """
        self.counters = Counters()
        self._addresses = [_read_address(address) for address in addresses]
        self._api_key, self._api_key_env = api_key, api_key_env
        self._max_in_flight, self._timeout_s = max_in_flight, timeout_s
        self._max_attempts, self._give_up_after_s = max_attempts, give_up_after_s
        self._sleep, self._draw, self._clock = sleep, draw, clock
        self._places = asyncio.Semaphore(max_in_flight)
        self._open_session: aiohttp.ClientSession | None = None

    def __repr__(self) -> str:
        names = [address.name for address in self._addresses]
        key = "'***'" if self._api_key else None
        return f"ChatClient({names}, api_key={key}, max_in_flight={self._max_in_flight})"

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def close(self) -> None:
        """Close the connections; a later request opens new ones."""
        session, self._open_session = self._open_session, None
        if session:
            await session.close()

    async def ask(self, request: Request) -> Reply | Failure:
        """The reply, or why there will be none.

        Raises `SetupError` where key, model or address are wrong, `ServerGone` where every address has failed for
        `give_up_after_s`.
        """
        async with self._places:
            counters = self.counters
            counters.requests += 1
            counters.in_flight += 1
            counters.most_in_flight = max(counters.most_in_flight, counters.in_flight)
            try:
                outcome = await self._pursue(request)
            finally:
                counters.in_flight -= 1
            if isinstance(outcome, Failure):
                counters.failures += 1
                return replace(outcome, detail=_mask(outcome.detail, self._api_key))
            counters.replies += 1
            counters.prompt_tokens += outcome.prompt_tokens
            counters.completion_tokens += outcome.completion_tokens
            return outcome

    async def _pursue(self, request: Request) -> Reply | Failure:
        body, request_id = json.dumps(request.to_body()).encode(), request.request_id
        started, failed_at = self._clock(), float("inf")
        met: Counter[str] = Counter()
        address = self._choose()
        while True:
            outcome = await self._send(address, body, request_id)
            now = self._clock()
            if isinstance(outcome, Reply):
                _note_reply(address, now)
                return outcome
            if isinstance(outcome, Misfit):
                outcome = await self._weigh_misfit(address, request.model, outcome)
            if isinstance(outcome, Failure):
                return outcome

            met[outcome.cause] += 1
            self.counters.retries[outcome.cause] += 1
            wait_s = self._choose_wait(outcome, met.total())
            _note_failure(address, now=now, wait_s=wait_s)
            if outcome.cause in ("busy", "unreachable"):
                self._check_patience(address, outcome, started=started)
                # The others are answered all the while, so it is this one that asks for too much
                if outcome.cause == "busy" and now - started > 2 * self._give_up_after_s:
                    return Failure("server_error", outcome.detail)
                if any(other is not address and other.rests_until <= now for other in self._addresses):
                    address = self._choose()
                    continue
            elif met["timeout"] >= MAX_TIMEOUTS or met.total() - met["busy"] - met["unreachable"] >= self._max_attempts:
                if address.replied_at >= failed_at:
                    return Failure("timeout" if outcome.cause == "timeout" else "server_error", outcome.detail)
                failed_at = now
                if await self._ask_canary(address, request.model):
                    continue
                self._check_patience(address, outcome, started=started)
            failed_at = now
            await self._sleep(wait_s)
            address = self._choose()

    def _choose(self) -> _Address:
        """The least busy address that does not rest, else the one whose rest ends first."""
        if len(self._addresses) == 1:
            return self._addresses[0]
        now = self._clock()
        address = min(self._addresses, key=lambda one: (max(0.0, one.rests_until - now), one.in_flight))
        if address.failing_since is not None:
            # One request at a time finds out whether it is back: a dead address fails fastest and would draw them all
            address.rests_until = max(address.rests_until, now + LONGEST_WAIT_S)
        return address

    async def _send(self, address: _Address, body: bytes, request_id: str) -> Reply | Failure | Trouble | Misfit:
        import aiohttp

        if not self._open_session:
            self._open_session = _open_session(self._api_key, timeout_s=self._timeout_s)
        address.in_flight += 1
        try:
            # A followed redirect would turn the POST into a GET
            async with self._open_session.post(address.chat_url, data=body, allow_redirects=False) as response:
                raw = await response.read()
                return read_answer(response.status, response.headers, raw, request_id=request_id)
        except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError) as error:
            return Trouble("unreachable", _explain(error))
        except TimeoutError:
            return Trouble("timeout", f"no reply within {self._timeout_s:g} s")
        except aiohttp.ClientError as error:
            return Trouble("cut", _explain(error))
        finally:
            address.in_flight -= 1

    async def _ask_canary(self, address: _Address, model: str) -> bool:
        """Whether the address answers a request that cannot be at fault. A list of models proves nothing: vLLM goes on
        listing them after its engine has died.
        """
        canary = Request(model, (Message("user", "Say yes."),), {"max_tokens": 1})
        try:
            async with asyncio.timeout(CANARY_TIMEOUT_S):
                outcome = await self._send(address, json.dumps(canary.to_body()).encode(), canary.request_id)
        except TimeoutError:
            return False
        if well := isinstance(outcome, Reply | Failure):
            _note_reply(address, self._clock())
        return well

    def _choose_wait(self, trouble: Trouble, tries: int) -> float:
        """Seconds until the next try: what the server asked for, else twice as long each time; both with jitter, so
        that requests which failed together do not come back together.
        """
        if trouble.wait_s is not None:
            return max(trouble.wait_s, LEAST_RETRY_AFTER_S) * (1 + self._draw() / 10)
        longest_s = LONGEST_WAIT_UNREACHABLE_S if trouble.cause == "unreachable" else LONGEST_WAIT_S
        return min(longest_s, FIRST_WAIT_S * 2.0 ** min(tries - 1, 10)) * (1 + self._draw()) / 2

    def _check_patience(self, address: _Address, trouble: Trouble, *, started: float) -> None:
        """Raise once every address has failed without a reply for too long, this request watching."""
        now = self._clock()
        if any(
            one.failing_since is None or now - max(one.failing_since, started) < self._give_up_after_s
            for one in self._addresses
        ):
            return
        names = " and ".join(one.name for one in self._addresses)
        raise ServerGone(
            f"The model server at {names} has given no reply for {self._give_up_after_s:g} s "
            f"({_mask(trouble.detail, self._api_key)}): see to it and run the same command again; "
            "replies that came are kept."
        )

    async def _weigh_misfit(self, address: _Address, model: str, misfit: Misfit) -> Failure | Trouble:
        detail = _mask(misfit.detail, self._api_key)
        if misfit.status in (401, 402, 403):
            # Gateways moderate with 403; a key that has worked is not at fault
            if misfit.status == 403 and address.replied_at > float("-inf"):
                return Failure("refused", detail)
            raise _refuse_key(address, detail, self._api_key, self._api_key_env)
        if misfit.status == 404 and "model" in detail.lower():
            raise await self._miss_model(address, model, detail)
        if address.replied_at > float("-inf"):
            return Trouble("server_error", detail)
        raise SetupError(f"No chat API answers at {address.name} ({detail}): the address usually ends in /v1.")

    async def _miss_model(self, address: _Address, model: str, detail: str) -> SetupError:
        import aiohttp

        assert self._open_session
        try:
            async with asyncio.timeout(CONNECT_TIMEOUT_S):
                _, names, _ = await _list_models(self._open_session, address)
        except (aiohttp.ClientError, TimeoutError):
            names = []
        return _refuse_model(address, model, names or [f"unknown ({detail})"])


def _note_reply(address: _Address, now: float) -> None:
    address.rests_until, address.failing_since, address.replied_at = 0.0, None, now


def _note_failure(address: _Address, *, now: float, wait_s: float) -> None:
    """Let the address rest for as long as it has been failing, so that rests double however many requests fail."""
    if address.failing_since is None:
        address.failing_since = now
    address.rests_until = now + max(wait_s, min(LONGEST_WAIT_S, now - address.failing_since))


def _read_address(base_url: str) -> _Address:
    from yarl import URL

    try:
        url = URL(base_url)
    except ValueError as error:
        raise SetupError(
            f"generate.engine.base_url is no address ({error}): write it like http://host:8000/v1."
        ) from None
    if url.scheme not in ("http", "https") or not url.host:
        raise SetupError(f"generate.engine.base_url {base_url!r} is no address: write it like http://host:8000/v1.")
    if url.password:
        raise SetupError(
            "generate.engine.base_url holds a password: "
            "put it into an environment variable and name that in generate.engine.api_key_env."
        )
    # A query may be a secret, and names go into messages
    name = str(url.with_query(None).with_fragment(None)).rstrip("/")
    chat, models = ((url / path).with_query(url.query) for path in ("chat/completions", "models"))
    return _Address(name, chat, models)


def _open_session(api_key: str | None, *, timeout_s: float) -> aiohttp.ClientSession:
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


async def _list_models(session: aiohttp.ClientSession, address: _Address) -> tuple[int, list[str], str]:
    """Status, names and aliases of the models, and what the server said instead of them."""
    async with session.get(address.models_url, allow_redirects=False) as response:
        raw = await response.read()
    if response.status != 200:
        return response.status, [], _read_error(raw)
    try:
        models = json.loads(raw)["data"]
        return 200, [name for model in models for name in (model["id"], *(model.get("aliases") or ()))], ""
    except (ValueError, LookupError, TypeError, AttributeError):
        return 404, [], f"no list of models: {_shorten(raw)}"


def _explain(error: Exception) -> str:
    number = getattr(error, "errno", None)
    # Failures to find a host carry negative numbers of their own, which `strerror` does not know
    return os.strerror(number) if number and number > 0 else str(error) or type(error).__name__


def _mask(text: str, secret: str | None) -> str:
    return text.replace(secret, "***") if secret else text


def _refuse_key(address: _Address, detail: str, api_key: str | None, api_key_env: str | None) -> SetupError:
    said = _mask(detail, api_key)
    if not api_key:
        return SetupError(
            f"The server at {address.name} wants a key ({said}): "
            "name the environment variable that holds it in generate.engine.api_key_env."
        )
    return SetupError(
        f"The server at {address.name} refused the key ({said}): "
        f"set the environment variable {api_key_env or 'named in generate.engine.api_key_env'} to a valid one."
    )


def _refuse_model(address: _Address, model: str, names: Sequence[str]) -> SetupError:
    has = ", ".join(dict.fromkeys(names)) or "none"
    return SetupError(
        f"The server at {address.name} has no model {model!r} (it has: {has}): correct generate.engine.model."
    )


# --- before any work starts -------------------------------------------------------------------------------------------


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
    known = [_read_address(address) for address in addresses]
    async with _open_session(api_key, timeout_s=timeout_s) as session:
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
        said = "; ".join(f"{name} ({_mask(finding, api_key)})" for name, finding in silent.items())
        raise SetupError(f"No model server answers at {said}: start it, or correct generate.engine.base_url.")
    return list(silent)


async def _check_address(
    session: aiohttp.ClientSession,
    address: _Address,
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
            status, names, said = await _list_models(session, address)
        except TimeoutError:
            return f"no reply within {timeout_s:g} s"
        except aiohttp.ClientError as error:
            return _explain(error)
        if status == 429 or status >= 500:
            if time.monotonic() > deadline:
                return f"{status} {said}"
            await asyncio.sleep(FIRST_WAIT_S)
            continue
        if status in (401, 402, 403):
            raise _refuse_key(address, f"{status} {said}", api_key, api_key_env)
        if status != 200:
            raise SetupError(
                f"No model list at {address.name}/models ({status} {_mask(said, api_key)}): "
                "correct generate.engine.base_url, which usually ends in /v1."
            )
        # Ollama lists `name:latest` and answers to `name`
        if model not in names and f"{model}:latest" not in names:
            raise _refuse_model(address, model, names)
        return None
