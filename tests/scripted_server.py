"""A scripted OpenAI-compatible server: every reply is a pure function of the request, every fault is foretold.

In a test, in a thread of its own:

    with start_scripted_server(reply=lambda body: "hello", faults=Faults(busy=0.3)) as server:
        ...  # server.base_url, server.request_count, server.stats()

As a process of its own (its address is the only line on stdout; it runs until it is killed):

    python -m tests.scripted_server --port 0 --state-file F --busy 0.1 --broken 0.1

Faults fall on shares of the distinct request bodies, by the hash of the body, so a run meets the same ones every
time. With a state file a restarted server remembers what it was asked: counts go on, and first tries stay spent.

    GET  /v1/models
    POST /v1/chat/completions
    GET  /stats         requests, requests by status, distinct bodies, in flight; `?log=1` adds every request in order
"""

from __future__ import annotations

import argparse
import asyncio
import base64
import contextlib
import hashlib
import io
import json
import re
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from aiohttp import web

Body = dict[str, Any]


@dataclass(frozen=True)
class Answer:
    """What a server of another manner sends: JSON and a status of its own."""

    content: Any
    status: int = 200

    @classmethod
    def of_message(cls, message: Any, finish_reason: str = "stop") -> Answer:
        """A completion with this message."""
        return cls({"model": "scripted", "choices": [{"index": 0, "message": message, "finish_reason": finish_reason}]})


@dataclass
class Stream:
    """An answer in events: how many it has, and how many were sent before the client closed the connection."""

    events: int
    sent: int = 0


ReplyFunction = Callable[[Body], str | Answer]
"""Raises `RuntimeError` for a request that is to meet a 500, `TimeoutError` for one that is never answered."""
RefuseFunction = Callable[[Body], tuple[int, Any] | None]
"""The status and JSON with which a request is refused, or None."""

HUNG_S = 3600.0
CRITERIA = ("grounded", "complete", "unambiguous", "useful", "well_formed")
POINTING_WORDS = frozenset("it its they them he him she her we us i me you your our my this that these those".split())


@dataclass(frozen=True)
class Faults:
    """Shares (0..1, together at most 1) of the distinct request bodies that meet each fault.

    `refused` and `poisoned` bodies meet theirs at every try; the others only at the first.
    """

    busy: float = 0.0
    """429 with `Retry-After`."""
    broken: float = 0.0
    """500."""
    garbage: float = 0.0
    """200 with a body that is not JSON."""
    cut: float = 0.0
    """200 with a connection closed in the middle of the body."""
    hung: float = 0.0
    """No answer at all."""
    refused: float = 0.0
    """400, on every try."""
    poisoned: float = 0.0
    """500, on every try."""
    unavailable: float = 0.0
    """503."""
    halved: float = 0.0
    """200 with the first half of the JSON, which the headers say is all."""
    foreign: float = 0.0
    """200 with JSON of another shape."""
    mangled: float = 0.0
    """200 with JSON in which stand bytes that are no UTF-8."""
    swollen: float = 0.0
    """200 with a body that never ends."""
    dripping: float = 0.0
    """200 with a body that comes one byte after the other, ten a second."""
    bloated: float = 0.0
    """200 with a header of a megabyte."""
    delay_s: float = 0.0
    """Every answer waits this long."""
    retry_after: str = "1"

    def choose(self, key: str, *, first: bool) -> str | None:
        """The fault that the body with this hash meets at this try, or None."""
        place = int(key[:12], 16) / 16**12
        for name in SHARES:
            share = getattr(self, name)
            if place < share:
                return name if first or name in ("refused", "poisoned") else None
            place -= share
        return None


SHARES = (
    *("busy", "broken", "garbage", "cut", "hung", "refused", "poisoned"),
    *("unavailable", "halved", "foreign", "mangled", "swollen", "dripping", "bloated"),
)


# --- pictures ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class SentImage:
    """A picture as it came: Pillow's name of its format, and its size in pixels."""

    format: str
    width: int
    height: int


