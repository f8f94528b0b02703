"""Puts the report of a run together: one HTML file that needs nothing else and asks nobody for anything.

Text of documents and replies goes in as escaped HTML or as escaped JSON that the script sets as text; a content
security policy names the one script and the one style sheet that may run, by their hashes.
"""

from __future__ import annotations

import base64
import hashlib
import json
import posixpath
from collections.abc import Mapping, Sequence
from importlib.resources import files
from typing import Any

from jinja2 import Environment, StrictUndefined
from markupsafe import Markup

from docmatix.config import Config
from docmatix.core.errors import SetupError
from docmatix.curation.filters.filter import Filter
from docmatix.driver.build import read_job
from docmatix.driver.live_state import read_live_records
from docmatix.pdf.sandbox import Sandbox
from docmatix.pipeline import CURATE, EXTRACT, GENERATE
from docmatix.report.flow import Step, draw_strip, lay_out_flow
from docmatix.report.gallery import Window, draw_windows, fit_pairs, iterate_marks, read_windows
from docmatix.report.losses import gather_losses
from docmatix.report.pictures import Sheet, make_albums
from docmatix.report.plots import Plots, make_plots
from docmatix.review.cost import Cost, add_up, read_telemetry
from docmatix.review.status import read_status
from docmatix.storage.run import RunDirectory
from docmatix.storage.store import Store

SAMPLES = 60
LARGEST = 25_000_000
"""Bytes of a report, whatever the run: what a mail server lets pass, and a browser opens at once."""

PICTURES, PAIRS = 19_000_000, 4_000_000
"""Bytes of these two in it; what is left is for the page itself, its figures and examples."""


def write_report(
    run: RunDirectory,
    *,
    output: str | None = None,
    samples: int = SAMPLES,
    seed: int = 0,
    largest: int = LARGEST,
    fetch: bool = False,
) -> str:
    """Write the report of a run, whole or not at all, and return where it is.

    `output` is a path or fsspec URL (`RUN/report.html` without it), `samples` the windows in the gallery, drawn by
    `seed`; there are fewer where the file would pass `largest` bytes. Remote sources are asked for pages with `fetch`
    alone. Raises SetupError where there is no run, and for another user's run without an `output`.
    """
    if output is not None:
        _require_file(output)
    else:
        run.require_own("give the report another place with -o.")
    content = make_report(run, samples=samples, seed=seed, fetch=fetch).encode()
    while len(content) > largest and samples > 1:
        # pictures and pairs are bounded; a thousand windows of a thousand pages each are long lists nevertheless
        samples //= 2
        content = make_report(run, samples=samples, seed=seed, fetch=fetch).encode()
    if output is None:
        run.write("report.html", content)
        return run.path("report.html") if run.local else f"{run.url.rstrip('/')}/report.html"
    folder, name = posixpath.split(output)
    Store(folder or ".").write(name, content)
    return output


def _require_file(output: str) -> None:
    """Raise SetupError if a report cannot be written there: the work of minutes would be for nothing."""
    folder, name = posixpath.split(output)
    target = Store(folder or ".")
    target.require_reachable()
    if not name or target.fs.isdir(target.path(name)):
        raise SetupError(f"{output} is a folder; give the name of a file for the report.")
    if target.fs.isfile(target.root):
        raise SetupError(f"{folder} is a file, so nothing can be put into it; give another place for the report.")


def make_report(
    run: RunDirectory,
    *,
    samples: int = SAMPLES,
    seed: int = 0,
    sandbox: Sandbox | None = None,
    fetch: bool = False,
) -> str:
    """The report as HTML."""
    job = read_job(run)
    status = read_status(run)
    windows = read_windows(run, draw_windows(iterate_marks(run), samples, seed=seed))
    fit_pairs(windows, PAIRS, measure=lambda pair: len(escape_json(pair).encode()))
    with Sandbox(memory_mb=job.config.extract.memory_mb) as own:  # starts no child unless it is asked
        albums = make_albums(job, windows, allowance=PICTURES, sandbox=sandbox or own, fetch=fetch)
    flow = lay_out_flow(status["stages"])
    cost = add_up([*read_telemetry(run), *read_live_records(run)], job.config)
    return render_page(
        name=status["name"],
        complete=status["complete"],
        balanced=status["balanced"],
        figures=list_figures(flow, status["tokens"], cost),
        steps=flow,
        unfinished=[stage for stage in status["stages"] if stage["shards_done"] < stage["shards"]],
        losses_before=gather_losses(job, seed=seed),
        plots=read_plots(run.store),
        cost=cost,
        strips=draw_times(cost.stage_seconds),
        tokens=status["tokens"],
        settings=list_settings(job.config),
        seed=seed,
        index=Markup(escape_json(make_index(windows, flow))),
        albums=[
            Markup(escape_json([describe_sheet(sheet) for sheet in albums[window.sample_id]])) for window in windows
        ],
    )


