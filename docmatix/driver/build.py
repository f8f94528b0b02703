"""A build, from the configuration to the dataset: checks first, then one stage after the other.

This is the driver. It holds the lock, decides which shards are not current, hands them to `docmatix.driver.workers`,
and watches ledger and clock; it never holds a document.
"""

from __future__ import annotations

import asyncio
import contextlib
import importlib.metadata
import json
import math
import signal
import threading
import time
import uuid
from collections import Counter
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import yaml

from docmatix.config import Config, PromptChoice
from docmatix.config.description import describe_build
from docmatix.config.loading import dump_config, resolve_paths
from docmatix.core.errors import BuildError, LedgerError, SetupError
from docmatix.core.ledger import Ledger, describe_ledger
from docmatix.core.redaction import hide_in_url
from docmatix.dataset.card import draw_samples, name_plot, name_sample, write_card
from docmatix.dataset.plots import list_titles, plot_statistics
from docmatix.dataset.stats import Statistics, summarise
from docmatix.driver.live_state import AtWork, Recording, Tally, adopt_records, count_progress
from docmatix.driver.progress import Progress
from docmatix.driver.ray_cluster import ray_running
from docmatix.driver.signs import driver_alive
from docmatix.driver.watchdog import StageWatch, find_patience, watch_listing
from docmatix.driver.workers import Done, Task, map_shards
from docmatix.models.engine import Engine
from docmatix.models.preflight import read_api_key
from docmatix.models.telemetry import ServingWatch
from docmatix.models.tokenizer import ESTIMATE, TokenCounter, Vocabulary, load_tokenizer
from docmatix.models.vllm.engine import VllmEngine
from docmatix.models.vllm.replica_pool import check_nodes, is_private
from docmatix.pipeline import ASKING, CURATE, DEDUP, PACK, PIPELINE, PLAN, STAGES
from docmatix.prompting.planned_requests import measure_token_budget
from docmatix.prompting.prompt_files import find_prompt_directories, load_prompts
from docmatix.prompting.prompts import Prompt, tune_prompt
from docmatix.sources.documents import list_documents
from docmatix.sources.locators import Locator
from docmatix.stages.dedup import dedup_documents
from docmatix.stages.pack import divide_run, is_packed
from docmatix.stages.plan import plan_shards
from docmatix.stages.support.fingerprints import fingerprint_stages
from docmatix.stages.support.job import REMOTE_EVERY_S, Job
from docmatix.stages.support.reading import check_chain, list_engines
from docmatix.storage.checksums import has_unaltered, write_checksums
from docmatix.storage.run import RunDirectory
from docmatix.storage.run_files import TOKENIZER_FILE, is_own
from docmatix.storage.store import require_disk

_PULSES_EVERY_S = 0.5
"""How often the figures of shards at work are read."""
_OWN_FILES = {".lock", "telemetry"}
"""What may lie in a run directory that holds no run yet."""


@dataclass(frozen=True, slots=True)
class Built:
    """What a build leaves: where it is, and for each stage its seconds, requests and tokens in this run."""

    run: str
    figures: dict[str, dict[str, float]]


