"""One stage after the other: which shards are not current, what maps them, and whether its ledger adds up."""

from __future__ import annotations

import contextlib
import math
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from docmatix.core.errors import BuildError, LedgerError, SetupError
from docmatix.core.ledger import Ledger, describe_ledger
from docmatix.core.redaction import hide_in_url
from docmatix.driver.figures import ShardsInHand, Tally, count_progress, count_working
from docmatix.driver.preflight import check_cluster
from docmatix.driver.progress import Progress
from docmatix.driver.recording import Recording
from docmatix.driver.tasks import Task
from docmatix.driver.watchdog import StageWatch
from docmatix.driver.workforce import Workforce
from docmatix.models.engine import Engine
from docmatix.models.service import NOWHERE
from docmatix.models.telemetry import ServingWatch
from docmatix.pipeline import DEDUP, PACK, PIPELINE, PLAN, VERIFY
from docmatix.stages.support.job import Job
from docmatix.stages.support.output_files import divide_run, find_packed
from docmatix.stages.support.reading import check_chain
from docmatix.storage.run_files import is_own


def do_stages(
    job: Job,
    wanted: set[str],
    asked: Sequence[Engine],
    progress: Progress,
    recording: Recording,
    workforce: Workforce,
    beside_pack: Callable[[Job], contextlib.AbstractContextManager[object]],
) -> None:
    """Every stage after `plan`; the model servers are started when the first shard needs them. `asked` are the engines
    that will be (`list_asked`)."""
    served, watch = None, None
    said: set[str] = set()
    checked = False
    with contextlib.ExitStack() as serving:  # left before the workforce: replicas are closed while there is a Ray
        for stage in job.stages[1:]:
            if stage not in wanted:
                continue
            if set(job.stages) - wanted:
                _require_upstream(job, stage)
            began, done = time.monotonic(), 0
            recording.stages[stage] = {"began_at": round(time.time(), 3)}
            spent: set[str] = set()
            try:
                for number in range(len(job.config.check_passes) if stage == VERIFY else 1):
                    job = replace(job, check_pass=number)
                    asks = PIPELINE[stage].asks and job.choose_engine(stage).has_model
                    if not asks:
                        # replicas hold CPUs that the later stages would wait for
                        serving.close()
                        job, served = replace(job, service=NOWHERE), None
                    tasks = _find_tasks(job, stage)
                    done = max(done, len(tasks))
                    if tasks and PIPELINE[stage].workers and not checked:
                        _check_machines(job, asked, workforce)
                        checked = True
                    if tasks and asks:
                        engine = job.choose_engine(stage)
                        if engine.places_servers or job.config.resources.address is not None:
                            workforce.release_cpus()
                        if served is None or not served.shares_server(engine):
                            workforce.check_ray(stage)
                            serving.close()
                            running = serving.enter_context(
                                engine.serve(
                                    pictures_per_request=job.config.generate.pictures.max_per_request,
                                    say=progress.say,
                                    run=job.run,
                                )
                            )
                            job, served = replace(job, service=running.service), engine
                            watch = ServingWatch(running.look, model=engine.model_name)
                            recording.serving.append(watch.record)
                    if stage == DEDUP:
                        if tasks:
                            # what stages need is imported once they begin: the first document waits for none of it
                            from docmatix.stages.dedup import dedup_documents

                            with progress.stage(DEDUP, len(tasks)) as shown:
                                dedup_documents(job, show=shown.update)
                        continue
                    if stage == PACK and tasks:
                        from docmatix.dataset.plots import import_drawing

                        # a second, for which the card would wait while all other cores are idle
                        threading.Thread(target=import_drawing, name="drawing", daemon=True).start()
                    with beside_pack(job) if stage == PACK else contextlib.nullcontext():
                        if tasks:
                            watched = watch if asks else None
                            _do_tasks(
                                job, stage, tasks, progress, recording, workforce, watch=watched, said=said, spent=spent
                            )
                _close_stage(job, stage, progress, seconds=time.monotonic() - began, done=done)
            finally:
                job.run.write_index(stage)
                recording.stages.setdefault(stage, {})["seconds"] = round(time.monotonic() - began, 3)
                recording.show({})
    if PACK in wanted:
        from docmatix.stages.finish import finish_dataset

        finish_dataset(job)
        job.run.sweep(job.stages)


def _check_machines(job: Job, asked: Sequence[Engine], workforce: Workforce) -> None:
    """Refuse what the machines cannot do, before the first document is read. Of this one alone, only servers that Ray
    places are in question."""
    workforce.start()
    if not workforce.is_local or any(engine.places_servers for engine in asked):
        workforce.join_ray()
        check_cluster(job, asked)


def _require_upstream(job: Job, stage: str) -> None:
    shards = job.run.shards(PLAN)
    if not shards:
        raise SetupError(f"{stage} needs plan, which is not there: add it to --stages.")
    for earlier in job.stages[1 : job.stages.index(stage)]:
        if len(job.find_current(earlier, shards)) < len(shards):
            raise SetupError(
                f"{stage} needs {earlier}, which is not complete for this configuration: add it to --stages."
            )


