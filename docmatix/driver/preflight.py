"""What is looked at before a build does anything: its run directory, prompts, keys, engines, and machines."""

from __future__ import annotations

import asyncio
import contextlib
import time
import uuid
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import yaml

from docmatix.config import Config, PromptChoice
from docmatix.config.loading import dump_config
from docmatix.core.errors import SetupError
from docmatix.core.pairs import FACT_STYLE, FACTS
from docmatix.driver.progress import Progress
from docmatix.models.engine import Engine
from docmatix.models.preflight import read_api_key
from docmatix.models.tokenizer import ESTIMATE, TokenCounter, load_tokenizer
from docmatix.pdf.ocr.auto import AutoOcr
from docmatix.pipeline import ASKING, EXTRACT, GENERATE, PLAN, VERIFY
from docmatix.prompting.conditions import needs_profiles
from docmatix.prompting.prompt_files import find_prompt_directories, load_prompts
from docmatix.prompting.prompts import Prompt, tune_prompt
from docmatix.prompting.requests import measure_token_budget
from docmatix.stages.support.fingerprints import fingerprint_stages
from docmatix.stages.support.job import Job
from docmatix.stages.support.reading import list_engines
from docmatix.storage.run import Run
from docmatix.verification import CHECKS
from docmatix.verification.check import Asking, Check

_OWN_FILES = {".lock", "telemetry"}  # what may be in a run directory that holds no run yet


def load_build_prompts(config: Config, config_dir: Path, *, counter: TokenCounter = ESTIMATE) -> dict[str, Prompt]:
    """Every prompt a build uses, by name, with the configuration's settings. Raises SetupError for one that is missing,
    broken, or not for this engine."""
    choices = [PromptChoice(name=choice) if isinstance(choice, str) else choice for choice in config.generate.prompts]
    names = [choice.name for choice in choices]
    if len(set(names)) < len(names):
        raise SetupError(f"generate.prompts names `{Counter(names).most_common(1)[0][0]}` twice.")
    if FACTS in names:
        raise SetupError(f"`{FACTS}` is what pairs made from facts have for a prompt: give the prompt another name.")
    checking = list(dict.fromkeys(check.prompt_name for check in config.verify))
    if taken := {*checking, *(kind.default_prompt for kind in CHECKS)} & set(names):
        raise SetupError(f"`{min(taken)}` is the prompt of a check of `verify`; take it out of generate.prompts.")
    directories = find_prompt_directories(config_dir, config.generate.prompts_dir)
    prompts = load_prompts([*names, *checking], directories)
    for choice in choices:
        prompts[choice.name] = _tune_for_build(prompts[choice.name], choice, config, counter)
    for check in config.verify:
        _require_check(check, prompts[check.prompt_name], config, written=[prompts[name] for name in names])
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
    if needs_profiles(prompt.when) and not config.extract.tables:
        raise SetupError(
            f"The prompt `{prompt.name}` is for pages with a profile (its `when`), and none has one with extract.tables"
            " off: set it, or take `when` out of the prompt."
        )
    tuned = tune_prompt(
        prompt,
        sampling=engine.sampling.to_body() | choice.sampling.to_body(),
        model=engine.choose_model(choice.lora),
        extra=engine.template_fields,
    )
    if tuned.family != "answer_first":
        measure_token_budget(tuned, engine, counter=counter)
    return tuned


def _require_check(check: Check, prompt: Prompt, config: Config, *, written: Sequence[Prompt]) -> None:
    """Raise SetupError for a check that could see no pair, and for a prompt that is not for it, or does not fit into
    its engine's context."""
    if prompt.family != check.prompt_family:
        raise SetupError(f"The prompt `{prompt.name}` has the family `{prompt.family}`, not {check.prompt_family}.")
    for key, named, known in (
        ("prompts", check.prompts, {FACTS, *(each.name for each in written)}),
        ("styles", check.styles, {FACT_STYLE, *(each.style for each in written)}),
    ):
        if unknown := sorted(set(named) - known):
            raise SetupError(
                f"The check `{check.label}` names `{unknown[0]}` in `{key}`, which no pair of this build has; it has"
                f" {', '.join(sorted(known))}."
            )
    engine = config.choose_check_engine(check)
    with _naming(engine, config):
        check.measure_room(Asking(check.tune(prompt, engine), engine, seed=config.seed))


