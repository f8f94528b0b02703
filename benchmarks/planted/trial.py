"""A build over documents with planted faults, and which of its pairs each filter drops."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from benchmarks.planted.documents import RecordedDocument
from benchmarks.planted.faults import PlantedPair
from benchmarks.planted.model import PlantedModel
from docmatix.pipeline import CURATE, GENERATE, VERIFY
from docmatix.stages.support.job import Job
from tests.jobs import FakeClient, curate, generate, make_job, read_documents, verify

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
ENGINE = {"kind": "openai", "model": "planted", "base_url": "http://nowhere:1/v1"}


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
    """Build in a folder up to `curate`, in this process; the outcome of every pair. With `rounds`, measured numbers of
    second answers are rounded; with `vision`, pictures of the pages are sent with every request."""
    model = PlantedModel(pairs, seed=seed, rounds=rounds)
    client = FakeClient(lambda request: model.reply([(each.role, each.content) for each in request.messages]))
    prompts = ["vision_layout"] if vision else BROAD
    sections: dict[str, Any] = {
        "generate": {"engine": {**ENGINE, "vision": vision}, "prompts": prompts, "prompts_per_window": 1},
        "verify": CHECKS,
    }
    pdfs = {f"{number:04}.pdf": document.pdf for number, document in enumerate(documents)}
    job = make_job(folder, pdfs=pdfs, **sections)
    job = replace(job, prompts={name: replace(prompt, when=()) for name, prompt in job.prompts.items()})
    read_documents(job)
    for shard in job.run.shards("plan"):
        generate(job, shard, client=client)
        verify(job, shard, client=client)
    outcomes = {pair.fact.question: Outcome(pair) for pair in pairs}
    _read_answers(job, outcomes)
    for name, filters in TRIED.items():
        _try(make_job(folder, **sections, curate={"filters": filters}), name, outcomes)
    return list(outcomes.values())


def _read_answers(job: Job, outcomes: Mapping[str, Outcome]) -> None:
    for shard in job.run.shards("plan"):
        requests = job.run.iterate_rows(GENERATE, shard, columns=["pairs"])
        questions = {pair["pair_id"]: pair["question"] for row in requests for pair in row["pairs"] or ()}
        for row in job.run.iterate_rows(VERIFY, shard, columns=["pair_id", "requests"]):
            outcome = outcomes[questions[row["pair_id"]]]
            for asked in row["requests"]:
                if asked["check"] == "answer_again":
                    outcome.second_answer, outcome.rule = asked["reply"], asked["rule"]


def _try(job: Job, name: str, outcomes: Mapping[str, Outcome]) -> None:
    for shard in job.run.shards("plan"):
        curate(job, shard)
        for row in job.run.iterate_rows(CURATE, shard, columns=["question", "answer", "reason", "scores"]):
            outcome = outcomes[row["question"]]
            outcome.scores = row["scores"]
            if row["reason"] is not None:
                outcome.dropped_by.add(name)
