"""verify: ask models about each pair, as the checks of the configuration do, and score their replies.

It drops nothing: filters of `curate` read the stored scores. Checks that ask another server have a pass of their own,
which takes over what the passes before it found.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterator, Mapping, Set
from dataclasses import dataclass, replace
from functools import partial
from itertools import groupby
from typing import Any

from docmatix.core.ledger import UNEXPECTED, Ledger
from docmatix.core.pairs import Failure, Reply, list_shown_pages
from docmatix.models.tokenizer import ESTIMATE
from docmatix.pipeline import EXTRACT, GENERATE, PIPELINE, VERIFY
from docmatix.prompting.windows import Window
from docmatix.stages.support.concurrency import RequestPool
from docmatix.stages.support.job import Job, ShardProgress, is_made_from
from docmatix.stages.support.off_loop import entered_in_thread
from docmatix.stages.support.page_renderer import PageRenderer
from docmatix.stages.support.reply_store import ReplyStore
from docmatix.storage.document_rows import DocumentCursor
from docmatix.storage.page_rows import page_from_row
from docmatix.storage.schemas import EXTRACT_WITHOUT_WORDS, pair_from_row
from docmatix.verification.check import Asking, Check, CheckedPair, CheckRequest, ChunkMemo
from docmatix.verification.scoring import combine_scores

Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class _Step:
    """One request about a pair, or none; `earlier` are the rows of its requests in passes before, told with the first
    step of a pair, whose row is written after the `last`."""

    index: int
    checked: CheckedPair
    check: Check | None = None
    request: CheckRequest | None = None
    earlier: tuple[Row, ...] = ()
    last: bool = True


_Answered = tuple[CheckRequest, Reply | Failure]


async def verify_shard(job: Job, shard: int, *, pool: RequestPool, progress: ShardProgress) -> None:
    """Score the pairs of one shard by the checks of the present pass, reusing stored replies, and commit the scores.

    The record's `extra` names the files of replies, and counts the tokens of the replies used and, by check, the pairs
    that were asked about and those with a score; `checked` has what each of the checks that are done was made of.
    """
    # and its own part, from which what earlier passes found is taken over
    async with entered_in_thread(job.run.at_hand((stage, shard) for stage in (*job.reads(VERIFY), VERIFY))):
        await _verify(job, shard, pool=pool, progress=progress)


async def _verify(job: Job, shard: int, *, pool: RequestPool, progress: ShardProgress) -> None:
    checks = job.config.check_passes[job.check_pass].checks
    askings = {check.label: _prepare(job, check) for check in checks}
    carried = await asyncio.to_thread(_find_carried, job, shard)
    asked_now = {check.label for check in checks}
    made_of = {label: known for label, known in job.check_ids.items() if label in asked_now or label in carried}
    order = {check.label: number for number, check in enumerate(job.config.verify)}
    store = await asyncio.to_thread(ReplyStore, job.run, VERIFY, shard)
    ledger = Ledger(PIPELINE[VERIFY].units)
    counted: dict[str, Counter[str]] = {check.label: Counter() for check in job.config.verify}
    extra: dict[str, Any] = {}
    renderer = PageRenderer(job, shard)
    done = 0

    async def pursue(step: _Step, check: Check, asked: CheckRequest) -> list[_Answered]:
        """The request and its outcome; one that is too long is followed by those that replaced it."""
        outcome = await store.ask(
            asked.request, prompt=check.prompt_name, ask=partial(renderer.send, step.index, pool=pool)
        )
        pool.note(outcome, document=(shard, step.index))
        if isinstance(outcome, Failure) and outcome.reason == "too_long":
            halves = check.halve_request(step.checked, asked, askings[check.label])
            if halves:
                answered = [each for half in halves for each in await pursue(step, check, half)]
                return [(asked, replace(outcome, reason="split")), *answered]
        return [(asked, outcome)]

    async def answer(step: _Step) -> list[_Answered]:
        if step.check is None or step.request is None:
            return []
        return await pursue(step, step.check, step.request)

    try:
        committing = job.committing(
            VERIFY,
            shard,
            ledger=ledger,
            extra=extra,
            fingerprint=None if len(made_of) == len(order) else job.mark_of_some,
        )
        async with store.kept_on_failure(), entered_in_thread(committing) as writer:
            rows: list[Row] = []
            steps = _build_steps(job, shard, checks, askings, carried=carried)
            async for step, answered in pool.answer_in_order(steps, answer):
                for row in step.earlier:
                    store.use(row["request_id"])
                    rows.append(row)
                if step.check is not None:
                    rows += (_to_row(step.check, step.checked, *each) for each in answered)
                if step.last:
                    rows.sort(key=lambda row: order[row["check"]])  # as if all had been asked in one pass
                    _count(rows, ledger, counted)
                    pair_id = step.checked.pair.pair_id
                    scores = combine_scores(job.config.verify, rows)
                    size = sum(len(row["body"] or "") + len(row["reply"] or "") for row in rows)
                    writer.add({"pair_id": pair_id, **scores, "requests": rows}, size=size)
                    rows = []
                    done += 1
                    progress.update(done=done)
            extra |= {"replies": await store.finish(), "tokens": store.count_tokens(), "checked": made_of}
            extra["checks"] = {label: dict(counts) for label, counts in counted.items() if counts}
    finally:
        await renderer.close()


def _prepare(job: Job, check: Check) -> Asking:
    engine = job.config.choose_check_engine(check)
    asking = Asking(
        check.tune(job.prompts[check.prompt_name], engine),
        engine,
        seed=job.config.seed,
        # the counter is that of the model that writes
        counter=job.counter if engine == job.config.generate.engine else ESTIMATE,
        pictures=job.config.generate.pictures,
    )
    return replace(asking, room=check.measure_room(asking))


def _find_carried(job: Job, shard: int) -> set[str]:
    """The checks, by label, whose requests are taken over from what is committed: those of the passes before this one,
    and of the ones after it what nothing has changed, unless their requests failed and may be answered now."""
    record = job.run.read_record(VERIFY, shard)
    if record is None or not is_made_from(record, VERIFY, job.inputs(VERIFY, shard)):
        return set()
    ids, passes = job.check_ids, job.config.check_passes
    now, before = (
        {check.label for each in some for check in each.checks}
        for some in (passes[job.check_pass : job.check_pass + 1], passes[: job.check_pass])
    )
    known = {label for label, made_of in record.extra.get("checked", {}).items() if ids.get(label) == made_of} - now
    if known <= before:
        return known
    columns = ["requests.list.element.check", "requests.list.element.reason"]
    failed = {
        request["check"]
        for row in job.run.iterate_rows(VERIFY, shard, columns=columns)
        for request in row["requests"] or ()
        if request["reason"] in UNEXPECTED["requests"]
    }
    return (known & before) | (known - failed)


def _build_steps(
    job: Job, shard: int, checks: tuple[Check, ...], askings: Mapping[str, Asking], *, carried: Set[str]
) -> Iterator[_Step]:
    """A shard's pairs in order, each with the requests of this pass, and with those of the checks that are `carried`
    over."""
    earlier = job.run.iterate_rows(VERIFY, shard, columns=["pair_id", "requests"]) if carried else None
    for index, checked in _list_pairs(job, shard, reads_pages=any(check.reads_pages for check in checks)):
        there = () if earlier is None else next(earlier)["requests"] or ()
        known = tuple(request for request in there if request["check"] in carried)
        asked = [
            (check, request)
            for check in checks
            if check.selects(checked.pair, seed=job.config.seed)
            for request in check.plan_requests(checked, askings[check.label])
        ]
        if not asked:
            yield _Step(index, checked, earlier=known)
        for number, (check, request) in enumerate(asked, 1):
            yield _Step(index, checked, check, request, known if number == 1 else (), last=number == len(asked))


def _list_pairs(job: Job, shard: int, *, reads_pages: bool) -> Iterator[tuple[int, CheckedPair]]:
    """The pairs of a shard, each with the number of its document; their windows have pages where a check reads them."""
    documents = DocumentCursor(
        job.run.iterate_rows(EXTRACT, shard, columns=EXTRACT_WITHOUT_WORDS if reads_pages else ["index", "language"])
    )
    columns = ["index", "doc_id", "sample_id", "page_numbers", "pairs"]
    if job.shows_pages:
        columns.append("body")  # long: it has the texts of the pages
    asked = job.run.iterate_rows(GENERATE, shard, columns=columns)
    for index, rows in groupby(asked, key=lambda row: row["index"]):
        document = documents.find(index)
        assert document is not None, f"a row of generate is of no document: {index}"
        for sample_id, of_window in groupby(rows, key=lambda row: row["sample_id"]):
            window, chunks = None, ChunkMemo()
            for row in of_window:
                if not row["pairs"]:
                    continue
                if window is None:
                    pages = map(page_from_row, documents.take_pages(row["page_numbers"]))
                    window = Window(sample_id, row["doc_id"], tuple(pages))
                seen = list_shown_pages(row["body"]) if job.shows_pages else ()
                for pair in map(pair_from_row, row["pairs"]):
                    yield index, CheckedPair(pair, window, seen, document["language"], chunks)


def _to_row(check: Check, checked: CheckedPair, asked: CheckRequest, outcome: Reply | Failure) -> Row:
    request = asked.request
    row: Row = {
        "check": check.label,
        "page": asked.page,
        "model": request.model,
        "request_id": request.request_id,
        "body": request.body,
        **dict.fromkeys(("reply", "reason", "detail", "score", "rule", "ratings")),
    }
    if isinstance(outcome, Failure):
        return row | {"reason": outcome.reason, "detail": outcome.detail}
    found = check.read_reply(checked, outcome)
    row |= {"reply": outcome.content if check.answers else None, "reason": found.reason}
    return row | {
        "score": found.score,
        "rule": found.rule,
        "ratings": [rating._asdict() for rating in found.ratings] or None,
    }


def _count(rows: list[Row], ledger: Ledger, counted: Mapping[str, Counter[str]]) -> None:
    ledger.enter("pairs")
    ledger.keep("pairs")
    for row in rows:
        ledger.enter("requests")
        ledger.settle("requests", row["reason"])
    for label, group in groupby(rows, key=lambda row: row["check"]):  # they are in the order of checks
        asked = list(group)
        scored = int(any(row["score"] is not None for row in asked))  # a counter would keep the first truth as one
        counted[label].update(pairs=1, requests=len(asked), scored=scored)