def _find_tasks(job: Job, stage: str) -> list[Task]:
    """What of a stage is not current, and what an outage left, if there was so much of it that the stage stopped."""
    failed = _find_failed(job, stage) if not job.check_pass else set()
    if stage != PACK:
        shards = job.run.shards(PLAN)
        if stage == VERIFY:
            wanted = job.list_wanted_checks()
            done = {shard for shard in shards if job.is_checked(shard, wanted)}
        else:
            done = set(job.find_current(stage, shards))
        return [Task(shard) for shard in shards if shard in failed or shard not in done]
    outputs = divide_run(job)
    left = failed | {output.number for output in outputs} - find_packed(job, outputs)
    tasks = [Task(output.number, output) for output in outputs if output.number in left]
    names = {Path(output.name).name for output in outputs}
    # files of another division must go before the first new one appears, else a reader would find rows twice
    stale = [f"pack/part-{number:05d}.json" for number in job.run.shards(PACK) if number >= len(outputs)]
    # and the record of a file must go before the file is written over: it would vouch for another one's content
    stale += [f"pack/part-{task.shard:05d}.json" for task in tasks]
    stale += [f"dataset/data/{name}" for name in job.run.names("dataset/data") if name not in names]
    stale = [name for name in stale if is_own(name)]
    if stale:
        job.run.remove("dataset/README.md", "dataset/stats.json", *stale)
    return tasks


def _find_failed(job: Job, stage: str) -> set[int]:
    """The shards that dropped something for an unexpected reason, if so much was dropped that the stage stopped: they
    are committed for inspection, but a repaired server or source gets another chance."""
    try:
        job.run.ledger(stage).require_expected(stage, max_share=job.config.limits.unexpected_share)
    except LedgerError:
        records = job.run.records(stage)
        return {shard for shard, record in records if Ledger.from_json(record.ledger).has_unexpected}
    return set()


def _do_tasks(
    job: Job,
    stage: str,
    tasks: list[Task],
    progress: Progress,
    recording: Recording,
    workforce: Workforce,
    *,
    watch: ServingWatch | None,
    said: set[str],
    spent: set[str],
) -> None:
    """Map a stage over its shards, with progress, and stop it when it has stalled or loses too much. Whatever becomes
    of it, what its workers counted and what the watchdog found is recorded. What is `said` is not said again; workers
    of the pass before are `spent`, whose last beats may come as late as now and are counted already."""
    ledger, tally, in_hand = Ledger(), Tally(), ShardsInHand()
    figures = recording.stages.setdefault(stage, {})
    earlier = dict(figures)  # of the pass before
    done = 0
    worked, first, last = 0.0, math.inf, 0.0
    guard = StageWatch(
        job, stage, say=progress.say, events=recording.watchdog, end=workforce.end, describe=workforce.describe
    )
    guard.hear(workforce.list_idle(stage))
    results = workforce.do(job, stage, tasks)
    # closed whatever happens: an exception's traceback would keep the workers of a Ray that is not ours at work
    with progress.stage(stage, len(tasks)) as shown, contextlib.closing(results):
        for result in results:
            if result is not None:
                guard.note()
                tally.take(result.worker, result.figures)
                if result.error:
                    figures |= _add(earlier, tally.total)
                    raise result.revive(stage)
            # not only where no result comes: of small shards some are done all the time
            if (told := workforce.take_states(stage)) is not None:
                states = {key: state for key, state in told.items() if state.worker not in spent}
                guard.hear(states)
                in_hand.hear(states.values())
                for state in states.values():
                    if state.worker:  # one that has not spoken yet has no name
                        tally.take(state.worker, state.counted)
            counted = tally.total
            figures |= _add(earlier, counted)
            _say_lacking(job, stage, counted, say=progress.say, said=said)
            if result is not None:
                done += 1
                shard = result.task.shard
                in_hand.finish(shard)
                worked += result.ended - result.started
                first, last = min(first, result.started), max(last, result.ended)
                figures |= _add(earlier, {"work_seconds": worked, "span_seconds": last - first})
                figures["first_at"] = round(first, 3)
                if job.run.local:
                    job.run.refresh_record(stage, shard)
                else:  # it tells the version that its worker wrote
                    job.run.know(result.told)
                record = job.record(stage, shard)
                ledger.add(Ledger.from_json(record.ledger))
                ledger.require_expected(stage, max_share=job.config.limits.unexpected_share, complete=False)
            working = count_working(in_hand, guard.states)
            shown.update(done, count_progress(stage, ledger, at_work=working, counted=counted))
            usage = {name: recording.count(name) for name in ("prompt_tokens", "completion_tokens")}
            if watch is not None and watch.look(usage=usage) and not watch.anybody_there:
                guard.note()  # replicas that load have a clock of their own
            if job.run.lost.is_set():
                raise BuildError(f"Another driver has taken the run {hide_in_url(job.run.url)} over; this one stops.")
            guard.look(left=len(tasks) - done)
            if recording.is_due:
                workers = [state.to_json() for state in guard.states]
                recording.show({"stage": stage, "working": working, "workers": workers, "stalled": guard.stalled})
    spent |= tally.workers


def _add(earlier: Mapping[str, float], now: Mapping[str, float]) -> dict[str, float]:
    return {name: round(earlier.get(name, 0) + value, 3) for name, value in now.items()}


def _say_lacking(
    job: Job, stage: str, counted: Mapping[str, float], *, say: Callable[[str], None], said: set[str]
) -> None:
    """Say which fields the model's server does not take, as its workers found."""
    for name in counted:
        if name.startswith("without_"):
            from docmatix.models.parameters import describe_lacking

            line = describe_lacking(name.removeprefix("without_"), model=job.choose_engine(stage).model_name)
            if line not in said:
                said.add(line)
                say(f"{stage:9} {line}")


def _close_stage(job: Job, stage: str, progress: Progress, *, seconds: float, done: int) -> None:
    ledger = job.run.ledger(stage)
    ledger.require_balance(stage)
    ledger.require_expected(stage, max_share=job.config.limits.unexpected_share)
    check_chain(job, stage, ledger)
    took = f"{seconds:.1f} s" if done else "already done"
    progress.say(f"{stage:9} {describe_ledger(ledger)} [{took}]")
