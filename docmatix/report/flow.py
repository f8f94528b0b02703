"""The ledger as a flow from documents to pairs: the width of each step, and its losses by reason."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal

from markupsafe import Markup

from docmatix.pipeline import CURATE, DEDUP, EXTRACT, GENERATE, PACK, VERIFY
from docmatix.prompting.draws import DrawCounts
from docmatix.report.markup import fill_file
from docmatix.report.part import ReportContext, ReportPart

WIDTH = 1000
"""Of a step's drawing, which is stretched to the width of the page."""

BAR, TAPER = 22, 26
"""Heights, in units of their drawings."""

COLORS = 5
"""Reasons with a colour of their own at a step; the others share one more."""

_STEPS = {
    (EXTRACT, "documents"): "Documents read",
    (DEDUP, "documents"): "Documents there once",
    (GENERATE, "windows"): "Windows with something to ask",
    (GENERATE, "requests"): "Requests answered",
    (GENERATE, "pairs"): "Pairs read from replies",
    (VERIFY, "pairs"): "Pairs checked",
    (CURATE, "pairs"): "Pairs that passed the filters",
    (PACK, "pairs"): "Pairs in the dataset",
}
"""The steps in order; other units of a stage stand beside its first step."""


@dataclass(frozen=True, slots=True)
class Loss:
    """Items dropped for one reason; `color` is at most `COLORS`."""

    reason: str
    count: int
    color: int


@dataclass(frozen=True, slots=True)
class Aside:
    """Another unit that a stage counts, such as pages beside documents."""

    unit: str
    entered: int
    kept: int
    losses: tuple[Loss, ...]


@dataclass(frozen=True, slots=True)
class Step:
    """One step. `start`, `end` and `after` are widths (0..1) of what entered, of what went on, and of the next step,
    whose unit may differ."""

    stage: str
    unit: str
    title: str
    entered: int
    kept: int
    losses: tuple[Loss, ...]
    start: float
    end: float
    after: float
    asides: tuple[Aside, ...] = ()
    shards: tuple[int, int] = (0, 0)
    """Done and planned."""
    drawing: Markup = field(default_factory=Markup)


class FlowPart(ReportPart):
    """What entered each step, what went on, and what was dropped for which reason."""

    kind: Literal["flow"] = "flow"
    title: ClassVar[str] = "From documents to pairs"
    link: ClassVar[str] = "Flow"

    def render(self, context: ReportContext) -> str:
        drawn = DrawCounts.add_up([context.status["windows"]])
        return fill_file(
            "flow.html", steps=context.steps, windows=drawn.describe_windows(), prompts=drawn.describe_prompts()
        )


def lay_out_flow(stages: Sequence[Mapping[str, Any]]) -> list[Step]:
    """The steps out of the stages of `status --json` that have counted anything."""
    found = [
        (stage, line)
        for stage in stages
        for line in stage["ledger"]
        if (stage["stage"], line["unit"]) in _STEPS and line["in"]
    ]
    # each unit starts at full width and keeps its scale from step to step
    whole: dict[str, int] = {}
    widths = []
    for _, line in found:
        of = whole.setdefault(line["unit"], max(1, line["in"]))
        widths.append((min(1.0, line["in"] / of), min(1.0, line["out"] / of)))
    steps = []
    with_asides = set()
    for number, ((stage, line), (start, end)) in enumerate(zip(found, widths, strict=True)):
        name = stage["stage"]
        after = widths[number + 1][0] if number + 1 < len(found) else end
        losses = rank_losses(line["dropped"])
        asides = () if name in with_asides else tuple(_list_asides(stage))
        with_asides.add(name)
        steps.append(
            Step(
                stage=name,
                unit=line["unit"],
                title=_STEPS[name, line["unit"]],
                entered=line["in"],
                kept=line["out"],
                losses=losses,
                start=start,
                end=end,
                after=after,
                asides=asides,
                shards=(stage["shards_done"], stage["shards"]),
                drawing=draw_step(line["in"], line["out"], losses, start=start, after=after),
            )
        )
    return steps


def rank_losses(dropped: Mapping[str, int]) -> tuple[Loss, ...]:
    """The commonest reasons first, with the clearest colours."""
    ranked = sorted(dropped.items(), key=lambda item: (-item[1], item[0]))
    return tuple(Loss(reason, count, min(color, COLORS)) for color, (reason, count) in enumerate(ranked))


def draw_step(entered: int, kept: int, losses: Sequence[Loss], *, start: float, after: float) -> Markup:
    """A bar of what entered, tapering into the width of the next step."""
    edge = WIDTH * start * kept / max(1, entered)
    taper = f'<polygon points="0,0 {edge:.1f},0 {WIDTH * after:.1f},{TAPER} 0,{TAPER}"/>'
    return draw_bar(entered, kept, losses, start=start) + _draw("taper", TAPER, taper)


def draw_bar(entered: int, kept: int, losses: Sequence[Loss], *, start: float) -> Markup:
    """A bar `start` wide (0..1): kept items, then each loss, at least two units wide. Holds figures only, no text."""
    scale = WIDTH * start / max(1, entered)
    x = kept * scale
    parts = [f'<rect class="kept" width="{x:.1f}" height="{BAR}"/>']
    for loss in losses:
        width = max(loss.count * scale, 2.0)
        parts.append(f'<rect class="loss c{loss.color}" x="{x:.1f}" width="{width:.1f}" height="{BAR}"/>')
        x += width
    return _draw("bar", BAR, "".join(parts))


def draw_strip(share: float) -> Markup:
    """A plain bar of this width, 0..1."""
    return _draw("bar", BAR, f'<rect class="plain" width="{WIDTH * share:.1f}" height="{BAR}"/>')


def _draw(name: str, height: int, content: str) -> Markup:
    hidden = 'preserveAspectRatio="none" aria-hidden="true" focusable="false"'
    return Markup(f'<svg class="{name}" viewBox="0 0 {WIDTH} {height}" {hidden}>{content}</svg>')


def _list_asides(stage: Mapping[str, Any]) -> list[Aside]:
    seen = [
        Aside(line["unit"], line["in"], line["out"], rank_losses(line["dropped"]))
        for line in stage["ledger"]
        if (stage["stage"], line["unit"]) not in _STEPS and line["in"]
    ]
    # every document passes through generate; that line says nothing
    return [aside for aside in seen if aside.losses or aside.unit != "documents"]
