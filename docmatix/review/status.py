"""Where a run is: shards done, the ledger, what servers did, from records alone.

Only shards made with the settings of the last build, from the inputs that are there now, are counted.
"""

from __future__ import annotations

import shlex
import socket
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from docmatix.core.ledger import Ledger, describe_ledger
from docmatix.core.redaction import hide_in_url
from docmatix.core.terminal import sanitize_for_terminal
from docmatix.models.telemetry import describe_serving
from docmatix.pipeline import ASKING, CURATE, EXTRACT, GENERATE, PACK, PLAN, VERIFY
from docmatix.prompting.draws import DrawCounts
from docmatix.review.cost import add_up, read_telemetry
from docmatix.stages.support.job import Job
from docmatix.stages.support.live_state import describe_figures, read_live_states
from docmatix.stages.support.output_files import divide_run, find_packed
from docmatix.stages.support.reading import list_engines, read_job
from docmatix.storage.run import Run

DRIVER_SILENT_S = 60.0
"""A driver without a sign of life for this long is stopped, cut off or dead; its clock and the reader's rarely differ
by as much."""


def read_status(run: Run) -> dict[str, Any]:
    """The content of `status --json`. Raises SetupError where there is no run."""
    return _read_status(read_job(run.snapshot()))


def _read_status(job: Job) -> dict[str, Any]:
    run = job.run
    running = run.is_held
    ended = read_telemetry(run)
    live = list(read_live_states(run).values())
    drivers = [*ended, *live]
    counted = {stage: _count_stage(job, stage) for stage in job.stages}
    # what a driver that was killed had in hand is not being worked on
    at_work = [state["live"] for state in live if isinstance(state.get("live"), dict)] if running else []
    stages = [_describe_stage(stage, counted[stage], at_work) for stage in job.stages]
    done = all(stage["shards_done"] == stage["shards"] for stage in stages)
    return {
        "name": job.config.name,
        "complete": done and run.exists("dataset/README.md"),
        "running": running,
        "driver": _find_driver(live, drivers, running=running),
        "balanced": all(counts.ledger.balanced for counts in counted.values()),
        "stages": stages,
        "text_from": dict(counted[EXTRACT].text_from.most_common()),
        "facts": dict(counted[EXTRACT].facts.most_common()),
        "windows": counted[GENERATE].drawn.to_json(),
        "checks": {name: dict(counts) for name, counts in counted[VERIFY].checks.items()} if VERIFY in counted else {},
        "tokens": _count_tokens(counted),
        "requests": _count_requests(job, drivers),
        "serving": _list_serving(ended, live, running=running),
    }


