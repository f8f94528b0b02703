"""An S3 for tests: moto's server in a process of its own, behind a proxy whose faults are foretold.

    with start_object_store() as store:
        os.environ.update(store.environment)        # as a user would set it
        store.files.pipe("bucket/a.pdf", b"%PDF")   # past the proxy, without faults
        store.faults = [Fault("slow_down", share=0.3), Fault("cut", method="GET")]
        store.delay_s = 0.05                        # every answer comes so much later
        ...
        store.go_away(); store.come_back()

A module that imports the fixture `running_store` has one of its own, named by the environment.

Which requests meet a fault is decided by the hash of the request and the number of the try, never by the clock, so that
a run meets the same ones every time.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import io
import re
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from collections import Counter
from collections.abc import Awaitable, Callable, Coroutine, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from weakref import WeakKeyDictionary

import pytest
import s3fs
from aiohttp import ClientSession, ClientTimeout, web
from yarl import URL

FOR_EVER = 1 << 30
KEY = "AKIAIOSFODNN7EXAMPLE"
SECRET = "wJalrXUtnFEMI-EXAMPLE-KEY"

_SERVER = """
import os, sys, threading
from moto.server import main
threading.Thread(target=lambda: (sys.stdin.read(), os._exit(0)), daemon=True).start()
main(["-H", "127.0.0.1", "-p", sys.argv[1]])
"""
_HOP_BY_HOP = {"connection", "transfer-encoding", "keep-alive", "expect"}
_REFUSALS = {
    "slow_down": (503, "SlowDown", "Please reduce your request rate."),
    "broken": (500, "InternalError", "We encountered an internal error. Please try again."),
    "unavailable": (503, "ServiceUnavailable", "Service is unable to handle request."),
    "unknown_key": (403, "InvalidAccessKeyId", "The AWS Access Key Id you provided does not exist in our records."),
    "expired": (400, "ExpiredToken", "The provided token has expired."),
    "denied": (403, "AccessDenied", "Access Denied"),
    "unconditional": (501, "NotImplemented", "A header you provided implies functionality that is not implemented."),
}


@dataclass(frozen=True)
class Fault:
    """What happens to the requests that it falls on.

    `slow_down`, `broken`, `unavailable`, `unknown_key`, `expired`, `denied`, `unconditional`: the store says so;
    `reset`: the connection breaks before an answer; `cut`: in the middle of it; `short`: half of it comes as if it were
    all; `silent`: no answer; `unheard`: it is done, and the connection breaks before the answer.
    """

    kind: str
    share: float = 1.0
    """Of the distinct requests (method, address, range)."""
    tries: int = 1
    """Of each such request, so many meet it."""
    method: str = ""
    path: str = ""
    header: str = ""
    """Regular expressions: `path` is searched for with the query, `header` in `Name: value` lines."""
    at_most: int = FOR_EVER
    """In all."""
    seed: int = 0

    def falls_on(self, request: web.Request, key: str, tried: int) -> bool:
        lines = "\n".join(f"{name}: {value}" for name, value in request.headers.items())
        digest = hashlib.sha256(f"{self.seed} {self.kind} {key}".encode()).digest()
        return (
            tried < self.tries
            and int.from_bytes(digest[:6]) / (1 << 48) < self.share
            and bool(re.fullmatch(self.method or ".*", request.method))
            and bool(re.search(self.path, request.path_qs))
            and bool(re.search(self.header, lines))
        )


@dataclass(frozen=True, slots=True)
class Asked:
    """A request as it came: its S3 `verb` (GET, HEAD, PUT, LIST, DELETE, OTHER), its key without the bucket (of a
    listing the prefix), and the bytes that it wanted."""

    verb: str
    key: str
    wanted: str
    asker: str
    """Who asked, if the store has a `name_asker`."""


def name_verb(request: web.Request) -> str:
    """What S3 calls a request."""
    query = request.query
    if request.method == "GET" and ("list-type" in query or "uploads" in query):
        return "LIST"
    if request.method == "POST":
        return "DELETE" if "delete" in query else "OTHER"
    return request.method


class ObjectStore:
    """The store as its clients see it, and what only a test may do to it."""

    def __init__(self, backend: str, port: int) -> None:
        self._backend, self._port = backend, port
        self.url = f"http://127.0.0.1:{port}"
        self._faults: tuple[Fault, ...] = ()
        self.met: Counter[str] = Counter()
        """How often each kind of fault was met."""
        self.log: list[tuple[str, str]] = []
        """Method and path of every request, in order."""
        self.asked: list[Asked] = []
        """The same, as S3 sees them."""
        self.delay_s = 0.0
        """How long every request waits before it is done, as on the way to a store that is far away."""
        self.gate: Callable[[], Awaitable[object]] | None = None
        """Awaited, in the store's own loop, before each request is done."""
        self.name_asker: Callable[[int], str] | None = None
        """Says who a request is from, by the port of its connection; asked once for each connection."""
        self._askers: WeakKeyDictionary[asyncio.BaseTransport, str] = WeakKeyDictionary()
        self.environment = {
            "AWS_ENDPOINT_URL": self.url,
            "AWS_ACCESS_KEY_ID": KEY,
            "AWS_SECRET_ACCESS_KEY": SECRET,
            "AWS_DEFAULT_REGION": "us-east-1",
            # attempts of botocore: its pauses are up to 8 s, and what docmatix does beyond them is what is tested
            "AWS_MAX_ATTEMPTS": "1",
        }
        self.files = s3fs.S3FileSystem(
            key=KEY, secret=SECRET, endpoint_url=backend, client_kwargs={"region_name": "us-east-1"},
            use_listings_cache=False,
        )  # fmt: skip
        self._tried: Counter[str] = Counter()
        self._fallen: Counter[Fault] = Counter()
        self._away = False
        self._loop = asyncio.new_event_loop()
        self._runner: web.AppRunner | None = None
        self._site: web.TCPSite | None = None
        self._session: ClientSession | None = None

    def go_away(self) -> None:
        """Refuse connections, and break those there are."""
        self._away = True
        self._wait(self._stop_listening())

    def come_back(self) -> None:
        self._away = False
        self._wait(self._listen())

    @property
    def faults(self) -> tuple[Fault, ...]:
        """What goes wrong, the first that falls on a request; when they are set, each request is a first try again."""
        return self._faults

    @faults.setter
    def faults(self, faults: Sequence[Fault]) -> None:
        self._faults = tuple(faults)
        self.met.clear()
        self.log.clear()
        self.asked.clear()
        self._tried.clear()
        self._fallen.clear()

    def make_bucket(self, name: str) -> None:
        self.files.call_s3("create_bucket", Bucket=name)

    def empty_bucket(self, name: str) -> None:
        # not by `files.rm`, which passes over the markers of folders
        for found in self.files.call_s3("list_objects_v2", Bucket=name).get("Contents", ()):
            self.files.call_s3("delete_object", Bucket=name, Key=found["Key"])
        for upload in self.files.call_s3("list_multipart_uploads", Bucket=name).get("Uploads", ()):
            self.files.abort_mpu(name, upload["Key"], upload["UploadId"])

    def read_tree(self, root: str) -> dict[str, bytes]:
        """Every file below `root`, by its path from there."""
        return {path.removeprefix(f"{root}/"): self.files.cat_file(path) for path in sorted(self.files.find(root))}

    def _wait(self, coroutine: Coroutine[Any, Any, None]) -> None:
        asyncio.run_coroutine_threadsafe(coroutine, self._loop).result(timeout=30)

    async def _start(self) -> None:
        self._session = ClientSession(timeout=ClientTimeout(total=60), auto_decompress=False)
        app = web.Application(client_max_size=1 << 30)
        app.router.add_route("*", "/{path:.*}", self._handle)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await self._runner.setup()
        await self._listen()

    async def _listen(self) -> None:
        assert self._runner is not None
        if self._site is None:
            self._site = web.TCPSite(self._runner, "127.0.0.1", self._port, reuse_address=True)
            await self._site.start()

    async def _stop_listening(self) -> None:
        if self._site is not None:
            await self._site.stop()
            self._site = None

    async def _end(self) -> None:
        assert self._runner is not None
        assert self._session is not None
        await self._runner.cleanup()
        await self._session.close()
        left = asyncio.all_tasks() - {asyncio.current_task()}
        for task in left:
            task.cancel()
        await asyncio.gather(*left, return_exceptions=True)

    async def _handle(self, request: web.Request) -> web.StreamResponse:
        assert request.transport is not None
        body = await request.read()
        if self._away:
            request.transport.abort()
            return web.Response(status=503)
        await self._note(request)
        if self.delay_s:
            await asyncio.sleep(self.delay_s)
        if self.gate is not None:
            await self.gate()
        key = f"{request.method} {request.path_qs} {request.headers.get('Range')}"
        kind = self._choose(request, key)
        if kind in _REFUSALS:
            status, code, message = _REFUSALS[kind]
            said = f"<?xml version='1.0'?><Error><Code>{code}</Code><Message>{message}</Message></Error>"
            return web.Response(status=status, text="" if request.method == "HEAD" else said)
        if kind == "silent":
            await asyncio.sleep(600)
        if kind in ("reset", "silent"):
            request.transport.abort()
            return web.Response(status=503)
        return await self._forward(request, body, kind)

    async def _note(self, request: web.Request) -> None:
        assert request.transport is not None
        self.log.append((request.method, request.path))
        if self.name_asker is not None and request.transport not in self._askers:
            port = request.transport.get_extra_info("peername")[1]
            self._askers[request.transport] = await asyncio.to_thread(self.name_asker, port)
        key = request.path.lstrip("/").partition("/")[2] or request.query.get("prefix", "")
        asker = self._askers.get(request.transport, "")
        self.asked.append(Asked(name_verb(request), key, request.headers.get("Range", ""), asker))

    def _choose(self, request: web.Request, key: str) -> str | None:
        tried = self._tried[key]
        self._tried[key] += 1
        for fault in self.faults:
            if self._fallen[fault] < fault.at_most and fault.falls_on(request, key, tried):
                self._fallen[fault] += 1
                self.met[fault.kind] += 1
                return fault.kind
        return None

    async def _forward(self, request: web.Request, body: bytes, kind: str | None) -> web.StreamResponse:
        assert self._session is not None
        assert request.transport is not None
        headers = {name: value for name, value in request.headers.items() if name.lower() not in _HOP_BY_HOP}
        url = URL(self._backend + request.raw_path, encoded=True)
        async with self._session.request(
            request.method, url, headers=headers, data=io.BytesIO(body), allow_redirects=False
        ) as answer:
            content = await answer.read()
            given = {name: value for name, value in answer.headers.items() if name.lower() not in _HOP_BY_HOP}
            if kind == "short":
                content = content[: len(content) // 2]
                given = {name: value for name, value in given.items() if not name.lower().startswith("x-amz-checksum")}
                given["Content-Length"] = str(len(content))
            response = web.StreamResponse(status=answer.status, headers=given)
            with contextlib.suppress(ConnectionResetError):  # of a client that was killed
                if kind != "unheard":
                    await response.prepare(request)
                    await response.write(content[: len(content) // 2] if kind == "cut" else content)
                if kind not in ("cut", "unheard"):
                    await response.write_eof()
                    return response
            if request.transport is not None:
                request.transport.abort()
            return response


@contextmanager
def start_object_store(*, buckets: Sequence[str] = ("bucket",)) -> Iterator[ObjectStore]:
    """A running store with empty buckets. Nothing of the environment is changed."""
    backend = _find_free_port()
    process = subprocess.Popen(
        [sys.executable, "-c", _SERVER, str(backend)],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    store = ObjectStore(f"http://127.0.0.1:{backend}", _find_free_port())
    thread = threading.Thread(target=store._loop.run_forever, daemon=True)
    thread.start()
    try:
        _wait_for(f"http://127.0.0.1:{backend}/moto-api/", process)
        store._wait(store._start())
        for bucket in buckets:
            store.make_bucket(bucket)
        yield store
    finally:
        with contextlib.suppress(Exception):
            store._wait(store._end())
        store._loop.call_soon_threadsafe(store._loop.stop)
        thread.join(timeout=10)
        store._loop.close()
        process.kill()
        process.wait()
        assert process.stdin is not None
        process.stdin.close()
        s3fs.S3FileSystem.clear_instance_cache()


@pytest.fixture(scope="module")
def running_store() -> Iterator[ObjectStore]:
    with start_object_store() as store, pytest.MonkeyPatch.context() as patch:
        for name, value in store.environment.items():
            patch.setenv(name, value)
        s3fs.S3FileSystem.clear_instance_cache()
        yield store


def _find_free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port: int = found.getsockname()[1]
        return port


def _wait_for(url: str, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + 60
    while True:
        try:
            with urllib.request.urlopen(url, timeout=5):
                return
        except OSError:
            if process.poll() is not None or time.monotonic() > deadline:
                raise AssertionError("moto's server does not start") from None
            time.sleep(0.1)
