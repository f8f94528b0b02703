"""generate: ask the model about every window of the documents that dedup let in, and read pairs from its replies.

Requests are built lazily, sent with a bounded number outstanding, and written in plan order as they are answered, so
memory stays flat for a document of ten thousand pages and the shard's file does not depend on who answers first.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, TypeVar
from weakref import WeakKeyDictionary

from docmatix.config import Engine
from docmatix.ledger import Ledger
from docmatix.pairs import Failure, Reply, Request
from docmatix.prompts import Prompt, choose_prompts
from docmatix.requests import Ask, build_asks, halve_ask, measure_room, read_pairs
from docmatix.schemas import EXTRACT_WITHOUT_WORDS, GENERATE, page_from_row, pair_to_row
from docmatix.serving.client import ChatClient
from docmatix.stages.job import Job, Pulse, read_figures
from docmatix.stages.page_images import PictureDesk
from docmatix.stages.replies import ReplyStore
from docmatix.windows import Window, cut_windows

Item = TypeVar("Item")
Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class _Step:
    """One row to write: a request to ask, or a window that gave none."""

    index: int
    window: Window
    opens_window: bool
    ask: Ask | None = None
    reason: str | None = None


_Answered = tuple[Ask, Reply | Failure]

MOST_OUTSTANDING = 4096
"""Requests of one shard that wait for their replies or for their turn to be written, at up to 30 KB each."""
BREATH_S = 0.001
"""After each row whoever has a reply to read or a request to send goes first: enough is prepared, and without this
replies that come together wait for each other's rows (64 in flight: 90 % of a bare client's rate, with it 95 %; 512 in
flight: 610 requests a second, with it 800)."""
LONGEST_TURN_S = 0.01
"""To prepare 64 requests takes 30 ms: replies that come meanwhile are read before all are there."""


async def generate_shard(job: Job, shard: int, *, client: ChatClient, pulse: Pulse) -> None:
    """Ask everything there is to ask about one shard, reusing stored replies, and commit requests and pairs.

    The record's `extra` names the files of replies and counts the tokens of those that were used.
    """
    store = ReplyStore(job.run, "generate", shard)
    ledger = Ledger(("documents", "windows", "requests", "pairs"))
    extra: dict[str, Any] = {}
    engine = job.config.generate.engine
    desk = PictureDesk(job, shard)
    rendered = _bound_rendered(client, count_in_flight(job, engine))
    done, last = 0, -1

    async def send(index: int, request: Request) -> Reply | Failure:
        if not request.pictures:
            return await client.ask(request)
        async with rendered:
            pictures = await desk.render(index, request.pictures)
            return pictures if isinstance(pictures, Failure) else await client.ask(request, pictures=pictures)

    async def pursue(index: int, ask: Ask) -> list[_Answered]:
        """The request and what became of it; one that is too long is followed by those asked in its place."""
        outcome = await store.ask(ask.request, prompt=ask.prompt, ask=partial(send, index))
        if isinstance(outcome, Failure) and outcome.reason == "too_long":
            halves = halve_ask(ask, job.prompts[ask.prompt], engine=engine, seed=job.config.seed)
            if halves:
                answered = [each for half in halves for each in await pursue(index, half)]
                return [(ask, replace(outcome, reason="split")), *answered]
        return [(ask, outcome)]

    async def answer(step: _Step) -> list[_Answered]:
        return [] if step.ask is None else await pursue(step.index, step.ask)

    try:
        with (
            store.kept_on_failure(),
            job.committing("generate", shard, schema=GENERATE, ledger=ledger, extra=extra) as writer,
        ):
            async for step, answered in answer_in_order(
                _build_steps(job, shard, ledger), answer, limit=count_outstanding(job, engine)
            ):
                if step.index != last:
                    last = step.index
                    ledger.keep("documents")
                if step.opens_window:
                    ledger.settle("windows", step.reason)
                if step.ask is None:
                    writer.add(_describe_window(step))
                for ask, outcome in answered:
                    ledger.enter("requests")
                    writer.add(_describe_window(step) | _to_row(ask, outcome, ledger))
                done += max(1, len(answered))
                pulse.beat(done=done, pairs=ledger.accounts["pairs"].kept, **read_figures(client.counters))
            extra |= {"replies": store.compact(), "tokens": store.count_tokens()}
    finally:
        await desk.close()


def count_in_flight(job: Job, engine: Engine) -> int:
    """Requests that one worker may have in flight at this engine, all of its replicas together."""
    return max(1, engine.most_in_flight // job.config.resources.generate_workers)


def count_outstanding(job: Job, engine: Engine) -> int:
    """Requests that a shard keeps outstanding: more than are in flight, since the rows of replies that came early wait
    for those before them."""
    return min(MOST_OUTSTANDING, max(64, 4 * count_in_flight(job, engine)))


_RENDERED: WeakKeyDictionary[object, asyncio.Semaphore] = WeakKeyDictionary()


def _bound_rendered(client: ChatClient, most: int) -> asyncio.Semaphore:
    """A bound on the requests whose pictures are in memory, one for all shards that share the client: a picture is half
    a megabyte, and what waits for its turn needs none yet."""
    return _RENDERED.setdefault(client, asyncio.Semaphore(most))


def _describe_window(step: _Step) -> dict[str, Any]:
    return {
        "index": step.index,
        "doc_id": step.window.doc_id,
        "sample_id": step.window.sample_id,
        "page_numbers": step.window.page_numbers,
        "reason": step.reason,
    }


def _to_row(ask: Ask, outcome: Reply | Failure, ledger: Ledger) -> dict[str, Any]:
    row: dict[str, Any] = {
        "prompt": ask.prompt,
        "request_id": ask.request.request_id,
        "body": ask.request.body,
    }
    if isinstance(outcome, Failure):
        ledger.drop("requests", outcome.reason)
        return row | {"reason": outcome.reason, "detail": outcome.detail}
    ledger.keep("requests")
    pairs, malformed = read_pairs(ask, outcome)
    ledger.enter("pairs", len(pairs) + malformed.total())
    ledger.keep("pairs", len(pairs))
    for reason, count in sorted(malformed.items()):
        ledger.drop("pairs", reason, count)
    return row | {"pairs": [pair_to_row(pair) for pair in pairs], "malformed": sorted(malformed.elements())}


def _build_steps(job: Job, shard: int, ledger: Ledger) -> Iterator[_Step]:
    """What is asked about a shard's documents, in plan order; documents and windows enter the ledger here, requests
    where they are written, since more may come of one."""
    settings, seed = job.config.generate, job.config.seed
    candidates = [prompt for name, prompt in job.prompts.items() if name != "round_trip"]
    rooms = {
        prompt.name: measure_room(prompt, settings.engine, counter=job.counter)
        for prompt in candidates
        if prompt.family != "answer_first"
    }
    # only candidate answers are looked for among words
    columns = None if len(rooms) < len(candidates) else EXTRACT_WITHOUT_WORDS
    weights = {
        choice.name: choice.weight
        for choice in settings.prompts
        if not isinstance(choice, str) and choice.weight is not None
    }
    left_out = {row["index"] for row in job.run.iterate_rows("dedup", shard, columns=["index"])}
    for row in job.run.iterate_rows("extract", shard, columns=columns):
        if row["reason"] is not None or row["index"] in left_out:
            continue
        ledger.enter("documents")
        pages = [page_from_row(page) for page in row["pages"]]
        for window in cut_windows(row["doc_id"], pages, max_pages=job.config.window.max_pages):
            chosen = choose_prompts(
                candidates, weights=weights, key=window.sample_id, seed=seed, count=settings.prompts_per_window
            )
            asks = _ask_about(window, chosen, job=job, rooms=rooms, language=row["language"])
            ledger.enter("windows")
            first = next(asks, None)
            if first is None:
                yield _Step(row["index"], window, opens_window=True, reason="no_candidates")
                continue
            yield _Step(row["index"], window, opens_window=True, ask=first)
            for ask in asks:
                yield _Step(row["index"], window, opens_window=False, ask=ask)


def _ask_about(
    window: Window, prompts: list[Prompt], *, job: Job, rooms: Mapping[str, int], language: str | None
) -> Iterator[Ask]:
    settings = job.config.generate
    for prompt in prompts:
        yield from build_asks(
            window,
            prompt,
            engine=settings.engine,
            seed=job.config.seed,
            max_candidates=settings.max_candidates,
            language=language,
            counter=job.counter,
            room=rooms.get(prompt.name),
            pictures=settings.pictures,
        )


async def answer_in_order(
    items: Iterator[Item], answer: Callable[[Item], Awaitable[Result]], *, limit: int
) -> AsyncIterator[tuple[Item, Result]]:
    """Answer items concurrently, at most `limit` outstanding, and yield them in their order.

    An exception is raised when its item's turn comes, and cancels what is outstanding.
    """
    outstanding: deque[tuple[Item, asyncio.Future[Result]]] = deque()
    paused_at = time.monotonic()
    try:
        for item in items:
            outstanding.append((item, asyncio.ensure_future(answer(item))))
            if len(outstanding) >= limit:
                first, future = outstanding.popleft()
                yield first, await future
                await asyncio.sleep(BREATH_S)
            elif time.monotonic() - paused_at > LONGEST_TURN_S:
                await asyncio.sleep(0)
                paused_at = time.monotonic()
        while outstanding:
            first, future = outstanding.popleft()
            yield first, await future
    finally:
        for _, future in outstanding:
            future.cancel()
        await asyncio.gather(*(future for _, future in outstanding), return_exceptions=True)
