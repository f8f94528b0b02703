"""verify: ask a model about each pair, as the check of the configuration does, and score its reply.

It drops nothing: a filter of `curate` reads the stored scores.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from docmatix.core.ledger import Ledger
from docmatix.core.pairs import Failure, Pair, Reply, Request
from docmatix.pipeline import GENERATE, PIPELINE, VERIFY
from docmatix.stages.support.concurrency import RequestPool
from docmatix.stages.support.job import Job, ShardProgress
from docmatix.stages.support.reply_store import ReplyStore
from docmatix.storage.schemas import pair_from_row
from docmatix.verification.check import Check

_Question = tuple[int, Pair, Request | None]  # the number of the document, the pair, and the request about it


async def verify_shard(job: Job, shard: int, *, pool: RequestPool, progress: ShardProgress) -> None:
    """Score the pairs of one shard, reusing stored replies, and commit the scores."""
    check = job.config.verify
    assert check is not None
    store = ReplyStore(job.run, VERIFY, shard)
    ledger = Ledger(PIPELINE[VERIFY].units)
    extra: dict[str, Any] = {}
    done = 0

    async def answer(question: _Question) -> Reply | Failure | None:
        index, _, request = question
        if request is None:
            return None
        outcome = await store.ask(request, prompt=check.prompt, ask=pool.ask)
        pool.note(outcome, document=(shard, index))
        return outcome

    with store.kept_on_failure(), job.committing(VERIFY, shard, ledger=ledger, extra=extra) as writer:
        async for (_, pair, request), outcome in pool.answer_in_order(_build_questions(job, shard, check), answer):
            ledger.enter("pairs")
            ledger.keep("pairs")
            row: dict[str, Any] = {"pair_id": pair.pair_id}
            if request is not None:
                ledger.enter("requests")
                row |= {"request_id": request.request_id, "body": request.body}
                if isinstance(outcome, Reply):
                    ledger.keep("requests")
                    row[check.score] = check.read_score(pair, outcome)
                    row["reply"] = outcome.content if check.answers else None
                else:
                    failure = outcome or Failure("internal_error")
                    ledger.drop("requests", failure.reason)
                    row |= {"reason": failure.reason, "detail": failure.detail}
            writer.add(row)
            done += 1
            progress.update(done=done)
        extra |= {"replies": store.compact(), "tokens": store.count_tokens()}


def _build_questions(job: Job, shard: int, check: Check) -> Iterator[_Question]:
    prompt = job.prompts[check.prompt]
    for row in job.run.iterate_rows(GENERATE, shard, columns=["index", "pairs"]):
        for pair in map(pair_from_row, row["pairs"] or ()):
            request = check.build_request(pair, prompt, engine=job.config.verify_engine, seed=job.config.seed)
            yield row["index"], pair, request
