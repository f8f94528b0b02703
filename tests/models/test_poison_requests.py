"""Requests that kill their servers: how they are found, and how many go at once."""

from __future__ import annotations

import asyncio
import contextlib
import re
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from docmatix.core.pairs import Failure, Reply
from docmatix.models.load_balancer import read_address
from docmatix.models.poison_requests import SLOTS, TOGETHER_AFTER_DEATHS, Deaths, SuspectSlots, goes_alone, is_suspect
from tests.models.clients import WHOLE, find_closed_port, make_request, open_client

DEATHS = st.integers(min(TOGETHER_AFTER_DEATHS), max(TOGETHER_AFTER_DEATHS) + 3)


async def run(deaths: list[int], cancelled: set[int]) -> list[list[int]]:
    """For each that got in, the deaths of all that were in with it; some are cancelled as they wait or are in."""
    slots = SuspectSlots()
    inside: list[int] = []
    seen: list[list[int]] = []

    async def stay(number: int) -> None:
        async with slots.hold(deaths[number]):
            inside.append(deaths[number])
            seen.append(list(inside))
            try:
                for _ in range(1 + number % 3):
                    await asyncio.sleep(0)
            finally:
                inside.remove(deaths[number])

    tasks = [asyncio.create_task(stay(number)) for number in range(len(deaths))]
    await asyncio.sleep(0)
    for number in sorted(cancelled):
        tasks[number % len(tasks)].cancel()
        await asyncio.sleep(0)
    async with asyncio.timeout(60):
        await asyncio.gather(*tasks, return_exceptions=True)
        async with slots.hold(max(TOGETHER_AFTER_DEATHS) + 1):  # every slot has been given back
            pass
    return seen


