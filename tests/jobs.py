"""Builds in miniature: configurations, jobs, a fake model and a fake sandbox, so that stages run without Ray."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from docmatix.config import Config
from docmatix.config.loading import dump_config, parse_config, resolve_paths
from docmatix.core.documents import Box, Page, Word, compose_text
from docmatix.core.pairs import Failure, Reply, Request
from docmatix.models.client import Counters
from docmatix.prompting.prompt_files import load_prompts
from docmatix.prompting.prompts import Prompt
from docmatix.sources.documents import list_documents
from docmatix.stages.curate import curate_shard
from docmatix.stages.dedup import dedup_documents
from docmatix.stages.extract import extract_shard
from docmatix.stages.finish import finish_dataset
from docmatix.stages.generate import generate_shard
from docmatix.stages.pack import pack_file
from docmatix.stages.plan import plan_shards
from docmatix.stages.support.child_pool import ChildPool
from docmatix.stages.support.concurrency import RequestPool
from docmatix.stages.support.fingerprints import fingerprint_stages
from docmatix.stages.support.job import Job, ShardProgress
from docmatix.stages.support.long_documents import PAGES_AT_ONCE
from docmatix.stages.support.output_files import OutputFile, divide_run
from docmatix.stages.support.page_ocr import PageOcr
from docmatix.stages.verify import verify_shard
from docmatix.storage.run import Run

SHIPPED = Path(__file__).parent.parent / "prompts"
OPENAI = {"kind": "openai", "model": "m", "base_url": "http://nowhere:1/v1"}
LLAMACPP = {"kind": "llamacpp"}


def count_files_asked(run: Run, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Filled, from now on, with how many files each call that reads several asks the store of a run for."""
    asked: list[int] = []
    cat = run.store.fs.cat

    def count_and_cat(paths: list[str], **options: Any) -> Any:
        asked.append(len(paths))
        return cat(paths, **options)

    monkeypatch.setattr(run.store.fs, "cat", count_and_cat)
    return asked


def make_config(**sections: Any) -> Config:
    """A configuration that reads the PDFs in `docs` and asks the model alone; the sections given take the place of the
    defaults."""
    generate = {"engine": OPENAI, "prompts": ["broad_whole"], "pairs_per_page": 0, **sections.pop("generate", {})}
    source = {"kind": "files", "paths": ["docs"]}
    # the same wherever Tesseract is installed, or not
    reading = {"ocr": {"kind": "none"}, **sections.pop("extract", {})}
    plan = {"documents_per_shard": 64, **sections.pop("plan", {})}  # few documents are in one shard
    return parse_config(
        {"name": "test", "source": source, "plan": plan, "generate": generate, "extract": reading, **sections}
    )


def load_shipped(config: Config) -> dict[str, Prompt]:
    """The shipped prompts that a configuration names."""
    names = [choice if isinstance(choice, str) else choice.name for choice in config.generate.prompts]
    return dict(load_prompts([*names, *{check.prompt_name for check in config.verify}], [SHIPPED]))


def make_job(folder: Path, *, pdfs: dict[str, bytes] | None = None, **sections: Any) -> Job:
    """A job whose run is `folder/run` and whose source is `folder/docs`, to which `pdfs` are added."""
    docs = folder / "docs"
    docs.mkdir(parents=True, exist_ok=True)
    for name, pdf in (pdfs or {}).items():
        (docs / name).write_bytes(pdf)
    config = make_config(**sections)
    prompts = load_shipped(config)
    fingerprints = fingerprint_stages(config, prompts)
    config = resolve_paths(config, base_dir=folder)  # as a build does; fingerprints are those of any folder
    return Job(Run(folder / "run"), config, prompts, fingerprints, driver_id="test")


def make_page(text: str, *, number: int = 1, reason: str | None = None) -> Page:
    """A page whose words are those of `text`, on one line."""
    words = tuple(Word(word, Box(0.1, 0.1, 0.2, 0.2), 0, 0) for word in text.split())
    return Page(number, 612, 792, 0, 0.0, compose_text(words), words, (), reason)


class InlineSandbox:
    """Runs in this process what a `Sandbox` would run in its child."""

    def run(self, function: Callable[..., Any], *args: Any, timeout_s: float, **options: Any) -> Any:
        return function(*args, **options)


