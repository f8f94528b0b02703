"""An ablation: the same pages through each of several prompts, to choose one by figures.

`RUN/pages` holds the stages that prompts share, `RUN/PROMPT` a complete run for each prompt, `RUN/ablation.json` and
`.html` the comparison. Rerun, it asks only for prompts that were edited or added, or for more documents.
"""

from __future__ import annotations

import base64
import json
import os
import posixpath
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files
from itertools import groupby
from pathlib import Path
from typing import Any

from jinja2 import StrictUndefined
from jinja2.sandbox import SandboxedEnvironment

from docmatix.config import Config, PromptChoice
from docmatix.config.loading import dump_config, resolve_paths
from docmatix.core.draws import Smallest
from docmatix.core.errors import SetupError
from docmatix.core.terminal import make_visible
from docmatix.dataset.plots import plot_statistics
from docmatix.dataset.stats import Statistics, summarise_groups
from docmatix.driver.build import build
from docmatix.driver.preflight import check_run, load_build_prompts
from docmatix.driver.progress import Progress
from docmatix.pipeline import ASKING, CURATE, DEDUP, EXTRACT, GENERATE, PLAN, VERIFY, list_stages
from docmatix.prompting.prompt_files import find_prompt_directories, load_prompts
from docmatix.review.check_figures import FIGURES as CHECK_FIGURES
from docmatix.review.check_figures import CheckFigures, find_agreement_bound, is_checked
from docmatix.storage.run import Run
from docmatix.storage.store import Store

LIMIT = 20
"""Documents: some hundred pairs a prompt, in minutes with a server on this machine."""
_SHARED = (PLAN, EXTRACT, DEDUP)
"""What no prompt changes."""
_SHOWN_WINDOWS, _SHOWN_PAIRS = 6, 4


@dataclass(frozen=True, slots=True)
class Ablation:
    """The figures of each prompt over the same pages, in the order given: those of
    `docmatix.dataset.stats.Group.summarise` (`pairs_per_page` over all pages asked about), requests, tokens of all
    stages together, also per kept pair (None without one), and those of `CheckFigures`."""

    run: str
    name: str
    documents: int
    pages: int
    prompts: dict[str, dict[str, Any]]
    windows: list[dict[str, Any]]
    """A few windows drawn by seed: `source_uri`, `page_numbers`, and the `pairs` of each prompt."""

    def describe(self) -> str:
        """A table for the terminal, with a column for each prompt."""
        prompts = [make_visible(name) for name in self.prompts]
        width = max(12, *(len(name) + 2 for name in prompts))
        lines = [f"{self.documents:,} documents, {self.pages:,} pages", ""]
        lines.append(f"{'':32}" + "".join(f"{name:>{width}}" for name in prompts))
        lines += [f"{label:32}" + "".join(f"{cell:>{width}}" for cell in cells) for label, cells in self.rows()]
        drops = [(make_visible(reason), cells) for reason, cells in self.drops()]
        lines += ["", "dropped"] if drops else []
        lines += [f"  {reason:30}" + "".join(f"{cell:>{width}}" for cell in cells) for reason, cells in drops]
        return "\n".join(lines)

    def rows(self) -> list[tuple[str, list[str]]]:
        """The rows of the table: a label, and the figure of each prompt."""
        return [
            (label, ["-" if figures[key] is None else form.format(figures[key]) for figures in self.prompts.values()])
            for label, key, form in [*_FIGURES, *(CHECK_FIGURES if is_checked(self.prompts) else ())]
        ]

    def drops(self) -> list[tuple[str, list[str]]]:
        """The same for drop reasons, the commonest first."""
        total: Counter[str] = Counter()
        for figures in self.prompts.values():
            total.update(figures["dropped"])
        counts = {reason: [each["dropped"].get(reason, 0) for each in self.prompts.values()] for reason in total}
        ordered = sorted(counts.items(), key=lambda item: (-total[item[0]], item[0]))
        return [(reason, [f"{count:,}" if count else "-" for count in row]) for reason, row in ordered]


_FIGURES = [
    ("requests", "requests", "{:,}"),
    ("  that failed", "failed_requests", "{:,}"),
    ("pairs read from replies", "read", "{:,}"),
    ("pairs kept", "pairs", "{:,}"),
    ("share kept", "kept_share", "{:.1%}"),
    ("kept pairs a page", "pairs_per_page", "{:.2f}"),
    ("tokens in per kept pair", "prompt_tokens_per_kept_pair", "{:,.0f}"),
    ("tokens out per kept pair", "completion_tokens_per_kept_pair", "{:,.1f}"),
    ("grounding, mean", "grounding_mean", "{:.3f}"),
    ("unique questions", "unique_question_share", "{:.1%}"),
    ("diversity within samples", "diversity", "{:.2f}"),
    ("words in a question, mean", "question_words_mean", "{:.1f}"),
    ("words in an answer, mean", "answer_words_mean", "{:.1f}"),
    ("words in an answer, median", "answer_words_median", "{}"),
]