def build(
    config: Config,
    *,
    run: str | Path | None = None,
    limit: int | None = None,
    stages: Sequence[str] | None = None,
    config_dir: Path | None = None,
    progress: Progress | None = None,
    listing: Iterable[Locator] | None = None,
    beside_pack: Callable[[Job], contextlib.AbstractContextManager[object]] = contextlib.nullcontext,
    trust_run: bool = False,
) -> Built:
    """Build a dataset, or continue the build that is in `run` (`runs/NAME` without it).

    `limit` plans at most so many documents; `stages` does only these. `config_dir` is where relative paths and prompts
    are looked for (the current folder without it); `listing` takes the place of the source's own; `beside_pack` is held
    while files are packed, and may already publish those that are committed. A run directory of another user is taken
    with `trust_run` alone. Raises SetupError before any work starts if something is wrong with the configuration, the
    prompts, the source, the run directory or the server; BuildError if the build cannot go on, in which case the same
    call continues it.
    """
    progress = progress or Progress(quiet=True)
    config_dir = config_dir or Path.cwd()
    config = resolve_paths(config, base_dir=config_dir)
    unknown = set(stages or ()) - set(STAGES)
    if unknown:
        raise SetupError(f"There is no stage {sorted(unknown)[0]!r}; the stages are {', '.join(STAGES)}.")
    patience_s = config.limits.store_patience_s
    directory = RunDirectory(run or Path("runs") / config.name, patience_s=patience_s, say=progress.say)
    job = _prepare(config, directory, config_dir, progress)
    check_run(directory, config)  # before the lock too, which is a file: nothing is put into another one's folder
    if not trust_run:
        directory.require_own("give another --run, or --trust-run where you trust all who can write there.")
    with _interruptible(), directory.locked():
        check_run(directory, config)
        require_disk(directory.store, megabytes=config.limits.min_free_disk_mb)
        wanted = set(stages or job.stages)
        recording = Recording(job)
        adopt_records(directory)
        _forget(directory, "telemetry/live", "telemetry/attempts")  # of drivers that were killed
        checked = _may_ask(job, wanted)
        if checked:
            check_engines(config)
        watched = _open_listing(job, listing, config_dir, progress) if PLAN in wanted else None
        # before anything is planned: a run whose planning is interrupted must not take up another source
        directory.write("run.yaml", dump_config(config).encode())
        directory.write("fingerprints.json", (json.dumps(job.fingerprints, indent=1) + "\n").encode())
        if isinstance(job.counter, Vocabulary):
            job = replace(job, counter=job.counter.keep_in(directory.store))
        planned = watched is None
        try:
            # closed before the signs of life go, which takes a while where there are many: who is killed meanwhile has
            # told
            with _alive(job), recording:
                if watched is not None:
                    _plan(job, watched, limit, progress)
                    planned = True
                    if not checked and _may_ask(job, wanted):  # for documents that were not there before
                        check_engines(config)
                with contextlib.ExitStack() as stack:
                    _do_stages(job, wanted, progress, recording, stack, beside_pack)
        finally:
            # after the signs of life have ended: one given now would put its folder back
            if not planned and not directory.shards(PLAN):
                directory.remove("run.yaml", "fingerprints.json", TOKENIZER_FILE, PLAN, "telemetry")
    return Built(directory.root if directory.local else directory.url, recording.stages)


def load_build_prompts(config: Config, config_dir: Path, *, counter: TokenCounter = ESTIMATE) -> dict[str, Prompt]:
    """Every prompt a build uses, by name, with the configuration's settings. Raises SetupError for one that is missing,
    broken, or not for this engine."""
    choices = [PromptChoice(name=choice) if isinstance(choice, str) else choice for choice in config.generate.prompts]
    names = [choice.name for choice in choices]
    if len(set(names)) < len(names):
        raise SetupError(f"generate.prompts names `{Counter(names).most_common(1)[0][0]}` twice.")
    if (checking := config.verify_prompt) in names or "round_trip" in names:
        raise SetupError(f"`{checking or 'round_trip'}` is the prompt of `verify`; take it out of generate.prompts.")
    directories = find_prompt_directories(config_dir, config.generate.prompts_dir)
    prompts = load_prompts([*names, checking] if checking else names, directories)
    for choice in choices:
        prompts[choice.name] = _tune_for_build(prompts[choice.name], choice, config, counter)
    if checking:
        prompts[checking] = _tune_for_verify(prompts[checking], config.verify_engine)
    return prompts


def _tune_for_build(prompt: Prompt, choice: PromptChoice, config: Config, counter: TokenCounter) -> Prompt:
    engine = config.generate.engine
    wanted = ("window", "answer_first", "vision")
    if prompt.family not in wanted:
        raise SetupError(f"The prompt `{prompt.name}` has the family `{prompt.family}`, not {' or '.join(wanted)}.")
    if prompt.family == "vision" and not engine.vision:
        raise SetupError(
            f"The prompt `{prompt.name}` needs a model that sees pictures: set generate.engine.vision, or take the"
            " prompt out of generate.prompts."
        )
    tuned = tune_prompt(
        prompt,
        sampling=engine.sampling.to_body() | choice.sampling.to_body(),
        model=engine.choose_model(choice.lora),
        extra=_template_arguments(engine),
    )
    if tuned.family != "answer_first":
        measure_token_budget(tuned, engine, counter=counter)
    return tuned


def _tune_for_verify(prompt: Prompt, engine: Engine) -> Prompt:
    if prompt.family != "round_trip":
        raise SetupError(f"The prompt `{prompt.name}` has the family `{prompt.family}`, not round_trip.")
    return tune_prompt(prompt, sampling={}, model=engine.choose_model(None), extra=_template_arguments(engine))


def _template_arguments(engine: Engine) -> dict[str, Any]:
    return {"chat_template_kwargs": dict(engine.chat_template_kwargs)} if engine.chat_template_kwargs else {}


