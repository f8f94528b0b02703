"""LoadBalancer: who gets the next request, and how limits follow what servers say. No network."""

from __future__ import annotations

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from docmatix.models.load_balancer import (
    LEAST_LIMIT,
    LONG_QUEUE_S,
    Address,
    LoadBalancer,
    note_failure,
    note_no_queue,
    note_queue,
    note_refusal,
    note_reply,
    read_address,
)


def make_address(name: str = "a", *, limit: int = 8, most: int = 256) -> Address:
    address = read_address(f"http://{name}/v1", most=most)
    address.limit = limit
    return address


def make_balancer(*addresses: Address, now: float = 0.0) -> LoadBalancer:
    return LoadBalancer(addresses, clock=lambda: now)


async def test_the_emptier_of_two_addresses_gets_the_next_request():
    one, other = make_address("a"), make_address("b")
    balancer = make_balancer(one, other)
    taken = [await balancer.take() for _ in range(6)]
    assert taken.count(one) == taken.count(other) == 3


async def test_an_address_of_twice_the_limit_gets_twice_the_requests():
    small, large = make_address("a", limit=4), make_address("b", limit=8)
    balancer = make_balancer(small, large)
    taken = [await balancer.take() for _ in range(12)]
    assert (taken.count(small), taken.count(large)) == (4, 8)


async def test_who_finds_no_room_waits_and_is_served_in_order():
    only = make_address(limit=1)
    balancer = make_balancer(only)
    await balancer.take()
    served: list[int] = []

    async def ask(number: int) -> None:
        address = await balancer.take()
        served.append(number)
        balancer.give_back(address)

    waiting = [asyncio.create_task(ask(number)) for number in range(3)]
    await asyncio.sleep(0)
    assert balancer.queued
    assert served == []
    balancer.give_back(only)
    await asyncio.gather(*waiting)
    assert served == [0, 1, 2]
    assert only.in_flight == 0


async def test_a_cancelled_wait_gives_its_room_to_the_next():
    only = make_address(limit=1)
    balancer = make_balancer(only)
    await balancer.take()
    first, second = asyncio.create_task(balancer.take()), asyncio.create_task(balancer.take())
    await asyncio.sleep(0)
    balancer.give_back(only)  # the first is handed the room, and is cancelled before it takes it
    first.cancel()
    assert await second is only
    assert only.in_flight == 1


async def test_requests_wait_while_there_is_no_address_and_go_to_the_first_that_comes():
    balancer = make_balancer()
    waiting = asyncio.create_task(balancer.take())
    await asyncio.sleep(0)
    assert not waiting.done()
    late = make_address()
    balancer.add(late)
    assert await waiting is late


async def test_an_address_that_rests_gets_nothing_while_another_has_room():
    tired, well = make_address("a"), make_address("b")
    note_failure(tired, now=0, wait_s=10)
    balancer = make_balancer(tired, well, now=5)
    assert [await balancer.take() for _ in range(8)] == [well] * 8


async def test_where_all_rest_the_first_to_wake_is_tried():
    one, other = make_address("a"), make_address("b")
    note_failure(one, now=0, wait_s=10)
    note_failure(other, now=0, wait_s=20)
    assert await make_balancer(one, other, now=5).take() is one


async def test_one_request_finds_out_whether_a_failed_address_is_back():
    failed, well = make_address("a"), make_address("b")
    note_failure(failed, now=0, wait_s=10)
    balancer = make_balancer(failed, well, now=11)
    taken = [await balancer.take() for _ in range(6)]
    assert taken.count(failed) == 1


async def test_nothing_is_sent_into_a_queue_while_another_server_would_run_it():
    slow, fast = make_address("slow", limit=64), make_address("fast", limit=64)
    slow.in_flight, fast.in_flight = 6, 20
    note_queue(slow, running=4, waiting=2, now=0)
    balancer = make_balancer(slow, fast)
    assert [await balancer.take() for _ in range(10)] == [fast] * 10
    note_queue(fast, running=28, waiting=2, now=0)  # now both have a queue, and the emptier one takes more
    assert await balancer.take() is slow


