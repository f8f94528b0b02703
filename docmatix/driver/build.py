"""A build, from the configuration to the dataset: checks first, then one stage after the other."""

from __future__ import annotations

import contextlib
import json
import signal
import threading
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from docmatix.config import Config
from docmatix.config.loading import dump_config, resolve_paths
from docmatix.core.errors import BuildError, SetupError
from docmatix.driver.listing_watch import watch_listing
from docmatix.driver.nursery import Nursery
from docmatix.driver.preflight import check_engines, check_run, list_asked, prepare
from docmatix.driver.progress import Progress
from docmatix.driver.recording import Recording, adopt_records
from docmatix.driver.stage_loop import do_stages
from docmatix.driver.waiting import find_patience
from docmatix.driver.workforce import Workforce
from docmatix.models.tokenizer import Vocabulary
from docmatix.pipeline import DEDUP, PLAN, STAGES
from docmatix.sources.documents import list_documents
from docmatix.sources.locators import Locator
from docmatix.stages.plan import plan_shards
from docmatix.stages.support.job import Job
from docmatix.storage.run import Run
from docmatix.storage.store import require_disk


@dataclass(frozen=True, slots=True)
class Built:
    """What a build leaves: where it is, and for each stage its seconds, requests and tokens in this run."""

    run: str
    figures: dict[str, dict[str, float]]


def build(
    config: Config,
    *,
    run: str | Path | None = None,
    limit: int | None = None,  # plan at most this many documents
    stages: Sequence[str] | None = None,  # run only these
    config_dir: Path | None = None,  # where relative paths and prompts are looked up; default: the current folder
    progress: Progress | None = None,
    listing: Iterable[Locator] | None = None,  # replaces the source's own
    # held while files are packed
    beside_pack: Callable[[Job], contextlib.AbstractContextManager[object]] = contextlib.nullcontext,
    trust_run: bool = False,  # accept another user's run directory
    nursery: Nursery | None = None,  # of its workers, if it was started before; the caller closes it
) -> Built:
    """Build a dataset, or resume the build in `run` (default `runs/NAME`); the same call resumes it after a BuildError.
    Raises SetupError before any work starts, or BuildError if the build cannot go on."""
    progress = progress or Progress(quiet=True)
    config_dir = config_dir or Path.cwd()
    config = resolve_paths(config, base_dir=config_dir)
    unknown = set(stages or ()) - set(STAGES)
    if unknown:
        raise SetupError(f"There is no stage {sorted(unknown)[0]!r}; the stages are {', '.join(STAGES)}.")
    patience_s = config.limits.store_patience_s
    directory = Run(run or Path("runs") / config.name, patience_s=patience_s, say=progress.say)
    job = prepare(config, directory, config_dir, progress)
    check_run(directory, config)  # before the lock too, which is a file: nothing is put into another one's folder
    if not trust_run:
        directory.require_own("give another --run, or --trust-run if you trust everyone who can write there.")
    with _interruptible(), directory.locked(), contextlib.ExitStack() as opened:
        directory.remember()
        check_run(directory, config)
        require_disk(directory.store, megabytes=config.limits.min_free_disk_mb)
        wanted = set(stages or job.stages)
        recording = Recording(job)
        adopt_records(directory)
        _forget(directory, "telemetry/live", "telemetry/attempts")  # of drivers that were killed
        shards, asked = directory.shards(PLAN), list_asked(job, wanted)
        check_engines(config, asked)
        watched = _open_listing(job, listing, config_dir, progress) if PLAN in wanted else None
        if watched is not None:
            opened.enter_context(contextlib.closing(watched))  # if nothing can be written either
        # before anything is planned: a run whose planning is interrupted must not take up another source
        directory.write("run.yaml", dump_config(config).encode())
        directory.write("fingerprints.json", (json.dumps(job.fingerprints, indent=1) + "\n").encode())
        if isinstance(job.counter, Vocabulary):
            job = replace(job, counter=job.counter.keep_in(directory.store))
        planned = watched is None
        try:
            with recording, contextlib.ExitStack() as stack:
                workforce = stack.enter_context(
                    Workforce(config.resources, stall_s=config.limits.stall_s, nursery=nursery)
                )
                if watched is not None:
                    _plan(job, watched, limit, progress, ahead=workforce.start if wanted - {PLAN, DEDUP} else _nothing)
                    directory.write_index(PLAN)
                    planned = True
                    if directory.shards(PLAN) != shards:  # of documents that were not there before
                        checked, asked = asked, list_asked(job, wanted)
                        check_engines(config, [each for each in asked if each not in checked])
                do_stages(job, wanted, asked, progress, recording, workforce, beside_pack)
        finally:
            _forget(directory, f"telemetry/attempts/{job.driver_id}")
            # after the live state has ended: if it were written now, it would put its folder back
            if not planned and not directory.shards(PLAN):
                directory.remove("run.yaml", "fingerprints.json", PLAN, "telemetry")
    return Built(directory.root if directory.local else directory.url, recording.stages)


def _forget(run: Run, *folders: str) -> None:
    """Remove what only lasts while a driver runs. What workers write afterwards, the next driver removes."""
    for folder in folders:
        for _ in range(3):
            with contextlib.suppress(Exception):
                run.remove(folder)
                break


def _open_listing(
    job: Job, given: Iterable[Locator] | None, config_dir: Path, progress: Progress
) -> Generator[Locator]:
    """The source's listing, or the one that takes its place, watched from the start. Raises SetupError."""
    limits = job.config.limits

    def start() -> Iterable[Locator]:
        if given is not None:
            return given
        patience_s = limits.store_patience_s
        return list_documents(job.config.source, base_dir=config_dir, patience_s=patience_s, say=progress.say)

    return watch_listing(start, stall_s=limits.stall_s, patience_s=find_patience(job.config, PLAN), say=progress.say)


def _plan(
    job: Job, listing: Generator[Locator], limit: int | None, progress: Progress, *, ahead: Callable[[], object]
) -> None:
    """Plan what is new; with the first new shard, `ahead` starts what comes next."""
    with progress.stage(PLAN, None) as shown, contextlib.closing(listing):

        def show(shards: int) -> None:
            ahead()
            shown.update(shards, {})

        plan_shards(job, listing, limit=limit, on_shard=show)
    planned = job.run.ledger(PLAN).accounts
    if not planned:
        raise SetupError("The source lists no document.")
    progress.say(f"{PLAN:9} {planned['documents'].kept} documents in {len(job.run.shards(PLAN))} shards")


def _nothing() -> None:
    """Nothing is done after planning."""


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
        raise BuildError("Interrupted: rerun the command to resume the build.") from None
    finally:
        if in_main:
            signal.signal(signal.SIGTERM, before)
