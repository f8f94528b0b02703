"""A build over documents with planted faults, by a scripted server, and which of its pairs each filter drops."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from benchmarks.planted.documents import RecordedDocument
from benchmarks.planted.faults import PlantedPair
from benchmarks.planted.model import PlantedModel, list_messages
from docmatix.models.client import ChatClient
from docmatix.pipeline import CURATE, GENERATE, PLAN, VERIFY
from docmatix.stages.generate import generate_shard
from docmatix.stages.support.concurrency import RequestPool
from docmatix.stages.support.job import Job, ShardProgress
from docmatix.stages.verify import verify_shard
from tests.jobs import curate, make_job, read_documents
from tests.scripted_server import start_scripted_server

CHECKS = [{"kind": "answer_again"}, {"kind": "answer_blind"}, {"kind": "judge"}]
TRIED: Mapping[str, list[dict[str, Any]]] = {
    "agrees": [{"kind": "agrees"}],
    "judged": [{"kind": "judged"}],
    "both": [{"kind": "agrees"}, {"kind": "judged"}],
    "grounded": [{"kind": "grounded"}],
    "not_blind": [{"kind": "not_blind"}],
}
"""Filters that are tried, each alone among the filters of `curate`, but for `both`."""
BROAD = ["broad_critical", "broad_details", "broad_general", "broad_sections", "broad_whole"]


@dataclass
class Outcome:
    """What became of a pair: its scores, what was answered again and the rule by which that was compared, and the names
    in `TRIED` of the filters that drop it."""

    pair: PlantedPair
    second_answer: str | None = None
    rule: str | None = None
    scores: dict[str, float | None] = field(default_factory=dict)
    dropped_by: set[str] = field(default_factory=set)


def run_trial(
    folder: Path,
    documents: Sequence[RecordedDocument],
    pairs: Sequence[PlantedPair],
    *,
    seed: int,
    rounds: bool = False,
    vision: bool = False,
) -> list[Outcome]:
    """Build in a folder up to `curate`, without Ray; the outcome of every pair. With `rounds`, measured numbers of
    second answers are rounded; with `vision`, pictures of the pages are sent with every request."""
    model = PlantedModel(pairs, seed=seed, rounds=rounds)
    with start_scripted_server(reply=lambda body: model.reply(list_messages(body)), model="planted") as server:
        engine = {"kind": "openai", "model": "planted", "base_url": server.base_url, "vision": vision}
        prompts = ["vision_layout"] if vision else BROAD
        sections: dict[str, Any] = {
            "generate": {"engine": engine, "prompts": prompts, "pictures": {"dpi": 40}},
            "verify": CHECKS,
        }
        pdfs = {f"{number:04}.pdf": document.pdf for number, document in enumerate(documents)}
        job = make_job(folder, pdfs=pdfs, **sections)
        job = replace(job, prompts={name: replace(prompt, when=()) for name, prompt in job.prompts.items()})
        read_documents(job)
        asyncio.run(_ask(job, server.base_url))
    outcomes = {pair.fact.question: Outcome(pair) for pair in pairs}
    _read_answers(job, outcomes)
    for name, filters in TRIED.items():
        _try(make_job(folder, **sections, curate={"filters": filters}), name, outcomes)
    return list(outcomes.values())


async def _ask(job: Job, address: str) -> None:
    """All that the server is asked: pairs, then the checks of each."""
    async with ChatClient([address], give_up_after_s=60) as client:
        for shard in job.run.shards(PLAN):
            pool = RequestPool(client, in_flight=32)
            await generate_shard(job, shard, pool=pool, progress=ShardProgress())
            for number in range(len(job.config.check_passes)):
                in_pass = replace(job, check_pass=number)
                await verify_shard(in_pass, shard, pool=pool, progress=ShardProgress())


def _read_answers(job: Job, outcomes: Mapping[str, Outcome]) -> None:
    for shard in job.run.shards(PLAN):
        requests = job.run.iterate_rows(GENERATE, shard, columns=["pairs"])
        questions = {pair["pair_id"]: pair["question"] for row in requests for pair in row["pairs"] or ()}
        for row in job.run.iterate_rows(VERIFY, shard, columns=["pair_id", "requests"]):
            outcome = outcomes[questions[row["pair_id"]]]
            for asked in row["requests"]:
                if asked["check"] == "answer_again":
                    outcome.second_answer, outcome.rule = asked["reply"], asked["rule"]


def _try(job: Job, name: str, outcomes: Mapping[str, Outcome]) -> None:
    for shard in job.run.shards(PLAN):
        curate(job, shard)
        for row in job.run.iterate_rows(CURATE, shard, columns=["question", "answer", "reason", "scores"]):
            outcome = outcomes[row["question"]]
            outcome.scores = row["scores"]
            if row["reason"] is not None:
                outcome.dropped_by.add(name)