def check_run(run: RunDirectory, config: Config) -> None:
    """Refuse a directory that holds another build (another `name` or `source`), or something else entirely."""
    run.require_reachable()
    if run.exists("run.yaml"):
        held = yaml.safe_load(run.read("run.yaml"))
        if not isinstance(held, dict):
            raise SetupError(f"{run.url}/run.yaml is damaged: give another --run, or put the file back.")
        mine = yaml.safe_load(dump_config(config))  # without secrets, as what is held
        _hide_more(held.get("source"))
        for key in ("name", "source"):
            if held.get(key) != mine[key]:
                raise SetupError(
                    f"The run {run.url} holds another build (its {key} is {held.get(key)!r}, not {mine[key]!r}):"
                    " give another --run."
                )
    elif others := set(run.names("")) - _OWN_FILES:
        raise SetupError(
            f"The directory {run.url} is not a run and not empty (it holds {sorted(others)[0]}): give another --run."
        )


def _hide_more(source: Any) -> None:
    """Leave out of a source that an earlier version wrote what this one leaves out of its own."""
    if isinstance(source, dict) and isinstance(paths := source.get("paths"), list):
        source["paths"] = [hide_in_url(path) if isinstance(path, str) else path for path in paths]


def check_engines(config: Config) -> None:
    """Raise SetupError if a model server cannot be reached, or does not have its model."""

    async def check() -> None:
        for engine in list_engines(config):
            await engine.check(private=config.resources.address is None)

    # in a thread: a notebook has a loop of its own that runs
    with ThreadPoolExecutor(1) as thread:
        thread.submit(asyncio.run, check()).result()


def _prepare(config: Config, directory: RunDirectory, config_dir: Path, progress: Progress) -> Job:
    counter, note = load_tokenizer(config.generate.engine)
    if note is not None:
        progress.say(note)
    prompts = load_build_prompts(config, config_dir, counter=counter)
    for engine in list_engines(config):
        read_api_key(engine.key_variable)  # refuses a missing one before anything is touched
    return Job(
        run=directory,
        config=config,
        prompts=prompts,
        fingerprints=fingerprint_stages(config, prompts, counter_id=counter.identity),
        driver_id=f"{time.strftime('%Y%m%dT%H%M%S')}-{uuid.uuid4().hex[:6]}",
        counter=counter,
    )


def _forget(run: RunDirectory, *folders: str) -> None:
    """Remove what only lasts while a driver runs. Workers that have not noticed its end yet may write there meanwhile:
    what they leave then is removed by the next driver."""
    for folder in folders:
        for _ in range(3):
            with contextlib.suppress(Exception):
                run.remove(folder)
                break


@contextlib.contextmanager
def _alive(job: Job) -> Iterator[None]:
    """Give the driver's signs of life, and leave none behind, nor those of its workers: only who is killed does."""
    try:
        with driver_alive(job.run, job.driver_id):
            yield
    finally:
        _forget(job.run, f"telemetry/live/{job.driver_id}", f"telemetry/attempts/{job.driver_id}")


def _may_ask(job: Job, wanted: set[str]) -> bool:
    """Whether the model will be asked anything, as far as fingerprints tell before the build."""
    shards = job.run.shards(PLAN)
    for stage in ASKING:
        if stage in wanted and stage in job.stages:
            if not shards:
                return True
            for shard in shards:
                record = job.run.read_record(stage, shard)
                if record is None or record.fingerprint != job.fingerprints[stage]:
                    return True
    return False


def _open_listing(
    job: Job, given: Iterable[Locator] | None, config_dir: Path, progress: Progress
) -> Generator[Locator]:
    """The source's listing, or the one that takes its place, watched from its first question on. Raises SetupError."""

    limits = job.config.limits

    def start() -> Iterable[Locator]:
        if given is not None:
            return given
        patience_s = limits.store_patience_s
        return list_documents(job.config.source, base_dir=config_dir, patience_s=patience_s, say=progress.say)

    return watch_listing(start, stall_s=limits.stall_s, patience_s=find_patience(job.config, PLAN), say=progress.say)


def _plan(job: Job, listing: Generator[Locator], limit: int | None, progress: Progress) -> None:
    with progress.stage(PLAN, None) as shown, contextlib.closing(listing):
        plan_shards(job, listing, limit=limit, on_shard=lambda shards: shown.update(shards, {}))
    planned = job.run.ledger(PLAN).accounts
    if not planned:
        raise SetupError("The source lists no document.")
    progress.say(f"{PLAN:9} {planned['documents'].kept} documents in {len(job.run.shards(PLAN))} shards")


