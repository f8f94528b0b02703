"""Poison requests: how many of them go at once."""

from __future__ import annotations

import asyncio

from hypothesis import given
from hypothesis import strategies as st

from docmatix.models.load_balancer import read_address
from docmatix.models.poison_requests import SLOTS, TOGETHER_AFTER_DEATHS, Deaths, SuspectSlots, goes_alone, is_suspect

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
