"""Processor time that a request costs a sending worker, part by part, in one process and without Ray.

Run: python -m benchmarks.client_cost [--documents 1500] [--in-flight 256] [--delay 0.2] [--rounds 3] [--folder KEPT]

One page and one request a document, as in `benchmarks.serving overhead`. Requests are prepared alone first, then
`generate` does whole shards against the fixed server, which has a process of its own. To compare two versions run both
side by side: the figures of a loaded machine are several times those of an idle one.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import shutil
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import uvloop
import yaml

import docmatix
from benchmarks.fixed_server import start_fixed_server
from benchmarks.replicas import make_job
from benchmarks.serving import configure, print_table, write_documents
from docmatix.config.loading import load_config
from docmatix.core.documents import Page
from docmatix.core.ledger import Ledger
from docmatix.models.connecting import make_client
from docmatix.models.service import Service
from docmatix.pipeline import EXTRACT, GENERATE, PIPELINE
from docmatix.prompting.draws import DrawCounts
from docmatix.prompting.questions.asking import ask_facts
from docmatix.prompting.replies import repeats_itself
from docmatix.stages import generate
from docmatix.stages.support.concurrency import RequestPool
from docmatix.stages.support.job import Job, ShardProgress
from docmatix.storage.page_rows import page_from_row


def measure(work: Callable[[], object]) -> float:
    """Seconds of processor time."""
    began = time.process_time()
    work()
    return time.process_time() - began


def read_pages(job: Job) -> None:
    for shard in job.run.shards(EXTRACT):
        for _ in job.run.iterate_rows(EXTRACT, shard):
            pass


def prepare(job: Job) -> None:
    """Prepare all requests and send none."""
    for shard in job.run.shards(EXTRACT):
        for step in generate._build_steps(job, shard, Ledger(PIPELINE[GENERATE].units), DrawCounts()):
            if step.ask is not None:
                _ = step.ask.request.request_id


def load_pages(job: Job) -> list[tuple[str, str | None, list[Page]]]:
    """The pages of each document, with its id and language."""
    rows = (row for shard in job.run.shards(EXTRACT) for row in job.run.iterate_rows(EXTRACT, shard))
    return [(row["doc_id"], row["language"], [*map(page_from_row, row["pages"])]) for row in rows]


def ask_about_facts(job: Job, documents: list[tuple[str, str | None, list[Page]]]) -> None:
    for doc_id, language, pages in documents:
        limit = job.config.generate.pairs_per_page * len(pages)
        ask_facts(pages, language=language, key=f"{doc_id}-1", seed=job.config.seed, limit=limit)


async def ask(job: Job, *, in_flight: int) -> None:
    client = make_client(job.config.generate.engine, job.service, repeats=repeats_itself)
    pool = RequestPool(client, in_flight=in_flight)
    shards = job.run.shards(EXTRACT)
    await asyncio.gather(
        *(generate.generate_shard(job, shard, pool=pool, progress=ShardProgress()) for shard in shards)
    )
    await client.close()


def measure_parts(
    folder: Path, *, documents: int, in_flight: int, delay_s: float, events: int | None, rounds: int
) -> dict[str, float]:
    """µs of each part, `**all**` last, as in the cheapest of `rounds`."""
    pdfs = folder / "pdfs"
    with start_fixed_server(delay_s=delay_s, events=events) as address:
        content = configure(pdfs, in_flight)
        content["generate"]["engine"]["base_url"] = f"{address}/v1"
        (folder / "cost.yaml").write_text(yaml.safe_dump(content))
        config = load_config(folder / "cost.yaml", overrides=[])
        run = folder / "run"
        if not pdfs.exists():
            write_documents(pdfs, documents, texts=2)
            docmatix.build(config, run=run, stages=["plan", "extract", "dedup"], config_dir=folder)
        job = replace(make_job(config, run, config_dir=folder), service=Service(addresses=(f"{address}/v1",)))
        # as a worker does
        gc.collect()
        gc.freeze()
        gc.set_threshold(100_000, 50, 100)
        pages = load_pages(job)
        prepare(job)  # caches are warm in a worker
        reading = facts = preparing = whole = float("inf")
        for _ in range(rounds):
            facts = min(facts, measure(lambda: ask_about_facts(job, pages)))
            reading = min(reading, measure(lambda: read_pages(job)))
            preparing = min(preparing, measure(lambda: prepare(job)))
            shutil.rmtree(run / GENERATE, ignore_errors=True)
            whole = min(whole, measure(lambda: uvloop.run(ask(job, in_flight=in_flight))))
    parts = {
        "reading pages (Parquet)": reading,
        "questions from facts": facts,
        "choosing prompts, cutting, rendering, bodies": preparing - reading - facts,
        "sending, receiving, reading pairs, writing": whole - preparing,
        "**all**": whole,
    }
    return {name: spent / documents * 1e6 for name, spent in parts.items()}


def measure_cost() -> tuple[float, float]:
    """µs of processor time to prepare a request, and for all else about it."""
    with tempfile.TemporaryDirectory() as folder:
        parts = measure_parts(Path(folder), documents=1000, in_flight=256, delay_s=0.2, events=None, rounds=3)
    *preparing, rest, _ = parts.values()
    return sum(preparing), rest


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.client_cost", description=(__doc__ or "").split("\n")[0]
    )
    parser.add_argument("--documents", type=int, default=1500)
    parser.add_argument("--in-flight", type=int, default=256)
    parser.add_argument("--delay", type=float, default=0.2)
    parser.add_argument("--rounds", type=int, default=3, help="of which the cheapest counts")
    parser.add_argument("--events", type=int, help="events in which a stream comes (default: no streams)")
    parser.add_argument("--folder", type=Path, help="where documents and run are kept for the next time")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = options.folder or Path(temporary)
        folder.mkdir(exist_ok=True)
        parts = measure_parts(
            folder,
            documents=options.documents,
            in_flight=options.in_flight,
            delay_s=options.delay,
            events=options.events,
            rounds=options.rounds,
        )
    print_table(["processor time", "µs a request"], [[name, f"{spent:.0f}"] for name, spent in parts.items()])


if __name__ == "__main__":
    main()