def _do_stages(
    job: Job,
    wanted: set[str],
    progress: Progress,
    recording: Recording,
    stack: contextlib.ExitStack,
    beside_pack: Callable[[Job], contextlib.AbstractContextManager[object]],
) -> None:
    """Every stage after `plan`; Ray and the model server are started when the first shard needs them."""
    ray_started = False
    served, watch = None, None
    # entered after Ray, so left before it: replicas are closed while there is a Ray to tell them
    serving = contextlib.ExitStack()
    for stage in job.stages[1:]:
        if stage not in wanted:
            continue
        if set(job.stages) - wanted:
            _require_upstream(job, stage)
        asks = PIPELINE[stage].asks
        if not asks:
            # replicas hold CPUs that the later stages would wait for
            serving.close()
        tasks = _find_tasks(job, stage)
        began = time.monotonic()
        if tasks and PIPELINE[stage].workers and not ray_started:
            stack.enter_context(ray_running(job.config.resources))
            stack.enter_context(serving)
            ray_started = True
            _check_nodes(job)
        if tasks and asks:
            engine = job.config.choose_engine(stage)
            if engine != served:
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
        try:
            if stage == DEDUP:
                if tasks:
                    with progress.stage(DEDUP, len(tasks)) as shown:
                        dedup_documents(job, show=shown.update)
            else:
                with beside_pack(job) if stage == PACK else contextlib.nullcontext():
                    _do_tasks(job, stage, tasks, progress, recording, watch=watch if asks else None)
            _close_stage(job, stage, progress, seconds=time.monotonic() - began, done=len(tasks))
        finally:
            recording.stages.setdefault(stage, {})["seconds"] = round(time.monotonic() - began, 3)
    if PACK in wanted:
        finish_dataset(job)
        job.run.sweep(job.stages)


def _check_nodes(job: Job) -> None:
    """Refuse what the machines of the cluster cannot do, before the first document is read."""
    engines = list_engines(job.config)
    for engine in engines:
        engine.check_placement()
    if not is_private():
        check_nodes(job.run, [engine for engine in engines if isinstance(engine, VllmEngine)])


def _require_upstream(job: Job, stage: str) -> None:
    shards = job.run.shards(PLAN)
    if not shards:
        raise SetupError(f"{stage} needs plan, which is not there: add it to --stages.")
    for earlier in job.stages[1 : job.stages.index(stage)]:
        if not all(job.is_current(earlier, shard) for shard in shards):
            raise SetupError(
                f"{stage} needs {earlier}, which is not complete for this configuration: add it to --stages."
            )


def _find_tasks(job: Job, stage: str) -> list[Task]:
    """What of a stage is not current, and what an outage left, if there was so much of it that the stage stopped."""
    failed = _find_failed(job, stage)
    if stage != PACK:
        shards = job.run.shards(PLAN)
        return [Task(shard) for shard in shards if shard in failed or not job.is_current(stage, shard)]
    outputs = divide_run(job)
    tasks = [Task(output.number, output) for output in outputs if output.number in failed or not is_packed(job, output)]
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
    """The shards that dropped something for an unexpected reason, if these were so many that the stage stopped.

    They are committed, so that they can be looked at, but a repaired server or source must get another chance.
    """
    try:
        job.run.ledger(stage).require_expected(stage, max_share=job.config.limits.unexpected_share)
    except LedgerError:
        records = job.run.records(stage)
        return {shard for shard, record in records if Ledger.from_json(record.ledger).has_unexpected}
    return set()