def read_images(body: Body) -> list[SentImage]:
    """The pictures of a request, decoded. Raises `ValueError` for a part or a data URL that no server would take."""
    from PIL import Image

    found = []
    for message in body["messages"]:
        for part in message["content"] if isinstance(message["content"], list) else ():
            if part["type"] == "text":
                continue
            if set(part) != {"type", "image_url"}:
                raise ValueError(f"unknown part: {sorted(part)}")
            mark, comma, encoded = part["image_url"]["url"].partition(";base64,")
            if not comma or not mark.startswith("data:image/"):
                raise ValueError("no data URL")
            try:
                with Image.open(io.BytesIO(base64.b64decode(encoded, validate=True))) as image:
                    image.load()
                    found.append(SentImage(str(image.format), *image.size))
            except (OSError, SyntaxError) as error:
                raise ValueError(f"no image: {error}") from error
            if mark.removeprefix("data:image/").upper() != found[-1].format:
                raise ValueError(f"{mark} holds {found[-1].format}")
    return found


# --- replies ----------------------------------------------------------------------------------------------------------


def reply_plausibly(body: Body) -> str:
    """What a small, honest model might say, by the shape of the request.

    - a rating wanted: `{"grounded": {"reason": ..., "rating": ...}, ...}`, the ratings by hash
    - JSON wanted, or "pairs" spoken of: `{"pairs": [{"question": ..., "answer": ...}, ...]}` from the last user message
    - `Q1:` spoken of: the same pairs as lines `Q1: ...`, `A1: ...`
    - a question given: the words of the text that stand among those of the question
    - a `grammar` with `substring_words` and no question: some words of its text
    - anything else is a question to be written about a given answer, from the words around it
    """
    spoken = "\n".join(_read_content(message) for message in body["messages"])
    asked = next(_read_content(message) for message in reversed(body["messages"]) if message["role"] == "user")
    if '"grounded"' in spoken:
        ratings = {name: {"reason": "It reads well.", "rating": 3 + _hash(name + asked) % 3} for name in CRITERIA}
        return json.dumps(ratings)
    if body.get("response_format", {}).get("type", "text") != "text" or re.search(r"\bpairs\b", spoken):
        pairs = [{"question": question, "answer": answer} for question, answer in _make_pairs(_find_text(asked))]
        return json.dumps({"pairs": pairs}, ensure_ascii=False)
    if re.search(r"\bQ1:", spoken):
        lines = [f"Q{i}: {q}\nA{i}: {a}" for i, (q, a) in enumerate(_make_pairs(_find_text(asked)), 1)]
        return "\n".join(lines)
    bound = re.search(r'"substring_(?:words|chars)"\s*:\s*("(?:[^"\\]|\\.)*")', str(body.get("grammar", "")))
    question = re.search(r"^\W*question\W*:\s*(\w.*)$", asked, re.IGNORECASE | re.MULTILINE)
    if question:
        context = json.loads(bound[1]) if bound else _strip_label(_find_text(asked[: question.start()]))
        return _answer(question[1], context=context)
    return _answer(asked, context=json.loads(bound[1])) if bound else _write_question(asked)


def _read_content(message: dict[str, Any]) -> str:
    content = message["content"]
    return content if isinstance(content, str) else "\n".join(part.get("text", "") for part in content)


def _hash(text: str) -> int:
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "big")


def _bare(word: str) -> str:
    return re.sub(r"^\W+|\W+$", "", word)


def _find_text(asked: str) -> str:
    """The text asked about: between tags or fences if the message has some, else the whole message."""
    tagged = [match[2] for match in re.finditer(r"<(\w+)[^<>]*>(.*?)</\1>", asked, re.DOTALL)]
    fenced = [match[2] for match in re.finditer(r"(```|\"\"\")\w*\n(.*?)\1", asked, re.DOTALL)]
    return re.sub(r"</?\w+[^<>]*>", " ", "\n".join(tagged or fenced) or asked)


def _strip_label(text: str) -> str:
    return re.sub(r"^\W*(text|context|sentence|passage)\W*:\s", "", text.strip(), flags=re.IGNORECASE)


