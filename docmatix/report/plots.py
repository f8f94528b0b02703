"""The plots of a dataset's statistics as text and bars that take the colours of the page and stay legible on a phone,
unlike the images of `docmatix.dataset.plots`.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

from markupsafe import Markup

from docmatix.dataset.plots import list_bars, list_outcomes
from docmatix.report.flow import COLORS, Loss, draw_bar, draw_strip, rank_losses
from docmatix.report.markup import fill_file
from docmatix.report.part import ReportContext, ReportPart


@dataclass(frozen=True, slots=True)
class Bar:
    """One line of a plot: label, drawing, and figure."""

    label: str
    drawing: Markup
    figure: str


@dataclass(frozen=True, slots=True)
class Plot:
    """Bars to compare; `legend` explains their colours, if any."""

    title: str
    bars: tuple[Bar, ...]
    legend: tuple[Loss, ...] = ()


@dataclass(frozen=True, slots=True)
class Plots:
    """What `stats.json` shows; figures of a single prompt (`alone`) are not drawn."""

    alone: tuple[tuple[str, str, str], ...] = ()
    """Title, figure, and note."""
    compared: tuple[Plot, ...] = ()


class PlotsPart(ReportPart):
    """The statistics of a finished dataset; empty while there is no `stats.json`."""

    kind: Literal["plots"] = "plots"
    title: ClassVar[str] = "The dataset"
    link: ClassVar[str] = "Plots"

    def render(self, context: ReportContext) -> str:
        store = context.job.run.store
        plots = (
            make_plots(json.loads(store.read("dataset/stats.json"))) if store.exists("dataset/stats.json") else Plots()
        )
        return fill_file("plots.html", plots=plots) if plots.alone or plots.compared else ""


def make_plots(summary: Mapping[str, Any]) -> Plots:
    """The plots of `stats.json`, in order."""
    alone, compared = [], []
    single = len(summary.get("by_prompt", {})) <= 1
    for title, bars in list_bars(summary).items():
        if not bars:
            continue
        if single and title.endswith(" by prompt"):
            figure, _, note = bars[0][2].partition(" (")
            alone.append((title.removesuffix(" by prompt"), figure, note.removesuffix(")")))
            continue
        longest = max(value for _, value, _ in bars) or 1
        drawn = (Bar(label, draw_strip(value / longest), figure) for label, value, figure in bars)
        compared.append(Plot(_to_title(title), tuple(drawn)))
    if (outcomes := list_outcomes(summary)) and not single:
        compared.insert(0, _draw_outcomes(outcomes))
    return Plots(tuple(alone), tuple(compared))


def _draw_outcomes(rows: Sequence[tuple[str, Mapping[str, int]]]) -> Plot:
    dropped: Counter[str] = Counter()
    for _, counts in rows:
        dropped.update({reason: count for reason, count in counts.items() if reason != "kept"})
    legend = rank_losses(dropped)
    colors = {loss.reason: loss.color for loss in legend}
    bars = []
    for name, counts in rows:
        of_all, kept = sum(counts.values()), counts.get("kept", 0)
        losses = [Loss(reason, n, colors.get(reason, COLORS)) for reason, n in counts.items() if reason != "kept"]
        losses.sort(key=lambda loss: loss.color)
        drawing = draw_bar(of_all, kept, losses, start=1.0)
        bars.append(Bar(name, drawing, f"{kept / max(1, of_all):.0%} of {of_all:,} kept"))
    return Plot("What became of the pairs by prompt", tuple(bars), legend)


def _to_title(name: str) -> str:
    return name[:1].upper() + name[1:]
