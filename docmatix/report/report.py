"""Puts the report of a run together: one self-contained HTML file.

Text of a run goes in as escaped HTML, or as escaped JSON that the script sets as text; a content security policy
admits the one script and the one style sheet by their hashes.
"""

from __future__ import annotations

import base64
import hashlib
import posixpath
from collections.abc import Mapping, Sequence
from dataclasses import fields
from importlib.resources import files
from typing import Any, Final, NamedTuple

from markupsafe import Markup, escape

from docmatix.config import Config
from docmatix.core.errors import SetupError
from docmatix.core.kinds import collect_kinds
from docmatix.core.pairs import Scores
from docmatix.pdf.sandbox import Sandbox
from docmatix.pipeline import CURATE, EXTRACT, GENERATE
from docmatix.report.checks import ChecksPart
from docmatix.report.cost import CostPart
from docmatix.report.flow import FlowPart, Step, lay_out_flow
from docmatix.report.gallery import GalleryPart, Window, draw_windows, fit_facts, fit_pairs, iterate_marks, read_windows
from docmatix.report.losses import LossesPart
from docmatix.report.markup import escape_json, fill_file, format_duration, format_number
from docmatix.report.part import ReportContext, ReportPart
from docmatix.report.pictures import make_albums
from docmatix.report.plots import PlotsPart
from docmatix.report.settings import SettingsPart
from docmatix.review.cost import Cost, add_up, read_telemetry
from docmatix.review.sheets import Sheet
from docmatix.review.status import read_status
from docmatix.stages.support.live_state import read_live_states
from docmatix.stages.support.reading import read_job
from docmatix.storage.run import Run
from docmatix.storage.store import Store

PARTS: Final[tuple[type[ReportPart], ...]] = (
    FlowPart,
    GalleryPart,
    ChecksPart,
    LossesPart,
    PlotsPart,
    CostPart,
    SettingsPart,
)
"""In the order of the page; those of installed packages follow."""

SAMPLES = 60
LARGEST = 25_000_000
"""Bytes of any report: mail servers accept it, and browsers open it at once."""

PICTURES, PAIRS, FACTS = 18_000_000, 4_000_000, 1_000_000
"""Bytes of these three; the rest is for the page, figures and examples."""


def write_report(
    run: Run,
    *,
    output: str | None = None,
    samples: int = SAMPLES,
    seed: int = 0,
    largest: int = LARGEST,
    fetch: bool = False,
) -> str:
    """Write the report of a run, whole or not at all, to `output` (a path or URL; default: `RUN/report.html`), and
    return where it is. Its gallery has at most `samples` windows, fewer if the file would pass `largest` bytes. Raises
    SetupError where there is no run, and for another user's run without an `output`."""
    if output is not None:
        _require_file(output)
    else:
        run.require_own("give the report another place with -o.")
    content = make_report(run, samples=samples, seed=seed, fetch=fetch).encode()
    while len(content) > largest and samples > 1:
        # pictures and pairs are bounded, but not the lists of a thousand windows of a thousand pages
        samples //= 2
        content = make_report(run, samples=samples, seed=seed, fetch=fetch).encode()
    if output is None:
        run.write("report.html", content)
        return run.path("report.html") if run.local else f"{run.url.rstrip('/')}/report.html"
    folder, name = posixpath.split(output)
    Store(folder or ".").write(name, content)
    return output


def _require_file(output: str) -> None:
    """Raise SetupError if a report cannot be written there, before the work is done."""
    folder, name = posixpath.split(output)
    target = Store(folder or ".")
    target.require_reachable()
    if not name or target.fs.isdir(target.path(name)):
        raise SetupError(f"{output} is a folder; give the name of a file for the report.")
    if target.fs.isfile(target.root):
        raise SetupError(f"{folder} is a file, so nothing can be written into it; give another place for the report.")