def test_a_server_without_a_queue_runs_at_least_what_it_has():
    address = make_address(limit=64)
    address.in_flight = 12
    note_queue(address, running=8, waiting=4, now=0)
    assert (address.runs, address.queued, address.idle) == (8, 4, 0)
    note_queue(address, running=12, waiting=0, now=1)
    assert (address.runs, address.queued, address.idle) == (12, 0, 0)
    address.in_flight = 5
    assert (address.queued, address.idle) == (0, 7)


# --- limits -----------------------------------------------------------------------------------------------------------


def test_a_server_without_a_queue_gets_twice_as_many_once_its_limit_is_used_up():
    address = make_address(limit=64, most=200)
    address.in_flight = 10
    note_queue(address, running=10, waiting=0, now=0)
    assert address.limit == 64
    limits = []
    for _ in range(3):
        address.in_flight = address.limit
        note_queue(address, running=address.limit, waiting=0, now=1)
        limits.append(address.limit)
    assert limits == [128, 200, 200]


def test_a_queue_that_lasts_lowers_the_limit_to_what_runs_and_a_small_queue():
    address = make_address(limit=256)
    address.in_flight = 256
    for now in (0, 1, LONG_QUEUE_S):
        assert address.limit == 256
        note_queue(address, running=64, waiting=192, now=now)
    assert address.limit == 64 + 4 + 16


def test_a_short_queue_is_left_alone():
    address = make_address(limit=100)
    address.in_flight = 100
    for now in (0, LONG_QUEUE_S, 3 * LONG_QUEUE_S):
        note_queue(address, running=80, waiting=20, now=now)
    assert address.limit == 100


def test_of_a_server_that_others_ask_too_it_is_our_share_that_shrinks():
    address = make_address(limit=100)
    address.in_flight = 100
    for now in (0, LONG_QUEUE_S):
        note_queue(address, running=200, waiting=200, now=now)
    assert address.limit == (200 + 4 + 50) // 4 + 1


def test_a_server_that_tells_no_queue_may_have_all_there_is_until_it_refuses():
    address = make_address(most=512)
    note_no_queue(address)
    assert address.limit == 512
    address.in_flight = 300
    note_refusal(address, now=10.0)
    note_refusal(address, now=10.5)  # sent together, refused together
    assert address.limit == 200
    note_no_queue(address)
    assert address.limit == 200


def test_a_lowered_limit_grows_with_each_round_of_replies():
    address = make_address(limit=30, most=40)
    address.in_flight = 30
    note_refusal(address, now=10.0)
    assert address.limit == 20
    for _ in range(20):
        note_reply(address, now=11.0)
    assert address.limit == 22
    for _ in range(1000):
        note_reply(address, now=11.0)
    assert address.limit == 40


@given(
    st.lists(
        st.tuples(st.sampled_from(["queue", "none", "refusal", "reply"]), st.integers(0, 500), st.integers(0, 500)),
        max_size=60,
    ),
    st.integers(1, 300),
)
def test_whatever_servers_say_a_limit_stays_between_one_and_the_most(events, most):
    address = make_address(limit=min(64, most), most=most)
    for now, (event, one, other) in enumerate(events):
        address.in_flight = min(address.limit, one)
        match event:
            case "queue":
                note_queue(address, running=one, waiting=other, now=float(now))
            case "none":
                note_no_queue(address)
            case "refusal":
                note_refusal(address, now=float(now))
            case "reply":
                note_reply(address, now=float(now))
        assert 1 <= address.limit <= most


def test_a_limit_is_never_raised_by_a_long_queue():
    address = make_address(limit=2, most=2)
    address.in_flight = 2
    for now in (0, LONG_QUEUE_S, 2 * LONG_QUEUE_S):
        note_queue(address, running=0, waiting=100, now=now)
    assert address.limit == 2 < LEAST_LIMIT