def _do_tasks(
    job: Job, stage: str, tasks: list[Task], progress: Progress, recording: Recording, *, watch: ServingWatch | None
) -> None:
    """Map a stage over its shards, with progress, and stop it when it stands still or loses too much. Whatever becomes
    of it, what its workers counted and what the watchdog found is recorded."""
    if not tasks:
        return
    ledger, tally = Ledger(), Tally()
    figures = recording.stages.setdefault(stage, {})
    at_work = AtWork(job, stage, tally=tally)
    read_at, every_s = -math.inf, _PULSES_EVERY_S if job.run.local else REMOTE_EVERY_S
    done = 0
    worked, first, last = 0.0, math.inf, 0.0
    guard = StageWatch(job, stage, say=progress.say, events=recording.watchdog)
    # closed whatever happens: an exception's traceback would keep the workers of a Ray that is not ours at work
    with progress.stage(stage, len(tasks)) as shown, contextlib.closing(map_shards(job, stage, tasks)) as results:
        for result in results:
            moved = result is not None
            if result is not None:
                tally.take(result.worker, result.figures)
                if not isinstance(result, Done):  # what its shard raised comes next, and must not be kept waiting
                    figures |= tally.total
                    continue
            # not only where no result comes: of small shards some are done all the time
            if time.monotonic() - read_at >= every_s:
                before = at_work.own
                at_work.read()
                read_at = time.monotonic()
                moved |= at_work.own != before
            counted = tally.total
            figures |= counted
            recording.keep()
            if isinstance(result, Done):
                done += 1
                at_work.lay_down(result.shard)
                worked += result.ended - result.started
                first, last = min(first, result.started), max(last, result.ended)
                figures |= {"work_seconds": round(worked, 3), "span_seconds": round(last - first, 3)}
                ledger.add(Ledger.from_json(job.record(stage, result.shard).ledger))
                ledger.require_expected(stage, max_share=job.config.limits.unexpected_share, complete=False)
            shown.update(done, count_progress(stage, ledger, at_work=at_work.total, counted=counted))
            if moved:
                guard.note()
            usage = {name: recording.count(name) for name in ("prompt_tokens", "completion_tokens")}
            if watch is not None and watch.look(usage=usage):
                with contextlib.suppress(Exception):
                    job.run.write(f"telemetry/live/{job.driver_id}/serving.json", json.dumps(watch.record).encode())
                if not watch.anybody_there:
                    guard.note()  # replicas that load have a clock of their own
            if job.run.lost.is_set():
                raise BuildError(f"Another driver has taken the run {hide_in_url(job.run.url)} over; this one stops.")
            guard.look(left=len(tasks) - done)
            # pulses come with rows: of requests that are sent again and again nothing else tells
            for sign in guard.signs:
                tally.take(sign.worker, sign.counted)


def _close_stage(job: Job, stage: str, progress: Progress, *, seconds: float, done: int) -> None:
    ledger = job.run.ledger(stage)
    ledger.require_balance(stage)
    ledger.require_expected(stage, max_share=job.config.limits.unexpected_share)
    check_chain(job, stage, ledger)
    took = f"{seconds:.1f} s" if done else "already done"
    progress.say(f"{stage:9} {describe_ledger(ledger)} [{took}]")


def finish_dataset(job: Job) -> None:
    """Write `stats.json`, plots, pictures of samples and, last of all, the card: with it the dataset is whole.

    Where all of it would be as it is, nothing is written: a finished dataset never loses its card for a moment.
    """
    statistics = Statistics()
    for _, record in job.run.records(CURATE):
        statistics.add_dropped(record.extra["dropped"])
    packed = [record for _, record in job.run.records(PACK)]
    for record in packed:
        statistics.add(record.extra["statistics"])
    ledgers = {stage: job.run.ledger(stage).to_json() for stage in job.stages}
    summary = summarise(statistics, ledgers=ledgers, pack=job.config.pack)
    samples = draw_samples(job.run.store, packed, seed=job.config.seed)
    titles = list_titles(summary)
    card = write_card(
        describe_build(job.config),
        summary,
        prompts=[prompt for name, prompt in sorted(job.prompts.items()) if name != job.config.verify_prompt],
        fingerprints={stage: job.fingerprints[stage] for stage in job.stages},
        versions={name: importlib.metadata.version(name) for name in ("docmatix", "pymupdf", "pillow")},
        samples=samples,
        plots=titles,
    )
    figures = json.dumps(summary, indent=1, ensure_ascii=False) + "\n"
    written = {"dataset/README.md": card.encode(), "dataset/stats.json": figures.encode()}
    same = all(job.run.exists(name) and job.run.read(name) == content for name, content in written.items())
    if same and has_unaltered(job.run.store, "dataset/plots/", "dataset/samples/"):
        write_checksums(job.run.store, packed)  # limits and addresses in run.yaml may be others
        return
    job.run.remove("dataset/README.md", "dataset/plots", "dataset/samples")
    plots = plot_statistics(summary, format="png", background="white")
    written |= {f"dataset/{name_plot(title)}": plots[title] for title in titles}
    written |= {f"dataset/{name_sample(number)}": sample.picture for number, sample in enumerate(samples, 1)}
    for name in list(written)[1:]:
        job.run.write(name, written[name])
    write_checksums(job.run.store, packed, contents=written)
    job.run.write("dataset/README.md", written["dataset/README.md"])


@contextlib.contextmanager
def _interruptible() -> Iterator[None]:
    """Ctrl-C, and SIGTERM, by which batch systems announce that time is up, end the build in an orderly way."""

    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    in_main = threading.current_thread() is threading.main_thread()
    before = signal.signal(signal.SIGTERM, interrupt) if in_main else None
    try:
        yield
    except KeyboardInterrupt:
        raise BuildError("Interrupted: the same command continues where this one stopped.") from None
    finally:
        if in_main:
            signal.signal(signal.SIGTERM, before)
