"""A client for what serves an engine, wherever that is."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Sequence
from typing import NoReturn

from docmatix.models.client import ChatClient
from docmatix.models.engine import Engine
from docmatix.models.service import Service

_POLL_S = 0.5


def make_client(
    engine: Engine, service: Service, *, workers: int = 1, repeats: Callable[[str], bool] | None = None
) -> ChatClient:
    """A client of the engine's servers, one of so many `workers` that share its `max_in_flight`."""
    key = service.api_key
    bound = max(1, engine.max_in_flight // workers)
    return ChatClient(
        service.addresses,
        api_key=key.get_secret_value() if key else None,
        api_key_env=engine.key_variable,
        # vLLM's bound is for each replica, since how many there are is known only as they come
        max_in_flight=None if service.replicas else bound,
        max_in_flight_each=bound if service.replicas else None,
        timeout_s=engine.timeout_s,
        max_attempts=engine.max_attempts,
        give_up_after_s=engine.give_up_after_s,
        repeats=repeats,
    )


async def follow_replicas(client: ChatClient, find_addresses: Callable[[], Sequence[str]]) -> NoReturn:
    """Send requests to the replicas that are ready and move those of others: replicas come late, die and return."""
    while True:
        # a failed poll is retried: without addresses every request would wait forever
        with contextlib.suppress(Exception):
            # Ray's calls block, and must not block the event loop of hundreds of requests
            client.set_addresses(await asyncio.to_thread(find_addresses))
        await asyncio.sleep(_POLL_S)
