"""generate: ask the model about every window of the documents that dedup let in, and read pairs from its replies.

Requests are built lazily, sent with a bounded number outstanding, and written in plan order as they are answered, so
memory stays flat for a document of ten thousand pages and the shard's file does not depend on who answers first.
"""

from __future__ import annotations

import asyncio
import json
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import dataclass
from typing import Any, TypeVar

from docmatix.ledger import Ledger
from docmatix.pairs import Failure, Reply
from docmatix.prompts import Prompt, choose_prompts
from docmatix.requests import Ask, build_asks, read_pairs
from docmatix.schemas import GENERATE, page_from_row, pair_to_row
from docmatix.serving.client import ChatClient
from docmatix.stages.job import Job, Pulse, read_figures
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


async def generate_shard(job: Job, shard: int, *, client: ChatClient, pulse: Pulse) -> None:
    """Ask everything there is to ask about one shard, reusing stored replies, and commit requests and pairs."""
    store = ReplyStore(job.run, "generate", shard)
    ledger = Ledger(("documents", "windows", "requests", "pairs"))
    extra: dict[str, Any] = {}
    done, last = 0, -1

    async def answer(step: _Step) -> Reply | Failure | None:
        if step.ask is None:
            return None
        return await store.ask(step.ask.request, prompt=step.ask.prompt, ask=client.ask)

    with (
        store.kept_on_failure(),
        job.committing("generate", shard, schema=GENERATE, ledger=ledger, extra=extra) as writer,
    ):
        async for step, outcome in answer_in_order(
            _build_steps(job, shard, ledger), answer, limit=max(64, 4 * job.config.generate.engine.max_in_flight)
        ):
            if step.index != last:
                last = step.index
                ledger.keep("documents")
            if step.opens_window:
                ledger.settle("windows", step.reason)
            writer.add(_to_row(step, outcome, ledger))
            done += 1
            pulse.beat(done=done, pairs=ledger.accounts["pairs"].kept, **read_figures(client.counters))
        extra["replies"] = store.compact()


def _to_row(step: _Step, outcome: Reply | Failure | None, ledger: Ledger) -> dict[str, Any]:
    row: dict[str, Any] = {
        "index": step.index,
        "doc_id": step.window.doc_id,
        "sample_id": step.window.sample_id,
        "page_numbers": step.window.page_numbers,
        "reason": step.reason,
    }
    if step.ask is None:
        return row
    row |= {
        "prompt": step.ask.prompt,
        "request_id": step.ask.request.request_id,
        "body": json.dumps(step.ask.request.to_body(), ensure_ascii=False),
    }
    if not isinstance(outcome, Reply):
        failure = outcome or Failure("internal_error")
        ledger.drop("requests", failure.reason)
        return row | {"reason": failure.reason, "detail": failure.detail}
    ledger.keep("requests")
    pairs, malformed = read_pairs(step.ask, outcome)
    ledger.enter("pairs", len(pairs) + malformed.total())
    ledger.keep("pairs", len(pairs))
    for reason, count in sorted(malformed.items()):
        ledger.drop("pairs", reason, count)
    return row | {"pairs": [pair_to_row(pair) for pair in pairs], "malformed": sorted(malformed.elements())}


def _build_steps(job: Job, shard: int, ledger: Ledger) -> Iterator[_Step]:
    """What is asked about a shard's documents, in plan order; what enters the ledger is counted here, what leaves it
    where it is written."""
    settings, seed = job.config.generate, job.config.seed
    candidates = [prompt for name, prompt in job.prompts.items() if name != "round_trip"]
    weights = {
        choice.name: choice.weight
        for choice in settings.prompts
        if not isinstance(choice, str) and choice.weight is not None
    }
    left_out = {row["index"] for row in job.run.iterate_rows("dedup", shard, columns=["index"])}
    for row in job.run.iterate_rows("extract", shard):
        if row["reason"] is not None or row["index"] in left_out:
            continue
        ledger.enter("documents")
        pages = [page_from_row(page) for page in row["pages"]]
        for window in cut_windows(row["doc_id"], pages, max_pages=job.config.window.max_pages):
            chosen = choose_prompts(
                candidates, weights=weights, key=window.sample_id, seed=seed, count=settings.prompts_per_window
            )
            asks = _ask_about(window, chosen, job=job, language=row["language"])
            ledger.enter("windows")
            first = next(asks, None)
            if first is None:
                yield _Step(row["index"], window, opens_window=True, reason="no_candidates")
                continue
            ledger.enter("requests")
            yield _Step(row["index"], window, opens_window=True, ask=first)
            for ask in asks:
                ledger.enter("requests")
                yield _Step(row["index"], window, opens_window=False, ask=ask)


def _ask_about(window: Window, prompts: list[Prompt], *, job: Job, language: str | None) -> Iterator[Ask]:
    settings = job.config.generate
    for prompt in prompts:
        yield from build_asks(
            window,
            prompt,
            engine=settings.engine,
            seed=job.config.seed,
            max_candidates=settings.max_candidates,
            language=language,
        )


async def answer_in_order(
    items: Iterator[Item], answer: Callable[[Item], Awaitable[Result]], *, limit: int
) -> AsyncIterator[tuple[Item, Result]]:
    """Answer items concurrently, at most `limit` outstanding, and yield them in their order.

    An exception is raised when its item's turn comes, and cancels what is outstanding.
    """
    outstanding: deque[tuple[Item, asyncio.Future[Result]]] = deque()
    try:
        for item in items:
            outstanding.append((item, asyncio.ensure_future(answer(item))))
            if len(outstanding) >= limit:
                first, future = outstanding.popleft()
                yield first, await future
        while outstanding:
            first, future = outstanding.popleft()
            yield first, await future
    finally:
        for _, future in outstanding:
            future.cancel()
        await asyncio.gather(*(future for _, future in outstanding), return_exceptions=True)
