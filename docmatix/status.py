"""Where a run stands: shards done, the ledger, what servers did. From records alone: needs neither Ray nor a model."""

from __future__ import annotations

import contextlib
import json
from dataclasses import replace
from typing import Any

from docmatix.displays import make_printable
from docmatix.driver import read_job, read_pulses
from docmatix.ledger import Ledger
from docmatix.progress import describe_figures, describe_ledger
from docmatix.report.cost import add_up, read_telemetry
from docmatix.run_directory import RunDirectory
from docmatix.serving.telemetry import describe_serving
from docmatix.stages.job import Job
from docmatix.stages.pack import divide_run, is_packed


def read_status(run: RunDirectory) -> dict[str, Any]:
    """The content of `status --json`. Raises SetupError where there is no run."""
    job = read_job(run)
    stages = [_read_stage(job, stage) for stage in job.stages]
    done = all(stage["shards_done"] == stage["shards"] for stage in stages)
    return {
        "name": job.config.name,
        "complete": done and run.exists("dataset/README.md"),
        "balanced": all(Ledger.from_json(stage["ledger"]).balanced for stage in stages),
        "stages": stages,
        "tokens": _count_tokens(job),
        "serving": _read_serving(run),
    }


def describe_status(run: RunDirectory) -> str:
    """The same for a person, with a line for each stage."""
    status = read_status(run)
    lines = [f"{status['name']}: {'complete' if status['complete'] else 'not complete'}"]
    if not status["balanced"]:
        lines[0] += ", and its ledger does not balance"
    for stage in status["stages"]:
        ledger = describe_ledger(Ledger.from_json(stage["ledger"]))
        lines.append(f"  {stage['stage']:9} {stage['shards_done']}/{stage['shards']} shards  {ledger}".rstrip())
        if stage.get("working"):
            lines.append(f"            at work: {describe_figures(stage['working'])}")
        if stalled := stage.get("stalled"):
            lines.append(
                f"            nothing has moved for {stalled['seconds']} s; it waits for {stalled['waits_for']}"
            )
    if tokens := status["tokens"]:
        line = f"  tokens    {tokens['prompt']:,} in, {tokens['completion']:,} out"
        if "completion_per_kept_pair" in tokens:
            each = tokens["prompt_per_kept_pair"], tokens["completion_per_kept_pair"]
            line += f"; for each kept pair {each[0]:,.0f} in, {each[1]:,.0f} out"
        lines.append(line)
    cost = add_up(read_telemetry(run), read_job(run).config)
    if cost.requests:
        causes = ", ".join(f"{cause.replace('_', ' ')} {count:,}" for cause, count in cost.retries.most_common())
        again = f"; sent again {cost.retries.total():,} times: {causes}" if causes else ""
        lines.append(f"  requests  {cost.requests:,} asked{again}")
    lines += [f"  serving   {line}" for line in describe_serving(status["serving"])]
    if status["complete"]:
        lines.append(f"The dataset is in {run.path('dataset')}")
    return make_printable("\n".join(lines))  # what is waited for may be a document, by its name


def _count_tokens(job: Job) -> dict[str, float]:
    """Tokens of the replies that committed pairs were read from, whenever they were asked; empty before any."""
    tokens: dict[str, float] = {"prompt": 0, "completion": 0}
    for stage in ("generate", "verify"):
        for _, record in job.run.records(stage) if stage in job.stages else ():
            for name, count in record.extra.get("tokens", {}).items():
                tokens[name] += count
    if not any(tokens.values()):
        return {}
    kept = job.run.ledger("curate").accounts.get("pairs")
    if kept is not None and kept.kept:
        tokens |= {f"{name}_per_kept_pair": round(count / kept.kept, 1) for name, count in tokens.items()}
    return tokens


def _read_serving(run: RunDirectory) -> list[dict[str, Any]]:
    """What is recorded of the model servers: one entry for each that a driver's run started, the latest last."""
    found: list[dict[str, Any]] = []
    for name in run.names("telemetry"):
        if name.endswith(".json"):
            with contextlib.suppress(OSError, ValueError):
                found += json.loads(run.read(f"telemetry/{name}")).get("serving", [])
    for epoch in run.names("telemetry/live"):
        with contextlib.suppress(OSError, ValueError):
            found.append(json.loads(run.read(f"telemetry/live/{epoch}/serving.json")) | {"live": True})
    return found


def _read_stage(job: Job, stage: str) -> dict[str, Any]:
    if stage == "pack":
        curated = len(job.run.shards("curate")) == len(job.run.shards("plan")) > 0
        outputs = divide_run(job) if curated else []
        done, shards = sum(is_packed(job, output) for output in outputs), max(1, len(outputs))
    elif stage == "plan":
        done = shards = len(job.run.shards("plan"))
    else:
        shards = len(job.run.shards("plan"))
        done = sum(job.is_current(stage, shard) for shard in job.run.shards("plan"))
    content = {
        "stage": stage,
        "shards_done": done,
        "shards": shards,
        "ledger": job.run.ledger(stage).to_json(),
    }
    for epoch in job.run.names("telemetry/live"):
        if working := read_pulses(replace(job, epoch=epoch), stage):
            content["working"] = working
        with contextlib.suppress(OSError, ValueError):
            stalled = json.loads(job.run.read(f"telemetry/live/{epoch}/stalled.json"))
            if stalled["stage"] == stage:
                content["stalled"] = {name: stalled[name] for name in ("at", "seconds", "waits_for")}
    return content