def describe_status(run: Run) -> str:
    """The same for a person, with a line for each stage."""
    job = read_job(run.snapshot())
    status = _read_status(job)
    lines = [f"{status['name']}: {'complete' if status['complete'] else 'not complete'}"]
    lines[0] += _describe_driver(status, leased=not run.local)
    if not status["balanced"]:
        lines[0] += ", and its ledger does not balance"
    for stage in status["stages"]:
        ledger = describe_ledger(Ledger.from_json(stage["ledger"]))
        if outdated := stage["outdated"]:
            shards = f"{outdated} shard{'s' if outdated > 1 else ''}"
            ledger += f"{'; ' if ledger else ''}not counted: {shards} from earlier settings or inputs"
        if partly := stage.get("partly_done"):
            ledger += (
                f"{'; ' if ledger else ''}{partly} shard{'s' if partly > 1 else ''} checked by some models, not all"
            )
        lines.append(f"  {stage['stage']:9} {stage['shards_done']}/{stage['shards']} shards  {ledger}".rstrip())
        if stage.get("working"):
            lines.append(f"            at work: {describe_figures(stage['working'])}")
        if stalled := stage.get("stalled"):
            lines.append(f"            no progress for {stalled['seconds']} s; waiting for {stalled['waits_for']}")
    if text_from := status["text_from"]:
        named = {"layer": "the text layer", "ocr": "OCR", "none": "nowhere"}
        lines.append(
            f"  text from {', '.join(f'{named[each]} {count:,}' for each, count in text_from.items())} (pages)"
        )
    if facts := status["facts"]:
        lines.append(f"  facts     {', '.join(f'{kind} {count:,}' for kind, count in facts.items())}")
    for check, counted in status["checks"].items():
        lines.append(
            f"  checked   {counted.get('pairs', 0):,} pairs by {check}, {counted.get('scored', 0):,} with a score"
        )
    drawn = DrawCounts.add_up([status["windows"]])
    lines += [f"  windows   with {said}" for said in [drawn.describe_windows()] if said]
    lines += [f"  prompts   {said}" for said in [drawn.describe_prompts()] if said]
    if tokens := status["tokens"]:
        line = f"  tokens    {tokens['prompt']:,} in, {tokens['completion']:,} out"
        if "completion_per_kept_pair" in tokens:
            each = tokens["prompt_per_kept_pair"], tokens["completion_per_kept_pair"]
            line += f"; for each kept pair {each[0]:,.0f} in, {each[1]:,.0f} out"
        lines.append(line)
    if requests := status["requests"]:
        lines.append(f"  requests  {_describe_requests(requests)}")
    models = {engine.model_name for engine in list_engines(job.config)}
    present = [record for record in status["serving"] if record["model"] in models]
    lines += [f"  serving   {line}" for line in describe_serving(present)]
    if others := sorted({record["model"] for record in status["serving"]} - models):
        lines.append(f"  serving   with earlier settings: {', '.join(others)} (see --json)")
    if status["complete"]:
        lines.append(f"The dataset is in {run.path('dataset')}")
    elif not status["running"]:
        if stopped := (status["driver"] or {}).get("stopped"):
            lines.append(f"The last build stopped: {' '.join(stopped.split())}")
        where = run.root if run.local else hide_in_url(run.url)
        lines.append(f"To resume: docmatix build CONFIG --run {shlex.quote(where)}, with its configuration as CONFIG")
    return "\n".join(map(sanitize_for_terminal, lines))  # what is waited for may be a document, by its name


def _describe_driver(status: Mapping[str, Any], *, leased: bool) -> str:
    """Whether a build is at work, as the end of a sentence; what is `leased` a dead one holds for a while yet."""
    driver = status["driver"]
    who = f"process {driver['process']} on {driver['host']}" if driver else ""
    ago = _describe_age(driver["last_sign_s"]) if driver else ""
    if status["running"]:
        if driver and driver["last_sign_s"] > DRIVER_SILENT_S:
            dead = ", or was killed, and its lease has not expired yet" if leased else ""
            return (
                f", held by a build ({who}) whose last sign of life was {ago} ago: it is stopped, or cannot write"
                f" to the run directory{dead}"
            )
        return f", a build is running{f' ({who}, last sign of life {ago} ago)' if driver else ''}"
    if status["complete"]:
        return ""
    said = ", no build is running: rerun the command to resume"
    if driver is None:
        return said
    if not driver["killed"]:
        return f"{said} ({who} ended {ago} ago)"
    # some network file systems have locks per machine: that the lock is free here proves nothing about others
    elsewhere = driver["host"] != socket.gethostname() and driver["last_sign_s"] <= DRIVER_SILENT_S
    unless = "; unless it was killed, it is still running" if elsewhere else ""
    return f"{said} ({who}, last sign of life {ago} ago{unless})"


def _describe_age(seconds: float) -> str:
    for name, length in (("days", 86400), ("h", 3600), ("min", 60)):
        if seconds >= 2 * length:
            return f"{seconds / length:.0f} {name}"
    return f"{seconds:.0f} s"