# --- calling back -----------------------------------------------------------------------------------------------------


class Server:
    """Tasks that hang at an address until they are called back."""

    def __init__(self, balancer: LoadBalancer) -> None:
        self.balancer = balancer
        self.moved: list[int] = []

    async def ask(self, number: int) -> Address:
        while True:
            address = await self.balancer.take()
            task = asyncio.current_task()
            assert task
            address.under_way[task] = False
            try:
                await asyncio.sleep(3600 if number < 100 else 0)
                return address
            except asyncio.CancelledError:
                if not address.under_way[task]:
                    raise
                task.uncancel()
                self.moved.append(number)
                if self.balancer.addresses[-1] is not address:
                    number += 100
            finally:
                del address.under_way[task]
                self.balancer.give_back(address)


async def test_requests_of_a_removed_address_go_to_the_others():
    gone, left = make_address("a"), make_address("b")
    balancer = make_balancer(gone)
    server = Server(balancer)
    tasks = [asyncio.create_task(server.ask(number)) for number in range(5)]
    await asyncio.sleep(0)
    assert gone.in_flight == 5
    balancer.add(left)
    balancer.remove(gone)
    assert [await task for task in tasks] == [left] * 5
    assert sorted(server.moved) == [0, 1, 2, 3, 4]
    assert (gone.in_flight, left.in_flight) == (0, 0)


async def test_a_queue_elsewhere_is_emptied_into_a_server_that_came_late_the_last_sent_first():
    slow = make_address("slow")
    balancer = make_balancer(slow)
    server = Server(balancer)
    tasks = [asyncio.create_task(server.ask(number)) for number in range(8)]
    await asyncio.sleep(0)
    balancer.add(make_address("fast"))
    note_queue(slow, running=5, waiting=3, now=0)
    balancer.level()
    moved = [await task for task in tasks[5:]]
    assert {address.name for address in moved} == {"http://fast/v1"}
    assert sorted(server.moved) == [5, 6, 7]
    assert slow.in_flight == 5
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


async def test_as_many_are_called_back_as_a_server_that_has_run_dry_would_run():
    slow, fast = make_address("slow", limit=16), make_address("fast", limit=16)
    balancer = make_balancer(slow)
    server = Server(balancer)
    tasks = [asyncio.create_task(server.ask(number)) for number in range(10)]
    await asyncio.sleep(0)
    note_queue(slow, running=4, waiting=6, now=0)
    fast.in_flight = 5
    note_queue(fast, running=3, waiting=2, now=0)
    balancer.add(fast)
    balancer.level()  # it has a queue itself
    await asyncio.sleep(0)
    assert server.moved == []
    fast.in_flight = 1
    balancer.level()
    balancer.level()  # those that are called back are on their way already
    moved = [await task for task in tasks[8:]]
    assert moved == [fast, fast]
    assert sorted(server.moved) == [8, 9]
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


async def test_nothing_is_called_back_while_a_queue_is_the_only_place_to_wait():
    slow, full = make_address("slow"), make_address("full")
    balancer = make_balancer(slow, full)
    server = Server(balancer)
    tasks = [asyncio.create_task(server.ask(number)) for number in range(16)]
    await asyncio.sleep(0)
    note_queue(slow, running=5, waiting=3, now=0)
    balancer.level()
    await asyncio.sleep(0)
    assert server.moved == []
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


@pytest.mark.parametrize(
    ("base_url", "metrics"),
    [
        ("http://host:8000/v1", "http://host:8000/metrics"),
        ("http://host:8000/v1/", "http://host:8000/metrics"),
        ("http://host/models/a/v1", "http://host/models/a/metrics"),
        ("http://host:8000", "http://host:8000/metrics"),
    ],
)
def test_metrics_stand_beside_v1(base_url, metrics):
    assert str(read_address(base_url).metrics_url) == metrics