@contextlib.contextmanager
def _naming(engine: Engine, config: Config) -> Iterator[None]:
    """What is wrong with the engine of a check is said of its own settings: an engine takes itself for the one that
    writes."""
    try:
        yield
    except SetupError as error:
        owner = next((number for number, check in enumerate(config.verify) if check.engine == engine), None)
        if owner is None or engine == config.generate.engine:
            raise
        raise SetupError(str(error).replace("generate.engine.", f"verify.{owner}.engine.")) from None


def check_run(run: Run, config: Config) -> None:
    """Refuse a directory that holds another build (another `name` or `source`), or something else entirely."""
    run.require_reachable()
    if run.exists("run.yaml"):
        held = yaml.safe_load(run.read("run.yaml"))
        if not isinstance(held, dict):
            raise SetupError(f"{run.url}/run.yaml is damaged: give another --run, or restore the file.")
        mine = yaml.safe_load(dump_config(config))  # without secrets, as what is held
        if isinstance(held.get("source"), dict):
            config.source.hide_secrets(held["source"])  # an earlier version wrote more of an address
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


def check_engines(config: Config, engines: Iterable[Engine]) -> None:
    """Raise SetupError if the server of one of these engines cannot be reached, or does not have its model."""

    async def check() -> None:
        for engine in engines:
            with _naming(engine, config):
                await engine.check(private=config.resources.address is None)

    # in a thread: a notebook has a loop of its own that runs
    with ThreadPoolExecutor(1) as thread:
        thread.submit(asyncio.run, check()).result()


def prepare(config: Config, directory: Run, config_dir: Path, progress: Progress) -> Job:
    counter, note = load_tokenizer(config.generate.engine)
    if note is not None:
        progress.say(note)
    for check in config.verify:
        if (limits := check.describe_limits(config.choose_check_engine(check))) is not None:
            progress.say(f"verify    {limits}")
        if not (config.generate.prompts or check.prompts):
            progress.say(
                f"verify    `{check.label}` is asked about no pair: all are made from `{FACTS}`, which a check sees"
                " only where its `prompts` names it"
            )
    config = _choose_ocr(config, progress)
    prompts = load_build_prompts(config, config_dir, counter=counter)
    for engine in list_engines(config):
        with _naming(engine, config):
            read_api_key(engine.key_variable)  # refuses a missing one before anything is touched
    return Job(
        run=directory,
        config=config,
        prompts=prompts,
        fingerprints=fingerprint_stages(config, prompts, counter_id=counter.identity),
        driver_id=f"{time.strftime('%Y%m%dT%H%M%S')}-{uuid.uuid4().hex[:6]}",
        counter=counter,
    )


def _choose_ocr(config: Config, progress: Progress) -> Config:
    """The configuration with the OCR engine that does the work. Raises SetupError if it lacks something."""
    engine = config.extract.ocr.choose()
    engine.check()
    if not engine.reads and isinstance(config.extract.ocr, AutoOcr):
        progress.say(
            f"extract   no OCR, as Tesseract or its models for {', '.join(engine.languages)} are not installed: pages"
            " without a text layer are left out (pip install 'docmatix[ocr]')"
        )
    return config.model_copy(update={EXTRACT: config.extract.model_copy(update={"ocr": engine})})


def list_asked(job: Job, wanted: set[str]) -> list[Engine]:
    """The engines that will be asked anything, as far as fingerprints tell before the build."""
    shards = job.run.shards(PLAN)
    current = {}
    for stage in ASKING:
        if stage in wanted and stage in job.stages:
            fingerprint = job.fingerprints[stage]
            made = {shard for shard, record in job.run.heads(stage).items() if record.fingerprint == fingerprint}
            current[stage] = bool(shards) and made.issuperset(shards)
    asked = [] if current.get(GENERATE, True) else [job.config.generate.engine]
    if not current.get(VERIFY, True):
        for number, each in enumerate(job.config.check_passes):
            checks = replace(job, check_pass=number).list_wanted_checks()
            if asked or not all(job.is_checked(shard, checks) for shard in shards) or not shards:
                asked += [job.config.choose_check_engine(check) for check in each.checks]
    return [engine for number, engine in enumerate(asked) if engine not in asked[:number]]


def check_cluster(job: Job, engines: Sequence[Engine]) -> None:
    """Refuse what the machines of the cluster cannot do for these engines, before the first document is read."""
    from docmatix.models.vllm.replica_pool import check_nodes, is_private

    for engine in engines:
        engine.check_placement()
    if not is_private():
        check_nodes(job.run, engines)
