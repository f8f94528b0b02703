"""The least that a client can do: send request bodies, so many at a time, and read what comes back.

Run: python -m benchmarks.bare_client ADDRESS BODIES IN_FLIGHT      BODIES has one JSON body a line

What `docmatix` adds to this (reading documents, writing prompts, hashing, keeping replies, reading pairs from them,
counting, committing) is what `benchmarks.serving` measures. Prints seconds, requests and output tokens as JSON.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections.abc import Sequence
from itertools import cycle
from pathlib import Path

import aiohttp


async def send_all(
    addresses: Sequence[str], bodies: Sequence[bytes], *, in_flight: int, api_key: str | None = None
) -> dict[str, float]:
    """Send every body once to `ADDRESS/v1/chat/completions`, `in_flight` at a time, as many to each address. Raises for
    any answer but 200."""
    headers = {"Content-Type": "application/json"} | ({"Authorization": f"Bearer {api_key}"} if api_key else {})
    left = iter(bodies)
    tokens = 0

    async def send_next(session: aiohttp.ClientSession, address: str) -> None:
        nonlocal tokens
        for body in left:
            async with session.post(f"{address}/v1/chat/completions", data=body) as response:
                answer = json.loads(await response.read())
                response.raise_for_status()
            assert answer["choices"][0]["message"]["content"] is not None
            tokens += answer["usage"]["completion_tokens"]

    timeout = aiohttp.ClientTimeout(total=None)
    async with aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit=0), headers=headers, timeout=timeout
    ) as session:
        began = time.monotonic()
        senders = zip(range(in_flight), cycle(addresses), strict=False)
        await asyncio.gather(*(send_next(session, address) for _, address in senders))
        return {"seconds": time.monotonic() - began, "requests": len(bodies), "completion_tokens": tokens}


def main() -> None:
    address, path, in_flight = sys.argv[1:]
    bodies = Path(path).read_bytes().splitlines()
    print(json.dumps(asyncio.run(send_all([address], bodies, in_flight=int(in_flight)))))


if __name__ == "__main__":
    main()
