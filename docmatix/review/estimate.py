"""What a build will cost: a few documents, drawn by seed, go through the real stages, and the figures are scaled up."""

from __future__ import annotations

import contextlib
import math
import statistics
import tempfile
from collections import Counter
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path

from docmatix.config import Config, Plan
from docmatix.config.loading import resolve_paths
from docmatix.core.draws import draw
from docmatix.core.errors import SetupError
from docmatix.driver.build import build
from docmatix.driver.progress import Progress
from docmatix.pipeline import ASKING, CURATE, DEDUP, EXTRACT, GENERATE, PACK, PLAN, VERIFY
from docmatix.prompting.draws import DrawCounts
from docmatix.sources.documents import list_documents
from docmatix.sources.locators import Locator
from docmatix.storage.run import Run

SHARDS = 64
ROUGH = 0.1
"""A relative standard error above this is reported as too large to plan by."""
_FILES_A_COMMIT = 8
# the Hub accepts about 128 commits an hour


@dataclass(frozen=True, slots=True)
class Estimate:
    """Figures for all `documents`, scaled from `sampled` of them."""

    documents: int
    sampled: int
    error: float | None
    """The relative standard error of the number of requests, or of pairs without a model; None where unknown."""
    kept_documents: float
    pages: float
    requests: float
    saved_requests: float
    """That a draw of prompts blind to the pages would send besides."""
    prompt_tokens: float
    completion_tokens: float
    pairs: float
    extract_cpu_hours: float
    """Without OCR."""
    ocr_pages: float
    ocr_cpu_hours: float
    ask_hours: float
    """Wall-clock time from the first request to the last reply, with the server as used here."""
    gpu_hours: float
    """The same times the GPUs that the configuration reserves."""
    curate_and_pack_cpu_hours: float
    dataset_bytes: float
    hub_commits: int

    def describe(self) -> str:
        """A table for the terminal."""
        factor = self.documents / max(1, self.sampled)
        error = "error unknown" if self.error is None else f"give or take {self.error:.0%}"
        advice = (
            ["Documents differ widely: a larger --sample would give a better estimate."]
            if _is_rough(self.error)
            else []
        )
        lines = [
            f"Measured on {self.sampled} of {self.documents} documents, times {factor:.3g}, {error}; on this machine:",
            f"  documents kept      {self.kept_documents:>14,.0f}",
            f"  pages packed        {self.pages:>14,.0f}",
            f"  pairs kept          {self.pairs:>14,.0f}",
            f"  requests            {self.requests:>14,.0f}",
            *([f"  requests saved      {self.saved_requests:>14,.0f}"] if self.saved_requests > 0 else []),
            f"  tokens in           {self.prompt_tokens:>14,.0f}",
            f"  tokens out          {self.completion_tokens:>14,.0f}",
            f"  CPU hours: extract  {self.extract_cpu_hours:>14,.3f}",
            *(
                [f"  CPU hours: OCR      {self.ocr_cpu_hours:>14,.3f} of {self.ocr_pages:,.0f} pages"]
                if self.ocr_pages
                else []
            ),
            f"  CPU hours: cur., pack {self.curate_and_pack_cpu_hours:>12,.3f}",
            f"  hours of the server {self.ask_hours:>14,.3f}",
            *([f"  GPU hours           {self.gpu_hours:>14,.3f}"] if self.gpu_hours else []),
            f"  dataset             {self.dataset_bytes / 1e9:>14,.3f} GB",
            f"  Hub commits         {self.hub_commits:>14,}",
            *advice,
        ]
        return "\n".join(lines)


def estimate_build(
    config: Config,
    *,
    config_dir: Path,
    sample: int = 8,
    documents: int | None = None,
    run: str | None = None,
    progress: Progress | None = None,
) -> Estimate:
    """Build `sample` documents in `run`, which must be new, or else in a temporary directory, and scale the figures to
    the whole source, or to so many `documents`. Asks the model for real; hours err upwards if the sample does not keep
    its replicas busy. Raises as `docmatix.driver.build.build` does."""
    config = resolve_paths(config, base_dir=config_dir)
    if config.resources.address is not None and run is None:
        raise SetupError("The nodes of a cluster cannot reach a temporary directory of this machine: give --run.")
    # small shards use all cores; all of them at once keep as many requests in flight as there are
    plan = Plan(documents_per_shard=math.ceil(sample / SHARDS))
    resources = config.resources.model_copy(update={"shards_in_flight": SHARDS})
    config = config.model_copy(update={PLAN: plan, "resources": resources})
    listed = 0

    def count(listing: Iterator[Locator]) -> Iterator[Locator]:
        nonlocal listed
        for locator in listing:
            listed += 1
            yield locator

    listing = count(list_documents(config.source, base_dir=config_dir))
    chosen = draw(
        listing, sample, seed=config.seed, key=lambda locator: f"{locator.address}{locator.offset}{locator.row}"
    )
    with contextlib.ExitStack() as stack:
        if run is None:
            run = stack.enter_context(tempfile.TemporaryDirectory(prefix="docmatix-estimate-"))
        directory = Run(run)
        if directory.exists("run.yaml"):
            raise SetupError(f"{directory.url} holds a run already: give another --run, or remove it.")
        figures = build(config, run=run, config_dir=config_dir, progress=progress, listing=chosen).figures
        return _scale(directory, config, figures, documents=documents or listed, sampled=len(chosen))