class FakeClient:
    """In place of a `ChatClient`: `reply` gives the text, the failure or the exception for each request."""

    def __init__(
        self, reply: Callable[[Request], str | Failure | Exception] | None = None, *, logprob: float | None = None
    ) -> None:
        """`logprob` is told where it is asked for."""
        self.counters = Counters()
        self.asked: list[Request] = []
        self.pictures: list[Sequence[bytes]] = []
        """What came with each request."""
        self._reply, self._logprob = reply or write_reply, logprob

    async def ask(self, request: Request, *, pictures: Sequence[bytes] = ()) -> Reply | Failure:
        self.asked.append(request)
        self.pictures.append(pictures)
        self.counters.requests += 1
        # in the order asked, the first replies come last: nothing may lean on the order of replies
        for _ in range(max(1, 40 - len(self.asked))):
            await asyncio.sleep(0)
        outcome = self._reply(request)
        if isinstance(outcome, Exception):
            raise outcome
        if isinstance(outcome, Failure):
            return outcome
        logprob = None if request.measured is None else self._logprob
        return Reply(request.request_id, outcome, request.model, "stop", 10, 5, logprob=logprob)


def write_reply(request: Request) -> str:
    """What a good model would write: a pair for each labelled person on the pages, or `What is written there?`."""
    if '"pairs"' not in "".join(message.content for message in request.messages):
        return "What is written there?"
    found = re.findall(r"\b(Contact|Buyer|Signed by|Inspector): (\w+ \w+)", request.messages[-1].content)
    pairs = [{"question": f"Who is named as the {label.lower()} {name[0]}.?", "answer": name} for label, name in found]
    return json.dumps({"pairs": pairs})


def plan(job: Job, *, limit: int | None = None) -> int:
    listing = list_documents(job.config.source, base_dir=Path(job.run.root).parent)
    return plan_shards(job, listing, limit=limit)


def extract(
    job: Job,
    shard: int = 0,
    *,
    sandbox: Any = None,
    ocr: PageOcr | None = None,
    progress: ShardProgress | None = None,
    pages_at_once: int = PAGES_AT_ONCE,
) -> None:
    sandbox, progress = sandbox or InlineSandbox(), progress or ShardProgress()
    extract_shard(job, shard, sandbox=sandbox, progress=progress, ocr=ocr, pages_at_once=pages_at_once)


def generate(job: Job, shard: int = 0, *, client: Any) -> None:
    pool = RequestPool(client, in_flight=job.config.generate.engine.most_in_flight)
    asyncio.run(generate_shard(job, shard, pool=pool, progress=ShardProgress()))


def verify(job: Job, shard: int = 0, *, client: Any) -> None:
    """Every pass, by the same client."""
    for number in range(len(job.config.check_passes)):
        do_verify_pass(job, number, shard, client=client)


def do_verify_pass(job: Job, number: int, shard: int = 0, *, client: Any) -> None:
    pool = RequestPool(client, in_flight=job.config.check_passes[number].engine.most_in_flight)
    asyncio.run(verify_shard(replace(job, check_pass=number), shard, pool=pool, progress=ShardProgress()))


def curate(job: Job, shard: int = 0) -> None:
    curate_shard(job, shard, progress=ShardProgress())


def pack(
    job: Job,
    output: OutputFile,
    *,
    sandbox: Any = None,
    progress: ShardProgress | None = None,
    children: ChildPool | None = None,
) -> None:
    sandbox = sandbox or InlineSandbox()
    pack_file(job, output, sandbox=sandbox, progress=progress or ShardProgress(), children=children)


def read_documents(job: Job, *, pages_at_once: int = PAGES_AT_ONCE) -> None:
    """`plan`, `extract` and `dedup`, as far as they are not done."""
    plan(job)
    for shard in job.run.shards("plan"):
        if not job.is_current("extract", shard):
            extract(job, shard, pages_at_once=pages_at_once)
    dedup_documents(job)


def build(job: Job, *, client: Any = None, pages_at_once: int = PAGES_AT_ONCE) -> None:
    """Every stage, and the dataset's card: what `docmatix.driver.build.build` leaves, without lock and Ray."""
    client = client or FakeClient()
    read_documents(job, pages_at_once=pages_at_once)
    for shard in job.run.shards("plan"):
        generate(job, shard, client=client)
        if job.config.verify:
            verify(job, shard, client=client)
        curate(job, shard)
    for output in divide_run(job):
        pack(job, output)
    job.run.write("run.yaml", dump_config(job.config).encode())
    job.run.write("fingerprints.json", json.dumps(job.fingerprints).encode())
    finish_dataset(job)
