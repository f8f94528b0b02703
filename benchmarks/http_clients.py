"""Processor time that sending a request and reading its answer takes, by HTTP client, on uvloop.

Run: python -m benchmarks.http_clients [--requests 6000] [--in-flight 64 256] [--rounds 3] [--clients aiohttp pyreqwest]

Needs uvloop, aiohttp and what else is to be measured (pyreqwest, primp), and nothing of docmatix, so that an
environment of its own can have them. Bodies of 4.7 KB go to the fixed server as `docmatix` sends its own, so many at a
time; threads of Rust count, too. Each round asks each client in turn, in a process of its own; the least counts.
"""

from __future__ import annotations

import argparse
import asyncio
import importlib.metadata
import json
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from typing import Any

import uvloop

from benchmarks.fixed_server import start_fixed_server

BODY = json.dumps({"model": "fixed", "messages": [{"role": "user", "content": "word " * 920}]}).encode()
HEADERS = {"Content-Type": "application/json"}
TIMEOUT_S = 600.0

Post = Callable[[str], Awaitable[bytes]]


async def open_aiohttp(stack: AsyncExitStack) -> Post:
    import aiohttp

    session = await stack.enter_async_context(
        aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=0),
            cookie_jar=aiohttp.DummyCookieJar(),
            headers=HEADERS,
            timeout=aiohttp.ClientTimeout(total=TIMEOUT_S),
        )
    )

    async def post(url: str) -> bytes:
        async with session.post(url, data=BODY, allow_redirects=False) as response:
            assert response.status == 200
            return await response.read()

    return post


async def open_pyreqwest(stack: AsyncExitStack) -> Post:
    from datetime import timedelta

    from pyreqwest.client import ClientBuilder  # type: ignore[import-not-found]

    builder = ClientBuilder().default_headers(HEADERS).timeout(timedelta(seconds=TIMEOUT_S)).http1_only()
    client = await stack.enter_async_context(builder.build())

    async def post(url: str) -> bytes:
        response = await client.post(url).body_bytes(BODY).build().send()
        assert response.status == 200
        return bytes(await response.bytes())

    return post


async def open_primp(_: AsyncExitStack) -> Post:
    import primp  # type: ignore[import-not-found]

    client: Any = primp.AsyncClient(headers=HEADERS, timeout=TIMEOUT_S)

    async def post(url: str) -> bytes:
        response = await client.post(url, content=BODY)
        assert response.status_code == 200
        return bytes(response.content)

    return post


CLIENTS = {"aiohttp": open_aiohttp, "pyreqwest": open_pyreqwest, "primp": open_primp}


async def measure(name: str, url: str, *, requests: int, in_flight: int) -> float:
    """µs of processor time a request, without the first of each connection."""
    async with AsyncExitStack() as stack:
        post = await CLIENTS[name](stack)

        async def ask(count: int) -> None:
            for _ in range(count):
                assert json.loads(await post(url))["usage"]

        await asyncio.gather(*(ask(2) for _ in range(in_flight)))
        began = time.process_time()
        each = requests // in_flight
        await asyncio.gather(*(ask(each) for _ in range(in_flight)))
        return (time.process_time() - began) / (each * in_flight) * 1e6


def measure_apart(name: str, address: str, *, requests: int, in_flight: int) -> float:
    command = [sys.executable, "-m", "benchmarks.http_clients", "--requests", str(requests)]
    command += ["--in-flight", str(in_flight), "--one", name, address]
    return float(subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout)


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.http_clients", description=(__doc__ or "").split("\n")[0]
    )
    parser.add_argument("--requests", type=int, default=6000)
    parser.add_argument("--in-flight", type=int, nargs="+", default=[64, 256])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--clients", nargs="+", choices=CLIENTS, default=["aiohttp", "pyreqwest"])
    parser.add_argument("--one", nargs=2, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.one:
        name, address = options.one
        url = f"{address}/v1/chat/completions"
        print(uvloop.run(measure(name, url, requests=options.requests, in_flight=options.in_flight[0])))
        return
    print("| client | " + " | ".join(f"{each} in flight" for each in options.in_flight) + " |")
    print("| --- |" + " ---: |" * len(options.in_flight))
    least: dict[tuple[str, int], float] = {}
    with start_fixed_server(delay_s=0.1) as address:
        for _ in range(options.rounds):
            for in_flight in options.in_flight:
                for name in options.clients:
                    spent = measure_apart(name, address, requests=options.requests, in_flight=in_flight)
                    least[name, in_flight] = min(spent, least.get((name, in_flight), spent))
    for name in options.clients:
        found = " | ".join(f"{least[name, in_flight]:.0f} µs" for in_flight in options.in_flight)
        print(f"| {name} {importlib.metadata.version(name)} | {found} |")


if __name__ == "__main__":
    main()
