"""The ledger as a flow from documents to pairs: how wide each step is, what was lost there and for which reason."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal

from markupsafe import Markup

from docmatix.pipeline import CURATE, DEDUP, EXTRACT, GENERATE, PACK, VERIFY
from docmatix.report.markup import fill_file
from docmatix.report.part import ReportContext, ReportPart

WIDTH = 1000
"""Of a step's drawing; it is stretched to the width of the page."""

BAR, TAPER = 22, 26
"""Heights, each in units of its own drawing."""

COLORS = 5
"""Reasons with a colour of their own at one step; what is left shares the last one."""

_STEPS = {
    (EXTRACT, "documents"): "Documents read",
    (DEDUP, "documents"): "Documents there once",
    (GENERATE, "windows"): "Windows with something to ask",
    (GENERATE, "requests"): "Requests answered",
    (GENERATE, "pairs"): "Pairs read from replies",
    (VERIFY, "pairs"): "Pairs asked again",
    (CURATE, "pairs"): "Pairs that passed the filters",
    (PACK, "pairs"): "Pairs in the dataset",
}
"""What the flow goes through, in its order; the other units of a stage stand beside it."""


@dataclass(frozen=True, slots=True)
class Loss:
    """So many items dropped for one reason; `color` is a number below `COLORS + 1`."""

    reason: str
    count: int
    color: int


@dataclass(frozen=True, slots=True)
class Aside:
    """Another unit that the same stage counts: pages beside documents."""

    unit: str
    entered: int
    kept: int
    losses: tuple[Loss, ...]


@dataclass(frozen=True, slots=True)
class Step:
    """One step of the flow. `start`, `end` and `after` are widths, 0..1: of what came in, of what went out, and of what
    the next step begins with (its unit may be another one)."""

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
        return fill_file("flow.html", steps=context.steps)


def lay_out_flow(stages: Sequence[Mapping[str, Any]]) -> list[Step]:
    """The steps of the stages of `status --json` that have counted anything."""
    found = [
        (stage, line)
        for stage in stages
        for line in stage["ledger"]
        if (stage["stage"], line["unit"]) in _STEPS and line["in"]
    ]
    # each unit begins with the whole width, and keeps its scale from step to step
    whole: dict[str, int] = {}
    widths = []
    for _, line in found:
        of = whole.setdefault(line["unit"], max(1, line["in"]))
        widths.append((min(1.0, line["in"] / of), min(1.0, line["out"] / of)))
    steps = []
    asides_told = set()
    for number, ((stage, line), (start, end)) in enumerate(zip(found, widths, strict=True)):
        name = stage["stage"]
        after = widths[number + 1][0] if number + 1 < len(found) else end
        losses = rank_losses(line["dropped"])
        asides = () if name in asides_told else tuple(_list_asides(stage))
        asides_told.add(name)
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
    """The commonest reasons first, and with the clearest colours."""
    ranked = sorted(dropped.items(), key=lambda item: (-item[1], item[0]))
    return tuple(Loss(reason, count, min(color, COLORS)) for color, (reason, count) in enumerate(ranked))


def draw_step(entered: int, kept: int, losses: Sequence[Loss], *, start: float, after: float) -> Markup:
    """A bar of what came in, and below it how what was kept goes over into the next step's width."""
    edge = WIDTH * start * kept / max(1, entered)
    taper = f'<polygon points="0,0 {edge:.1f},0 {WIDTH * after:.1f},{TAPER} 0,{TAPER}"/>'
    return draw_bar(entered, kept, losses, start=start) + _draw("taper", TAPER, taper)


def draw_bar(entered: int, kept: int, losses: Sequence[Loss], *, start: float) -> Markup:
    """A bar `start` wide (0..1) of what came in: kept first, then each loss. One too small to be seen gets two units.

    Drawings hold figures alone, no text of the run.
    """
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
    # documents pass through generate as a whole; that line says nothing
    return [aside for aside in seen if aside.losses or aside.unit != "documents"]
