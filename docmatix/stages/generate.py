"""generate: make pairs from the facts of every window of the documents that dedup let in, ask the model about it, and
read pairs from its replies.

Facts come first and need no request, so their pairs are the same whatever model is asked, and if none is, unless a
prompt has them reworded. Requests are
built lazily, a bounded number is outstanding, and rows are written in plan order: memory stays flat for a document of
ten thousand pages, and the file does not depend on which reply comes first.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import chain
from typing import Any

from docmatix.core.ledger import Ledger
from docmatix.core.pairs import FACTS, Failure, Pair, Reply
from docmatix.pipeline import EXTRACT, GENERATE, PIPELINE
from docmatix.prompting.draws import DrawCounts, PromptDraw
from docmatix.prompting.planned_requests import (
    PlannedRequest,
    halve_request,
    keep_wording,
    make_fact_pair,
    plan_requests,
    plan_rewordings,
    read_pairs,
)
from docmatix.prompting.prompts import Prompt
from docmatix.prompting.questions.asking import ask_facts
from docmatix.prompting.questions.question import FactQuestion
from docmatix.prompting.questions.rewording import can_be_reworded
from docmatix.prompting.requests import measure_token_budget
from docmatix.prompting.windows import Window, iterate_windows
from docmatix.stages.support.concurrency import RequestPool
from docmatix.stages.support.job import Job, ShardProgress
from docmatix.stages.support.left_out_pages import read_left_out
from docmatix.stages.support.off_loop import entered_in_thread
from docmatix.stages.support.page_renderer import PageRenderer
from docmatix.stages.support.reply_store import ReplyStore
from docmatix.storage.document_rows import group_documents
from docmatix.storage.page_rows import page_from_row
from docmatix.storage.schemas import EXTRACT_WITHOUT_WORDS, pair_to_row


@dataclass(frozen=True, slots=True)
class _Step:
    """One row to write: a request to send, pairs made from facts, or a window without either."""

    index: int
    window: Window
    opens_window: bool
    ask: PlannedRequest | None = None
    pairs: tuple[Pair, ...] = ()
    reason: str | None = None


_Answered = tuple[PlannedRequest, Reply | Failure]


async def generate_shard(job: Job, shard: int, *, pool: RequestPool, progress: ShardProgress) -> None:
    """Make a shard's pairs from facts, send all requests about it, reusing stored replies, and commit both.

    The record's `extra` names the files of replies, and counts the tokens of the replies used and what was drawn
    (`DrawCounts`).
    """
    async with entered_in_thread(job.inputs_at_hand(GENERATE, shard)):
        store = await asyncio.to_thread(ReplyStore, job.run, GENERATE, shard)
        await _generate(job, shard, store, pool=pool, progress=progress)


async def _generate(job: Job, shard: int, store: ReplyStore, *, pool: RequestPool, progress: ShardProgress) -> None:
    ledger = Ledger(PIPELINE[GENERATE].units)
    extra: dict[str, Any] = {}
    counts = DrawCounts()
    engine = job.config.generate.engine
    renderer = PageRenderer(job, shard)
    done, last = 0, -1

    async def pursue(index: int, ask: PlannedRequest) -> list[_Answered]:
        """The request and its outcome; one that is too long is followed by those that replaced it."""
        outcome = await store.ask(ask.request, prompt=ask.prompt, ask=partial(renderer.send, index, pool=pool))
        pool.note(outcome, document=(shard, index))
        if isinstance(outcome, Failure) and outcome.reason == "too_long":
            halves = halve_request(ask, job.prompts[ask.prompt], engine=engine, seed=job.config.seed)
            if halves:
                answered = [each for half in halves for each in await pursue(index, half)]
                return [(ask, replace(outcome, reason="split")), *answered]
        return [(ask, outcome)]

    async def answer(step: _Step) -> list[_Answered]:
        return [] if step.ask is None else await pursue(step.index, step.ask)

    try:
        async with (
            store.kept_on_failure(),
            entered_in_thread(job.committing(GENERATE, shard, ledger=ledger, extra=extra)) as writer,
        ):
            async for step, answered in pool.answer_in_order(_build_steps(job, shard, ledger, counts), answer):
                if step.index != last:
                    last = step.index
                    ledger.keep("documents")
                if step.opens_window:
                    ledger.settle("windows", step.reason)
                if step.pairs:
                    ledger.enter("pairs", len(step.pairs))
                    ledger.keep("pairs", len(step.pairs))
                    writer.add(_describe_window(step) | {"prompt": FACTS, "pairs": [*map(pair_to_row, step.pairs)]})
                elif step.ask is None:
                    writer.add(_describe_window(step))
                for ask, outcome in answered:
                    ledger.enter("requests")
                    writer.add(_describe_window(step) | _to_row(ask, outcome, ledger), size=_weigh_row(ask, outcome))
                done += len(answered) or not step.pairs
                progress.update(done=done, pairs=ledger.accounts["pairs"].kept)
            extra |= {"replies": await store.finish(), "tokens": store.count_tokens(), "drawn": counts.to_json()}
    finally:
        await renderer.close()


def _describe_window(step: _Step) -> dict[str, Any]:
    return {
        "index": step.index,
        "doc_id": step.window.doc_id,
        "sample_id": step.window.sample_id,
        "page_numbers": step.window.page_numbers,
        "reason": step.reason,
    }


def _to_row(ask: PlannedRequest, outcome: Reply | Failure, ledger: Ledger) -> dict[str, Any]:
    row: dict[str, Any] = {"prompt": ask.prompt, "request_id": ask.request.request_id, "body": ask.request.body}
    if isinstance(outcome, Failure):
        ledger.drop("requests", outcome.reason)
        row |= {"reason": outcome.reason, "detail": outcome.detail}
        if ask.question is None:
            return row
        # a question from facts is right, whatever became of its rewording
        pairs, malformed = [keep_wording(ask, ask.question)], Counter[str]()
    else:
        ledger.keep("requests")
        pairs, malformed = read_pairs(ask, outcome)
    ledger.enter("pairs", len(pairs) + malformed.total())
    ledger.keep("pairs", len(pairs))
    for reason, count in sorted(malformed.items()):
        ledger.drop("pairs", reason, count)
    return row | {"pairs": [pair_to_row(pair) for pair in pairs], "malformed": sorted(malformed.elements())}


BYTES_A_PAIR = 400  # of ids and names; a pair's texts are in the reply, and its context in the request


def _weigh_row(ask: PlannedRequest, outcome: Reply | Failure) -> int:
    """A row's approximate size in bytes; counting it exactly took a tenth of the time available per request."""
    if isinstance(outcome, Failure):
        return len(ask.request.body) + len(outcome.detail)
    pairs = 1 + outcome.content.count("question")
    context = len(ask.candidate.context) if ask.candidate else 0
    return len(ask.request.body) + 2 * len(outcome.content) + pairs * (BYTES_A_PAIR + context)