def _ask_beside(words: Sequence[str]) -> str:
    """A question that stands on its own by rule: a common opening, words of the text, no pronouns, no broken end."""
    telling = [bare for word in words if (bare := _bare(word)) and bare.lower() not in POINTING_WORDS]
    while telling and telling[-1].islower() and len(telling[-1]) < 4:
        telling.pop()
    return f"What is the value listed for {' '.join(telling) or 'this'}?"


def _make_pairs(text: str, *, most: int = 3) -> list[tuple[str, str]]:
    """Up to `most` numbers or capitalised words of the text, chosen by hash, each asked for by the words about it."""
    words = text.split()
    telling = [i for i, word in enumerate(words) if i > 2 and len(_bare(word)) > 1 and not word[0].islower()]
    chosen = sorted(sorted(telling, key=lambda i: _hash(f"{i} {words[i]} {text}"))[:most])
    return [(_ask_beside(words[i - 3 : i] + words[i + 1 : i + 3]), _bare(words[i])) for i in chosen]


def _write_question(asked: str) -> str:
    """A question from the words that stand about the answer in the lines before it."""
    named = re.search(r"^\W*answer\W*:[ \t*]*(\S.*)$", asked, re.IGNORECASE | re.MULTILINE)
    context = _strip_label(_find_text(asked[: named.start()] if named else asked))
    answer = named[1].strip(" \"'`*") if named else ""
    before, found, after = context.partition(answer) if answer else (context, "", "")
    return _ask_beside(before.split()[-8:] + (after.split()[:4] if found else []))


def _answer(question: str, *, context: str) -> str:
    """The run of words of the context that the question leaves out and that stands among words it names."""
    named = {_bare(word).lower() for word in question.split()} - {""}
    words = context.split()
    known = [_bare(word).lower() in named for word in words]
    runs = [match.span() for match in re.finditer("0+", "".join("1" if k else "0" for k in known))]
    if not runs:
        return words[0] if words else ""
    start, end = max(runs, key=lambda run: (sum(known[max(0, run[0] - 8) : run[1] + 4]), -run[0]))
    return " ".join(words[start : min(end, start + 8)])


# --- the server -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Asked:
    """One chat request: the hash of its body and the status it was answered with (0 where it was never answered)."""

    key: str
    status: int