def _describe_requests(requests: Mapping[str, Any]) -> str:
    """Requests, and what was sent again, by the builds of these settings; else by those of any."""
    now, earlier, unknown = (requests[name] for name in ("now", "earlier", "unknown"))
    figures = now if now["builds"] else _add_counts(earlier, unknown)
    line = f"{figures['asked']:,} asked"
    if not now["builds"]:
        line += f" in {figures['builds']} builds, including those with earlier settings"
    elif now["builds"] > 1:
        line += f" in {now['builds']} builds"
    if retries := figures["retries"]:
        causes = ", ".join(f"{cause.replace('_', ' ')} {count:,}" for cause, count in retries.items())
        line += f"; retried {sum(retries.values()):,} times: {causes}"
    if without := figures.get("without"):
        line += f"; adapted to a server that does not take {', '.join(f'`{name}`' for name in without)}"
    if now["builds"] and (before := earlier["asked"] + unknown["asked"]):
        line += f"; and {before:,} asked before, with other settings"
    return line


_COUNTING = (EXTRACT, GENERATE, VERIFY)
"""The stages whose records count more than their ledgers."""


@dataclass(slots=True)
class _Counts:
    """What is committed of a stage by the settings of the last build, from the inputs that are there now."""

    done: int
    shards: int
    outdated: int
    """Committed shards that are not among these."""
    partly: int = 0
    """Nor these: shards of which the checks of some models are done, but not those of all."""
    ledger: Ledger = field(default_factory=Ledger)
    tokens: Counter[str] = field(default_factory=Counter)
    facts: Counter[str] = field(default_factory=Counter)
    text_from: Counter[str] = field(default_factory=Counter)
    drawn: DrawCounts = field(default_factory=DrawCounts)
    checks: dict[str, Counter[str]] = field(default_factory=dict)


def _count_stage(job: Job, stage: str) -> _Counts:
    committed = job.run.shards(stage)
    planned = committed if stage == PLAN else job.run.shards(PLAN)
    shards = len(planned)
    if stage == PACK:
        curated = len(job.run.shards(CURATE)) == len(planned) > 0
        outputs = divide_run(job) if curated else []
        packed = find_packed(job, outputs)
        current = [output.number for output in outputs if output.number in packed]
        shards = max(1, len(outputs))
    elif stage == PLAN:
        current = committed
    else:
        current = job.find_current(stage, planned)
    partly = [shard for shard in set(committed) - set(current) if stage == VERIFY and job.is_partly_checked(shard)]
    counts = _Counts(
        len(current), shards, outdated=len(set(committed) - set(current)) - len(partly), partly=len(partly)
    )
    counts.ledger = job.run.ledger(stage, current)
    wanted = set(current)
    for shard, extra in job.run.extras(stage) if stage in _COUNTING else ():
        if shard in wanted:
            _add(counts.tokens, extra.get("tokens", {}))
            _add(counts.facts, extra.get("facts", {}))
            _add(counts.text_from, extra.get("text_from", {}))
            counts.drawn.add(extra.get("drawn", {}))
            for check, counted in extra.get("checks", {}).items():
                _add(counts.checks.setdefault(check, Counter()), counted)
    return counts


def _add(total: Counter[str], counts: Mapping[str, int]) -> None:
    for name, count in counts.items():  # `update` takes longer than all else about a shard
        total[name] += count