def estimate_error(counts: Collection[int], *, sampled: int, documents: int) -> float | None:
    """The relative standard error of a total scaled from a simple random sample without replacement (W. G. Cochran,
    Sampling Techniques, 3rd ed. 1977, section 2.6). `counts` are those of the sampled documents that are not 0."""
    if sampled >= documents:
        return 0.0
    if sampled < 2 or not counts:
        return None
    each = [*counts, *[0] * (sampled - len(counts))]
    return statistics.stdev(each) / statistics.mean(each) / math.sqrt(sampled) * math.sqrt(1 - sampled / documents)


def _is_rough(error: float | None) -> bool:
    return error is None or error > ROUGH


def _scale(run: Run, config: Config, figures: dict[str, dict[str, float]], *, documents: int, sampled: int) -> Estimate:
    run = run.snapshot()
    factor = documents / sampled
    tokens = [0, 0]
    for stage in ASKING:
        for name in (name for _, record in run.records(stage) for name in record.extra["replies"]):
            for row in run.iterate_file(f"{stage}/replies/{name}", columns=["prompt_tokens", "completion_tokens"]):
                tokens[0] += row["prompt_tokens"]
                tokens[1] += row["completion_tokens"]

    asked, made = Counter[str](), Counter[str]()
    for shard, _ in run.records(GENERATE):
        for row in run.iterate_rows(GENERATE, shard, columns=["doc_id", "request_id", "pairs"]):
            asked[row["doc_id"]] += row["request_id"] is not None
            made[row["doc_id"]] += len(row["pairs"] or ())
    drawn = DrawCounts.add_up(record.extra.get("drawn", {}) for _, record in run.records(GENERATE))
    counts = asked if config.generate.engine.has_model else made

    def count(stage: str, unit: str, side: str = "kept") -> float:
        account = run.ledger(stage).accounts.get(unit)
        return factor * (getattr(account, side) if account else 0)

    def hours(figure: str, *stages: str) -> float:
        return factor * sum(figures.get(stage, {}).get(figure, 0) for stage in stages) / 3600

    engines = {GENERATE: [config.generate.engine], VERIFY: [each.engine for each in config.check_passes]}
    size = factor * sum(record.size for _, record in run.records(PACK))
    files = max(1, math.ceil(size / (config.pack.file_mb << 20)))
    return Estimate(
        documents=documents,
        sampled=sampled,
        error=estimate_error([*(+counts).values()], sampled=sampled, documents=documents),
        kept_documents=count(DEDUP, "documents"),
        pages=count(PACK, "pages"),
        saved_requests=factor * (drawn.blind - drawn.requests),
        requests=sum(count(stage, "requests", "entered") for stage in ASKING),
        prompt_tokens=factor * tokens[0],
        completion_tokens=factor * tokens[1],
        pairs=count(PACK, "pairs"),
        extract_cpu_hours=hours("work_seconds", EXTRACT) - hours("ocr_waited_seconds", EXTRACT),
        ocr_pages=3600 * hours("ocr_pages", EXTRACT),
        ocr_cpu_hours=hours("ocr_seconds", EXTRACT),
        ask_hours=hours(
            "span_seconds", *(stage for stage, asked in engines.items() if any(engine.has_model for engine in asked))
        ),
        gpu_hours=sum(
            hours("span_seconds", stage) * max((engine.total_gpus for engine in asked), default=0)
            for stage, asked in engines.items()
        ),
        curate_and_pack_cpu_hours=hours("work_seconds", CURATE, PACK)
        + hours("child_seconds", PACK)
        - hours("child_waited_seconds", PACK),
        dataset_bytes=size,
        hub_commits=math.ceil(files / _FILES_A_COMMIT) + 1,
    )