def ablate(
    config: Config,
    prompts: Sequence[str],
    *,
    config_dir: Path,
    run: str | Path | None = None,
    limit: int = LIMIT,
    progress: Progress | None = None,
) -> Ablation:
    """Put the pages of at most `limit` documents through each prompt, with its settings in the configuration if any,
    and write figures and plots into `run` (default: `runs/NAME-ablation`). Raises as `docmatix.driver.build.build`:
    SetupError before anything is read if a prompt is missing or does not suit the engine."""
    progress = progress or Progress(quiet=True)
    if not config.generate.engine.has_model:
        raise SetupError("The engine `none` answers no prompt, so there is nothing to compare: set generate.engine.")
    config = resolve_paths(config, base_dir=config_dir)
    found = load_prompts(prompts, find_prompt_directories(config_dir, config.generate.prompts_dir))
    configs = {name: choose_prompt(config, name, style=prompt.style) for name, prompt in found.items()}
    if len(configs) < len(prompts) or not configs:
        raise SetupError("Name the prompts to compare, each once: --prompts extractive,broad_whole.")
    for each in configs.values():
        load_build_prompts(each, config_dir)
    root = str(run or Path("runs") / f"{config.name}-ablation").rstrip("/")
    top = Run(root)
    top.require_reachable()
    if top.exists("run.yaml"):
        raise SetupError(f"{root} holds a run, but an ablation needs its own directory: give another --run.")
    for name in ("pages", *configs):
        top.store.check_folder(name)  # not paths that the user gave
    directories = {name: Run(f"{root}/{name}") for name in configs}
    pages = Run(f"{root}/pages")
    if "pages" in configs:
        raise SetupError(
            "A prompt of an ablation cannot be named `pages`, which is where the pages are kept: rename its file."
        )
    for directory in (pages, *directories.values()):
        check_run(directory, config)
    # in few shards, one core would do all the work
    plan = config.plan.model_copy(update={"documents_per_shard": None})
    first = next(iter(configs.values())).model_copy(update={PLAN: plan})
    build(first, run=pages.url, limit=limit, stages=_SHARED, config_dir=config_dir, progress=progress)
    for name, directory in directories.items():
        progress.say(f"--- {name}")
        directory.write("run.yaml", dump_config(configs[name]).encode())
        share_pages(pages, directory)
        stages = [stage for stage in list_stages(verify=bool(configs[name].verify)) if stage not in _SHARED]
        build(configs[name], run=directory.url, stages=stages, config_dir=config_dir, progress=progress)
    ablation = read_ablation(root, list(configs), config=config)
    content = {
        "name": ablation.name,
        "documents": ablation.documents,
        "pages": ablation.pages,
        "prompts": ablation.prompts,
    }
    top.write("ablation.json", (json.dumps(content, indent=1, ensure_ascii=False) + "\n").encode())
    top.write("ablation.html", write_page(ablation).encode())
    return ablation


def choose_prompt(config: Config, name: str, *, style: str) -> Config:
    """The configuration with this prompt (of this style) alone, keeping its settings there if it has any, and with the
    checks that are for it. Facts would give every prompt the same pairs."""
    known = {each.name: each for each in config.generate.prompts if isinstance(each, PromptChoice)}
    generate = config.generate.model_copy(update={"prompts": (known.get(name, name),), "pairs_per_page": 0})
    verify = tuple(
        check.model_copy(update={"prompts": check.prompts and (name,), "styles": check.styles and (style,)})
        for check in config.verify
        if name in (check.prompts or (name,)) and style in (check.styles or (style,))
    )
    return config.model_copy(update={GENERATE: generate, VERIFY: verify})


def share_pages(pages: Run, run: Run) -> None:
    """Give a run the committed shards of another's shared stages, by hard links where possible."""
    for stage in _SHARED:
        for shard, record in pages.records(stage):
            part = f"{stage}/{record.file}"
            if not run.exists(part):
                _link_file(pages.store, run.store, part)
            if run.read_record(stage, shard) != record:
                run.write_record(stage, shard, record)


def _link_file(source: Store, target: Store, name: str) -> None:
    if source.local and target.local:
        source.size(name)  # refuses anything but a regular file
        place = Path(target.make_folder(posixpath.dirname(name))) / posixpath.basename(name)
        try:
            os.link(source.path(name), place)
        except OSError:  # a filesystem without hard links
            target.write(name, source.read(name))
    else:
        target.write(name, source.read(name))


# --- figures ----------------------------------------------------------------------------------------------------------