def _build_steps(job: Job, shard: int, ledger: Ledger, counts: DrawCounts) -> Iterator[_Step]:
    """A shard's steps in plan order; documents and windows enter the ledger here, requests only when they are written,
    since one may become several."""
    settings, seed = job.config.generate, job.config.seed
    candidates = [*job.written_prompts.values()]
    token_budgets = {
        prompt.name: measure_token_budget(prompt, settings.engine, counter=job.counter)
        for prompt in candidates
        if prompt.family != "answer_first"
    }
    # candidate answers are searched for among words, and the lines of letters; they cost 0.5 ms a page
    with_words = len(token_budgets) < len(candidates) or settings.pairs_per_page > 0
    columns = None if with_words else EXTRACT_WITHOUT_WORDS
    weights = {
        choice.name: choice.weight
        for choice in settings.prompts
        if not isinstance(choice, str) and choice.weight is not None
    }
    draw = PromptDraw(candidates, weights, seed=seed, count=settings.prompts_per_window)
    pictures = settings.engine.vision and draw.sees
    left_out = read_left_out(job, shard)
    for row, pages in group_documents(job.run.iterate_rows(EXTRACT, shard, columns=columns)):
        if row["reason"] is not None or row["index"] in left_out.documents:
            continue
        ledger.enter("documents")
        marked = left_out.mark(row["index"], map(page_from_row, pages))
        windows = iterate_windows(row["doc_id"], marked, max_pages=job.config.window.max_pages, pictures=pictures)
        # a document of mere pictures has one of no page, where no prompt is sent any
        beginning = next(windows, Window(f"{row['doc_id']}-0", row["doc_id"], ()))
        for window in chain([beginning], windows):
            limit = settings.pairs_per_page * len(window.list_shown(pictures=False))
            questions = ask_facts(window.pages, language=row["language"], key=window.sample_id, seed=seed, limit=limit)
            plan = partial(
                _plan_window, window, questions, job=job, token_budgets=token_budgets, language=row["language"]
            )
            chosen, blind = draw.draw(window, language=row["language"])
            pairs, asks = plan(chosen)
            ledger.enter("windows")
            counts.add_window(window, pictures=pictures)
            counts.prompts.update(prompt.name for prompt in chosen)
            if blind != chosen:
                counts.blind += sum(1 for _ in plan(blind)[1])
            first = next(asks, None) if not pairs else None
            if pairs:
                yield _Step(row["index"], window, opens_window=True, pairs=pairs)
            elif first is None:
                reason = "no_candidates" if chosen or not candidates else "no_prompt_fits"
                yield _Step(row["index"], window, opens_window=True, reason=reason)
            for ask in asks if first is None else chain([first], asks):
                counts.requests += 1
                counts.blind += blind == chosen
                yield _Step(row["index"], window, opens_window=ask is first, ask=ask)


