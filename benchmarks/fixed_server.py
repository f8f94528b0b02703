"""A model server whose every answer takes the same time, for measuring who asks it.

Run: python -m benchmarks.fixed_server [--delay 0.2] [--slots 16] [--events 120]      its address is the only line on
stdout

A bare protocol and one answer made in advance, so that it costs the machine as little as a server can. With slots it
works on so many requests at once, queues the others in the order of their arrival, and tells of both in vLLM's metrics.
With events, requests for a stream are answered in so many, evenly spread over the time that an answer takes.

    GET  /v1/models
    POST /v1/chat/completions
    GET  /metrics       only with slots
    GET  /record        first arrival, time of every answer, and with slots every change of what runs and what waits
    POST /forget        begins a new record

Times are those of the machine's monotonic clock, the same for every process on it.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import gc
import json
import subprocess
import sys
import time
from collections import deque
from collections.abc import Iterator
from pathlib import Path
from typing import Any

PAIRS = [
    ("Who approved the delivery of the crates?", "Miriam Okafor"),
    ("When was the inspection of the warehouse completed?", "14 March 2019"),
    ("How many pallets were stored in the northern hall?", "412"),
    ("Which company supplied the brass fittings?", "Harlow & Penrose of Bristol"),
]
CONTENT = json.dumps({"pairs": [{"question": question, "answer": answer} for question, answer in PAIRS]})


def make_answer(content: str) -> bytes:
    body = json.dumps(
        {
            "id": "chatcmpl-1",
            "object": "chat.completion",
            "created": 0,
            "model": "fixed",
            "choices": [{"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": content}}],
            "usage": {"prompt_tokens": 1200, "completion_tokens": 120, "total_tokens": 1320},
        }
    )
    return make_response("200 OK", body)


def make_response(status: str, body: str, *, kind: str = "application/json") -> bytes:
    head = f"HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {len(body.encode())}\r\n\r\n"
    return head.encode() + body.encode()


ANSWER = make_answer(CONTENT)
STREAM_HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"


def make_events(content: str, count: int) -> list[bytes]:
    """A stream of so many events, and three for its end, as the chunks of HTTP/1.1."""
    step = -(-len(content) // count)
    sent: list[dict[str, Any]] = [
        {"choices": [{"index": 0, "delta": {"content": content[at : at + step]}, "finish_reason": None}]}
        for at in range(0, len(content), step)
    ]
    sent.append({"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]})
    sent.append({"choices": [], "usage": {"prompt_tokens": 1200, "completion_tokens": 120, "total_tokens": 1320}})
    named = {"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 0, "model": "fixed"}
    events = [*(json.dumps({**named, **each}) for each in sent), "[DONE]"]
    data = [f"data: {event}\n\n".encode() for event in events]
    chunks = [b"%x\r\n%s\r\n" % (len(each), each) for each in data]
    return [*chunks[:-3], b"".join(chunks[-3:]) + b"0\r\n\r\n"]


class FixedServer:
    """What all connections share: who runs, who waits, and the record."""

    def __init__(self, *, delay_s: float, slots: int | None, events: int | None = None) -> None:
        self.delay_s, self.slots = delay_s, slots
        self.events = make_events(CONTENT, events) if events else []
        self.running: set[Connection] = set()
        self.waiting: deque[Connection] = deque()
        self.forget()

    def forget(self) -> None:
        self.first: float | None = None
        self.answers: list[float] = []
        self.left = 0
        self.changes: list[tuple[float, int, int]] = []

    def arrive(self, connection: Connection) -> None:
        if self.first is None:
            self.first = time.monotonic()
        if self.slots is None or len(self.running) < self.slots:
            self._start(connection)
        else:
            self.waiting.append(connection)
        self._note()

    def leave(self, connection: Connection) -> None:
        """A client has gone: what it asked is given up, as vLLM does."""
        if connection in self.running:
            self.left += 1
            self._end(connection)
        elif connection in self.waiting:
            self.left += 1
            self.waiting.remove(connection)
            self._note()

    def send_event(self, connection: Connection, number: int) -> None:
        last = number == len(self.events) - 1
        connection.send(self.events[number] if number else STREAM_HEAD + self.events[0])
        if last:
            self.answers.append(time.monotonic())
            self._end(connection)
        else:
            pause_s = self.delay_s / len(self.events)
            connection.due = asyncio.get_running_loop().call_later(pause_s, self.send_event, connection, number + 1)

    def answer(self, connection: Connection) -> None:
        connection.send(ANSWER)
        self.answers.append(time.monotonic())
        self._end(connection)

    def _start(self, connection: Connection) -> None:
        self.running.add(connection)
        loop = asyncio.get_running_loop()
        if self.events and connection.wants_stream:
            pause_s = self.delay_s / len(self.events)
            connection.due = loop.call_later(pause_s, self.send_event, connection, 0)
        else:
            connection.due = loop.call_later(self.delay_s, self.answer, connection)

    def _end(self, connection: Connection) -> None:
        self.running.discard(connection)
        if connection.due:
            connection.due.cancel()
        if self.waiting:
            self._start(self.waiting.popleft())
        self._note()

    def _note(self) -> None:
        if self.slots is not None:
            self.changes.append((time.monotonic(), len(self.running), len(self.waiting)))

    def tell(self, method: str, path: str) -> bytes:
        """The answer to whatever is not a chat request."""
        if path == "/v1/models":
            return make_response("200 OK", json.dumps({"object": "list", "data": [{"id": "fixed", "object": "model"}]}))
        if path == "/metrics" and self.slots is not None:
            labels = '{engine="0",model_name="fixed"}'
            counts = {"running": len(self.running), "waiting": len(self.waiting)}
            lines = [f"vllm:num_requests_{name}{labels} {float(count)}" for name, count in counts.items()]
            return make_response("200 OK", "\n".join(lines) + "\n", kind="text/plain")
        if path == "/record":
            record = {"first": self.first, "answers": self.answers, "left": self.left}
            return make_response("200 OK", json.dumps({**record, "changes": self.changes}))
        if (method, path) == ("POST", "/forget"):
            self.forget()
            return make_response("200 OK", "{}")
        return make_response("404 Not Found", "{}")


class Connection(asyncio.Protocol):
    """One connection of HTTP/1.1, kept open; its requests come one after the other."""

    def __init__(self, server: FixedServer) -> None:
        self.server = server
        self.due: asyncio.TimerHandle | None = None
        self.wants_stream = False
        self._buffer = b""
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def connection_lost(self, exc: Exception | None) -> None:
        self._transport = None
        self.server.leave(self)

    def send(self, response: bytes) -> None:
        if self._transport:
            self._transport.write(response)

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        head, found, _ = self._buffer.partition(b"\r\n\r\n")
        if not found:
            return
        length = 0
        if (at := head.lower().find(b"\r\ncontent-length:")) >= 0:
            length = int(head[at + 17 :].split(b"\r\n", 1)[0])
        whole = len(head) + 4 + length
        if len(self._buffer) < whole:
            return
        self.wants_stream = b'"stream":true' in self._buffer[len(head) : whole]
        self._buffer = self._buffer[whole:]
        method, path, _ = head.split(b" ", 2)
        if path == b"/v1/chat/completions":
            self.server.arrive(self)
        else:
            self.send(self.server.tell(method.decode(), path.decode()))


@contextlib.contextmanager
def start_fixed_server(*, delay_s: float, slots: int | None = None, events: int | None = None) -> Iterator[str]:
    """Run the server in a process of its own for the length of the block; yields its address, without `/v1`."""
    command = [sys.executable, "-m", "benchmarks.fixed_server", "--delay", str(delay_s)]
    command += [] if slots is None else ["--slots", str(slots)]
    command += [] if events is None else ["--events", str(events)]
    root = Path(__file__).resolve().parent.parent
    with subprocess.Popen(command, cwd=root, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout
            address = process.stdout.readline().strip()
            assert address, "the fixed server did not start"
            yield address
        finally:
            process.kill()


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--delay", type=float, default=0.2, help="seconds from a request's start to its answer")
    parser.add_argument("--slots", type=int, help="requests at once; without it all that come")
    parser.add_argument("--events", type=int, help="events of a stream; without it all answers are in one piece")
    options = parser.parse_args()
    server = FixedServer(delay_s=options.delay, slots=options.slots, events=options.events)

    async def serve_for_ever() -> None:
        loop = asyncio.get_running_loop()
        # 512 connections are opened at once
        listening = await loop.create_server(lambda: Connection(server), "127.0.0.1", 0, backlog=4096)
        gc.freeze()
        print(f"http://127.0.0.1:{listening.sockets[0].getsockname()[1]}", flush=True)
        await asyncio.Event().wait()

    asyncio.run(serve_for_ever())


if __name__ == "__main__":
    main()