def make_report(
    run: Run,
    *,
    samples: int = SAMPLES,
    seed: int = 0,
    sandbox: Sandbox | None = None,
    fetch: bool = False,
    parts: Sequence[ReportPart] | None = None,
) -> str:
    """The report as HTML with these `parts`; default: the project's own, then those of installed packages."""
    run = run.snapshot()  # all parts tell of the same moment, and each record is read once
    job = read_job(run)
    status = read_status(run)
    windows = read_windows(run, draw_windows(iterate_marks(run), samples, seed=seed))
    fit_pairs(windows, PAIRS, measure=_measure)
    fit_facts(windows, FACTS, measure=_measure)
    with Sandbox(memory_mb=job.config.extract.memory_mb) as own:  # starts its child on demand
        albums = make_albums(job, windows, allowance=PICTURES, sandbox=sandbox or own, fetch=fetch)
    flow = lay_out_flow(status["stages"])
    cost = add_up([*read_telemetry(run), *read_live_states(run).values()], job.config)
    context = ReportContext(job=job, status=status, steps=flow, windows=windows, cost=cost, seed=seed)
    if parts is None:
        parts = [kind.model_validate({"kind": name}) for name, kind in collect_kinds(ReportPart, PARTS).items()]
    here = files("docmatix.report")
    style, script = (here.joinpath(name).read_text("utf-8") for name in ("style.css", "report.js"))
    page = fill_file(
        "page.html",
        name=status["name"],
        complete=status["complete"],
        balanced=status["balanced"],
        figures=list_figures(flow, status["tokens"], cost),
        unfinished=[stage for stage in status["stages"] if stage["shards_done"] < stage["shards"]],
        sections=[section for part in parts if (section := make_section(part, context)) is not None],
        index=Markup(escape_json(make_index(windows, flow, meanings=explain_scores(job.config)))),
        albums=[
            Markup(escape_json([describe_sheet(sheet) for sheet in albums[window.sample_id]])) for window in windows
        ],
        policy=write_policy(script, style),
        style=Markup(style),
        script=Markup(script),
    )
    return str(page)


def _measure(shown: Any) -> int:
    return len(escape_json(shown).encode())


class Section(NamedTuple):
    """A section as the page shows it."""

    id: str
    title: str
    link: str
    content: Markup


def make_section(part: ReportPart, context: ReportContext) -> Section | None:
    """The section of a part, or None if it is empty. Raises SetupError if a foreign part fails."""
    own = type(part) in PARTS
    try:
        content = escape(part.render(context))
    except Exception as error:
        if own:
            raise
        raise SetupError(
            f"The report part `{part.get_name()}` of {type(part).__module__} failed ({type(error).__name__}: {error}):"
            " update or uninstall the package that adds it."
        ) from error
    # unprefixed ids belong to the script and the style sheet
    name = part.get_name() if own else f"part-{part.get_name()}"
    return Section(name, part.title, part.link, content) if content else None


def write_policy(script: str, style: str) -> str:
    """A content security policy that admits this script, this style sheet and embedded images only."""
    return (
        f"default-src 'none'; script-src '{_hash(script)}'; style-src '{_hash(style)}'; img-src data:;"
        " base-uri 'none'; form-action 'none'"
    )


def make_index(
    windows: Sequence[Window], flow: Sequence[Step], *, meanings: Mapping[str, str] | None = None
) -> dict[str, Any]:
    """The gallery's data for the script: windows with their pairs, totals of the run, and what each score means."""
    curated = next((step for step in flow if step.stage == CURATE), None)
    return {
        "kept": curated.kept if curated else 0,
        "dropped": curated.entered - curated.kept if curated else 0,
        "scores": dict(meanings or {}),
        "windows": [
            {
                "id": window.sample_id,
                "source": window.source_uri,
                "language": window.language,
                "pages": window.page_numbers,
                "kept": window.total[""],
                "dropped": window.total.total() - window.total[""],
                "pairs": window.pairs,
                "facts": window.facts,
            }
            for window in windows
        ],
    }


def explain_scores(config: Config) -> dict[str, str]:
    """What each score means, and which values its filter keeps."""
    kept = {each.bound.score: f"; kept: {each.bound.describe()}" for each in config.curate.filters if each.bound}
    return {each.name: each.metadata["meaning"] + kept.get(each.name, "") for each in fields(Scores)}


def list_figures(flow: Sequence[Step], tokens: Mapping[str, float], cost: Cost) -> list[tuple[str, str, str]]:
    """The figures at the top: value, name, note."""
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


def describe_sheet(sheet: Sheet) -> dict[str, Any]:
    """A sheet for the script."""
    about = {"page": sheet.page, "w": sheet.width_px, "h": sheet.height_px}
    return about | ({"src": sheet.src} if sheet.src else {"problem": sheet.problem})


def _hash(content: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()
