"""Asking in order: bounded, in turns, and never waiting for more than it must."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Iterator, Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from docmatix.core.errors import LedgerError, ServerGone
from docmatix.core.ledger import JUDGED_FROM
from docmatix.core.pairs import Failure, Message, Reply, Request
from docmatix.models.client import ChatClient
from docmatix.stages.support.concurrency import (
    LEAST_AHEAD,
    LONGEST_TURN_S,
    RecentFailures,
    RequestPool,
    Turns,
    answer_in_order,
)
from tests.scripted_server import Faults, start_scripted_server


class Answers:
    """Answers in the opposite order, and counts how many are under way."""

    def __init__(self) -> None:
        self.under_way = self.most = 0

    async def answer(self, item: int) -> int:
        self.under_way += 1
        self.most = max(self.most, self.under_way)
        for _ in range(20 - item % 20):
            await asyncio.sleep(0)
        self.under_way -= 1
        return -item


@pytest.mark.parametrize("limit", [1, 3, 100])
async def test_answers_come_in_the_order_of_their_items_and_in_bounded_number(limit):
    answers = Answers()
    found = [pair async for pair in answer_in_order(iter(range(50)), answers.answer, limit=limit)]
    assert found == [(item, -item) for item in range(50)]
    assert min(limit, 10) <= answers.most <= limit


async def test_items_are_taken_only_as_they_are_needed():
    taken: list[int] = []

    def items() -> Iterator[int]:
        for item in range(1000):
            taken.append(item)
            yield item

    running = answer_in_order(items(), Answers().answer, limit=5)
    assert isinstance(running, AsyncGenerator)
    assert await anext(running) == (0, 0)
    assert len(taken) == 5
    await running.aclose()


async def test_an_error_is_raised_in_its_turn_and_cancels_what_is_under_way():
    started: list[int] = []
    cancelled: list[int] = []
    found: list[int] = []

    async def answer(item: int) -> None:
        started.append(item)
        if item == 2:
            raise ServerGone("away")
        if item > 2:
            try:
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                cancelled.append(item)
                raise

    async def take_all() -> None:
        async for item, _ in answer_in_order(iter(range(50)), answer, limit=8):
            found.append(item)

    with pytest.raises(ServerGone):
        await take_all()
    assert found == [0, 1]
    assert len(started) < 50
    assert cancelled == started[3:] != []


class GoneClient(ChatClient):
    """Never answers `hang`; `gone` makes the server disappear."""

    def __init__(self) -> None:
        super().__init__([])
        self.asked = list[str]()

    async def ask(self, request: Request, *, pictures: Sequence[bytes] = ()) -> Reply | Failure:
        text = request.messages[0].content
        self.asked.append(text)
        if text == "hang":
            await asyncio.Event().wait()
        if text == "gone":
            raise ServerGone("away")
        return Failure("refused")


async def test_what_ends_one_shard_ends_the_others_at_once():
    client, met = GoneClient(), list[str]()
    pool = RequestPool(client, in_flight=8)

    async def take_all(*items: str) -> None:
        async def answer(item: str) -> Reply | Failure:
            return await pool.ask(Request("m", (Message("user", item),)))

        async for item, _ in pool.answer_in_order(iter(items), answer):
            met.append(item)

    async with asyncio.timeout(30):
        # the first item of each is never answered, so that neither error would have its turn
        both = await asyncio.gather(take_all("hang", "a"), take_all("hang", "gone", "b"), return_exceptions=True)
    assert [type(error) for error in both] == [ServerGone, ServerGone]
    assert met == []
    with pytest.raises(ServerGone):
        await take_all("c")
    assert "c" not in client.asked


async def test_once_too_many_have_failed_nothing_more_is_sent():
    with start_scripted_server(faults=Faults(refused=1.0)) as server:
        async with ChatClient([server.base_url], max_in_flight=8) as client:
            pool = RequestPool(client, in_flight=8, max_share=0.2)

            async def ask(document: int) -> None:
                outcome = await pool.ask(Request("scripted", (Message("user", f"about {document}"),)))
                pool.note(outcome, document=document)

            # all have passed the pool and wait for a free slot, with no one to cancel them
            ends = await asyncio.gather(*(ask(document) for document in range(200)), return_exceptions=True)
    assert JUDGED_FROM <= server.request_count <= JUDGED_FROM + 8
    assert {type(end) for end in ends} == {type(None), LedgerError}


def note_all(failures: RecentFailures, *outcomes: tuple[Reply | Failure, int]) -> int:
    """How many outcomes, each of a document, are taken in before there are too many failures; all of them otherwise."""
    for number, (outcome, document) in enumerate(outcomes):
        try:
            failures.note(outcome, document=document)
        except LedgerError:
            return number
    return len(outcomes)


WELL, REFUSED = Reply("r", "", "m", "stop", 0, 0), Failure("refused", "400 not like this")


def test_a_server_that_refuses_everything_is_found_out_after_fifty_requests():
    failures = RecentFailures(max_share=0.2)
    assert note_all(failures, *((REFUSED, i) for i in range(1000))) == 49
    with pytest.raises(
        LedgerError, match=r"51 of the last 51 requests to the model failed with `refused` \(the latest: 400 not like"
    ):
        failures.note(REFUSED, document=0)


def test_a_server_that_falls_ill_late_is_found_out_as_early():
    good = [(WELL, i) for i in range(100_000)]
    bad = [(REFUSED, i) for i in range(1000)]
    assert note_all(RecentFailures(max_share=0.2), *good, *bad) - len(good) == 453


def test_failures_of_a_few_documents_are_theirs():
    moderated = [(REFUSED, i % 4) for i in range(1500)]
    assert note_all(RecentFailures(max_share=0.2), *moderated) == len(moderated)
    assert note_all(RecentFailures(max_share=0.2), *moderated, (REFUSED, 4)) == len(moderated)


def test_expected_failures_do_not_stop_the_build():
    too_long = [(Failure("too_long"), i) for i in range(500)]
    assert note_all(RecentFailures(max_share=0.2), *too_long) == len(too_long)


def test_a_share_of_one_lets_everything_fail():
    refused = [(REFUSED, i) for i in range(500)]
    assert note_all(RecentFailures(max_share=1.0), *refused) == len(refused)


def test_reasons_that_fail_requests_are_judged_together():
    both = [(Failure("timeout") if i % 2 else REFUSED, i) for i in range(400)]
    mixed = [each for pair in zip(both, [(WELL, i) for i in range(400)], strict=True) for each in pair]
    assert note_all(RecentFailures(max_share=0.3), *mixed) < len(mixed)


@given(st.lists(st.tuples(st.sampled_from([WELL, REFUSED]), st.integers(0, 9)), max_size=300), st.floats(0, 1))
def test_failures_past_the_share_are_needed_to_stop(outcomes, max_share):
    met = note_all(RecentFailures(max_share=max_share), *outcomes)
    if met < len(outcomes):
        seen = [outcome for outcome, _ in outcomes[: met + 1]]
        assert seen.count(REFUSED) > max_share * len(seen)


async def test_no_items_give_no_answers():
    nothing: list[int] = []
    assert [pair async for pair in answer_in_order(iter(nothing), Answers().answer, limit=3)] == []


async def test_shards_prepare_one_after_the_other():
    pool, taken = RequestPool(ChatClient([]), in_flight=4), list[str]()

    def items(name: str) -> Iterator[str]:
        for _ in range(20):
            time.sleep(LONGEST_TURN_S)  # work: each item ends its shard's turn on the loop
            taken.append(name)
            yield name

    async def take_all(name: str) -> None:
        async for _ in pool.answer_in_order(items(name), answer):
            pass

    async def answer(item: str) -> str:
        return item

    await asyncio.gather(take_all("a"), take_all("b"))
    assert taken == ["a"] * 20 + ["b"] * 20


async def test_a_worker_prepares_few_more_than_it_may_have_in_flight():
    pool, gate = RequestPool(ChatClient([]), in_flight=4), asyncio.Event()
    taken: list[int] = []

    def items(start: int) -> Iterator[int]:
        for item in range(start, start + 100):
            taken.append(item)
            yield item

    async def answer(item: int) -> int:
        await gate.wait()
        return item

    async def take_all(start: int) -> list[int]:
        return [answered async for _, answered in pool.answer_in_order(items(start), answer)]

    both = asyncio.gather(take_all(0), take_all(100))
    while len(taken) < 4 + LEAST_AHEAD:
        await asyncio.sleep(0)
    for _ in range(100):
        await asyncio.sleep(0)
    assert taken == list(range(4 + LEAST_AHEAD))
    gate.set()
    assert list(await both) == [list(range(100)), list(range(100, 200))]


async def test_a_shard_whose_first_reply_is_late_leaves_the_turn_to_others():
    turns, late = Turns(100), asyncio.Event()
    found: list[int] = []

    async def answer(item: int) -> int:
        if item == 0:
            await late.wait()
        return item

    async def take_all(items: range) -> None:
        async for _, answered in answer_in_order(iter(items), answer, limit=8, turns=turns):
            found.append(answered)

    first = asyncio.create_task(take_all(range(50)))
    await take_all(range(100, 150))
    assert found == list(range(100, 150))
    late.set()
    await first
    assert found == [*range(100, 150), *range(50)]


async def test_what_the_items_raise_comes_after_what_was_taken_before():
    def items() -> Iterator[int]:
        yield from range(3)
        raise ServerGone("away")

    found: list[int] = []

    async def take_all() -> None:
        async for item, _ in answer_in_order(items(), Answers().answer, limit=8):
            found.append(item)

    with pytest.raises(ServerGone):
        await take_all()
    assert found == [0, 1, 2]