def render_page(**content: Any) -> str:
    """The HTML out of the template, the style sheet and the script, with a policy that lets these two in alone."""
    here = files("docmatix.report")
    style, script = (here.joinpath(name).read_text("utf-8") for name in ("style.css", "report.js"))
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    environment.filters |= {
        "number": format_number,
        "duration": format_duration,
        "words": lambda name: str(name).replace("_", " "),
    }
    policy = (
        f"default-src 'none'; script-src '{_hash(script)}'; style-src '{_hash(style)}'; img-src data:;"
        " base-uri 'none'; form-action 'none'"
    )
    template = environment.from_string(here.joinpath("template.html").read_text("utf-8"))
    return template.render(**content, policy=policy, style=Markup(style), script=Markup(script))


def escape_json(value: Any) -> str:
    """JSON that can stand in a `<script type="application/json">`: no tag, comment or entity can begin in it, and no
    line ends where JavaScript would see one. Raises ValueError for a number that JSON does not have."""
    text = json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    for character in "<>&\u2028\u2029":
        text = text.replace(character, f"\\u{ord(character):04x}")
    # a lone surrogate cannot be written as UTF-8
    return text.encode("utf-8", "replace").decode()


def make_index(windows: Sequence[Window], flow: Sequence[Step]) -> dict[str, Any]:
    """What the gallery's script is given: the windows with their pairs, and how many there are in the run."""
    curated = next((step for step in flow if step.stage == CURATE), None)
    return {
        "kept": curated.kept if curated else 0,
        "dropped": curated.entered - curated.kept if curated else 0,
        "windows": [
            {
                "id": window.sample_id,
                "source": window.source_uri,
                "language": window.language,
                "pages": window.page_numbers,
                "kept": window.total[""],
                "dropped": window.total.total() - window.total[""],
                "pairs": window.pairs,
            }
            for window in windows
        ],
    }


def list_figures(flow: Sequence[Step], tokens: Mapping[str, float], cost: Cost) -> list[tuple[str, str, str]]:
    """The handful of figures at the top, each with its name and what it is measured by."""
    steps = {(step.stage, step.unit): step for step in flow}
    found = []
    if read := steps.get((EXTRACT, "documents")):
        pages = next((aside for aside in read.asides if aside.unit == "pages"), None)
        found.append((format_number(read.entered), "documents", f"{format_number(pages.kept)} pages" if pages else ""))
    if asked := steps.get((GENERATE, "requests")):
        found.append((format_number(asked.entered), "requests", f"{asked.kept / asked.entered:.0%} answered"))
    judged = steps.get((CURATE, "pairs"))
    if judged:
        found.append((format_number(judged.kept), "pairs kept", f"of {format_number(judged.entered)} judged"))
    if "completion_per_kept_pair" in tokens:
        each = tokens["prompt_per_kept_pair"], tokens["completion_per_kept_pair"]
        found.append((format_number(round(sum(each))), "tokens a kept pair", f"{each[0]:,.0f} in, {each[1]:,.0f} out"))
    if cost.seconds:
        runs = "one run" if cost.drivers == 1 else f"{cost.drivers} runs"
        found.append((format_duration(cost.seconds), "build time", runs))
    return found


def draw_times(seconds: Mapping[str, float]) -> dict[str, Markup]:
    """A bar for each stage, the longest one whole."""
    longest = max(seconds.values(), default=0) or 1
    return {stage: draw_strip(each / longest) for stage, each in seconds.items()}


def list_settings(config: Config) -> list[tuple[str, str | list[tuple[str, str]]]]:
    """The settings that a reader of the figures asks for first; of a filter its name and its settings."""
    engine = config.generate.engine
    prompts = [choice if isinstance(choice, str) else choice.name for choice in config.generate.prompts]
    found: list[tuple[str, str | list[tuple[str, str]]]] = [
        ("Model", f"{engine.model_name} ({engine.kind})"),
        ("Prompts", ", ".join(prompts)),
    ]
    if config.verify:
        found.append(("Verified by", f"{config.verify.kind}, {config.verify_engine.model_name}"))
    return [
        *found,
        ("Filters", [(each.get_name(), _describe_settings(each)) for each in config.curate.filters]),
        ("Window", f"{config.window.max_pages} pages at most"),
        ("Images", f"{config.pack.dpi} dpi, {config.pack.image_format}"),
        ("Seed", str(config.seed)),
    ]


def _describe_settings(one: Filter) -> str:
    return ", ".join(f"{name}: {value}" for name, value in one.describe_settings().items())


def read_plots(store: Store) -> Plots:
    """The plots of the finished dataset; none while there is no `stats.json`."""
    return make_plots(json.loads(store.read("dataset/stats.json"))) if store.exists("dataset/stats.json") else Plots()


def describe_sheet(sheet: Sheet) -> dict[str, Any]:
    """A sheet as the script wants it."""
    about = {"page": sheet.page, "w": sheet.width_px, "h": sheet.height_px}
    return about | ({"src": sheet.src} if sheet.src else {"problem": sheet.problem})


def format_number(value: float) -> str:
    """`1,234`, and from a million on `1.23 M`."""
    for size, unit in ((1e9, "G"), (1e6, "M")):
        if abs(value) >= size:
            return f"{value / size:.2f} {unit}"
    return f"{value:,.0f}"


def format_duration(seconds: float) -> str:
    """`42 s`, `3 min 20 s`, `5 h 12 min`."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s" if seconds >= 10 else f"{seconds:.1f} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600:,} h {whole % 3600 // 60} min"


def _hash(content: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()