@given(st.lists(DEATHS, min_size=1, max_size=60), st.sets(st.integers(0, 99), max_size=20))
def test_suspects_have_fewer_beside_them_the_oftener_their_servers_died_and_none_waits_for_ever(
    deaths: list[int], cancelled: set[int]
) -> None:
    for together in asyncio.run(run(deaths, cancelled)):
        assert sum(SLOTS // TOGETHER_AFTER_DEATHS.get(each, 1) for each in together) <= SLOTS
        assert len(together) == 1 or not any(map(goes_alone, together))


def test_as_many_go_at_once_as_is_stated() -> None:
    for deaths, most in TOGETHER_AFTER_DEATHS.items():
        assert max(map(len, asyncio.run(run([deaths] * 40, set())))) == most
    assert max(map(len, asyncio.run(run([max(TOGETHER_AFTER_DEATHS) + 1] * 5, set())))) == 1


def test_a_cut_connection_is_a_death_once_its_server_takes_no_other_one_or_has_left() -> None:
    here, there = read_address("http://here:1/v1"), read_address("http://there:1/v1")
    deaths = Deaths()
    deaths.note_unreachable(here)
    assert deaths.count([here, there]) == 0, "it never had the request"
    deaths.note_lost(here)
    deaths.note_lost(here)
    assert deaths.count([here, there]) == 0
    assert deaths.count([there]) == 1, "one server, however often it failed"
    deaths.note_unreachable(here)
    deaths.note_unreachable(here)
    assert deaths.count([here, there]) == 1


def test_a_request_is_to_blame_for_two_deaths_after_it_was_sent_alone() -> None:
    address = read_address("http://here:1/v1")
    deaths = Deaths()
    for died in range(6):
        assert not deaths.are_its_doing
        assert deaths.count([address]) == died
        deaths.note_sent(died)
        deaths.note_lost(address)
        deaths.note_unreachable(address)
    assert deaths.count([address]) == 6
    assert deaths.are_its_doing


def test_no_request_is_a_suspect_after_one_death() -> None:
    assert [is_suspect(deaths) for deaths in range(4)] == [False, False, True, True]


# --- against servers that die ---


class FragileServer:
    """A server that dies of every request in which `poison` stands, with all that it has in hand, and is started again
    a moment later; any other one takes it a moment."""

    def __init__(self, *, most_deaths: int = 1000) -> None:
        """Once it has died `most_deaths` times, it is cured."""
        self.port = find_closed_port()
        self.deaths, self.most_deaths = 0, most_deaths
        self.most_together = 0
        """Requests that it had in hand at once in its last life."""
        self.tell: Callable[[list[str]], None] = lambda addresses: None
        """Told of each death and each restart, as a `ReplicaPool` would be."""
        self._in_hand = 0
        self._alive = False
        self._open: set[asyncio.StreamWriter] = set()
        self._handlers: set[asyncio.Task[None]] = set()
        self._server: asyncio.Server | None = None
        self._reviving: asyncio.Task[None] | None = None

    @property
    def base_url(self) -> str:
        return f"http://127.0.0.1:{self.port}/v1"

    async def __aenter__(self) -> FragileServer:
        self._alive = True
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", self.port)
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._reviving:
            await self._reviving
        await self._end()
        await asyncio.gather(*self._handlers)

    async def _end(self) -> None:
        assert self._server
        self._alive = False
        for writer in self._open:
            writer.transport.abort()
        self._open.clear()  # the requests on them die with this death, and are not another one
        # asyncio never closes a connection that it accepted in the turn in which its server was closed
        # (`Server._attach` asserts that it is open), so nothing more is accepted first, and what was is let in
        asyncio.get_running_loop().remove_reader(self._server.sockets[0].fileno())
        await asyncio.sleep(0)
        self._server.close()

    async def _revive(self) -> None:
        await asyncio.sleep(0.05)
        self.most_together = 0
        await self.__aenter__()
        self.tell([self.base_url])

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if not self._alive:
            writer.transport.abort()
            return
        # known from the start: a task that is cancelled before it has begun closes nothing
        self._open.add(writer)
        handler = asyncio.create_task(self._serve(reader, writer))
        self._handlers.add(handler)
        handler.add_done_callback(self._handlers.discard)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
            headers = await reader.readuntil(b"\r\n\r\n")
            if found := re.search(rb"Content-Length: (\d+)", headers):
                body = await reader.readexactly(int(found[1]))
                if b"poison" in body and writer in self._open and self.deaths < self.most_deaths:
                    self.deaths += 1
                    await self._end()
                    self.tell([])
                    self._reviving = asyncio.create_task(self._revive())
                else:
                    self._in_hand += 1
                    self.most_together = max(self.most_together, self._in_hand)
                    await asyncio.sleep(0.03)
                    self._in_hand -= 1
                    writer.write(WHOLE.replace(b"\r\n", b"\r\nConnection: close\r\n", 1))
        self._open.discard(writer)
        writer.close()


@pytest.mark.parametrize("watched", [False, True])
async def test_a_request_that_kills_its_server_takes_no_others_with_it(watched: bool) -> None:
    texts = ["a", "b", "poison", *"cdefghijk"]
    requests = [make_request(text) for text in texts]
    options: dict[str, Any] = {"max_in_flight": 6, "give_up_after_s": 600, "sleep": lambda _: asyncio.sleep(0.02)}
    async with FragileServer() as server, open_client(server.base_url, **options) as client:
        server.tell = client.set_addresses if watched else server.tell
        outcomes = await asyncio.gather(*map(client.ask, requests))
    failed = {text: outcome for text, outcome in zip(texts, outcomes, strict=True) if isinstance(outcome, Failure)}
    assert {text: failure.reason for text, failure in failed.items()} == {"poison": "server_error"}
    assert server.deaths <= 9


@pytest.mark.parametrize("watched", [False, True])
async def test_a_request_that_kills_its_server_is_found_out_with_no_other_one_to_compare_it_with(watched: bool) -> None:
    options: dict[str, Any] = {"give_up_after_s": 600, "sleep": lambda _: asyncio.sleep(0.02)}
    async with FragileServer() as server, open_client(server.base_url, **options) as client:
        server.tell = client.set_addresses if watched else server.tell
        outcome = await client.ask(make_request("poison"))
    assert isinstance(outcome, Failure)
    assert outcome.reason == "server_error"
    # four of which others might be to blame as well, and two alone; where it is not seen to be away between two tries,
    # as many as may be tried, and one that follows a small request
    assert 6 <= server.deaths <= 9


async def test_a_request_whose_server_dies_often_but_not_of_it_is_answered() -> None:
    options: dict[str, Any] = {"give_up_after_s": 600, "sleep": lambda _: asyncio.sleep(0.02)}
    async with FragileServer(most_deaths=5) as server, open_client(server.base_url, **options) as client:
        outcome = await client.ask(make_request("poison"))
    assert isinstance(outcome, Reply)
    assert server.deaths == 5


async def test_of_many_requests_in_flight_the_one_that_kills_its_server_is_found_out() -> None:
    requests = [make_request("poison" if number == 17 else str(number)) for number in range(40)]
    options: dict[str, Any] = {"give_up_after_s": 600, "sleep": lambda _: asyncio.sleep(0.02)}
    async with FragileServer() as server, open_client(server.base_url, **options) as client:
        outcomes = await asyncio.gather(*map(client.ask, requests))
    assert [number for number, outcome in enumerate(outcomes) if isinstance(outcome, Failure)] == [17]


async def test_requests_that_survived_two_deaths_go_several_at_once() -> None:
    requests = [make_request(f"poison {number}") for number in range(40)]
    options: dict[str, Any] = {"give_up_after_s": 600, "sleep": lambda _: asyncio.sleep(0.02)}
    async with FragileServer(most_deaths=2) as server, open_client(server.base_url, **options) as client:
        outcomes = await asyncio.gather(*map(client.ask, requests))
    assert all(isinstance(outcome, Reply) for outcome in outcomes)
    assert server.deaths == 2
    assert server.most_together >= 8