def read_ablation(root: str, prompts: Sequence[str], *, config: Config) -> Ablation:
    """The figures of the runs below `root`, and their pairs of a few windows."""
    directories = {name: Run(f"{root}/{name}") for name in prompts}
    accounts = directories[prompts[0]].ledger(DEDUP).accounts
    documents, pages = accounts["documents"].kept, accounts["pages"].kept
    return Ablation(
        run=root,
        name=config.name,
        documents=documents,
        pages=pages,
        prompts={
            name: measure_prompt(run, name, pages=pages, agrees_from=find_agreement_bound(config))
            for name, run in directories.items()
        },
        windows=compare_windows(directories, seed=config.seed),
    )


def measure_prompt(run: Run, prompt: str, *, pages: int, agrees_from: float = 0.5) -> dict[str, Any]:
    """The figures of one prompt's run over `pages` pages; `agrees_from` is that of `CheckFigures`."""
    statistics = Statistics()
    checks = CheckFigures(agrees_from=agrees_from)
    for shard, record in run.records(CURATE):
        statistics.add_dropped(record.extra["dropped"])
        rows = (row for row in checks.count(run.iterate_rows(CURATE, shard)) if row["reason"] is None)
        for _, pairs in groupby(rows, key=lambda row: row["sample_id"]):
            statistics.add_row(pairs, [])
    statistics.add_dropped({"prompt": {prompt: {}}})  # listed even if nothing came of it
    figures = dict(summarise_groups(statistics, "prompt"))[prompt]
    kept = figures["pairs"]
    requests = run.ledger(GENERATE).accounts["requests"]
    by_stage = {stage: Counter[str]() for stage in ASKING}
    for stage, spent in by_stage.items():
        for _, record in run.records(stage):
            spent.update(record.extra.get("tokens", {}))
    tokens = {kind: sum(spent[kind] for spent in by_stage.values()) for kind in ("prompt", "completion")}
    return {
        **figures,
        "read": kept + sum(figures["dropped"].values()),
        "pairs_per_page": round(kept / pages, 4) if pages else None,
        "requests": requests.entered,
        "failed_requests": requests.entered - requests.kept,
        **{f"{kind}_tokens": count for kind, count in tokens.items()},
        **{f"{kind}_tokens_per_kept_pair": round(count / kept, 1) if kept else None for kind, count in tokens.items()},
        **checks.summarise(kept=kept, tokens=by_stage[GENERATE].total(), check_tokens=by_stage[VERIFY].total()),
    }


def compare_windows(directories: Mapping[str, Run], *, seed: int) -> list[dict[str, Any]]:
    """A few windows that have a pair of any prompt, drawn by id and seed, with the pairs of every prompt, kept ones
    first."""
    drawn: Smallest[str] = Smallest(_SHOWN_WINDOWS, seed=seed)
    for run in directories.values():
        for shard in run.shards(CURATE):
            for row in run.iterate_rows(CURATE, shard, columns=["sample_id"]):
                drawn.add(row["sample_id"], row["sample_id"])
    windows: dict[str, dict[str, Any]] = {
        sample_id: {"pairs": {name: [] for name in directories}} for sample_id in drawn.items()
    }
    columns = ["sample_id", "source_uri", "page_numbers", "question", "answer", "reason"]
    for name, run in directories.items():
        for shard in run.shards(CURATE):
            for row in run.iterate_rows(CURATE, shard, columns=columns):
                if (window := windows.get(row["sample_id"])) is not None:
                    window |= {"source_uri": row["source_uri"], "page_numbers": row["page_numbers"]}
                    window["pairs"][name].append({key: row[key] for key in ("question", "answer", "reason")})
    for window in windows.values():
        for pairs in window["pairs"].values():
            pairs.sort(key=lambda pair: pair["reason"] is not None)
    return list(windows.values())


# --- the page ---------------------------------------------------------------------------------------------------------


def write_page(ablation: Ablation) -> str:
    """A self-contained HTML file: the table, the plots (light and dark), and windows side by side."""
    summary = {"by_prompt": ablation.prompts}
    light, dark = plot_statistics(summary), plot_statistics(summary, dark=True)

    def embed(svg: bytes) -> str:
        return f"data:image/svg+xml;base64,{base64.b64encode(svg).decode()}"

    environment = SandboxedEnvironment(undefined=StrictUndefined, autoescape=True, keep_trailing_newline=True)
    template = files("docmatix.review").joinpath("ablation.html.jinja").read_text(encoding="utf-8")
    return environment.from_string(template).render(
        ablation=ablation,
        rows=ablation.rows(),
        plots={title: (embed(light[title]), embed(dark[title])) for title in light},
        shown=_SHOWN_PAIRS,
        checked=is_checked(ablation.prompts),
    )