class ScriptedServer:
    """The server's memory and its routes."""

    def __init__(
        self,
        *,
        reply: ReplyFunction = reply_plausibly,
        faults: Faults | None = None,
        model: str | None = "scripted",
        api_key: str | None = None,
        state_file: Path | None = None,
        slots: int | None = None,
        repeats_key: bool = False,
        refuse: RefuseFunction = lambda body: None,
        streams: bool = False,
    ) -> None:
        """`model` None answers to any name; with `api_key` every request must carry it; with `slots` the server works
        on so many requests at once, queues the others, and reports both in vLLM's metrics; one that `repeats_key` has
        the header `Authorization` in all its errors; one that `streams` answers in events where it is asked to."""
        self.base_url = ""
        self.log: list[Asked] = []
        self.bodies: list[Body] = []
        self.streams: list[Stream] = []
        self.in_flight = self.most_in_flight = self.running = self.most_waiting = 0
        self._slots = asyncio.Semaphore(slots) if slots else None
        self._reply, self._faults, self._model, self._api_key = reply, faults or Faults(), model, api_key
        self._repeats_key, self._refuse, self._streams = repeats_key, refuse, streams
        self._tried: set[str] = set()
        self._state = None
        if state_file:
            if state_file.exists():
                # A killed server may have left half a line
                whole, newline, _ = state_file.read_text().rpartition("\n")
                state_file.write_text(whole + newline)
                self.log = [Asked(**json.loads(line)) for line in whole.splitlines()]
                self._tried = {asked.key for asked in self.log}
            self._state = state_file.open("a", buffering=1)

    @property
    def request_count(self) -> int:
        """Chat requests so far, whatever became of them."""
        return len(self.log)

    @property
    def images(self) -> list[list[SentImage]]:
        """The pictures of each chat request so far."""
        return [read_images(body) for body in self.bodies]

    @property
    def port(self) -> int:
        return int(self.base_url.rsplit(":", 1)[1].split("/")[0])

    def stats(self) -> dict[str, Any]:
        """What `GET /stats` returns."""
        return {
            "requests": len(self.log),
            "by_status": {str(k): n for k, n in sorted(Counter(asked.status for asked in self.log).items())},
            "distinct": len({asked.key for asked in self.log}),
            "distinct_answered": len({asked.key for asked in self.log if asked.status == 200}),
            "in_flight": self.in_flight,
            "most_in_flight": self.most_in_flight,
        }

    def make_app(self) -> web.Application:
        app = web.Application(client_max_size=2**28)
        app.add_routes(
            [
                web.get("/v1/models", self._list_models),
                web.post("/v1/chat/completions", self._complete),
                web.get("/stats", self._tell_stats),
                web.get("/metrics", self._tell_metrics),
            ]
        )
        return app

    def close(self) -> None:
        if self._state:
            self._state.close()

    def _note(self, key: str, status: int) -> None:
        self.log.append(Asked(key, status))
        if self._state:
            self._state.write(json.dumps({"key": key, "status": status}) + "\n")

    def _check_key(self, request: web.Request) -> web.Response | None:
        if self._api_key is None or request.headers.get("Authorization") == f"Bearer {self._api_key}":
            return None
        return _say_error(401, f"Incorrect API key provided{self._repeat(request)}", code="invalid_api_key")

    def _repeat(self, request: web.Request) -> str:
        return f": {request.headers.get('Authorization')}" if self._repeats_key else ""

    async def _tell_stats(self, request: web.Request) -> web.Response:
        log = {"log": [vars(asked) for asked in self.log]} if request.query.get("log") else {}
        return web.json_response(self.stats() | log)

    async def _tell_metrics(self, _: web.Request) -> web.Response:
        if self._slots is None:
            return web.Response(status=404)
        labels = '{engine="0",model_name="scripted"}'
        figures = {"running": self.running, "waiting": self.in_flight - self.running}
        lines = [f"vllm:num_requests_{name}{labels} {float(count)}" for name, count in figures.items()]
        return web.Response(text="\n".join(lines) + "\n")

    async def _list_models(self, request: web.Request) -> web.Response:
        model = {"id": self._model or "any", "object": "model", "created": 0, "owned_by": "tests"}
        return self._check_key(request) or web.json_response({"object": "list", "data": [model]})

    async def _complete(self, request: web.Request) -> web.StreamResponse:
        body: Body = await request.json()
        key = hashlib.sha256(json.dumps(body, sort_keys=True).encode()).hexdigest()[:32]
        self.in_flight += 1
        self.most_in_flight = max(self.most_in_flight, self.in_flight)
        try:
            self.most_waiting = max(self.most_waiting, self.in_flight - self.running - 1)
            async with self._slots or contextlib.nullcontext():
                self.running += 1
                try:
                    if self._faults.delay_s:
                        await asyncio.sleep(self._faults.delay_s)
                    response = await self._decide(request, body, key)
                finally:
                    self.running -= 1
        # a client that has gone cancels this, unless a write fails first
        except (asyncio.CancelledError, ConnectionError):
            self._note(key, 0)
            raise
        finally:
            self.in_flight -= 1
        self._note(key, response.status)
        self.bodies.append(body)
        return response

    async def _decide(self, request: web.Request, body: Body, key: str) -> web.StreamResponse:
        refusal = self._check_key(request)
        if refusal:
            return refusal
        if self._model and body["model"] != self._model:
            return _say_error(404, f"The model `{body['model']}` does not exist", code="model_not_found")
        try:
            read_images(body)
        except ValueError as error:
            return _say_error(400, f"Invalid image: {error}")
        if (refused := self._refuse(body)) is not None:
            return web.json_response(refused[1], status=refused[0])
        fault = self._faults.choose(key, first=key not in self._tried)
        self._tried.add(key)
        if fault == "busy":
            said = f"Too many requests{self._repeat(request)}"
            return _say_error(429, said, headers={"Retry-After": self._faults.retry_after})
        if fault in ("broken", "poisoned"):
            return _say_error(500, f"The engine fell over{self._repeat(request)}")
        if fault == "unavailable":
            return _say_error(503, f"No engine is ready{self._repeat(request)}")
        if fault == "refused":
            return _say_error(400, f"This request cannot be served{self._repeat(request)}")
        if fault == "garbage":
            return web.Response(text="<html>upstream connect error</html>", content_type="text/html")
        if fault == "hung":
            await asyncio.sleep(HUNG_S)
        try:
            content = self._reply(body)
        except TimeoutError:
            await asyncio.sleep(HUNG_S)
            raise
        except RuntimeError as error:
            return _say_error(500, str(error))
        if self._streams and body.get("stream") and fault in (None, "cut", "halved"):
            if isinstance(content, str):
                content = Answer({**Answer.of_message({"content": content}).content, "usage": _count(body, content)})
            if content.status == 200 and isinstance(content.content, dict) and content.content.get("choices"):
                return await self._stream(request, content.content, fault)
        if isinstance(content, Answer):
            return web.json_response(content.content, status=content.status)
        answer = json.dumps(
            {
                "id": f"chatcmpl-{key}",
                "object": "chat.completion",
                "created": 0,
                "model": body["model"],
                "choices": [
                    {"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": content}}
                ],
                "usage": _count(body, content),
            }
        ).encode()
        if fault == "halved":
            answer = answer[: len(answer) // 2]
        if fault == "foreign":
            answer = json.dumps({"object": "error", "choices": {"0": content}}).encode()
        if fault == "mangled":
            answer = answer.replace(b'"role"', b'"\xff\xfe"')
        if fault == "bloated":
            return web.Response(body=answer, content_type="application/json", headers={"X-Noise": "n" * (1 << 20)})
        if fault in ("swollen", "dripping"):
            return await _drag_on(request, answer if fault == "dripping" else None)
        if fault != "cut":
            return web.Response(body=answer, content_type="application/json")
        half = web.StreamResponse(headers={"Content-Type": "application/json", "Content-Length": str(len(answer))})
        await half.prepare(request)
        await half.write(answer[: len(answer) // 2])
        if request.transport:
            request.transport.close()
        return half

    async def _stream(self, request: web.Request, answer: Any, fault: str | None) -> web.StreamResponse:
        """The answer in events of a few characters, as a model writes it. A stream with a fault is half of one: cut, or
        ended as if it were whole."""
        events = list(_write_events(answer))
        stream = Stream(len(events))
        self.streams.append(stream)
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(request)
        for event in events[: len(events) // 2 if fault else None]:
            await response.write(b"data: " + json.dumps(event).encode() + b"\n\n")
            stream.sent += 1
            await asyncio.sleep(self._faults.delay_s / len(events) or 0.001 * (stream.sent % 16 == 0))
        if fault == "cut" and request.transport:
            request.transport.close()
        if fault is None:
            await response.write(b"data: [DONE]\n\n")
        return response


def _count(body: Body, content: str) -> dict[str, int]:
    """Words, which pass for tokens."""
    prompt_tokens = sum(len(_read_content(message).split()) for message in body["messages"])
    completion_tokens = len(content.split())
    return {
        "prompt_tokens": prompt_tokens,
        "completion_tokens": completion_tokens,
        "total_tokens": prompt_tokens + completion_tokens,
    }


EVENT_CHARS = 4


def _write_events(answer: Any) -> Iterator[Any]:
    choice = answer["choices"][0]
    for name, value in (choice.get("message") or {}).items():
        pieces = [value]
        if isinstance(value, str):
            pieces = [value[at : at + EVENT_CHARS] for at in range(0, len(value), EVENT_CHARS)]
        elif name == "tool_calls":
            pieces = [[{"index": index, **call}] for index, call in enumerate(value)]
        for piece in pieces:
            yield {"model": answer.get("model"), "choices": [{"index": 0, "delta": {name: piece}}]}
    yield {"choices": [{"index": 0, "delta": {}, "finish_reason": choice.get("finish_reason")}]}
    yield {"choices": [], "usage": answer.get("usage")}


async def _drag_on(request: web.Request, answer: bytes | None) -> web.StreamResponse:
    """An answer that comes byte by byte; without one, as many bytes as the client will take."""
    response = web.StreamResponse(headers={"Content-Type": "application/json"})
    await response.prepare(request)
    with contextlib.suppress(ConnectionError):
        for at in range(len(answer or b"")):
            await response.write((answer or b"")[at : at + 1])
            await asyncio.sleep(0.1)
        while answer is None:
            await response.write(b" " * (1 << 16))
    raise asyncio.CancelledError  # the client did not wait for the end


def refuse_fields(*names: str) -> RefuseFunction:
    """A server that takes none of these fields of a request, and names the first one it meets, as OpenAI does."""

    def refuse(body: Body) -> tuple[int, Any] | None:
        name = next((name for name in names if name in body), None)
        if name is None:
            return None
        message = f"Unsupported parameter: '{name}' is not supported with this model."
        return 400, {"error": {"message": message, "param": name, "code": "unsupported_parameter"}}

    return refuse


def _say_error(
    status: int, message: str, *, code: str | None = None, headers: dict[str, str] | None = None
) -> web.Response:
    error = {"message": message, "type": "invalid_request_error", "param": None, "code": code}
    return web.json_response({"error": error}, status=status, headers=headers)


async def _serve(server: ScriptedServer, *, host: str, port: int) -> web.AppRunner:
    runner = web.AppRunner(server.make_app(), access_log=None, handler_cancellation=True, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, host, port, reuse_address=True).start()
    server.base_url = f"http://{host}:{runner.addresses[0][1]}/v1"
    return runner


@contextmanager
def start_scripted_server(
    *,
    reply: ReplyFunction = reply_plausibly,
    faults: Faults | None = None,
    model: str | None = "scripted",
    api_key: str | None = None,
    state_file: Path | None = None,
    slots: int | None = None,
    repeats_key: bool = False,
    refuse: RefuseFunction = lambda body: None,
    streams: bool = False,
    host: str = "127.0.0.1",
    port: int = 0,
) -> Iterator[ScriptedServer]:
    """Run a scripted server in a thread for the length of the block. Port 0 takes a free one."""
    server = ScriptedServer(
        reply=reply,
        faults=faults,
        model=model,
        api_key=api_key,
        state_file=state_file,
        slots=slots,
        repeats_key=repeats_key,
        refuse=refuse,
        streams=streams,
    )
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, name="scripted-server", daemon=True)
    thread.start()
    try:
        runner = asyncio.run_coroutine_threadsafe(_serve(server, host=host, port=port), loop).result(30)
        try:
            yield server
        finally:
            asyncio.run_coroutine_threadsafe(runner.cleanup(), loop).result(30)
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join(30)
        loop.close()
        server.close()


@contextmanager
def start_scripted_process(*options: str) -> Iterator[str]:
    """Run `python -m tests.scripted_server OPTIONS` for the length of the block; yields its base URL."""
    command: Sequence[str] = [sys.executable, "-m", "tests.scripted_server", *options]
    root = Path(__file__).resolve().parent.parent
    with subprocess.Popen(command, cwd=root, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout
            address = process.stdout.readline().strip()
            assert address, "the scripted server did not start"
            yield address
        finally:
            process.kill()


def main() -> None:
    parser = argparse.ArgumentParser(description="A scripted OpenAI-compatible server.")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--state-file", type=Path)
    parser.add_argument("--model", default="scripted")
    parser.add_argument("--api-key")
    for field in fields(Faults):
        parser.add_argument(f"--{field.name.replace('_', '-')}", type=type(field.default), default=field.default)
    options = parser.parse_args()
    faults = Faults(**{field.name: getattr(options, field.name) for field in fields(Faults)})
    server = ScriptedServer(faults=faults, model=options.model, api_key=options.api_key, state_file=options.state_file)

    async def serve_for_ever() -> None:
        await _serve(server, host=options.host, port=options.port)
        print(server.base_url, flush=True)
        await asyncio.Event().wait()

    asyncio.run(serve_for_ever())


if __name__ == "__main__":
    main()