def _describe_stage(stage: str, counts: _Counts, at_work: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """A stage's entry; `at_work` is what the drivers at work are doing."""
    content = {
        "stage": stage,
        "shards_done": counts.done,
        "shards": counts.shards,
        "outdated": counts.outdated,
        "ledger": counts.ledger.to_json(),
    }
    if counts.partly:
        content["partly_done"] = counts.partly
    for live in at_work:
        if live.get("stage") == stage:
            content |= {"working": live["working"]} if live.get("working") else {}
            if stalled := live.get("stalled"):
                content["stalled"] = {name: stalled[name] for name in ("at", "seconds", "waits_for")}
    return content


def _find_driver(
    live: Sequence[Mapping[str, Any]], drivers: Sequence[Mapping[str, Any]], *, running: bool
) -> dict[str, Any] | None:
    """The driver at work, or else the last one: its identity, the age of its last sign of life in seconds, whether it
    was `killed`, and why it `stopped` if it reported that. None if no driver is known."""
    now = time.time()
    if signs := [state for state in live if {"host", "process", "at"} <= state.keys()]:
        sign = max(signs, key=lambda state: float(state["at"]))
        # the clock of its machine may be ahead of ours
        age_s = max(0.0, round(now - sign["at"], 1))
        return {"host": sign["host"], "process": sign["process"], "last_sign_s": age_s, "killed": not running}
    ended = [driver for driver in drivers if {"host", "process", "started", "seconds"} <= driver.keys()]
    if running or not ended:
        return None
    last = max(ended, key=lambda driver: float(driver["started"]))
    age_s = max(0.0, round(now - last["started"] - last["seconds"], 1))
    found = {"host": last["host"], "process": last["process"], "last_sign_s": age_s}
    return found | {"killed": bool(last.get("killed"))} | ({"stopped": last["stopped"]} if "stopped" in last else {})


def _count_tokens(counted: Mapping[str, _Counts]) -> dict[str, float]:
    """Tokens of the replies that committed pairs were read from, whenever they were asked; empty before any."""
    tokens: dict[str, float] = {"prompt": 0, "completion": 0}
    for stage in ASKING:
        for name, count in counted[stage].tokens.items() if stage in counted else ():
            tokens[name] += count
    if not any(tokens.values()):
        return {}
    kept = counted[CURATE].ledger.accounts.get("pairs")
    if kept is not None and kept.kept:
        tokens |= {f"{name}_per_kept_pair": round(count / kept.kept, 1) for name, count in tokens.items()}
    return tokens


def _count_requests(job: Job, drivers: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """What was asked by builds of the settings of `now`, of `earlier` ones, and of such as did not tell theirs
    (`unknown`): so many `builds`, requests `asked`, `retries` by cause, and `without`, the fields that the
    server does not take, if there are any. Empty where nothing was asked."""
    sorts: dict[str, list[dict[str, Any]]] = {"now": [], "earlier": [], "unknown": []}
    for driver in drivers:
        made = driver.get("fingerprints")
        parts: dict[str, dict[str, Any]] = {}
        for stage in ASKING:
            if (figures := driver["stages"].get(stage)) and figures.get("requests"):
                same = made is not None and made.get(stage) == job.fingerprints.get(stage)
                sort = "unknown" if made is None else "now" if same else "earlier"
                parts.setdefault(sort, {})[stage] = figures
        for sort, stages in parts.items():
            sorts[sort].append({"stages": stages})
    if not any(sorts.values()):
        return {}
    costs = {sort: add_up(parts, job.config) for sort, parts in sorts.items()}
    return {
        sort: {"builds": cost.drivers, "asked": cost.requests, "retries": dict(cost.retries.most_common())}
        | ({"without": sorted(cost.without)} if cost.without else {})
        for sort, cost in costs.items()
    }


def _add_counts(one: Mapping[str, Any], other: Mapping[str, Any]) -> dict[str, Any]:
    retries = Counter(one["retries"]) + Counter(other["retries"])
    counts = {name: one[name] + other[name] for name in ("builds", "asked")} | {"retries": dict(retries.most_common())}
    without = sorted({*one.get("without", ()), *other.get("without", ())})
    return counts | ({"without": without} if without else {})


def _list_serving(
    ended: Sequence[Mapping[str, Any]], live: Sequence[Mapping[str, Any]], *, running: bool
) -> list[dict[str, Any]]:
    """What is recorded of the model servers: one entry for each that a driver's run started, the latest last."""
    found = [record for driver in ended for record in driver.get("serving", [])]
    for driver in live:
        *before, last = driver.get("serving") or [None]
        found += before
        found += [last | {"live": running}] if last is not None else []
    return found
