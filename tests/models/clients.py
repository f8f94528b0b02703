"""A client with its own time, requests, and servers that answer what a test wants."""

from __future__ import annotations

import asyncio
import contextlib
import gzip
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

from docmatix.core.pairs import Message, Request
from docmatix.models.client import ChatClient
from tests.scripted_server import Body

KEY = "sk-very-secret"
ANSWER = b'{"choices": [{"message": {"content": "hello"}}]}'
WHOLE = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s" % (len(ANSWER), ANSWER)
CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\n0\r\n\r\n" % (len(ANSWER), ANSWER)
SMALL = gzip.compress(ANSWER, mtime=0)
ZIPPED = b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: %d\r\n\r\n%s" % (len(SMALL), SMALL)


class Pace:
    """Time that passes only by sleeping, at once."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.waits: list[float] = []

    async def sleep(self, wait_s: float) -> None:
        self.waits.append(wait_s)
        self.now += wait_s
        await asyncio.sleep(0)


@asynccontextmanager
async def open_client(*addresses: str, pace: Pace | None = None, **options: Any) -> AsyncIterator[ChatClient]:
    pace = pace or Pace()
    seams = {"sleep": pace.sleep, "clock": lambda: pace.now, "draw": lambda: 0.0}
    async with ChatClient(addresses, **(seams | options)) as client:
        yield client


@asynccontextmanager
async def open_raw_server(answer: bytes) -> AsyncIterator[str]:
    """A server that answers whatever comes with these bytes and hangs up; yields its base URL."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError):
            await reader.read(1 << 16)
            writer.write(answer)
            await writer.drain()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1"


def make_request(text: str = "hello", **extra: Any) -> Request:
    return Request("scripted", (Message("user", text),), {"temperature": 0}, extra)


def say_ok(body: Body) -> str:
    return f"ok: {body['messages'][-1]['content']}"


def spoil_on_poison(body: Body) -> str:
    if "poison" in body["messages"][-1]["content"]:
        raise RuntimeError("assertion failed: poison")
    return say_ok(body)


def find_closed_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


async def wait_until(happened: Callable[[], bool], within_s: float = 30) -> None:
    async with asyncio.timeout(within_s):
        while not happened():
            await asyncio.sleep(0.01)