def _plan_window(
    window: Window,
    questions: list[FactQuestion],
    prompts: list[Prompt],
    *,
    job: Job,
    token_budgets: Mapping[str, int],
    language: str | None,
) -> tuple[tuple[Pair, ...], Iterator[PlannedRequest]]:
    """The pairs of a window that need no model, and the requests about it by these prompts."""
    reworded = [each for each in questions if can_be_reworded(each)] if any(p.reword for p in prompts) else []
    asks = _ask_about(window, prompts, questions, reworded, job=job, token_budgets=token_budgets, language=language)
    return make_pairs(window, [each for each in questions if each not in reworded]), asks


def make_pairs(window: Window, questions: Sequence[FactQuestion]) -> tuple[Pair, ...]:
    """The pairs of questions from facts that no model rewords."""
    return tuple(make_fact_pair(window.sample_id, each) for each in questions)


def _ask_about(
    window: Window,
    prompts: list[Prompt],
    questions: Sequence[FactQuestion],
    reworded: Sequence[FactQuestion],
    *,
    job: Job,
    token_budgets: Mapping[str, int],
    language: str | None,
) -> Iterator[PlannedRequest]:
    """`questions` are those from facts, of which `reworded` are put into other words by the first prompt that can."""
    settings = job.config.generate
    left = reworded
    for prompt in prompts:
        if prompt.reword:
            yield from plan_rewordings(
                window, left, prompt, engine=settings.engine, seed=job.config.seed, language=language
            )
            left = ()
            continue
        yield from plan_requests(
            window,
            prompt,
            engine=settings.engine,
            seed=job.config.seed,
            max_candidates=settings.max_candidates,
            facts=len(questions),
            language=language,
            counter=job.counter,
            token_budget=token_budgets.get(prompt.name),
            pictures=settings.pictures,
        )
